"""The checklist and the FAIR score over REST."""

import uuid as uuids
from typing import Any, cast, get_args

from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import exceptions, permissions, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.accounts.models import Role, User
from marketplace.live import services as live
from marketplace.trust import queries, services
from marketplace.trust.checklist import ITEMS, LEVELS, checklist, level_of
from marketplace.trust.entry import entry_of
from marketplace.trust.fair import fair
from marketplace.trust.findings import State, Where
from marketplace.trust.models import ChecklistPolicy
from registry import access
from registry import queries as registry
from registry.models import Product

POLL_AFTER_MS = 250
STATES = get_args(State)
WHERE = get_args(Where)


class ChecklistItemSerializer(serializers.Serializer[Any]):
    """One line of the checklist."""

    key = serializers.CharField()
    title = serializers.CharField(source="item.title")
    level = serializers.ChoiceField(choices=LEVELS)
    state = serializers.ChoiceField(choices=STATES)
    reason = serializers.CharField()
    blocks = serializers.BooleanField(help_text="Keeps the product from being published.")
    where = serializers.ChoiceField(
        choices=WHERE,
        source="item.where",
        help_text="Where it is put right: the listing, the product's own document, a data contract.",
    )
    fix = serializers.CharField(source="item.fix")
    example = serializers.CharField(source="item.example", help_text="ODPS or ODCS; may be empty.")


class ChecklistSerializer(serializers.Serializer[Any]):
    """What a publishable product has, judged now."""

    urn = serializers.CharField()
    met = serializers.IntegerField()
    missing = serializers.IntegerField()
    unknown = serializers.IntegerField(help_text="Cannot be judged while the product does not answer.")
    publishable = serializers.BooleanField(help_text="Nothing that blocks is missing or unknown.")
    age_seconds = serializers.IntegerField(allow_null=True, help_text="Of the product's own document.")
    poll_after_ms = serializers.IntegerField(allow_null=True, help_text="Null when nothing is under way.")
    items = ChecklistItemSerializer(many=True)


class FairCheckSerializer(serializers.Serializer[Any]):
    """One named check."""

    key = serializers.CharField()
    principle = serializers.CharField(source="check.principle", help_text="As the FAIR Guiding Principles number it.")
    title = serializers.CharField(source="check.title")
    state = serializers.ChoiceField(choices=STATES)
    reason = serializers.CharField()
    points = serializers.FloatField(help_text="Of the hundred of the score.")
    raises = serializers.CharField(source="check.raises", help_text="What to do where it is not met.")


class FairPrincipleSerializer(serializers.Serializer[Any]):
    """One of the four."""

    letter = serializers.CharField()
    title = serializers.CharField()
    score = serializers.IntegerField(allow_null=True, help_text="0 to 100; null while the product does not answer.")
    checks = FairCheckSerializer(many=True)


class FairSerializer(serializers.Serializer[Any]):
    """How findable, accessible, interoperable and reusable a product is, judged now."""

    urn = serializers.CharField()
    score = serializers.IntegerField(allow_null=True, help_text="0 to 100; null while the product does not answer.")
    unknown = serializers.IntegerField(help_text="Checks that cannot be judged now; the score is then the least it is.")
    age_seconds = serializers.IntegerField(allow_null=True, help_text="Of the product's own document.")
    poll_after_ms = serializers.IntegerField(allow_null=True, help_text="Null when nothing is under way.")
    principles = FairPrincipleSerializer(many=True)


def _product(request: Request, uuid: uuids.UUID) -> Product:
    product = registry.whole(registry.products()).filter(uuid=uuid).first()
    if product is None or not (product.is_listed or access.may_edit(request.user, product)):
        raise Http404("There is no such data product.")
    return product


