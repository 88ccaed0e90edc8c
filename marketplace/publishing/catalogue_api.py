"""Many datasets of one catalogue published by a program: an inspection lists them, a run registers them."""

import uuid as uuids
from typing import Any, cast

from django.db import transaction
from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import permissions, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.accounts.models import Team, User
from marketplace.accounts.queries import teams_of
from marketplace.accounts.services import home_team
from marketplace.publishing import catalogues
from marketplace.publishing.models import CatalogueRun, RunState
from marketplace.publishing.tasks import enqueue_catalogue
from registry.models import AccessMode, Domain

POLL_AFTER_MS = 1000
RESULTS = ("created", "updated", "unchanged", "already", "refused")


class CatalogueInput(serializers.Serializer[Any]):
    """Which datasets of a catalogue are published, and how."""

    inspection = serializers.CharField(max_length=40, help_text="Token of an inspection that found a catalogue.")
    domain = serializers.SlugRelatedField(
        slug_field="slug", queryset=Domain.objects.all(), help_text="For all of them."
    )
    datasets = serializers.ListField(
        child=serializers.CharField(max_length=2000),
        required=False,
        max_length=2000,
        help_text="The `place`s of those that are wanted; all that can be published where this is left out.",
    )
    owner = serializers.SlugField(max_length=63, required=False, help_text="Slug of the team; your first without it.")
    access_mode = serializers.ChoiceField(choices=AccessMode.choices, default=AccessMode.ON_REQUEST)
    new_tags = serializers.BooleanField(default=False, help_text="Tags that the glossary has not become part of it.")


class CatalogueResultSerializer(serializers.Serializer[Any]):
    """What became of one dataset."""

    place = serializers.CharField(help_text="Where it stands in the catalogue.")
    title = serializers.CharField()
    result = serializers.ChoiceField(choices=RESULTS)
    urn = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True, help_text="Why it was refused.")


class CatalogueRunSerializer(serializers.Serializer[Any]):
    """How far the datasets of a catalogue are published."""

    address = serializers.URLField(help_text="Where to read this again.")
    page = serializers.URLField(help_text="The same for people.")
    state = serializers.ChoiceField(choices=RunState.choices)
    url = serializers.CharField(help_text="Of the catalogue.")
    total = serializers.IntegerField()
    done = serializers.IntegerField()
    poll_after_ms = serializers.IntegerField(allow_null=True, help_text="Null when it is over.")
    problem = serializers.CharField(allow_blank=True)
    results = CatalogueResultSerializer(many=True)


def _body(request: Request, run: CatalogueRun) -> Any:
    page = reverse("publishing:run", args=[run.uuid])
    return CatalogueRunSerializer(
        {
            "address": request.build_absolute_uri(reverse("api:catalogue-run", args=[run.uuid])),
            "page": request.build_absolute_uri(page),
            "state": run.state,
            "url": run.url,
            "total": run.total,
            "done": len(run.results),
            "poll_after_ms": None if run.is_over else POLL_AFTER_MS,
            "problem": run.problem,
            "results": run.results,
        }
    ).data


class CataloguesView(APIView):
    """Publishing many datasets of a catalogue."""

    permission_classes = [permissions.IsAuthenticated]

    @extend_schema(
        operation_id="catalogues_create",
        tags=["publishing"],
        summary="Publish datasets of a catalogue",
        request=CatalogueInput,
        responses={202: CatalogueRunSerializer, 400: OpenApiResponse(description="No such domain, team or catalogue")},
    )
    def post(self, request: Request) -> Response:
        """Has a worker publish them; read `address` until `poll_after_ms` is null. The same again is the same run.

        Broken entries of the catalogue are among the results, refused with the reason. Some 20 ms a dataset.
        """
        given = CatalogueInput(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        user = cast(User, request.user)
        with transaction.atomic():
            owner = _team(user, wanted["owner"]) if wanted.get("owner") else home_team(user)
            how = catalogues.Wanted(wanted["domain"], owner, wanted["access_mode"], wanted["new_tags"])
            run, new = catalogues.begin(user, wanted["inspection"], wanted.get("datasets"), how)
            if new:
                transaction.on_commit(lambda: enqueue_catalogue(run.pk), robust=True)
        body = _body(request, run)
        return Response(body, status=status.HTTP_202_ACCEPTED, headers={"Location": body["address"]})


def _team(user: User, slug: str) -> Team:
    mine = {team.slug: team for team in teams_of(user)}
    if slug not in mine:
        said = f"You are not in a team {slug!r}. Your teams: {', '.join(mine) or 'none yet'}."
        raise serializers.ValidationError({"owner": [said]})
    return mine[slug]


class CatalogueRunView(APIView):
    """What became of the datasets of a catalogue."""

    permission_classes = [permissions.IsAuthenticated]

    @extend_schema(
        operation_id="catalogues_retrieve",
        tags=["publishing"],
        summary="What became of a catalogue's datasets",
        responses={200: CatalogueRunSerializer, 404: OpenApiResponse(description="No such run, or not yours")},
    )
    def get(self, request: Request, run: uuids.UUID) -> Response:
        """Dataset by dataset, while it runs and at any time afterwards."""
        found = catalogues.runs_of(cast(User, request.user)).filter(uuid=run).first()
        if found is None:
            raise Http404("There is no such run.")
        if catalogues.is_idle(found):
            enqueue_catalogue(found.pk)
        return Response(_body(request, found), headers={"Cache-Control": "no-store"})
