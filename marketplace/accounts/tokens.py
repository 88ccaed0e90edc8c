"""The verbs on API tokens."""

from datetime import timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone

from marketplace.accounts import queries
from marketplace.accounts.models import ApiToken, Team, User
from marketplace.accounts.services import service_account
from marketplace.accounts.signals import token_created, token_revoked

LIFETIMES = (30, 90, 365)  # days
TOKENS_PER_PERSON = 20
TOKENS_PER_TEAM = 20


@transaction.atomic
def create_token(actor: User, name: str, days: int, team: Team | None = None) -> tuple[ApiToken, str]:
    """A token for the actor's programs, or for those of a team, and its text, which cannot be shown again.

    A team's token goes on working when the actor leaves the team. Raises ValidationError, by field, for a name that is
    empty, too long or in use, another lifetime than LIFETIMES, and where there are TOKENS_PER_PERSON or TOKENS_PER_TEAM
    already; PermissionDenied for a team of others. Five queries, ten for the first token of a team.
    """
    name = " ".join(name.split())
    # Two forms sent at once are counted one after the other.
    User.objects.select_for_update().get(pk=actor.pk)
    if team is not None:
        if not queries.people_in(team).filter(pk=actor.pk).exists():
            raise PermissionDenied(f"You are not in the team {team.name}.")
        Team.objects.select_for_update(no_key=True).get(pk=team.pk)
    problems: dict[str, str] = {}
    there = queries.tokens_for(team) if team else queries.tokens_of(actor)
    whose, most = (f"{team.name} has", TOKENS_PER_TEAM) if team else ("You have", TOKENS_PER_PERSON)
    names = {token.name for token in there if not token.has_expired}
    if not name or len(name) > 80:
        problems["name"] = "Give it a name of 1 to 80 characters that says where it is used."
    elif name in names:
        problems["name"] = f"{whose} a token of this name. Choose another, so that you know which one to revoke."
    if days not in LIFETIMES:
        problems["days"] = f"Choose a lifetime of {', '.join(map(str, LIFETIMES[:-1]))} or {LIFETIMES[-1]} days."
    if problems:
        raise ValidationError(problems)
    if len(names) >= most:
        raise ValidationError(f"{whose} {most} tokens. Revoke one that is not used any more.")
    account, facts = actor, {}
    if team is not None:
        account, facts = service_account(team), {"made_by": actor.username, "is_demo": actor.is_demo}
    token, text = ApiToken.objects.create(account, expiry=timedelta(days=days), name=name, **facts)
    token_created.send(sender=ApiToken, token=token, actor=actor)
    return token, text


@transaction.atomic
def revoke_token(actor: User, token: ApiToken) -> None:
    """Ends a token now, whoever made it. Raises PermissionDenied for one that is neither one's own nor one's team's.

    Four queries.
    """
    if not queries.tokens_in_hands_of(actor).filter(pk=token.pk).exists():
        raise PermissionDenied("This token is neither yours nor of a team of yours.")
    token.delete()
    token_revoked.send(sender=ApiToken, token=token, actor=actor)  # last: the event log is locked until commit


def note_use(token: ApiToken) -> None:
    """Remembers that a token was used, to the minute. One query a minute at most."""
    now = timezone.now()
    if token.last_used is None or now - token.last_used >= timedelta(minutes=1):
        ApiToken.objects.filter(pk=token.pk).update(last_used=now)
