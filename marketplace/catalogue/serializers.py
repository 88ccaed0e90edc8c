"""The shapes of products in the REST API."""

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from marketplace.accounts.models import Team
from registry import queries
from registry.api import LinkSerializer
from registry.models import (
    MESSAGE_LIMIT,
    SUMMARY_LIMIT,
    AccessMode,
    Deprecation,
    Product,
    ProductType,
    Rel,
    TransferOffer,
)
from registry.services import LINK_LIMIT, TAG_LIMIT, LinkData, PortData, ProductData


class TeamSerializer(serializers.ModelSerializer[Team]):
    """Who owns the product."""

    class Meta:
        model = Team
        fields = ["slug", "name", "email"]


class DeprecationSerializer(serializers.ModelSerializer[Deprecation]):
    """What the owner says of a product that will go."""

    successor = serializers.CharField(
        source="listed_successor.urn",
        default=None,
        read_only=True,
        help_text="URN of what follows, while it is listed.",
    )

    class Meta:
        model = Deprecation
        fields = ["successor", "retires_on", "message"]


class ProductSerializer(serializers.ModelSerializer[Product]):
    """A registered product: all that the marketplace stores of it."""

    urn = serializers.CharField(read_only=True)
    domain = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    domain_path = serializers.CharField(source="domain.path", read_only=True)
    tags = serializers.SlugRelatedField[Any](slug_field="slug", many=True, read_only=True)
    owner = TeamSerializer(read_only=True)
    links = LinkSerializer(many=True, read_only=True)
    deprecation = DeprecationSerializer(read_only=True, allow_null=True, default=None)
    url = serializers.SerializerMethodField(help_text="The product's page.")
    live_url = serializers.SerializerMethodField(help_text="What the product says of itself now.")

    class Meta:
        model = Product
        fields = [
            "uuid", "urn", "domain", "domain_path", "name", "title", "summary", "type", "tags", "owner", "lifecycle",
            "deprecation", "access_mode", "links", "revision", "created_at", "updated_at", "published_at", "url",
            "live_url",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.URLField())
    def get_url(self, product: Product) -> str:
        """Absolute."""
        return self._absolute(product.get_absolute_url())

    @extend_schema_field(serializers.URLField())
    def get_live_url(self, product: Product) -> str:
        """Absolute."""
        return self._absolute(reverse("api:product-live", args=[product.uuid]))

    def _absolute(self, path: str) -> str:
        request = self.context.get("request")
        return request.build_absolute_uri(path) if request else path


class LinkInput(serializers.Serializer[Any]):
    """A link to register."""

    rel = serializers.ChoiceField(choices=Rel.choices)
    url = serializers.CharField(max_length=2000)
    media_type = serializers.CharField(max_length=120, allow_blank=True, default="")
    title = serializers.CharField(max_length=140, allow_blank=True, default="")


class ProductChanges(serializers.Serializer[Any]):
    """What may change of a registered product. What is left out stays."""

    title = serializers.CharField(max_length=140, required=False)
    summary = serializers.CharField(
        max_length=SUMMARY_LIMIT, required=False, help_text="Two short paragraphs of plain text."
    )
    type = serializers.ChoiceField(choices=ProductType.choices, allow_blank=True, required=False)
    tags = serializers.ListField(child=serializers.CharField(max_length=63), max_length=TAG_LIMIT, required=False)
    access_mode = serializers.ChoiceField(choices=AccessMode.choices, required=False)
    links = serializers.ListField(child=LinkInput(), max_length=LINK_LIMIT, required=False)


class ProductUpdate(ProductChanges):
    """A change to the revision that was read; refused with 409 where somebody changed the product since."""

    revision = serializers.IntegerField(min_value=1)


class NewProduct(ProductChanges):
    """A product to register as a draft."""

    domain = serializers.SlugField(max_length=63, help_text="Slug of a domain of /api/v1/domains/.")
    name = serializers.SlugField(max_length=63, help_text="Unique in the domain; part of the URN, so it never changes.")
    title = serializers.CharField(max_length=140)
    summary = serializers.CharField(max_length=SUMMARY_LIMIT, help_text="Two short paragraphs of plain text.")
    owner = serializers.SlugField(
        max_length=63,
        required=False,
        help_text="Slug of one of your teams; absent: your first team, or a new one of your own.",
    )


class NewDeprecation(serializers.Serializer[Any]):
    """What to say of a product that will go."""

    successor = serializers.CharField(
        max_length=200, required=False, allow_null=True, default=None, help_text="URN of a listed product that follows."
    )
    retires_on = serializers.DateField(
        required=False, allow_null=True, default=None, help_text="The day on which it goes, today or later."
    )
    message = serializers.CharField(
        max_length=MESSAGE_LIMIT, required=False, allow_blank=True, default="", help_text="For those who use it."
    )

    def validate_successor(self, urn: str | None) -> Product | None:
        """The product that everybody sees at this address."""
        if not urn:
            return None
        product = queries.listed_by_urn(urn)
        if product is None:
            raise serializers.ValidationError(f"There is no listed product {urn[:200]!r}; give a URN, urn:dp:….")
        return product


class NewTransfer(serializers.Serializer[Any]):
    """Which team the product is to go to."""

    team = serializers.SlugRelatedField[Team](slug_field="slug", queryset=Team.objects.all())


class OfferSerializer(serializers.ModelSerializer[TransferOffer]):
    """A product offered to a team that has to accept it."""

    team = TeamSerializer(read_only=True)

    class Meta:
        model = TransferOffer
        fields = ["team", "offered_at"]


def product_data(changes: dict[str, Any], before: Product | None = None) -> ProductData:
    """The validated input, filled up from the product where it leaves something out. Reads links, ports and tags.

    Ports are kept: they follow the product's own documents, not the API.
    """
    old: dict[str, Any] = {"access_mode": AccessMode.ON_REQUEST}
    if before is not None:
        old = {
            "domain": before.domain.slug,
            "name": before.name,
            "title": before.title,
            "summary": before.summary,
            "type": before.type,
            "access_mode": before.access_mode,
            "tags": [tag.label for tag in before.tags.all()],
            "links": [LinkData(x.rel, x.url, x.media_type, x.title) for x in before.links.all()],
            "ports": [
                PortData(x.direction, x.port, x.contract_id, x.contract_version) for x in before.port_edges.all()
            ],
        }
    given = {key: value for key, value in changes.items() if key not in {"revision", "owner"}}
    if "links" in given:
        given["links"] = [LinkData(**link) for link in given["links"]]
    return ProductData(**{**old, **given})
