"""The verbs on API tokens."""

from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from marketplace.accounts import queries
from marketplace.accounts.models import ApiToken, User
from marketplace.accounts.signals import token_created, token_revoked

LIFETIMES = (30, 90, 365)  # days
TOKENS_PER_PERSON = 20


@transaction.atomic
def create_token(actor: User, name: str, days: int) -> tuple[ApiToken, str]:
    """A token for the actor's programs, and its text, which is not kept and cannot be shown again.

    Raises ValidationError, by field, for a name that is empty, too long or in use, another lifetime than LIFETIMES, and
    where the person has TOKENS_PER_PERSON already. Five queries.
    """
    name = " ".join(name.split())
    # Two forms sent at once are counted one after the other.
    User.objects.select_for_update().get(pk=actor.pk)
    problems: dict[str, str] = {}
    names = {token.name for token in queries.tokens_of(actor) if not token.has_expired}
    if not name or len(name) > 80:
        problems["name"] = "Give it a name of 1 to 80 characters that says where it is used."
    elif name in names:
        problems["name"] = "You have a token of this name. Choose another, so that you know which one to revoke."
    if days not in LIFETIMES:
        problems["days"] = f"Choose a lifetime of {', '.join(map(str, LIFETIMES[:-1]))} or {LIFETIMES[-1]} days."
    if problems:
        raise ValidationError(problems)
    if len(names) >= TOKENS_PER_PERSON:
        raise ValidationError(f"You have {TOKENS_PER_PERSON} tokens. Revoke one that is not used any more.")
    token, text = ApiToken.objects.create(actor, expiry=timedelta(days=days), name=name)
    token_created.send(sender=ApiToken, token=token, actor=actor)
    return token, text


@transaction.atomic
def revoke_token(actor: User, token: ApiToken) -> None:
    """Ends a token now. It is the actor's own. Three queries."""
    token.delete()
    token_revoked.send(sender=ApiToken, token=token, actor=actor)  # last: the event log is locked until commit


def note_use(token: ApiToken) -> None:
    """Remembers that a token was used, to the minute. One query a minute at most."""
    now = timezone.now()
    if token.last_used is None or now - token.last_used >= timedelta(minutes=1):
        ApiToken.objects.filter(pk=token.pk).update(last_used=now)
