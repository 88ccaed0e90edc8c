"""Every read of people and teams."""

from django.db.models import QuerySet

from marketplace.accounts.models import ApiToken, Team, User


def teams_of(user: User) -> QuerySet[Team]:
    """The teams a person works in, by name. One query."""
    return Team.objects.filter(members=user)


def tokens_of(user: User) -> QuerySet[ApiToken]:
    """A person's API tokens, newest first, expired ones included. One query."""
    return ApiToken.objects.filter(user=user)


def token_by_digest(digest: str) -> ApiToken | None:
    """The token with this hash, and its person. One query."""
    return ApiToken.objects.select_related("user").filter(digest=digest).first()
