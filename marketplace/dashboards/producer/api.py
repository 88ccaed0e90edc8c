"""The figures of the producer's dashboard over REST."""

import uuid as uuids
from typing import Any, cast

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import permissions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.accounts.models import User
from marketplace.api import Pagination
from marketplace.catalogue.live_parts import Polling
from marketplace.dashboards.producer import contexts, queries
from marketplace.dashboards.producer.access import seen_by
from marketplace.dashboards.producer.gateways import Gateway, gateway
from marketplace.measure import queries as measured
from marketplace.measure.periods import CHOICES, USUAL, Period
from marketplace.measure.queries import Figures
from registry.models import Lifecycle
from registry.queries import products

MOST = 500  # questions


class UsageQuery(serializers.Serializer[Any]):
    """What may be asked."""

    days = serializers.ChoiceField(
        [(days, days) for days in CHOICES], required=False, default=USUAL, help_text="Up to and with today (UTC)."
    )
    sort = serializers.ChoiceField(
        [(name, label) for name, (label, _) in contexts.SORTS.items()], required=False, default=contexts.SORT
    )


class PeriodSerializer(serializers.Serializer[Any]):
    """The days that figures are about."""

    days = serializers.IntegerField()
    first = serializers.DateField()
    last = serializers.DateField()


class FiguresSerializer(serializers.Serializer[Any]):
    """What the marketplace counted (docs/measurement.md)."""

    views = serializers.IntegerField(help_text="Times its page was opened.")
    viewers = serializers.IntegerField(help_text="Different people of each day, added up.")
    found = serializers.IntegerField(help_text="Searches that showed it.")
    clicks = serializers.IntegerField(help_text="Of these, those that led to its page.")
    artifacts = serializers.IntegerField(help_text="Pages of artifacts that were opened.")
    contracts = serializers.IntegerField(help_text="Pages of contracts that were opened.")
    average_rank = serializers.FloatField(source="rank", allow_null=True, help_text="1 is the first hit.")
    average_clicked_rank = serializers.FloatField(source="click_rank", allow_null=True)


class DaySerializer(FiguresSerializer):
    """The same for one day."""

    day = serializers.DateField()


class UsedProductSerializer(FiguresSerializer):
    """A product with its figures, and those of as many days before."""

    urn = serializers.CharField()
    uuid = serializers.UUIDField()
    title = serializers.CharField()
    lifecycle = serializers.ChoiceField(choices=Lifecycle.choices)
    followers = serializers.IntegerField()
    before = FiguresSerializer()


class UsageSerializer(serializers.Serializer[Any]):
    """The products of one's teams."""

    period = PeriodSerializer()
    count = serializers.IntegerField(help_text="Products on all pages.")
    results = UsedProductSerializer(many=True)


class FoundBySerializer(serializers.Serializer[Any]):
    """A question that found the product."""

    question = serializers.CharField(source="text")
    searches = serializers.IntegerField()
    people = serializers.IntegerField(help_text="Different people of each day, added up.")
    average_rank = serializers.FloatField(source="rank")
    best_rank = serializers.IntegerField()
    clicks = serializers.IntegerField()
    last = serializers.DateField()


class CountedSerializer(serializers.Serializer[Any]):
    """What the gateway counted; null where it does not count that."""

    requests = serializers.IntegerField(allow_null=True, help_text="Since it was last started.")
    downloads = serializers.IntegerField(allow_null=True)
    queries = serializers.IntegerField(allow_null=True)
    orders = serializers.IntegerField(allow_null=True)
    bytes = serializers.IntegerField(allow_null=True, help_text="Sent to consumers.")
    consumers = serializers.IntegerField(allow_null=True, help_text="Different ones that its access log still knows.")


class GatewaySerializer(serializers.Serializer[Any]):
    """The gateway's own counts, as last answered. Nothing of it is stored by the marketplace."""

    state = serializers.CharField(help_text="As in /products/{uuid}/live/; while loading, ask again shortly.")
    seen_at = serializers.DateTimeField(allow_null=True)
    source = serializers.CharField(  # type: ignore[assignment] # the stubs take it for Field.source
        allow_blank=True, help_text="Where the answer comes from."
    )
    counted = CountedSerializer(allow_null=True)


