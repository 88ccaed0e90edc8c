"""What a person follows, keeps and was told, over REST: one's own and nobody else's."""

import uuid as uuids
from typing import Any, cast

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics, permissions, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.accounts.models import User
from marketplace.notices import contexts, queries, services
from marketplace.notices.models import NAME_LIMIT, Entry, Follow, SavedSearch
from registry import queries as registry
from registry.models import Domain, Product

PRIVATE = {"Cache-Control": "no-store"}


def _person(request: Request) -> User:
    return cast(User, request.user)  # every view here lets only people in


def _private(answer: Response) -> Response:
    answer["Cache-Control"] = PRIVATE["Cache-Control"]
    return answer


class FollowSerializer(serializers.Serializer[Any]):
    """A product or a domain that one follows."""

    uuid = serializers.UUIDField()
    subject = serializers.CharField(help_text="urn:dp:<domain>:<name>, or urn:domain:<slug>.")
    title = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()

    def get_title(self, follow: Follow) -> str:
        """Of the product or the domain."""
        target = follow.product or follow.domain
        return target.title if target else ""


class NewFollowSerializer(serializers.Serializer[Any]):
    """What to follow."""

    subject = serializers.CharField(max_length=140, help_text="urn:dp:<domain>:<name>, or urn:domain:<slug>.")

    def validate_subject(self, subject: str) -> Product | Domain:
        """The product everybody may see, or the domain."""
        found: Product | Domain | None
        if subject.startswith("urn:domain:"):
            found = Domain.objects.filter(slug=subject.removeprefix("urn:domain:")).first()
        else:
            found = registry.listed_by_urn(subject)
        if found is None:
            raise serializers.ValidationError(
                f"Nothing is published at {subject}. Use urn:dp:<domain>:<name>, or urn:domain:<slug>."
            )
        return found


