"""Writes into the event log what happens on the floor below: people and their keys."""

from typing import Any

from marketplace.accounts import signals
from marketplace.accounts.models import ApiToken, User
from registry import events


def token_created(sender: Any, token: ApiToken, actor: User, **_: Any) -> None:
    """Records `token.created`, without anything of the token but how it begins."""
    expires = token.expiry.isoformat() if token.expiry else None
    events.record("token.created", _urn(token), actor, **_facts(token), expires=expires)


def token_revoked(sender: Any, token: ApiToken, actor: User, **_: Any) -> None:
    """Records `token.revoked`."""
    events.record("token.revoked", _urn(token), actor, **_facts(token))


def listen() -> None:
    """Called from AppConfig.ready."""
    signals.token_created.connect(token_created, dispatch_uid="registry.token_created")
    signals.token_revoked.connect(token_revoked, dispatch_uid="registry.token_revoked")


def _facts(token: ApiToken) -> dict[str, str]:
    said = {"name": token.name, "prefix": token.prefix}
    return {**said, "team": token.team.slug} if token.team else said


def _urn(token: ApiToken) -> str:
    return f"urn:token:{token.uuid}"
