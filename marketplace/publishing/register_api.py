"""Products registered by an address: somebody names a URL, a worker looks at it, the rest is in its documents."""

from typing import Any, NoReturn, cast

from django.core.exceptions import ValidationError
from django.urls import reverse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import exceptions, permissions, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.accounts.models import User
from marketplace.accounts.origin import client_address
from marketplace.live import inspection, limits
from marketplace.live.inspection import Inspection, Suggestions
from marketplace.publishing.forms import LinkForm
from marketplace.publishing.registrable import registrable
from registry.models import SUMMARY_LIMIT, AccessMode, Lifecycle, Product, ProductType
from registry.putting import put
from registry.services import TAG_LIMIT, PortData, ProductData

POLL_AFTER_MS = 250
STATES = ("waiting", "done", "failed", "unavailable")


class FoundProblemSerializer(serializers.Serializer[Any]):
    """What went wrong at the address, and what to do."""

    kind = serializers.CharField()
    message = serializers.CharField()
    advice = serializers.CharField()


class FoundStepSerializer(serializers.Serializer[Any]):
    """One thing that was asked."""

    name = serializers.CharField()
    text = serializers.CharField()
    state = serializers.CharField()
    latency_ms = serializers.IntegerField(allow_null=True)
    problem = FoundProblemSerializer(allow_null=True)


class SuggestedLinkSerializer(serializers.Serializer[Any]):
    """A link to register."""

    rel = serializers.CharField()
    url = serializers.CharField()
    media_type = serializers.CharField()
    title = serializers.CharField()


class SuggestedSerializer(serializers.Serializer[Any]):
    """What would be registered; empty where the product does not say."""

    title = serializers.CharField()
    summary = serializers.CharField()
    domain = serializers.CharField()
    name = serializers.CharField()
    type = serializers.CharField()
    owner = serializers.CharField(help_text="As the document has it; the team that publishes is chosen by you.")
    tags = serializers.ListField(child=serializers.CharField())
    links = SuggestedLinkSerializer(many=True)


class ListedSerializer(serializers.Serializer[Any]):
    """One dataset of a catalogue."""

    place = serializers.CharField(help_text="Where it stands in the catalogue; names it in POST /catalogues/.")
    title = serializers.CharField()
    name = serializers.CharField(help_text="In its address, should it be published.")
    url = serializers.CharField(help_text="Leads to it alone.")
    problem = serializers.CharField(help_text="Why it cannot be published; empty where it can.")


class CatalogueSerializer(serializers.Serializer[Any]):
    """What a catalogue lists."""

    standard = serializers.CharField()
    datasets = ListedSerializer(many=True)
    left_out = serializers.IntegerField(help_text="How many more the catalogue has than are listed here.")


class InspectionSerializer(serializers.Serializer[Any]):
    """What is known of an address by now."""

    token = serializers.CharField()
    address = serializers.URLField(help_text="Where to read this again.")
    state = serializers.ChoiceField(choices=STATES)
    url = serializers.CharField()
    poll_after_ms = serializers.IntegerField(allow_null=True, help_text="Null when nothing is under way.")
    standard = serializers.CharField(allow_null=True, help_text="What was recognised.")
    steps = FoundStepSerializer(many=True)
    suggestions = SuggestedSerializer(allow_null=True)
    problems = FoundProblemSerializer(many=True)
    catalogue = CatalogueSerializer(allow_null=True, help_text="Where many datasets were found: see POST /catalogues/.")


class NewInspectionSerializer(serializers.Serializer[Any]):
    """An address to look at."""

    url = serializers.CharField(max_length=2000)

    def validate_url(self, value: str) -> str:
        """With its scheme, as the form adds it."""
        form = LinkForm({"url": value})
        if not form.is_valid():
            raise serializers.ValidationError([str(text) for text in form.errors["url"]])
        return str(form.cleaned_data["url"])


class TooOften(exceptions.Throttled):
    """429 with the seconds to wait."""

    default_detail = "Too many addresses in one minute."


