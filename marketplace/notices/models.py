"""What a person follows and searches for again, and what they were told of it. Each row is one person's own.

Events are referred to without a constraint of the database: the log itself refuses that any goes.
"""

import uuid
from urllib.parse import parse_qs

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from marketplace.accounts.models import User
from registry.models import Domain, Event, Product

NAME_LIMIT = 120  # characters of a saved search's name
QUERY_LIMIT = 4000  # characters of a normalised query string: 500 of a question, percent-encoded, and a few filters


class Follow(models.Model):
    """A person follows a product, or a domain with all that is below it: exactly one of the two is set."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    product = models.ForeignKey(Product, null=True, on_delete=models.CASCADE, related_name="+")
    domain = models.ForeignKey(Domain, null=True, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(product__isnull=True) ^ Q(domain__isnull=True), name="follow_one_thing"),
            models.UniqueConstraint(fields=["user", "product"], name="follow_product_once"),
            models.UniqueConstraint(fields=["user", "domain"], name="follow_domain_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} follows {self.subject}"

    @property
    def subject(self) -> str:
        """The URN of what is followed. Reads the product and its domain, or the domain."""
        return subject_of(self.product or self.domain)


def subject_of(target: Product | Domain | None) -> str:
    """The URN of a product, or of a domain: `urn:domain:<slug>`."""
    return target.urn if isinstance(target, Product) else f"urn:domain:{target.slug if target else ''}"


class SavedSearch(models.Model):
    """A question with its filters, to be asked again, and to be told of what is published that fits it."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=NAME_LIMIT)
    query = models.CharField(max_length=QUERY_LIMIT, help_text="Normalised query string of the search page.")
    created_at = models.DateTimeField(db_default=Now())
    opened_at = models.DateTimeField(db_default=Now(), help_text="What fits and is newer counts as new.")

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["user", "query"], name="saved_search_once")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Opens it: counts nothing as new any more and leads to the search page."""
        return reverse("notices:search-open", args=[self.uuid])

    @property
    def urn(self) -> str:
        """What the event log calls it; the log never holds what is searched for."""
        return f"urn:search:{self.uuid}"

    @property
    def asked(self) -> dict[str, list[str]]:
        """The question and the filters by name."""
        return parse_qs(self.query)


class Entry(models.Model):
    """One thing a person is told: an event of what they follow, or that something published fits a saved search.

    `count` is how many products it speaks of; with more than one, `event` is the last of them. `title` is that
    product's as it was, since the entry outlives it.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, db_index=False, related_name="+")
    event = models.ForeignKey(Event, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    title = models.CharField(max_length=140, blank=True)
    count = models.PositiveIntegerField(default=1)
    domain = models.ForeignKey(Domain, null=True, on_delete=models.CASCADE, related_name="+")
    search = models.ForeignKey(SavedSearch, null=True, on_delete=models.CASCADE, related_name="entries")
    created_at = models.DateTimeField(db_default=Now())
    read_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["user", "event"], condition=Q(search=None), name="entry_once"),
            models.UniqueConstraint(fields=["search", "event"], condition=~Q(search=None), name="entry_once_a_search"),
        ]
        indexes = [
            models.Index(fields=["user", "-id"], name="entry_newest"),
            models.Index(fields=["user"], condition=Q(read_at=None), name="entry_unread"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} is told of event {self.event_id}"


class NewProduct(models.Model):
    """A product that was published and not yet held against the saved searches. It waits here for its vector."""

    product = models.OneToOneField(Product, primary_key=True, on_delete=models.CASCADE, related_name="+")
    event = models.ForeignKey(Event, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["event_id"]

    def __str__(self) -> str:
        return f"new product {self.product_id}"


class Visit(models.Model):
    """When a person last looked at their dashboard, and since when it tells what changed."""

    user = models.OneToOneField(User, primary_key=True, on_delete=models.CASCADE, related_name="+")
    seen_at = models.DateTimeField(db_default=Now())
    since = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.user_id} was here at {self.seen_at}"
