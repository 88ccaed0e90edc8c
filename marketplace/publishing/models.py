"""What the producer's journey itself keeps: catalogues of which many datasets were published at once."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from marketplace.accounts.models import Team
from marketplace.publishing.guided_models import GuidedDraft as GuidedDraft  # Django looks for models here
from registry.models import AccessMode, Domain


class RunState(models.TextChoices):
    """queued → running → done, or failed where the catalogue is no longer at hand."""

    QUEUED = "queued", "Waiting for a worker"
    RUNNING = "running", "Publishing"
    DONE = "done", "Done"
    FAILED = "failed", "Stopped"


OPEN = (RunState.QUEUED, RunState.RUNNING)


class CatalogueRun(models.Model):
    """Datasets of one catalogue being published: what was chosen, and what became of each.

    `results` holds a row for each dataset that is settled: place, title, result (created, updated, unchanged, already,
    refused), urn and reason. `chosen` are the places of the chosen ones in the catalogue.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    key = models.CharField(max_length=64, unique=True, help_text="Of who, what and where to: sent twice, it is one.")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="catalogue_runs")
    owner = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="catalogue_runs")
    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="+")
    access_mode = models.CharField(max_length=12, choices=AccessMode.choices)
    new_tags = models.BooleanField(default=False, help_text="Words that are not in the glossary become part of it.")
    url = models.CharField(max_length=2048)
    inspection = models.CharField(max_length=40)
    chosen = models.JSONField(default=list)
    results = models.JSONField(default=list)
    total = models.PositiveIntegerField()
    state = models.CharField(max_length=8, choices=RunState.choices, default=RunState.QUEUED)
    problem = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    beat_at = models.DateTimeField(null=True, blank=True, help_text="The last sign of the worker that is at it.")
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.total} datasets of {self.url}"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be done by itself."""
        return self.state not in OPEN
