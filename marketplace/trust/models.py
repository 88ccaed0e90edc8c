"""What stewards decide about the checklist. Nothing that a product says is here."""

from django.db import models
from django.db.models.functions import Now


class ChecklistPolicy(models.Model):
    """The one row of what stewards set: a level by the key of an item; what is not there is at its default."""

    ID = 1

    levels = models.JSONField(default=dict)
    revision = models.PositiveIntegerField(default=0, help_text="Grows with each change; 0 where nothing was changed.")
    changed_at = models.DateTimeField(db_default=Now())
    changed_by = models.CharField(max_length=150, blank=True)

    def __str__(self) -> str:
        return f"checklist policy, revision {self.revision}"
