"""Abbreviations over REST."""

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import permissions, serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.accounts.models import User
from registry.access import person
from search import glossary


class AbbreviationSerializer(serializers.Serializer[Any]):
    """An abbreviation and what it stands for."""

    short = serializers.CharField(max_length=30)
    long = serializers.CharField(max_length=120)


class AbbreviationMeaningSerializer(serializers.Serializer[Any]):
    """What an abbreviation stands for."""

    long = serializers.CharField(max_length=120)


class MayKeepGlossary(permissions.BasePermission):
    """Everybody reads; stewards and administrators write."""

    message = "Only stewards and administrators may change the glossary."

    def has_permission(self, request: Request, view: APIView) -> bool:
        """No query beyond the session's."""
        return request.method in permissions.SAFE_METHODS or glossary.may_edit(person(request.user))


class GlossaryView(APIView):
    """The abbreviations that search knows."""

    permission_classes = [MayKeepGlossary]

    @extend_schema(summary="List abbreviations", responses=AbbreviationSerializer(many=True), operation_id="glossary")
    def get(self, request: Request) -> Response:
        """All of them, by name. One query."""
        return Response(AbbreviationSerializer(glossary.everything(), many=True).data)


class AbbreviationView(APIView):
    """One abbreviation."""

    permission_classes = [MayKeepGlossary]

    @extend_schema(
        summary="Say what an abbreviation stands for",
        request=AbbreviationMeaningSerializer,
        responses=AbbreviationSerializer,
        operation_id="glossary_put",
    )
    def put(self, request: Request, short: str) -> Response:
        """Adds it, or changes its meaning; the same again changes nothing that matters."""
        given = AbbreviationMeaningSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        entry = glossary.put(cast(User, request.user), short, given.validated_data["long"])
        return Response(AbbreviationSerializer(entry).data)

    @extend_schema(
        summary="Remove an abbreviation", request=None, responses={204: None}, operation_id="glossary_remove"
    )
    def delete(self, request: Request, short: str) -> Response:
        """404 where there is none."""
        if not glossary.remove(cast(User, request.user), short):
            raise NotFound("There is no such abbreviation.")
        return Response(status=status.HTTP_204_NO_CONTENT)