class FollowsView(generics.ListAPIView[Follow]):
    """What one follows, last followed first."""

    permission_classes = [permissions.IsAuthenticated]
    serializer_class = FollowSerializer
    filter_backends: list[Any] = []
    queryset = Follow.objects.none()  # for the schema

    def get_queryset(self) -> QuerySet[Follow]:
        return queries.follows(_person(self.request))

    @extend_schema(operation_id="me_follows_list", tags=["me"], summary="What do I follow?")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Two queries."""
        return _private(self.list(request, *args, **kwargs))

    @extend_schema(
        operation_id="me_follows_create",
        tags=["me"],
        summary="Follow a product or a domain",
        request=NewFollowSerializer,
        responses={200: FollowSerializer, 201: FollowSerializer},
    )
    def post(self, request: Request) -> Response:
        """201; 200 for what one follows already. 400 at the limit of 200."""
        wanted = NewFollowSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        target, user = wanted.validated_data["subject"], _person(request)
        known = queries.follow_of(user, target) is not None
        follow = services.follow(user, target)
        return _made(FollowSerializer(follow).data, known)


def _made(data: Any, known: bool) -> Response:
    code = status.HTTP_200_OK if known else status.HTTP_201_CREATED
    return Response(data, status=code, headers=PRIVATE)


class FollowView(APIView):
    """One of the things one follows."""

    permission_classes = [permissions.IsAuthenticated]

    @extend_schema(
        operation_id="me_follows_destroy",
        tags=["me"],
        summary="Stop following",
        responses={
            204: OpenApiResponse(description="No longer followed"),
            404: OpenApiResponse(description="Not yours"),
        },
    )
    def delete(self, request: Request, uuid: uuids.UUID) -> Response:
        """204."""
        follow = get_object_or_404(queries.follows(_person(request)), uuid=uuid)
        target = follow.product or follow.domain
        assert target is not None  # the database sees to it
        services.unfollow(_person(request), target)
        return Response(status=status.HTTP_204_NO_CONTENT)


class SavedSearchSerializer(serializers.Serializer[Any]):
    """A search that is kept."""

    uuid = serializers.UUIDField()
    name = serializers.CharField()
    query = serializers.CharField(help_text="For GET /search/, and for the page /search/.")
    fresh = serializers.IntegerField(help_text="Products that fit, published since it was last opened on its page.")
    created_at = serializers.DateTimeField()
    opened_at = serializers.DateTimeField()


class NewSearchSerializer(serializers.Serializer[Any]):
    """A search to keep."""

    query = serializers.CharField(
        max_length=16_000, trim_whitespace=False, help_text="Query string as of GET /search/: q=rain&tag=daily."
    )
    name = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        help_text=f"At most {NAME_LIMIT} characters; else made of its words.",
    )


class SearchNameSerializer(serializers.Serializer[Any]):
    """Another name."""

    name = serializers.CharField(help_text=f"At most {NAME_LIMIT} characters.")


class SavedSearchesView(generics.ListAPIView[SavedSearch]):
    """One's saved searches, by name."""

    permission_classes = [permissions.IsAuthenticated]
    serializer_class = SavedSearchSerializer
    filter_backends: list[Any] = []
    queryset = SavedSearch.objects.none()  # for the schema

    def get_queryset(self) -> QuerySet[SavedSearch]:
        return queries.saved_searches(_person(self.request))

    @extend_schema(operation_id="me_saved_searches_list", tags=["me"], summary="My saved searches")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Two queries."""
        return _private(self.list(request, *args, **kwargs))

    @extend_schema(
        operation_id="me_saved_searches_create",
        tags=["me"],
        summary="Save a search",
        request=NewSearchSerializer,
        responses={200: SavedSearchSerializer, 201: SavedSearchSerializer},
    )
    def post(self, request: Request) -> Response:
        """201; 200 for one that is there already, whose name stays. 400 at the limit of 50."""
        wanted = NewSearchSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        user = _person(request)
        before = set(SavedSearch.objects.filter(user=user).values_list("pk", flat=True))
        saved = services.save_search(user, **wanted.validated_data)
        found = queries.saved_searches(user).get(pk=saved.pk)
        return _made(SavedSearchSerializer(found).data, saved.pk in before)


class SavedSearchView(APIView):
    """One saved search."""

    permission_classes = [permissions.IsAuthenticated]

    def _own(self, request: Request, uuid: uuids.UUID) -> SavedSearch:
        return get_object_or_404(queries.saved_searches(_person(request)), uuid=uuid)

    @extend_schema(
        operation_id="me_saved_searches_update",
        tags=["me"],
        summary="Rename a saved search",
        request=SearchNameSerializer,
        responses={200: SavedSearchSerializer, 404: OpenApiResponse(description="Not yours")},
    )
    def patch(self, request: Request, uuid: uuids.UUID) -> Response:
        """The search under its new name."""
        found = self._own(request, uuid)
        wanted = SearchNameSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        services.rename_search(_person(request), found, wanted.validated_data["name"])
        return Response(SavedSearchSerializer(found).data, headers=PRIVATE)

    @extend_schema(
        operation_id="me_saved_searches_destroy",
        tags=["me"],
        summary="Delete a saved search",
        responses={204: OpenApiResponse(description="Deleted"), 404: OpenApiResponse(description="Not yours")},
    )
    def delete(self, request: Request, uuid: uuids.UUID) -> Response:
        """204."""
        services.delete_search(_person(request), self._own(request, uuid))
        return Response(status=status.HTTP_204_NO_CONTENT)


class EntrySerializer(serializers.Serializer[Any]):
    """One thing that one is told."""

    id = serializers.IntegerField()
    type = serializers.CharField(source="event.type", help_text="Of the event, like product.deprecated.")
    subject = serializers.CharField(source="event.subject", help_text="The product's URN; the last one's of several.")
    title = serializers.CharField(help_text="The product's.")
    text = serializers.SerializerMethodField(help_text="What happened, in words.")
    count = serializers.IntegerField(help_text="How many products it speaks of.")
    domain = serializers.CharField(source="domain.slug", allow_null=True, default=None, help_text="Followed domain.")
    saved_search = serializers.UUIDField(source="search.uuid", allow_null=True, default=None)
    event = serializers.IntegerField(source="event_id", help_text="Id in the event log.")
    created_at = serializers.DateTimeField()
    read = serializers.SerializerMethodField()

    def get_text(self, entry: Entry) -> str:
        """As the page says it."""
        row = contexts.told(entry)
        return f"{row.title}: {row.label}{f' · {row.detail}' if row.detail else ''}"

    def get_read(self, entry: Entry) -> bool:
        """Whether it was marked as read."""
        return entry.read_at is not None


class InboxView(generics.ListAPIView[Entry]):
    """One's inbox, newest first."""

    permission_classes = [permissions.IsAuthenticated]
    serializer_class = EntrySerializer
    filter_backends: list[Any] = []
    queryset = Entry.objects.none()  # for the schema

    def get_queryset(self) -> QuerySet[Entry]:
        asked = serializers.BooleanField(default=False).run_validation(self.request.query_params.get("unread", False))
        return queries.inbox(_person(self.request), unread=asked)

    @extend_schema(
        operation_id="me_inbox_list",
        tags=["me"],
        summary="My inbox",
        parameters=[OpenApiParameter("unread", bool, description="Only what is not read.")],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Two queries."""
        return _private(self.list(request, *args, **kwargs))


class ReadSerializer(serializers.Serializer[Any]):
    """Up to where one has read."""

    until = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=0,
        max_value=2**63 - 1,
        help_text="Id of the newest entry that was seen; without it, all are marked.",
    )


class MarkedSerializer(serializers.Serializer[Any]):
    """How many entries were marked."""

    marked = serializers.IntegerField()


class InboxReadView(APIView):
    """Marks entries as read."""

    permission_classes = [permissions.IsAuthenticated]

    @extend_schema(
        operation_id="me_inbox_read", tags=["me"], summary="Mark as read", request=ReadSerializer,
        responses=MarkedSerializer,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """How many were not read before. One statement."""
        wanted = ReadSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        marked = services.mark_read(_person(request), wanted.validated_data["until"])
        return Response(MarkedSerializer({"marked": marked}).data, headers=PRIVATE)
