"""GET …/contracts/{contract}/changes: two versions of a contract compared, for programs."""

from typing import Any, get_args

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.catalogue.contract_changes import LAST_SEEN, Known, Version, counts, known_contracts
from marketplace.catalogue.live_serializers import POLL_AFTER_MS
from marketplace.live import services as live
from marketplace.live.drift.changes import KINDS, name_only
from marketplace.live.drift.comparing import Comparison, compare
from marketplace.live.drift.noticing import CONTRACT_ID
from marketplace.live.drift.versions import LEVELS, Bump
from registry.access import product_or_404

MAX_CHANGES = 1_000

LEVEL_CHOICES = [(level, level) for level in LEVELS]


class ChangeSerializer(serializers.Serializer[Any]):
    """One change. Empty texts: not said, or not of this kind."""

    kind = serializers.ChoiceField(choices=list(KINDS.items()))
    text = serializers.CharField(help_text="The kind in words.")
    level = serializers.ChoiceField(choices=LEVEL_CHOICES)
    schema = serializers.CharField()
    column = serializers.CharField(help_text="Path from the root of the schema: address.city, items[].price.")
    attribute = serializers.CharField()
    name = serializers.CharField(help_text="Which quality rule, server, role or service level.")
    before = serializers.CharField()
    after = serializers.CharField()
    renamed_to = serializers.CharField(help_text="The likely new name; a guess.")


class ComparedSerializer(serializers.Serializer[Any]):
    """One of the two versions."""

    version = serializers.CharField(help_text='As the contract writes it; "" where it does not.')
    token = serializers.CharField(help_text=f"What names it in from and to: its version, or {LAST_SEEN}.")
    fingerprint = serializers.CharField()


class ContractChangesSerializer(serializers.Serializer[Any]):
    """What lies between two versions of a contract."""

    contract = serializers.CharField()
    versions = serializers.ListField(
        child=serializers.CharField(), help_text="What can be compared now, as tokens for from and to; newest first."
    )
    before = ComparedSerializer(allow_null=True)
    after = ComparedSerializer(allow_null=True)
    level = serializers.ChoiceField(choices=LEVEL_CHOICES, allow_null=True, help_text="Of all changes; null for none.")
    suggested_version = serializers.CharField(allow_null=True)
    bump = serializers.ChoiceField(choices=[(bump, bump) for bump in get_args(Bump)], allow_null=True)
    counts = serializers.DictField(child=serializers.IntegerField())
    changes = ChangeSerializer(many=True)
    left_out = serializers.IntegerField(help_text=f"Changes beyond the first {MAX_CHANGES:,}.")
    waiting = serializers.BooleanField(help_text="The product is being asked; nothing of its contracts is known yet.")
    poll_after_ms = serializers.IntegerField(allow_null=True, help_text="When to read this again; null: it is all.")


class UnavailableError(exceptions.APIException):
    """Redis is away, so no contract is known."""

    status_code = 503
    default_code = "unavailable"


def _parameter(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, str, description=description)


class ContractChangesView(APIView):
    """Two versions of one contract of a product."""

    permission_classes = [AllowAny]

    @extend_schema(
        summary="What changed between two versions of a contract",
        operation_id="contract_changes",
        parameters=[
            _parameter("from", f"A version, or {LAST_SEEN}; absent: the one before `to`."),
            _parameter("to", "A version; absent: the newest."),
            OpenApiParameter("breaking", bool, description="Only changes that break; counts stay those of all."),
        ],
        responses={
            200: ContractChangesSerializer,
            404: OpenApiResponse(description="No such product, contract or version now"),
            503: OpenApiResponse(description="Live answers are not available now"),
        },
    )
    def get(self, request: Request, domain: str, name: str, contract: str) -> Response:
        """Compares what is known now, at once; the product is asked by a worker meanwhile where it is not fresh.

        `before` and `after` are null where there is only one version to look at.
        """
        product = product_or_404(request.user, domain, name)
        found = live.look(product.pk)
        if found.index.state == "unavailable" and found.index.view is None:
            raise UnavailableError(f"{found.index.message} {found.index.advice}".strip())
        known = known_contracts(product, found)
        contract = name_only(contract, CONTRACT_ID)
        if contract not in known.contracts and not known.waiting:
            raise exceptions.NotFound("This product shows no such contract now.")
        asked = request.query_params
        before, after = known.pair(contract, asked.get("from", ""), asked.get("to", ""))
        for token, version in ((asked.get("from"), before), (asked.get("to"), after)):
            if token and version is None and not known.waiting:
                raise exceptions.NotFound(
                    "The product does not offer this version now, and it is not kept from before."
                )
        only = asked.get("breaking", "").lower() in ("1", "true", "yes")
        body = _body(contract, known, before, after, only)
        return Response(ContractChangesSerializer(body).data, headers={"Cache-Control": "no-store"})


def _body(contract: str, known: Known, before: Version | None, after: Version | None, only: bool) -> dict[str, Any]:
    found = compare(before.view, after.view) if before and after else None
    changes = [change for change in found.changes if change.breaking or not only] if found else []
    return {
        "contract": contract,
        "versions": [version.token for version in known.contracts.get(contract, ())],
        "before": _compared(before, found.fingerprint_before) if before and found else None,
        "after": _compared(after, found.fingerprint_after) if after and found else None,
        **_judged(found),
        "changes": changes[:MAX_CHANGES],
        "left_out": max(0, len(changes) - MAX_CHANGES),
        "waiting": known.waiting,
        "poll_after_ms": POLL_AFTER_MS if known.waiting else None,
    }


def _judged(found: Comparison | None) -> dict[str, Any]:
    if found is None:
        return {"level": None, "suggested_version": None, "bump": None, "counts": {}}
    return {
        "level": found.level,
        "suggested_version": found.suggested,
        "bump": found.bump,
        "counts": counts(found),
    }


def _compared(version: Version, fingerprint: str) -> dict[str, str]:
    return {"version": version.view.version or "", "token": version.token, "fingerprint": fingerprint}
