"""Every read of people and teams."""

from django.db.models import Q, QuerySet

from marketplace.accounts.models import ApiToken, Role, Team, User


def teams_of(user: User) -> QuerySet[Team]:
    """The teams a person works in, by name. One query."""
    return Team.objects.filter(members=user)


def tokens_of(user: User) -> QuerySet[ApiToken]:
    """A person's API tokens, newest first, expired ones included. One query."""
    return ApiToken.objects.filter(user=user)


def tokens_for(team: Team) -> QuerySet[ApiToken]:
    """The API tokens of a team, newest first, expired ones included. One query."""
    return ApiToken.objects.filter(user__service_of=team)


def tokens_in_hands_of(user: User) -> QuerySet[ApiToken]:
    """The tokens a person may see and revoke: one's own and those of one's teams; for administrators of all teams.

    Newest first, each with its team. One query.
    """
    of_teams = Q(user__service_of__isnull=False) if user.has_role(Role.ADMIN) else Q(user__service_of__members=user)
    own = ApiToken.objects.filter(Q(user=user) | of_teams).distinct()
    return own.select_related("user__service_of")


def people_in(team: Team) -> QuerySet[User]:
    """Who works in a team: its members but for its service account. One query."""
    return User.objects.filter(teams=team, service_of__isnull=True)


def token_by_digest(digest: str) -> ApiToken | None:
    """The token with this hash, and its person. One query."""
    return ApiToken.objects.select_related("user").filter(digest=digest).first()
