"""Who a token belongs to, over REST."""

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import permissions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.accounts import queries
from marketplace.accounts.models import Role, Team, User


class MyTeamSerializer(serializers.ModelSerializer[Team]):
    """A team one works in."""

    class Meta:
        model = Team
        fields = ["slug", "name"]


class MeSerializer(serializers.Serializer[Any]):
    """The person of the token, or the service account of a team."""

    username = serializers.CharField()
    name = serializers.CharField(source="display_name")
    roles = serializers.ListField(child=serializers.ChoiceField(choices=Role.choices))
    teams = MyTeamSerializer(many=True, source="own_teams", help_text="What they may publish for.")
    acts_for = serializers.CharField(
        allow_null=True, help_text="Slug of the team whose token this is; null for a person's."
    )


class MeView(APIView):
    """The person who asks."""

    permission_classes = [permissions.IsAuthenticated]

    @extend_schema(operation_id="me", tags=["accounts"], summary="Who am I?", responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Name, roles and teams: so that a program can say whose token it was given. One query."""
        user = cast(User, request.user)
        facts = {"username": user.username, "display_name": user.display_name, "roles": user.roles}
        teams = list(queries.teams_of(user))
        acts_for = next((team.slug for team in teams if team.pk == user.service_of_id), None)
        found = MeSerializer({**facts, "own_teams": teams, "acts_for": acts_for}).data
        return Response(found, headers={"Cache-Control": "no-store"})