class ChecklistView(APIView):
    """The checklist of one product."""

    @extend_schema(
        operation_id="products_checklist",
        tags=["products"],
        summary="What the product lacks",
        responses=ChecklistSerializer,
    )
    def get(self, request: Request, uuid: uuids.UUID, **kwargs: Any) -> Response:
        """Judged from the listing and the product's own documents. Never waits: read it again after `poll_after_ms`."""
        product = _product(request, uuid)
        judged = checklist(live.look(product.pk), entry_of(product), queries.levels())
        facts = {
            "urn": product.urn,
            **{state: judged.count(state) for state in STATES},
            "publishable": not judged.blocking,
            "age_seconds": judged.told.age_seconds,
            "poll_after_ms": POLL_AFTER_MS if judged.told.asking else None,
            "items": judged.items,
        }
        return Response(ChecklistSerializer(facts).data, headers={"Cache-Control": "no-store"})


class FairView(APIView):
    """The FAIR score of one product."""

    @extend_schema(operation_id="products_fair", tags=["products"], summary="Its FAIR score", responses=FairSerializer)
    def get(self, request: Request, uuid: uuids.UUID, **kwargs: Any) -> Response:
        """Judged from the listing and the product's own documents. Never waits: read it again after `poll_after_ms`."""
        product = _product(request, uuid)
        judged = fair(live.look(product.pk), entry_of(product))
        facts = {
            "urn": product.urn,
            "score": judged.score,
            "unknown": judged.unknown,
            "age_seconds": judged.told.age_seconds,
            "poll_after_ms": POLL_AFTER_MS if judged.told.asking else None,
            "principles": judged.principles,
        }
        return Response(FairSerializer(facts).data, headers={"Cache-Control": "no-store"})


class PolicyItemSerializer(serializers.Serializer[Any]):
    """An item of the checklist, and how much it weighs."""

    key = serializers.CharField()
    title = serializers.CharField()
    why = serializers.CharField()
    level = serializers.ChoiceField(choices=LEVELS)
    default_level = serializers.ChoiceField(choices=LEVELS)
    always = serializers.BooleanField(help_text="The registry itself asks for it; it always blocks.")


class PolicySerializer(serializers.Serializer[Any]):
    """What the checklist asks for."""

    revision = serializers.IntegerField()
    items = PolicyItemSerializer(many=True)


class PolicyInput(serializers.Serializer[Any]):
    """Levels to set, by key of the item; the others stay."""

    revision = serializers.IntegerField(min_value=0, help_text="The one you read.")
    levels = serializers.DictField(child=serializers.ChoiceField(choices=LEVELS))


class Conflict(exceptions.APIException):
    """Somebody else changed it since."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class MaySteward(permissions.BasePermission):
    """Everybody reads; stewards and administrators write."""

    message = "Only stewards and administrators may change what the checklist asks for."

    def has_permission(self, request: Request, view: APIView) -> bool:
        """No query beyond the session's."""
        user = access.person(request.user)
        return request.method in permissions.SAFE_METHODS or (user is not None and user.has_role(Role.STEWARD))


class PolicyView(APIView):
    """What the checklist asks for, in the whole mesh."""

    permission_classes = [MaySteward]

    @extend_schema(
        operation_id="checklist_retrieve",
        tags=["governance"],
        summary="What the checklist asks for",
        responses=PolicySerializer,
    )
    def get(self, request: Request) -> Response:
        """Every item with its level."""
        return Response(_policy(queries.policy()))

    @extend_schema(
        operation_id="checklist_update",
        tags=["governance"],
        summary="Set what the checklist asks for",
        request=PolicyInput,
        responses={
            200: PolicySerializer,
            409: OpenApiResponse(description="Changed by somebody else since `revision`."),
        },
    )
    def patch(self, request: Request) -> Response:
        """Sets the levels that are given. Stewards and administrators."""
        given = PolicyInput(data=request.data)
        given.is_valid(raise_exception=True)
        try:
            policy = services.set_levels(
                cast(User, request.user), given.validated_data["levels"], revision=given.validated_data["revision"]
            )
        except services.StalePolicyError as error:
            raise Conflict(error.message) from error
        return Response(_policy(policy))


def _policy(policy: ChecklistPolicy) -> Any:
    items = [
        {
            "key": item.key,
            "title": item.title,
            "why": item.why,
            "level": level_of(item, policy.levels),
            "default_level": item.level,
            "always": item.always,
        }
        for item in ITEMS
    ]
    return PolicySerializer({"revision": policy.revision, "items": items}).data
