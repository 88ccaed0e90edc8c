"""What a producer answered in the guided form: working papers of one person, until they delete them."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.urls import reverse

from registry.models import Product


class GuidedDraft(models.Model):
    """Answers by the name of the form's field, as they were typed, good or not. `product` once it is registered."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="guided_drafts")
    answers = models.JSONField(default=dict)
    complete = models.BooleanField(default=False, help_text="Whether the form took all of it when it was sent last.")
    product = models.ForeignKey(Product, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-updated_at", "-id"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("publishing:guided-check" if self.complete else "publishing:guided-edit", args=[self.uuid])

    @property
    def title(self) -> str:
        """The title that was typed, or what stands for one."""
        return str(self.answers.get("title", "")).strip()[:140] or "Without a title yet"
