"""The phone book: what a product is called, a few sentences, who owns it, and where to ask for everything else.

Nothing fetched from a product is ever here.
"""

import re
import uuid

from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Now
from django.urls import reverse

from marketplace.accounts.models import Team

SLUG = RegexValidator(
    r"^[a-z0-9]+(?:-[a-z0-9]+)*$", "Use small letters, digits and single hyphens, like global-precipitation."
)
SUMMARY_LIMIT = 1200  # characters: two short paragraphs
MESSAGE_LIMIT = 500  # characters: what a deprecation tells those who use the product


class Domain(models.Model):
    """A namespace of products; a tree, so that browsing narrows. URNs carry the slug, which is unique in the mesh."""

    slug = models.CharField(max_length=63, unique=True, validators=[SLUG])
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    path = models.CharField(
        max_length=400, unique=True, editable=False, help_text="Slugs from the root, like climate/precipitation."
    )
    title = models.CharField(max_length=120)
    summary = models.CharField(max_length=400, blank=True)

    # Listed products here and below; set by queries.domains_with_counts only.
    count: int
    # Root first; set by queries.by_address only.
    known_ancestors: "list[Domain] | None" = None

    class Meta:
        ordering = ["path"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("catalogue:domain", args=[self.slug])

    @property
    def ancestor_slugs(self) -> list[str]:
        """Slugs from the root down to the parent."""
        return self.path.split("/")[:-1]


class Tag(models.Model):
    """A word of the mesh's glossary."""

    slug = models.CharField(max_length=63, unique=True, validators=[SLUG])
    label = models.CharField(max_length=63)

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.label


class Lifecycle(models.TextChoices):
    """draft → published ⇄ paused → deprecated → retired."""

    DRAFT = "draft", "Draft"
    PUBLISHED = "published", "Published"
    PAUSED = "paused", "Paused"
    DEPRECATED = "deprecated", "Deprecated"
    RETIRED = "retired", "Retired"


LISTED = (Lifecycle.PUBLISHED, Lifecycle.PAUSED, Lifecycle.DEPRECATED)

TRANSITIONS: dict[str, frozenset[str]] = {
    Lifecycle.DRAFT: frozenset({Lifecycle.PUBLISHED}),
    Lifecycle.PUBLISHED: frozenset({Lifecycle.PAUSED, Lifecycle.DEPRECATED}),
    Lifecycle.PAUSED: frozenset({Lifecycle.PUBLISHED, Lifecycle.DEPRECATED}),
    Lifecycle.DEPRECATED: frozenset({Lifecycle.RETIRED}),
    Lifecycle.RETIRED: frozenset(),
}


class ProductType(models.TextChoices):
    """The three kinds of data product a mesh distinguishes."""

    SOURCE_ALIGNED = "source-aligned", "Source-aligned"
    AGGREGATE = "aggregate", "Aggregate"
    CONSUMER_ALIGNED = "consumer-aligned", "Consumer-aligned"


class AccessMode(models.TextChoices):
    """Whether anybody may consume, or the owner decides."""

    OPEN = "open", "Open"
    ON_REQUEST = "on_request", "On request"


class Product(models.Model):
    """A data product's entry: `domain` + `name` is unique, the URN its address."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    domain = models.ForeignKey(Domain, on_delete=models.PROTECT, related_name="products")
    name = models.CharField(max_length=63, validators=[SLUG])
    title = models.CharField(max_length=140)
    summary = models.TextField(max_length=SUMMARY_LIMIT)
    type = models.CharField(max_length=20, choices=ProductType.choices, blank=True)
    tags = models.ManyToManyField(Tag, blank=True, related_name="products")
    owner = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="products")
    lifecycle = models.CharField(max_length=12, choices=Lifecycle.choices, default=Lifecycle.DRAFT)
    access_mode = models.CharField(max_length=12, choices=AccessMode.choices, default=AccessMode.ON_REQUEST)
    revision = models.PositiveIntegerField(
        default=1, help_text="Grows with each change, so that two editors notice each other."
    )
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    published_at = models.DateTimeField(null=True, blank=True)

    # Whether it says which goals it serves; set by queries.by_address only.
    has_purposes: bool

    class Meta:
        ordering = ["title", "id"]
        constraints = [
            models.UniqueConstraint(fields=["domain", "name"], name="product_domain_name"),
            models.CheckConstraint(condition=models.Q(lifecycle__in=Lifecycle.values), name="product_lifecycle"),
        ]
        indexes = [
            models.Index(fields=["lifecycle", "-published_at", "-id"], name="product_newest"),
            models.Index(fields=["domain", "lifecycle"], name="product_in_domain"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("catalogue:product", args=[self.domain.slug, self.name])

    @property
    def urn(self) -> str:
        """The product's address in the mesh. Reads the domain."""
        return f"urn:dp:{self.domain.slug}:{self.name}"

    @property
    def is_listed(self) -> bool:
        """Whether everybody may see it."""
        return self.lifecycle in LISTED

    def may_become(self, lifecycle: str) -> bool:
        """Whether the lifecycle allows the step."""
        return lifecycle in TRANSITIONS[self.lifecycle]

    @property
    def paragraphs(self) -> list[str]:
        """The summary as paragraphs of plain text."""
        return [part.strip() for part in re.split(r"\n\s*\n", self.summary) if part.strip()]


class Deprecation(models.Model):
    """What the owner says of a product that will go: what follows it, until when it stays, and a few words."""

    product = models.OneToOneField(Product, on_delete=models.CASCADE, related_name="deprecation")
    successor = models.ForeignKey(Product, null=True, blank=True, on_delete=models.SET_NULL, related_name="replaces")
    retires_on = models.DateField(null=True, blank=True)
    message = models.CharField(max_length=MESSAGE_LIMIT, blank=True)

    def __str__(self) -> str:
        return f"deprecation of product {self.product_id}"

    @property
    def listed_successor(self) -> Product | None:
        """What follows, while everybody may see it."""
        return self.successor if self.successor is not None and self.successor.is_listed else None


class TransferOffer(models.Model):
    """A product offered to another team, until one of that team accepts it or either side ends the offer."""

    product = models.OneToOneField(Product, on_delete=models.CASCADE, related_name="transfer_offer")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="offers")
    offered_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"product {self.product_id} offered to {self.team_id}"


