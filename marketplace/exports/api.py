"""GET /api/v1/products/{uuid}/exports/: where the representations of a product are."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.exports.facts import absolute
from marketplace.exports.formats import FORMATS
from marketplace.exports.views import address
from registry import queries


class ExportSerializer(serializers.Serializer[Any]):
    """One representation of a product."""

    name = serializers.CharField()
    media_type = serializers.CharField()
    url = serializers.URLField()


class ExportsView(APIView):
    """The formats a listed product can be taken away in."""

    permission_classes = [AllowAny]

    @extend_schema(summary="Formats to take a product away in", responses=ExportSerializer(many=True))
    def get(self, request: Request, uuid: str) -> Response:
        """Each with its media type and address. Drafts and retired products are exported to nobody."""
        product = queries.listed().filter(uuid=uuid).first()
        if product is None:
            raise Http404("There is no such listed data product.")
        rows = [
            {"name": f.label, "media_type": f.media_type, "url": absolute(address(product, f.file))} for f in FORMATS
        ]
        return Response(ExportSerializer(rows, many=True).data)