class NotKept(exceptions.APIException):
    """The inspection is over an hour old, or was never there."""

    status_code = status.HTTP_404_NOT_FOUND
    default_code = "not_kept"


class NoWorker(exceptions.APIException):
    """Nobody can look at the moment."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "unavailable"


def _begin(request: Request, url: str) -> str:
    """Has a worker look; the token. Raises TooOften. Not more often than pages may."""
    user = cast(User, request.user)
    seconds = limits.seconds_to_wait((f"user:{user.pk}", f"address:{client_address(request._request)}"))
    if seconds:
        raise TooOften(wait=seconds)
    return inspection.inspect_url(url)


def _shown(request: Request, token: str, found: Inspection) -> dict[str, Any]:
    return {
        "token": token,
        "address": request.build_absolute_uri(reverse("api:inspection", args=[token])),
        "state": found.state,
        "url": found.url,
        "poll_after_ms": POLL_AFTER_MS if found.state == "waiting" else None,
        "standard": found.view.standard if found.view else None,
        "steps": found.steps,
        "suggestions": found.suggestions if found.state == "done" else None,
        "problems": found.problems,
        "catalogue": found.catalogue,
    }


def _read(token: str) -> Inspection:
    found = inspection.inspection(token)
    if found.state == "expired":
        raise NotKept(f"{inspection.EXPIRED.message} {inspection.EXPIRED.advice}")
    return found


class InspectionsView(APIView):
    """Looking at an address before it is published."""

    permission_classes = [permissions.IsAuthenticated]

    @extend_schema(
        operation_id="inspections_create",
        tags=["publishing"],
        summary="Have an address looked at",
        request=NewInspectionSerializer,
        responses={202: InspectionSerializer, 429: OpenApiResponse(description="More than ten in a minute")},
    )
    def post(self, request: Request) -> Response:
        """Never waits: read `address` until `poll_after_ms` is null. Nothing is registered by this."""
        given = NewInspectionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        return _accepted(request, _begin(request, given.validated_data["url"]))


def _accepted(request: Request, token: str) -> Response:
    body = InspectionSerializer(_shown(request, token, _read(token))).data
    return Response(body, status=status.HTTP_202_ACCEPTED, headers={"Location": body["address"]})


class InspectionView(APIView):
    """What was found at an address."""

    permission_classes = [permissions.IsAuthenticated]

    @extend_schema(
        operation_id="inspections_retrieve",
        tags=["publishing"],
        summary="What was found at an address",
        responses={200: InspectionSerializer, 404: OpenApiResponse(description="Unknown, or over an hour old")},
    )
    def get(self, request: Request, token: str) -> Response:
        """Steps, suggestions for what to register, and problems; kept for an hour."""
        body = InspectionSerializer(_shown(request, token, _read(token))).data
        return Response(body, headers={"Cache-Control": "no-store"})


class RegisterInput(serializers.Serializer[Any]):
    """An address, or the inspection of one; what is given besides is registered instead of what the product says."""

    url = serializers.CharField(max_length=2000, required=False, help_text="Of a gateway, or of a descriptor.")
    inspection = serializers.CharField(max_length=40, required=False, help_text="Token of an inspection.")
    domain = serializers.SlugField(max_length=63, required=False)
    name = serializers.SlugField(max_length=63, required=False)
    title = serializers.CharField(max_length=140, required=False)
    summary = serializers.CharField(max_length=SUMMARY_LIMIT, required=False)
    type = serializers.ChoiceField(choices=ProductType.choices, required=False)
    tags = serializers.ListField(child=serializers.CharField(max_length=63), max_length=TAG_LIMIT, required=False)
    access_mode = serializers.ChoiceField(choices=AccessMode.choices, required=False)
    owner = serializers.SlugField(max_length=63, required=False, help_text="Slug of the team a new product is of.")
    publish = serializers.BooleanField(default=True)
    dry_run = serializers.BooleanField(default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One of the two."""
        if bool(attrs.get("url")) == bool(attrs.get("inspection")):
            raise serializers.ValidationError({"url": "Give either url, or inspection with the token you were given."})
        return attrs