class Undo(models.Model):
    """How a product was before its last change, for the minute in which that can be taken back.

    `before` holds what the registry held, and only the part that the change touched.
    """

    product = models.OneToOneField(Product, on_delete=models.CASCADE, related_name="undo")
    event_type = models.CharField(max_length=60)
    revision = models.PositiveIntegerField(help_text="After the change; with another one it is too late.")
    before = models.JSONField()
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.event_type} of product {self.product_id}"


class Goal(models.Model):
    """What data products are for: a business goal, or below one a use case. The tree has these two levels.

    The slugs of both are unique together, so that one word filters by either.
    """

    slug = models.CharField(max_length=63, unique=True, validators=[SLUG])
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="use_cases")
    title = models.CharField(max_length=140)
    summary = models.TextField(max_length=SUMMARY_LIMIT, blank=True)
    owner = models.ForeignKey(
        Team, null=True, blank=True, on_delete=models.SET_NULL, related_name="goals", help_text="Who answers for it."
    )
    created_at = models.DateTimeField(db_default=Now())

    # Listed products that serve it or a use case of it; set by goals.tree only.
    count: int

    class Meta:
        ordering = ["title", "id"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("catalogue:goal", args=[self.slug])

    @property
    def urn(self) -> str:
        """The subject of its events."""
        return f"urn:goal:{self.slug}"

    @property
    def kind(self) -> str:
        """In words: what of the two it is."""
        return "use case" if self.parent_id else "goal"


class Purpose(models.Model):
    """That a product serves a use case or a goal, and how one would see that it does: its measure of success."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="purposes")
    goal = models.ForeignKey(Goal, on_delete=models.PROTECT, related_name="purposes")
    hypothesis = models.CharField(max_length=400, blank=True)
    measure = models.CharField(max_length=200, blank=True)
    target = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["product", "goal"], name="purpose_once")]

    def __str__(self) -> str:
        return f"product {self.product_id} for goal {self.goal_id}"


class Rel(models.TextChoices):
    """What a link leads to."""

    DISCOVERY = "discovery", "Discovery"
    OBSERVABILITY = "observability", "Observability"
    CONTROL = "control", "Control"
    CERTIFICATION = "certification", "Certification"
    CONSUMPTION = "consumption", "Consumption"
    CONTRACT = "contract", "Contract"
    DOCUMENTATION = "documentation", "Documentation"
    SOURCE = "source", "Source"


class Link(models.Model):
    """Relation, URL and media type: all the registry knows of where a product answers."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="links")
    rel = models.CharField(max_length=20, choices=Rel.choices)
    url = models.URLField(max_length=2000)
    media_type = models.CharField(max_length=120, blank=True)
    title = models.CharField(max_length=140, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["product", "rel", "url"], name="link_once")]

    def __str__(self) -> str:
        return f"{self.rel} {self.url}"


class PortEdge(models.Model):
    """A port's contract, so that lineage between products can be followed: ids and versions only."""

    class Direction(models.TextChoices):
        IN = "in", "Input port"
        OUT = "out", "Output port"

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="port_edges")
    direction = models.CharField(max_length=3, choices=Direction.choices)
    port = models.CharField(max_length=120)
    contract_id = models.CharField(max_length=200, db_index=True)
    contract_version = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["product", "direction", "port", "contract_id"], name="port_edge_once")
        ]

    def __str__(self) -> str:
        return f"{self.direction} {self.port} {self.contract_id}"


class Event(models.Model):
    """One thing that happened, CloudEvents-shaped. Ids follow the order of commits; the database refuses any change.

    The subject is a URN and the actor a user name, not foreign keys: the log outlives what it speaks of.
    """

    id = models.BigAutoField(primary_key=True)
    type = models.CharField(max_length=60)
    subject = models.CharField(max_length=140)
    time = models.DateTimeField(db_default=Now())
    actor = models.CharField(max_length=150, blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["subject", "id"], name="event_of_subject")]

    def __str__(self) -> str:
        return f"{self.id} {self.type} {self.subject}"


class EventCursor(models.Model):
    """How far a subscriber has read the log."""

    subscriber = models.CharField(max_length=60, primary_key=True)
    position = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.subscriber} at {self.position}"
