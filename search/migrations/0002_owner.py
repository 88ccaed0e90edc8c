from django.db import migrations, models

# So that nobody has to index everything anew for the one column.
FILL = """
UPDATE search_document SET owner = team.slug
FROM registry_product AS product JOIN accounts_team AS team ON team.id = product.owner_id
WHERE product.id = search_document.product_id
"""


class Migration(migrations.Migration):
    dependencies = [("search", "0001_initial"), ("registry", "0002_append_only_events")]

    operations = [
        migrations.AddField(
            model_name="document",
            name="owner",
            field=models.CharField(default="", help_text="Slug of the team.", max_length=63),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
