"""The shape of a live view in the REST API."""

from typing import Any, get_args

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from marketplace.live.state import LiveProduct, State
from marketplace.live.view import to_dict

POLL_AFTER_MS = 250


class ProblemSerializer(serializers.Serializer[Any]):
    """Why there is no answer: what happened, and what to do."""

    kind = serializers.CharField()
    message = serializers.CharField()
    advice = serializers.CharField()


class PartSerializer(serializers.Serializer[Any]):
    """One part of a product as it answers now. `view` is its last good answer, in any state."""

    name = serializers.CharField()
    state = serializers.ChoiceField(choices=[(state, state) for state in get_args(State)])
    seen_at = serializers.DateTimeField(allow_null=True)
    age_seconds = serializers.IntegerField(allow_null=True)
    latency_ms = serializers.IntegerField(allow_null=True)
    url = serializers.CharField(allow_null=True)
    asked_at = serializers.DateTimeField(allow_null=True)
    waiting = serializers.BooleanField(help_text="An answer is under way.")
    problem = ProblemSerializer(allow_null=True)
    failing_since = serializers.DateTimeField(
        allow_null=True, help_text="The first of the failures since the last answer; null for a part that answers."
    )
    view = serializers.SerializerMethodField()

    @extend_schema_field(serializers.DictField(allow_null=True))
    def get_view(self, part: Any) -> dict[str, Any] | None:
        """Whatever the part's format has; empty values are things the document does not say."""
        return to_dict(part.view) if part.view is not None else None


class LiveProductSerializer(serializers.Serializer[LiveProduct]):
    """A product as it answers now."""

    index = PartSerializer()
    metadata = PartSerializer()
    artifacts = PartSerializer()
    contract_list = PartSerializer()
    contracts = PartSerializer(many=True)
    health = PartSerializer()
    metrics = PartSerializer()
    waiting = serializers.BooleanField(help_text="At least one answer is under way.")
    poll_after_ms = serializers.SerializerMethodField()

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_poll_after_ms(self, found: LiveProduct) -> int | None:
        """When to read this again; null when nothing is under way."""
        return POLL_AFTER_MS if found.waiting else None
