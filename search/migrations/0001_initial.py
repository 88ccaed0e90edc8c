"""The extension that PostgreSQL needs for vectors, and the index of the listed products."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.functions.datetime
import pgvector.django.halfvec
import pgvector.django.indexes
from django.db import migrations, models
from pgvector.django import VectorExtension


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("registry", "0002_append_only_events"),
    ]

    operations = [
        VectorExtension(),
        migrations.CreateModel(
            name="Document",
            fields=[
                (
                    "product",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="document",
                        serialize=False,
                        to="registry.product",
                    ),
                ),
                (
                    "title_key",
                    models.TextField(
                        help_text="The title's words in small letters, for exact titles and beginnings of titles."
                    ),
                ),
                (
                    "text",
                    django.contrib.postgres.search.SearchVectorField(help_text="Title and name A, tags B, summary C."),
                ),
                (
                    "embedding",
                    pgvector.django.halfvec.HalfVectorField(
                        dimensions=384, help_text="Unit length; absent until the embedder has been.", null=True
                    ),
                ),
                (
                    "model",
                    models.CharField(
                        blank=True, help_text="The name of the model that made the vector.", max_length=200
                    ),
                ),
                (
                    "content_hash",
                    models.CharField(help_text="MD5 of the words that are to be embedded.", max_length=32),
                ),
                (
                    "embedded_hash",
                    models.CharField(blank=True, help_text="MD5 of the words that were embedded.", max_length=32),
                ),
                (
                    "domains",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=63),
                        help_text="Slugs from the root of the tree down to the product's domain.",
                        size=None,
                    ),
                ),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=63), default=list, size=None
                    ),
                ),
                ("type", models.CharField(blank=True, max_length=20)),
                ("access_mode", models.CharField(max_length=12)),
                ("lifecycle", models.CharField(max_length=12)),
                (
                    "changed_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="When the content changed; the embedder takes the newest first.",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["title_key"], name="search_title", opclasses=["text_pattern_ops"]),
                    django.contrib.postgres.indexes.GinIndex(fields=["text"], name="search_text"),
                    django.contrib.postgres.indexes.GinIndex(fields=["tags"], name="search_tags"),
                    django.contrib.postgres.indexes.GinIndex(fields=["domains"], name="search_domains"),
                    pgvector.django.indexes.HnswIndex(
                        ef_construction=64,
                        fields=["embedding"],
                        m=16,
                        name="search_meaning",
                        opclasses=["halfvec_cosine_ops"],
                    ),
                    models.Index(
                        condition=models.Q(("embedded_hash", models.F("content_hash")), _negated=True),
                        fields=["-changed_at"],
                        name="search_stale",
                    ),
                    models.Index(fields=["model"], name="search_model"),
                ],
            },
        ),
    ]
