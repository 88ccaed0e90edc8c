"""GET /api/v1/transfers: products that are on their way from one team to another."""

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import permissions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.accounts.models import User
from registry import transfers


class OpenOfferSerializer(serializers.Serializer[Any]):
    """A product offered to a team that has to accept it."""

    uuid = serializers.UUIDField(source="product.uuid")
    urn = serializers.CharField(source="product.urn")
    title = serializers.CharField(source="product.title")
    owner = serializers.CharField(source="product.owner.slug", help_text="Team that offers it.")
    team = serializers.CharField(source="team.slug", help_text="Team that may accept it.")
    offered_at = serializers.DateTimeField()


class OpenOffersSerializer(serializers.Serializer[Any]):
    """What is offered now, oldest first."""

    results = OpenOfferSerializer(many=True)


class OffersView(APIView):
    """Offers to your teams, and by them."""

    permission_classes = [permissions.IsAuthenticated]

    @extend_schema(
        operation_id="transfers", tags=["products"], summary="Products offered to other teams",
        responses=OpenOffersSerializer,
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """Drafts included, which the receiving team sees nowhere else. One query; administrators see all offers."""
        offers = transfers.offers_around(cast(User, request.user))
        return Response(OpenOffersSerializer({"results": offers}).data, headers={"Cache-Control": "no-store"})
