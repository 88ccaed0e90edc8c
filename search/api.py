"""GET /api/v1/search/: the same search for programs."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api import Pagination
from registry.access import person
from registry.models import LISTED, AccessMode, ProductType
from registry.queries import visible_to
from search import queries, similar, suggesting
from search.signals import answered

LISTED_STATES = [(state.value, state.label) for state in LISTED]


class QuestionField(serializers.CharField):
    """Any text at all: what cannot be used is dropped by the search itself, which says so."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.validators = []


class SearchQuery(serializers.Serializer):
    """What may be asked."""

    q = QuestionField(
        required=False,
        allow_blank=True,
        default="",
        help_text='A question in plain words; "phrase", -word and domain:slug work too (docs/search.md).',
    )
    domain = serializers.CharField(
        required=False, allow_blank=True, default="", help_text="Slug of a domain; those below it are included."
    )
    tag = serializers.ListField(
        child=serializers.CharField(allow_blank=True),
        required=False,
        default=list,
        help_text="Slug of a tag; repeated, all must be there.",
    )
    type = serializers.ChoiceField(ProductType.choices, required=False, allow_blank=True, default="")
    access = serializers.ChoiceField(AccessMode.choices, required=False, allow_blank=True, default="")
    owner = serializers.CharField(
        required=False, allow_blank=True, default="", help_text="Slug of the team that owns it."
    )
    goal = serializers.CharField(
        required=False, allow_blank=True, default="", help_text="Slug of a goal or use case that it serves."
    )
    lifecycle = serializers.ChoiceField(LISTED_STATES, required=False, allow_blank=True, default="")
    spelling = serializers.BooleanField(
        required=False, default=True, help_text="Whether misspelt words are put right; `corrections` names them."
    )
    page = serializers.IntegerField(required=False, default=1, min_value=1, max_value=10_000)
    page_size = serializers.IntegerField(
        required=False, default=Pagination.page_size, min_value=1, max_value=Pagination.max_page_size
    )
    facets = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Adds counts by domain, tag, type, access, owner, goal and lifecycle over all that matched.",
    )


class ReasonSerializer(serializers.Serializer):
    """Why a product is there."""

    kind = serializers.CharField(help_text="address, title, tags, summary or meaning.")
    text = serializers.CharField(help_text="In words.")
    words = serializers.ListField(child=serializers.CharField(), help_text="The words that matched.")


class FoundProductSerializer(serializers.Serializer):
    """What the registry keeps of a product, links left out."""

    urn = serializers.CharField()
    domain = serializers.CharField(source="domain.slug")
    name = serializers.CharField()
    title = serializers.CharField()
    summary = serializers.CharField()
    type = serializers.CharField()
    owner = serializers.CharField(source="owner.name")
    tags = serializers.SerializerMethodField()
    lifecycle = serializers.CharField()
    access_mode = serializers.CharField()
    url = serializers.CharField(source="get_absolute_url", help_text="The product's page.")

    def get_tags(self, product: Any) -> list[str]:
        """Slugs."""
        return [tag.slug for tag in product.tags.all()]


class HitSerializer(serializers.Serializer):
    """A product that was found."""

    product = FoundProductSerializer()
    score = serializers.FloatField(help_text="Comparable within this answer only.")
    similarity = serializers.FloatField(
        allow_null=True, help_text="Cosine of question and summary; null where not compared."
    )
    reasons = ReasonSerializer(many=True)


class CountSerializer(serializers.Serializer):
    """How many matched products have a value."""

    value = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment] # the stubs take it for Field.label
    count = serializers.IntegerField()


class FacetsSerializer(serializers.Serializer):
    """Counts over all that matched."""

    domains = CountSerializer(many=True)
    tags = CountSerializer(many=True)
    types = CountSerializer(many=True)
    access = CountSerializer(many=True)
    owners = CountSerializer(many=True)
    lifecycles = CountSerializer(many=True)
    goals = CountSerializer(many=True)


class LooseningSerializer(serializers.Serializer):
    """A filter that may be taken away."""

    name = serializers.CharField(help_text="domain, tag, type, access, owner, goal, lifecycle, phrase or without.")
    value = serializers.CharField()