class ProductUsageSerializer(serializers.Serializer[Any]):
    """All about one product."""

    period = PeriodSerializer()
    urn = serializers.CharField()
    followers = serializers.IntegerField()
    figures = FiguresSerializer()
    before = FiguresSerializer()
    days = DaySerializer(many=True)
    questions = FoundBySerializer(many=True)
    gateway = GatewaySerializer()


class UnansweredSerializer(serializers.Serializer[Any]):
    """A question without a good answer."""

    question = serializers.CharField(source="text")
    searches = serializers.IntegerField()
    people = serializers.IntegerField()
    similarity = serializers.FloatField(allow_null=True, help_text="Cosine of the nearest product; null where none.")
    last = serializers.DateField()
    near = serializers.ListField(child=serializers.CharField(), help_text="Slugs of the domains it is near to.")


class UnansweredListSerializer(serializers.Serializer[Any]):
    """Questions near the domains of one's products, by how many people asked."""

    period = PeriodSerializer()
    results = UnansweredSerializer(many=True)


def _asked(request: Request) -> tuple[Period, str]:
    asked = UsageQuery(data=request.query_params)
    asked.is_valid(raise_exception=True)
    return Period.of(int(asked.validated_data["days"])), asked.validated_data["sort"]


def _figures(found: Figures) -> dict[str, Any]:
    return dict(FiguresSerializer(found).data)


class UsageView(APIView):
    """How the products of one's teams are found and used."""

    permission_classes = [permissions.IsAuthenticated]

    @extend_schema(operation_id="usage_list", tags=["usage"], parameters=[UsageQuery], responses=UsageSerializer)
    def get(self, request: Request) -> Response:
        """Page by page (`page`, `page_size`), in the order of `sort`."""
        period, sort = _asked(request)
        rows = contexts.listed(cast(User, request.user), period, sort)
        pages = Pagination()
        page = pages.paginate_queryset(rows, request) or []
        results = [
            {
                "urn": row.product.urn,
                "uuid": str(row.product.uuid),
                "title": row.product.title,
                "lifecycle": row.product.lifecycle,
                "followers": row.followers,
                **_figures(row.figures.now),
                "before": _figures(row.figures.before),
            }
            for row in page
        ]
        return Response({"period": PeriodSerializer(period).data, "count": len(rows), "results": results})


class ProductUsageView(APIView):
    """How one product is found and used."""

    permission_classes = [permissions.IsAuthenticated]

    @extend_schema(
        operation_id="usage_retrieve",
        tags=["usage"],
        parameters=[UsageQuery],
        responses={
            200: ProductUsageSerializer,
            403: OpenApiResponse(description="Not yours"),
            404: OpenApiResponse(description="No such product"),
        },
    )
    def get(self, request: Request, uuid: uuids.UUID) -> Response:
        """Its owners and administrators. Never waits for the gateway: while it says `loading`, ask again."""
        product = seen_by(request.user, products().filter(uuid=uuid).first())
        period, _ = _asked(request)
        compared = measured.by_product([product.pk], period).get(product.pk, measured.Compared())
        course = measured.by_day([product.pk], period)[product.pk]
        return Response(
            {
                "period": PeriodSerializer(period).data,
                "urn": product.urn,
                "followers": queries.followers([product.pk]).get(product.pk, 0),
                "figures": _figures(compared.now),
                "before": _figures(compared.before),
                "days": [{"day": day, **_figures(found)} for day, found in zip(period, course, strict=True)],
                "questions": FoundBySerializer(measured.questions(product.pk, period, MOST), many=True).data,
                "gateway": _gateway(gateway(product, Polling(""))),
            }
        )


class UnansweredView(APIView):
    """Questions that nobody answers."""

    permission_classes = [permissions.IsAuthenticated]

    @extend_schema(
        operation_id="usage_unanswered", tags=["usage"], parameters=[UsageQuery], responses=UnansweredListSerializer
    )
    def get(self, request: Request) -> Response:
        """Near the domains of the products of one's teams; 500 at most."""
        period, _ = _asked(request)
        slugs = queries.domains_of(queries.own(cast(User, request.user)))
        found = measured.unanswered(slugs, period, MOST) if slugs else []
        return Response(
            {"period": PeriodSerializer(period).data, "results": UnansweredSerializer(found, many=True).data}
        )


def _gateway(row: Gateway) -> dict[str, Any]:
    counted = row.counted
    return {
        "state": row.live.state,
        "seen_at": row.live.asked_at if counted else None,
        "source": row.live.source_url,
        "counted": dict(CountedSerializer(counted).data) if counted else None,
    }
