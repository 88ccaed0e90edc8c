"""GET /api/v1/search/inside: searching inside products, for programs."""

from typing import Any, get_args

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.catalogue.filters import Filters
from marketplace.catalogue.inside import askers, candidates, visible
from marketplace.live import inside
from marketplace.live.matching import words_of
from registry import queries
from registry.access import visible_or_404
from registry.models import AccessMode, ProductType
from search.api import LISTED_STATES, QuestionField

POLL_AFTER_MS = 250


class InsideQuery(serializers.Serializer[Any]):
    """What may be asked."""

    q = QuestionField(help_text="Words to look for in artifacts, columns and descriptions; eight are used.")
    product = serializers.CharField(
        required=False, default="", help_text="URN of one product; absent: the best fifty that the search finds for q."
    )
    domain = serializers.CharField(required=False, allow_blank=True, default="")
    tag = serializers.ListField(child=serializers.CharField(allow_blank=True), required=False, default=list)
    type = serializers.ChoiceField(ProductType.choices, required=False, allow_blank=True, default="")
    access = serializers.ChoiceField(AccessMode.choices, required=False, allow_blank=True, default="")
    owner = serializers.CharField(required=False, allow_blank=True, default="", help_text="Slug of a team.")
    goal = serializers.CharField(required=False, allow_blank=True, default="", help_text="Slug of a goal or use case.")
    lifecycle = serializers.ChoiceField(LISTED_STATES, required=False, allow_blank=True, default="")


class SegmentSerializer(serializers.Serializer[Any]):
    """A piece of the matching text."""

    text = serializers.CharField()
    match = serializers.BooleanField()


class InsideRowSerializer(serializers.Serializer[Any]):
    """One match inside a product."""

    product = serializers.CharField(help_text="URN.")
    artifact_id = serializers.CharField(help_text="Empty for the product as a whole.")
    artifact = serializers.CharField()
    column = serializers.CharField(help_text="A column, or a table; empty for what is neither.")
    why = serializers.CharField()
    words = serializers.ListField(child=serializers.CharField())
    segments = SegmentSerializer(many=True)
    score = serializers.IntegerField(help_text="Ten for each word found, and 4 for a name, 3 title, 2 tag, 1 text.")


class InsideProductSerializer(serializers.Serializer[Any]):
    """How one product did."""

    urn = serializers.CharField()
    title = serializers.CharField()
    state = serializers.ChoiceField([(state, state) for state in get_args(inside.ProductState)])
    why = serializers.CharField(help_text="Why it did not answer, or not in full.")
    more = serializers.IntegerField(help_text="Matches beyond those listed.")


class InsideSerializer(serializers.Serializer[Any]):
    """A search inside products as far as it is."""

    question = serializers.CharField()
    words = serializers.ListField(child=serializers.CharField())
    waiting = serializers.BooleanField(help_text="Answers are under way, for two seconds at most.")
    poll_after_ms = serializers.IntegerField(allow_null=True, help_text="When to ask the same again; null: it is over.")
    results = InsideRowSerializer(many=True)
    products = InsideProductSerializer(many=True)


class UnavailableError(exceptions.APIException):
    """We cannot search inside products now."""

    status_code = 503
    default_code = "unavailable"


class InsideView(APIView):
    """Artifacts, columns and descriptions of up to fifty products, asked of them now."""

    permission_classes = [AllowAny]

    @extend_schema(
        summary="Search inside products, live",
        parameters=[InsideQuery],
        responses={
            200: InsideSerializer,
            404: OpenApiResponse(description="No such product"),
            429: OpenApiResponse(description="Too many searches inside products; see Retry-After"),
            503: OpenApiResponse(description="Live answers are not available now"),
        },
        operation_id="search_inside",
    )
    def get(self, request: Request) -> Response:
        """Answers at once with what is there; ask the same again after `poll_after_ms` until it is null.

        Products that did not answer within two seconds stand in `products` with the state silent, before or partly.
        """
        asked = InsideQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        if not words_of(given["q"]):
            raise exceptions.ValidationError({"q": inside.NOTHING_TO_ASK.advice})
        search = inside.begin(given["q"], self._ids(request, given["product"]), askers(request))
        if search.wait_seconds:
            raise exceptions.Throttled(wait=search.wait_seconds)
        if search.problem is not None and not search.products:
            raise UnavailableError(f"{search.problem.message} {search.problem.advice}")
        response = Response(InsideSerializer(_body(request, search)).data)
        response["Cache-Control"] = "no-store"
        return response

    def _ids(self, request: Request, urn: str) -> list[int]:
        if not urn:
            return candidates(Filters.read(request.path, request.query_params))
        domain, _, name = urn.removeprefix("urn:dp:").replace("\x00", "").partition(":")
        return [visible_or_404(request.user, queries.by_address(domain, name), domain, name).pk]


def _body(request: Request, search: inside.Search) -> dict[str, Any]:
    products = visible(request, search)
    found = [(products[entry.product_id], entry) for entry in search.products if entry.product_id in products]
    rows = [(row, product) for product, entry in found for row in entry.rows]
    return {
        "question": search.question,
        "words": search.words,
        "waiting": search.waiting,
        "poll_after_ms": POLL_AFTER_MS if search.waiting else None,
        "results": [
            {
                "product": product.urn,
                "artifact_id": row.artifact_id,
                "artifact": row.artifact,
                "column": row.column,
                "why": row.why,
                "words": row.words,
                "segments": [{"text": text, "match": match} for text, match in row.segments],
                "score": row.score,
            }
            for row, product in sorted(rows, key=lambda pair: -pair[0].score)
        ],
        "products": [
            {"urn": product.urn, "title": product.title, "state": entry.state, "why": entry.why, "more": entry.more}
            for product, entry in found
        ],
    }