class NamedDomainSerializer(serializers.Serializer):
    """A domain."""

    slug = serializers.CharField()
    title = serializers.CharField()


class SuggestionsSerializer(serializers.Serializer):
    """Ways on where nothing matched."""

    products = FoundProductSerializer(many=True)
    domains = NamedDomainSerializer(many=True)
    loosen = LooseningSerializer(many=True)


class CorrectionSerializer(serializers.Serializer):
    """A word that no product has, and the one that was looked for."""

    typed = serializers.CharField()
    used = serializers.CharField()


class ResultsSerializer(serializers.Serializer):
    """A page of hits."""

    question = serializers.CharField(help_text="What was used of the question.")
    count = serializers.IntegerField(source="total")
    mode = serializers.ChoiceField([queries.MEANING_AND_TEXT, queries.TEXT])
    took_ms = serializers.FloatField()
    notes = serializers.ListField(child=serializers.CharField(), help_text="What was not used, or not available.")
    corrections = CorrectionSerializer(many=True)
    results = HitSerializer(many=True, source="hits")
    suggestions = SuggestionsSerializer(allow_null=True)
    facets = FacetsSerializer(allow_null=True)


class SearchView(APIView):
    """Data products that answer a question in plain words, best first, each with the reasons why."""

    permission_classes = [AllowAny]

    @extend_schema(parameters=[SearchQuery], responses=ResultsSerializer, operation_id="search")
    def get(self, request: Request) -> Response:
        """Where nothing matched, `suggestions` names the nearest products and filters to take away."""
        asked = SearchQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        size = given["page_size"]
        offset = (given["page"] - 1) * size
        found = queries.search(
            given["q"],
            domain=given["domain"],
            tags=given["tag"],
            type=given["type"],
            access=given["access"],
            owner=given["owner"],
            goal=given["goal"],
            lifecycle=given["lifecycle"],
            spelling=given["spelling"],
            limit=size,
            offset=offset,
        )
        answered.send(type(self), request=request, typed=given["q"], found=found, offset=offset)
        body = dict(
            ResultsSerializer({**vars(found), "facets": queries.facets(found) if given["facets"] else None}).data
        )
        return Response(body)


class SuggestionSerializer(serializers.Serializer):
    """Something that begins as what was typed."""

    kind = serializers.ChoiceField(["domain", "tag", "product"])
    text = serializers.CharField()
    detail = serializers.CharField(help_text="More in words; may be empty.")
    url = serializers.CharField(help_text="Where it leads.")


class SuggestionListSerializer(serializers.Serializer):
    """Suggestions, domains first."""

    suggestions = SuggestionSerializer(many=True)


class SuggestView(APIView):
    """What may be meant while somebody types: domains, tags and products whose names begin so."""

    permission_classes = [AllowAny]

    @extend_schema(
        parameters=[OpenApiParameter("q", str, description="What is typed so far; two letters at least.")],
        responses=SuggestionListSerializer,
        operation_id="search_suggest",
    )
    def get(self, request: Request) -> Response:
        """At most twelve."""
        found = suggesting.suggest(request.query_params.get("q", ""))
        return Response(SuggestionListSerializer({"suggestions": found}).data)


class SimilarSerializer(serializers.Serializer):
    """A product that says much the same."""

    product = FoundProductSerializer()
    similarity = serializers.FloatField(help_text="Cosine of the two summaries.")


class SimilarListSerializer(serializers.Serializer):
    """The most similar first."""

    results = SimilarSerializer(many=True)


class SimilarView(APIView):
    """Listed products whose summaries are nearest in meaning to a product's."""

    permission_classes = [AllowAny]

    @extend_schema(responses=SimilarListSerializer, operation_id="products_similar")
    def get(self, request: Request, uuid: UUID) -> Response:
        """At most six; none where the product has no vector yet."""
        product = visible_to(person(request.user)).filter(uuid=uuid).first()
        if product is None:
            raise NotFound("There is no such product.")
        return Response(SimilarListSerializer({"results": similar.to(product)}).data)
