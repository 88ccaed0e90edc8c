"""The same over REST."""

from typing import Any

from django.core.exceptions import PermissionDenied
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import permissions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.accounts.models import Role, User
from marketplace.dashboards.producer.api import PeriodSerializer, UnansweredSerializer
from marketplace.dashboards.quality import contexts
from marketplace.dashboards.quality.views import REFUSED
from marketplace.measure import quality, queries
from marketplace.measure.periods import CHOICES, USUAL, Period

MOST = 500  # questions


class QualityQuery(serializers.Serializer[Any]):
    """What may be asked."""

    days = serializers.ChoiceField([(days, days) for days in CHOICES], required=False, default=USUAL)


class QualitySerializer(serializers.Serializer[Any]):
    """Questions of people, each once a day and person; means are null of nothing."""

    questions = serializers.IntegerField()
    clicked = serializers.IntegerField(help_text="Those that led to a product.")
    mean_reciprocal_rank = serializers.FloatField(
        source="reciprocal_rank", allow_null=True, help_text="Of the best hit that was clicked; 0 without a click."
    )
    average_clicked_rank = serializers.FloatField(source="rank", allow_null=True)
    poor = serializers.IntegerField(help_text="Without a good answer.")
    empty = serializers.IntegerField(help_text="Without any answer.")


class QualityDaySerializer(QualitySerializer):
    """The same for one day."""

    day = serializers.DateField()


class LeftSerializer(serializers.Serializer[Any]):
    """A question that had answers and led nobody to any."""

    question = serializers.CharField(source="text")
    people = serializers.IntegerField()
    results = serializers.IntegerField()
    last = serializers.DateField()


class SearchQualitySerializer(serializers.Serializer[Any]):
    """How the search did."""

    period = PeriodSerializer()
    figures = QualitySerializer()
    before = QualitySerializer()
    days = QualityDaySerializer(many=True)
    unanswered = UnansweredSerializer(many=True)
    left = LeftSerializer(many=True)


class SearchQualityView(APIView):
    """How well the search answers people."""

    permission_classes = [permissions.IsAuthenticated]

    @extend_schema(
        operation_id="search_quality",
        tags=["usage"],
        parameters=[QualityQuery],
        responses={200: SearchQualitySerializer, 403: OpenApiResponse(description="Neither steward nor administrator")},
    )
    def get(self, request: Request) -> Response:
        """Stewards and administrators."""
        if not (isinstance(request.user, User) and request.user.has_role(Role.STEWARD)):
            raise PermissionDenied(REFUSED)
        asked = QualityQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        period = Period.of(int(asked.validated_data["days"]))
        found = contexts.measured(period)
        days = [{"day": day, **QualitySerializer(row).data} for day, row in zip(period, found.days, strict=True)]
        return Response(
            {
                "period": PeriodSerializer(period).data,
                "figures": QualitySerializer(found.now).data,
                "before": QualitySerializer(found.before).data,
                "days": days,
                "unanswered": UnansweredSerializer(queries.unanswered(None, period, MOST), many=True).data,
                "left": LeftSerializer(quality.left_alone(period, MOST), many=True).data,
            }
        )
