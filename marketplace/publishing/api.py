"""Grants over REST."""

import uuid as uuids
from typing import Any, cast

from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import exceptions, permissions, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.accounts.grants import SCOPES, NoSigningKeyError
from marketplace.accounts.models import User
from marketplace.publishing import grants
from registry import access, queries


class GrantRequestSerializer(serializers.Serializer):
    """What the grant is to be for."""

    scope = serializers.ChoiceField(choices=SCOPES)
    artifact = serializers.RegexField(
        r"^[A-Za-z0-9._~-]+\Z",
        max_length=200,
        required=False,
        allow_blank=True,
        default="",
        help_text="Id of one artifact, with the scope consume; all artifacts where left out.",
        error_messages={"invalid": "Use the id of an artifact as its gateway lists it: letters, digits, . _ ~ and -."},
    )


class GrantSerializer(serializers.Serializer):
    """A signed grant: a JWT for `Authorization: Bearer`."""

    token = serializers.CharField()
    audience = serializers.URLField(help_text="Base URL of the gateway, which alone accepts it.")
    scope = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds.")


class NoGateway(exceptions.APIException):
    """The product has no address that a grant could be for."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "no_gateway"


class CannotSign(exceptions.APIException):
    """The operator gave no key."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "cannot_sign"


class GrantView(APIView):
    """Grants for the gateway of one product."""

    permission_classes = [permissions.IsAuthenticated]

    @extend_schema(
        operation_id="products_grants_create",
        tags=["products"],
        summary="Get a grant for the product's gateway",
        request=GrantRequestSerializer,
        responses={
            201: GrantSerializer,
            403: OpenApiResponse(description="Not yours, and not open"),
            404: OpenApiResponse(description="No such product"),
            409: OpenApiResponse(description="The product has no gateway of its own"),
            503: OpenApiResponse(description="The operator has not set SIGNING_KEY"),
        },
    )
    def post(self, request: Request, uuid: uuids.UUID, **kwargs: Any) -> Response:
        """A JWT of ten minutes. Owners and administrators get every scope, others `consume` where access is open."""
        product = queries.products().filter(uuid=uuid).first()
        if product is None or not (product.is_listed or access.may_edit(request.user, product)):
            raise Http404("There is no such data product.")
        wanted = GrantRequestSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        try:
            grant = grants.give_grant(cast(User, request.user), product, **wanted.validated_data)
        except grants.NoGatewayError as error:
            raise NoGateway(str(error)) from error
        except NoSigningKeyError as error:
            raise CannotSign(str(error)) from error
        return Response(
            GrantSerializer(grant).data, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"}
        )