class RegisteredChangeSerializer(serializers.Serializer[Any]):
    """One field that differs from what was registered."""

    field = serializers.CharField()
    before = serializers.JSONField()
    after = serializers.JSONField()


class RegisteredSerializer(serializers.Serializer[Any]):
    """What was done."""

    urn = serializers.CharField()
    result = serializers.ChoiceField(choices=("created", "updated", "unchanged"))
    lifecycle = serializers.ChoiceField(choices=Lifecycle.choices)
    url = serializers.URLField()
    dry_run = serializers.BooleanField()
    changes = RegisteredChangeSerializer(many=True)


class RegisterView(APIView):
    """A product registers itself, or is brought up to date, from its own documents."""

    permission_classes = [permissions.IsAuthenticated]

    @extend_schema(
        operation_id="register",
        tags=["publishing"],
        summary="Register a product by its address",
        request=RegisterInput,
        responses={
            200: RegisteredSerializer,
            202: InspectionSerializer,
            403: OpenApiResponse(description="The product is there and of another team"),
            404: OpenApiResponse(description="The inspection is unknown, or over an hour old"),
            429: OpenApiResponse(description="More than ten addresses in a minute"),
            503: OpenApiResponse(description="No worker looks at addresses now"),
        },
    )
    def post(self, request: Request) -> Response:
        """First with `url`: 202 and a `token`. Then with that as `inspection`: 202 while the product is being asked,
        200 when it is registered. The same again changes nothing; a product that changed is updated.
        """
        given = RegisterInput(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        if wanted.get("url"):
            clean = NewInspectionSerializer(data={"url": wanted["url"]})
            clean.is_valid(raise_exception=True)
            return _accepted(request, _begin(request, clean.validated_data["url"]))
        found = _read(wanted["inspection"])
        if found.state == "waiting":
            return _accepted(request, wanted["inspection"])
        if found.state != "done":
            _refuse(found)
        return Response(_register(request, wanted, found.suggestions))


def _refuse(found: Inspection) -> NoReturn:
    reasons = [f"{problem.message} {problem.advice}" for problem in found.problems]
    if found.state == "unavailable":
        raise NoWorker(" ".join(reasons))
    raise ValidationError({"url": reasons})


def _register(request: Request, wanted: dict[str, Any], said: Suggestions) -> Any:
    needed = {key: wanted.get(key) or getattr(said, key) for key in ("domain", "name", "title", "summary")}
    missing = {
        key: f"The product does not say its {key}; give {key} with the request."
        for key, value in needed.items()
        if not value
    }
    if missing:
        raise ValidationError(missing)

    def data_from(before: Product | None) -> ProductData:
        access = before.access_mode if before else AccessMode.ON_REQUEST
        return ProductData(
            **needed,
            type=wanted.get("type") or said.type or (before.type if before else ""),
            tags=wanted.get("tags", said.tags),
            access_mode=wanted.get("access_mode", access),
            links=registrable(said.links),
            ports=[PortData(x.direction, x.port, x.contract_id, x.contract_version) for x in said.ports],
        )

    done = put(
        cast(User, request.user),
        (needed["domain"], needed["name"]),
        data_from,
        owner=wanted.get("owner", ""),
        publish=wanted["publish"],
        dry_run=wanted["dry_run"],
    )
    page = reverse("catalogue:product", args=[needed["domain"], needed["name"]])
    facts = {
        "urn": "urn:dp:{domain}:{name}".format(**needed),
        "result": done.result,
        "lifecycle": done.product.lifecycle,
        "url": request.build_absolute_uri(page),
        "dry_run": wanted["dry_run"],
        "changes": [{"field": key, "before": before, "after": after} for key, (before, after) in done.changes.items()],
    }
    return RegisteredSerializer(facts).data
