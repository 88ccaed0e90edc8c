"""What changed at a product since it was registered, over REST."""

import uuid as uuids
from typing import Any, cast

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import exceptions, permissions, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.accounts.models import User
from marketplace.publishing import comparing
from registry import access, queries
from registry.models import Product

POLL_MS = 250


class DifferenceSerializer(serializers.Serializer):
    """A field that differs: of tags and links only the values that the other side has not."""

    field = serializers.CharField(help_text=f"One of {', '.join(comparing.FIELDS)}.")
    registered = serializers.ListField(child=serializers.CharField())
    live = serializers.ListField(child=serializers.CharField())


class ComparisonSerializer(serializers.Serializer):
    """What is registered of a product beside what it says of itself now."""

    state = serializers.ChoiceField(choices=["asking", "same", "different", "silent"])
    differences = DifferenceSerializer(many=True)
    fingerprint = serializers.CharField(help_text="Of what was compared; send it back to take it over.")
    message = serializers.CharField(source="problem.message", default="", help_text="Why it is silent.")
    revision = serializers.IntegerField()
    poll_after_ms = serializers.IntegerField(allow_null=True, help_text="Ask again then; null when it is settled.")


class TakeOverSerializer(serializers.Serializer):
    """What to take over, and what was seen of it."""

    take = serializers.MultipleChoiceField(choices=comparing.FIELDS, allow_empty=False)
    fingerprint = serializers.CharField(max_length=64)
    revision = serializers.IntegerField(min_value=1)


class TakenSerializer(serializers.Serializer):
    """The revision after it."""

    revision = serializers.IntegerField()


class Changed(exceptions.APIException):
    """The product, or its entry, is no longer what was seen."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class ComparisonView(APIView):
    """For the owning team and administrators."""

    permission_classes = [permissions.IsAuthenticated]

    @extend_schema(
        operation_id="products_comparison", tags=["products"], summary="What changed since it was registered",
        responses=ComparisonSerializer,
    )  # fmt: skip
    def get(self, request: Request, uuid: uuids.UUID, **kwargs: Any) -> Response:
        """Title, summary, tags and links as registered, beside what the product says. Never waits."""
        product = _editable(request, uuid)
        found = comparing.compare(product)
        said = {
            "state": found.state,
            "differences": found.differences,
            "fingerprint": found.fingerprint,
            "problem": found.problem,
            "revision": product.revision,
            "poll_after_ms": POLL_MS if found.state == "asking" else None,
        }
        return Response(ComparisonSerializer(said).data, headers={"Cache-Control": "no-store"})

    @extend_schema(
        operation_id="products_take_over", tags=["products"], summary="Take over what the product says",
        request=TakeOverSerializer,
        responses={200: TakenSerializer, 409: OpenApiResponse(description="The product or its entry changed since.")},
    )  # fmt: skip
    def post(self, request: Request, uuid: uuids.UUID, **kwargs: Any) -> Response:
        """Registers what it says of the fields; the discovery link stays as it is."""
        product = _editable(request, uuid)
        given = TakeOverSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        seen = given.validated_data
        try:
            product = comparing.take_over(
                cast(User, request.user),
                product,
                seen["take"],
                seen["fingerprint"],
                revision=seen["revision"],
            )
        except ValidationError as error:
            if hasattr(error, "error_dict"):
                raise
            raise Changed(" ".join(error.messages)) from error
        return Response(TakenSerializer({"revision": product.revision}).data)


def _editable(request: Request, uuid: uuids.UUID) -> Product:
    """Raises Http404 for what the person may not see, PermissionDenied for what is of others."""
    product = queries.whole(queries.products()).filter(uuid=uuid).first()
    may = product is not None and access.may_edit(request.user, product)
    if product is None or not (may or product.is_listed):
        raise Http404("There is no such data product.")
    if not may:
        raise PermissionDenied(f"Only {product.owner.name} may compare this product.")
    return product
