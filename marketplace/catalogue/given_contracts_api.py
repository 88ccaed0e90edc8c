"""POST /api/v1/contract-changes/: any two contracts compared, given as text or by address."""

from typing import IO, Any, cast

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, permissions, serializers, status
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.accounts.models import User
from marketplace.accounts.origin import client_address
from marketplace.api import JSONParser
from marketplace.catalogue.contract_changes_api import LEVEL_CHOICES, ChangeSerializer, UnavailableError
from marketplace.live import limits
from marketplace.live.addresses import checked_url
from marketplace.live.cache import CacheDownError
from marketplace.live.drift import given
from marketplace.live.drift.given import Answer, Given
from marketplace.live.errors import FetchError

POLL_AFTER_MS = 250
A_MINUTE = 20  # comparisons of one person
STATES = ("waiting", "done", "failed")


class _LongJSON(JSONParser):
    limit = 5 * 1024 * 1024  # two contracts, with what JSON adds to their texts


class LongJSONParser(BaseParser):
    """JSON longer than elsewhere. No subclass of REST framework's, whose bodies are held to Django's limit."""

    media_type = "application/json"

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        """The value. Raises as JSONParser does."""
        return _LongJSON().parse(stream, media_type, parser_context)


class GivenSerializer(serializers.Serializer[Any]):
    """A contract: its text (JSON or YAML, 1 MB at most), or the address where it is."""

    text = serializers.CharField(max_length=given.MAX_TEXT, trim_whitespace=False, required=False)
    url = serializers.CharField(max_length=2000, required=False)

    def validate_text(self, text: str) -> str:
        """Counted as it travels."""
        if len(text.encode()) > given.MAX_TEXT:
            raise serializers.ValidationError(f"The text has more than {given.MAX_TEXT:,} bytes.")
        return text

    def validate_url(self, url: str) -> str:
        """What could be asked at all; who may be asked the worker decides."""
        try:
            return str(checked_url(url))
        except FetchError as error:
            raise serializers.ValidationError(f"{error.message} {error.advice}") from error

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One of the two."""
        if len(attrs) != 1:
            raise serializers.ValidationError("Give either text, or url.")
        return attrs


class PairSerializer(serializers.Serializer[Any]):
    """What to compare."""

    before = GivenSerializer()
    after = GivenSerializer()


class UnreadableSerializer(serializers.Serializer[Any]):
    """Why it cannot be read, and what to do."""

    kind = serializers.CharField()
    message = serializers.CharField()
    advice = serializers.CharField()


class SideSerializer(serializers.Serializer[Any]):
    """One of the two; empty where the contract does not say."""

    url = serializers.CharField()
    id = serializers.CharField()
    name = serializers.CharField()
    version = serializers.CharField()
    standard = serializers.CharField()
    fingerprint = serializers.CharField()
    problem = UnreadableSerializer(allow_null=True)


class GivenChangesSerializer(serializers.Serializer[Any]):
    """What lies between two contracts, as far as it is known by now."""

    token = serializers.CharField()
    address = serializers.URLField(help_text="Where to read this again; kept for 15 minutes.")
    state = serializers.ChoiceField(choices=STATES)
    poll_after_ms = serializers.IntegerField(allow_null=True, help_text="Null when it is settled.")
    before = SideSerializer(allow_null=True)
    after = SideSerializer(allow_null=True)
    level = serializers.ChoiceField(choices=LEVEL_CHOICES, allow_null=True, help_text="Of all changes; null for none.")
    suggested_version = serializers.CharField(allow_null=True)
    bump = serializers.CharField(allow_null=True, help_text="How the producer's own step compares with it.")
    counts = serializers.DictField(child=serializers.IntegerField())
    changes = ChangeSerializer(many=True)
    left_out = serializers.IntegerField(help_text=f"Changes beyond the first {given.MAX_CHANGES:,}.")


class NotKeptError(exceptions.APIException):
    """An unknown token, or one that is over."""

    status_code = status.HTTP_404_NOT_FOUND
    default_code = "not_kept"


def seconds_to_wait(request: Any, user: User) -> int:
    """Counts one comparison of the person; 0 where they may have it now."""
    askers = (f"user:{user.pk}", f"address:{client_address(request)}")
    return limits.seconds_to_wait(askers, "contract-pairs", A_MINUTE)


class GivenContractsView(APIView):
    """Having two contracts compared."""

    permission_classes = [permissions.IsAuthenticated]
    parser_classes = [LongJSONParser]

    @extend_schema(
        operation_id="contract_changes_create", tags=["contracts"], summary="Compare any two contracts",
        request=PairSerializer,
        responses={202: GivenChangesSerializer, 429: OpenApiResponse(description="More than twenty in a minute")},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Each as text or by its address. Never waits: read `address` until `poll_after_ms` is null."""
        wanted = PairSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        if seconds := seconds_to_wait(request._request, cast(User, request.user)):
            raise exceptions.Throttled(wait=seconds, detail="Too many comparisons in one minute.")
        pair = wanted.validated_data
        try:
            token = given.begin(Given(**pair["before"]), Given(**pair["after"]))
        except CacheDownError as error:
            raise UnavailableError("Nothing can be compared right now. Try again in a minute.") from error
        body = _shown(request, token, Answer("waiting"), only=False)
        return Response(body, status=status.HTTP_202_ACCEPTED, headers={"Location": body["address"]})


class GivenContractsFoundView(APIView):
    """What came of a comparison."""

    permission_classes = [permissions.AllowAny]

    @extend_schema(
        operation_id="contract_changes_retrieve", tags=["contracts"], summary="What lies between two contracts",
        parameters=[OpenApiParameter("breaking", bool, description="Only the changes that break.")],
        responses={200: GivenChangesSerializer, 404: OpenApiResponse(description="Unknown, or over 15 minutes old")},
    )  # fmt: skip
    def get(self, request: Request, token: str) -> Response:
        """For whoever has the token. `failed`: one of the two cannot be read, and its `problem` says why."""
        found = given.look(token)
        if found.state == "expired":
            raise NotKeptError(f"{given.EXPIRED.message} {given.EXPIRED.advice}")
        if found.state == "unavailable":
            raise UnavailableError("Nothing can be compared right now. Try again in a minute.")
        only = request.query_params.get("breaking", "").lower() in ("1", "true", "yes")
        return Response(_shown(request, token, found, only=only), headers={"Cache-Control": "no-store"})


def _shown(request: Request, token: str, found: Answer, *, only: bool) -> dict[str, Any]:
    compared = found.compared
    facts = {
        "token": token,
        "address": request.build_absolute_uri(reverse("api:given-contracts-found", args=[token])),
        "state": found.state,
        "poll_after_ms": POLL_AFTER_MS if found.state == "waiting" else None,
        "before": compared.before if compared else None,
        "after": compared.after if compared else None,
        "level": compared.level if compared else None,
        "suggested_version": compared.suggested if compared else None,
        "bump": compared.bump if compared else None,
        "counts": (compared.counts if compared else None) or {},
        "changes": [change for change in compared.changes if change.breaking or not only] if compared else [],
        "left_out": compared.left_out if compared else 0,
    }
    return dict(GivenChangesSerializer(facts).data)
