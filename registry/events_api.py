"""GET /api/v1/events: the event log, for programs that follow what happens."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import renderers, serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from registry import feed
from registry.access import person

SECONDS = 5  # for which others may keep the page where the log ends now
FULL_SECONDS = 3600  # and one that is full: what everybody sees of the past stays as it is
LATEST = "latest"


class NDJSONRenderer(renderers.BaseRenderer):
    """One event a line; where to read on is in the header Link."""

    media_type = "application/x-ndjson"
    format = "ndjson"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        """Lines of ASCII; a problem document as one line."""
        rows = data["results"] if isinstance(data, Mapping) and "results" in data else [data]
        return "".join(json.dumps(row, default=str) + "\n" for row in rows).encode()


class QuerySerializer(serializers.Serializer[Any]):
    """What to read."""

    after = serializers.RegexField(
        r"^(?:latest|[0-9]{1,18})\Z",
        default="0",
        help_text="Id of the last event you have; `latest`: none of the past, only where to go on.",
        error_messages={"invalid": "Give the `next` of the page before, 0 for the beginning, or latest."},
    )
    limit = serializers.IntegerField(min_value=1, max_value=feed.MOST, default=100)
    type = serializers.ListField(
        child=serializers.CharField(max_length=60), max_length=50, default=[], help_text="Several: any of them."
    )
    subject = serializers.CharField(
        max_length=140, allow_blank=True, default="", help_text="URN, of a product for example."
    )


class EventSerializer(serializers.Serializer[Any]):
    """A CloudEvent 1.0 in JSON."""

    specversion = serializers.CharField()
    id = serializers.CharField(help_text="A number; later events have higher ones.")
    source = serializers.URLField()  # type: ignore[assignment] # DRF takes fields out of the class
    type = serializers.CharField()
    subject = serializers.CharField(help_text="What it is about; a product by its URN.")
    time = serializers.DateTimeField()
    datacontenttype = serializers.CharField()
    actor = serializers.CharField(required=False, help_text="User name; left out where you may not know who it was.")
    data = serializers.DictField()  # type: ignore[assignment] # DRF takes fields out of the class


class EventsSerializer(serializers.Serializer[Any]):
    """A page of the log, oldest first."""

    results = EventSerializer(many=True)
    next = serializers.IntegerField(help_text="Send it as `after`: at once where there is more, else later.")
    more = serializers.BooleanField(help_text="There is more now, also where this page is empty.")


class EventsView(APIView):
    """What happened in the marketplace."""

    permission_classes = [AllowAny]
    renderer_classes = [renderers.JSONRenderer, NDJSONRenderer]

    @extend_schema(
        operation_id="events",
        tags=["events"],
        summary="What happened, oldest first",
        parameters=[QuerySerializer],
        responses={200: EventsSerializer, 304: OpenApiResponse(description="Nothing new, by If-None-Match")},
    )
    def get(self, request: Request) -> HttpResponseBase:
        """What you may see of the log after an id. One query.

        Everybody: what happened to published products, without who did it. Signed in, besides: all of what you did and
        of what your teams own, with the actor.
        """
        given = QuerySerializer(data=request.query_params)
        given.is_valid(raise_exception=True)
        asked = given.validated_data
        reader = person(request.user)
        if asked["after"] == LATEST:
            found = feed.Page((), feed.newest(), more=False)
        else:
            found = feed.page(
                reader,
                after=int(asked["after"]),
                limit=asked["limit"],
                types=asked["type"],
                subject=asked["subject"],
            )
        events = [feed.cloud_event(seen, settings.PUBLIC_URL) for seen in found.events]
        body = {"results": events, "next": found.next, "more": found.more}
        etag = f'W/"{hashlib.sha256(json.dumps(body).encode()).hexdigest()[:32]}"'
        response = get_conditional_response(request._request, etag=etag) or Response(body)
        response["ETag"] = etag
        seconds = FULL_SECONDS if found.more else SECONDS
        response["Cache-Control"] = "private, no-cache" if reader else f"public, max-age={seconds}"
        response["Link"] = f'<{request.build_absolute_uri(request.path)}?{_next(asked, found.next)}>; rel="next"'
        patch_vary_headers(response, ("Accept", "Authorization", "Cookie"))
        return response


def _next(asked: dict[str, Any], after: int) -> str:
    kept = {key: asked[key] for key in ("limit", "type", "subject") if asked[key]}
    return urlencode({"after": after, **kept}, doseq=True)
