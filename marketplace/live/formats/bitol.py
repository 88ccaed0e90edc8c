"""What the two Bitol standards, ODPS and ODCS, write alike. Source: the JSON schemas of ODPS 1.1.0 and ODCS 3.2.0."""

from __future__ import annotations

from typing import Any

from ..view import NamedValue, Person, Price, SupportChannel, Team
from .read import mapping, mappings, other_links, rest, text, web_url

_OWNER_ROLES = ("data product owner", "product owner", "owner", "data owner", "dpo")


def version_of(standard: str, document: dict[str, Any]) -> str:
    """Such as "ODPS v1.1.0"."""
    return " ".join(part for part in (standard, text(document.get("apiVersion"))) if part)


def description_of(document: dict[str, Any]) -> tuple[str | None, str | None, str | None]:
    """Purpose, limitations and usage. Older documents write the description as one text: that is the purpose."""
    description = document.get("description")
    if not isinstance(description, dict):
        return text(description), None, None
    return text(description.get("purpose")), text(description.get("limitations")), text(description.get("usage"))


def team_of(value: Any) -> Team | None:
    """A team as an object with members (ODPS 1, ODCS 3.1 and newer) or as a bare list of members (before)."""
    team = mapping(value)
    members = tuple(_person(entry) for entry in mappings(team.get("members") if team else value))
    if not team and not members:
        return None
    return Team(text(team.get("name")), text(team.get("description")), members)


def _person(entry: dict[str, Any]) -> Person:
    return Person(
        username=text(entry.get("username")),
        name=text(entry.get("name")),
        role=text(entry.get("role")),
        description=text(entry.get("description")) or text(entry.get("comment")),
        date_in=text(entry.get("dateIn")),
        date_out=text(entry.get("dateOut")),
        replaced_by=text(entry.get("replacedByUsername")),
    )


_MEMBER = {"username", "name", "role", "description", "comment", "dateIn", "dateOut", "replacedByUsername"}
_SUPPORT = {"channel", "url", "description", "tool", "scope", "invitationUrl"}


def beyond(doc: dict[str, Any]) -> tuple[NamedValue, ...]:
    """What the parts that both standards write alike say beyond what is read of them, by place."""
    team = mapping(doc.get("team"))
    members = team.get("members") if team else doc.get("team")
    unread_support = [
        {**entry, "url": None} if _contact(entry.get("url")) else entry for entry in mappings(doc.get("support"))
    ]
    return (
        rest("team", team, {"name", "description", "members"})
        + rest("team.members", members, _MEMBER)
        + rest("support", unread_support, _SUPPORT - {"url"})
        + rest("price", doc.get("price"), {"priceAmount", "priceCurrency", "priceUnit"})
        + rest("description", doc.get("description"), {"purpose", "limitations", "usage", "authoritativeDefinitions"})
        + rest("customProperties", doc.get("customProperties"), {"property", "value", "description"})
        + other_links(doc.get("authoritativeDefinitions"))
    )


def owner_of(team: Team | None) -> str | None:
    """Who owns it by the team: the present member with an owner's role. None where no role says so."""
    present = [person for person in team.members if not person.date_out] if team else []
    for person in present:
        if person.role and person.role.strip().lower().replace("_", " ").replace("-", " ") in _OWNER_ROLES:
            return person.name or person.username
    return None


def support_of(value: Any) -> tuple[SupportChannel, ...]:
    """Support channels. A `mailto:` address is kept as such; other URLs only when http(s)."""
    return tuple(
        SupportChannel(
            channel=text(entry.get("channel")),
            url=_contact(entry.get("url")),
            description=text(entry.get("description")),
            tool=text(entry.get("tool")),
            scope=text(entry.get("scope")),
            invitation_url=web_url(entry.get("invitationUrl")),
        )
        for entry in mappings(value)
    )


def _contact(value: Any) -> str | None:
    written = text(value)
    if written and written.lower().startswith("mailto:") and "@" in written and not any(ord(c) <= 32 for c in written):
        return written
    return web_url(value)


def price_of(value: Any) -> Price | None:
    price = mapping(value)
    found = Price(
        amount=text(price.get("priceAmount")),
        currency=text(price.get("priceCurrency")),
        unit=text(price.get("priceUnit")),
    )
    return found if found != Price() else None
