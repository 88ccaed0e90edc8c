"""How `mesh` speaks: results on standard output, everything else on standard error."""

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console

from client.credentials import Credentials, CredentialsError, load
from client.errors import MarketplaceError, NotSignedInError
from client.marketplace import Marketplace
from client.models import Change, Outcome

Url = Annotated[str, typer.Option("--url", help="Address of the marketplace; MESH_URL, or that of the last login.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, for programs.")]
MARKS = {"created": "+", "updated": "~", "unchanged": "=", "refused": "!"}


def say(text: str) -> None:
    """A line of the result."""
    Console(soft_wrap=True, highlight=False, markup=False, emoji=False).print(plain(text))


def tell(text: str) -> None:
    """A line beside the result."""
    Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False).print(plain(text))


def plain(text: str) -> str:
    """Foreign text without what a terminal would obey."""
    return "".join(character if character.isprintable() or character == "\n" else "�" for character in text)


def print_json(value: Any) -> None:
    """One JSON document; dataclasses as objects, without their raw answers. ASCII, so that no terminal obeys it."""
    typer.echo(json.dumps(value, default=_json, indent=2))


def _json(value: Any) -> Any:
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.name != "raw"}


def credentials(url: str) -> Credentials:
    """The marketplace and its token. Ends with status 2 where the file of the login cannot be used."""
    try:
        found = load(url)
    except CredentialsError as error:
        tell(str(error))
        raise typer.Exit(2) from error
    warn_of_listeners(found)
    return found


def warn_of_listeners(found: Credentials) -> None:
    """Says so where the token is readable on its way."""
    if found.is_open_to_listeners:
        tell("Warning: http sends the token readable by everybody on the way; use https.")


@contextmanager
def marketplace(url: str) -> Iterator[Marketplace]:
    """The marketplace to talk to. Refusals and lost connections end with status 1 and their words."""
    found = credentials(url)
    try:
        with Marketplace(found.url, found.token) as there:
            yield there
    except NotSignedInError as error:
        advice = f"Make a token at {there.url}/accounts/tokens/ and run `mesh login`, or set MESH_TOKEN."
        tell(f"{error}\n{advice}")
        raise typer.Exit(1) from error
    except MarketplaceError as error:
        tell(str(error))
        raise typer.Exit(1) from error


def outcome_lines(outcome: Outcome) -> list[str]:
    """One product of a publication: what was done, what changed, why not."""
    name = outcome.urn or f"product {outcome.index + 1} of the list"
    lines = [f"{MARKS.get(outcome.result, '?')} {name} {outcome.result}"]
    lines += [f"    {line}" for change in outcome.changes for line in change_lines(change)]
    lines += [
        f"    {text}" if key == "non_field_errors" else f"    {key}: {text}"
        for key, each in outcome.errors.items()
        for text in each
    ]
    return lines


def change_lines(change: Change) -> list[str]:
    """A field that differs; of a list what is gone and what is new."""
    if isinstance(change.before, list) and isinstance(change.after, list):
        gone = [f"{change.field}: - {_short(row)}" for row in change.before if row not in change.after]
        return gone + [f"{change.field}: + {_short(row)}" for row in change.after if row not in change.before]
    return [f"{change.field}: {_short(change.before)} → {_short(change.after)}"]


def _short(value: Any) -> str:
    text = " ".join(filter(None, map(str, value))) if isinstance(value, list) else str(value)
    flat = " ".join(text.split())
    return f"“{flat[:100]}…”" if len(flat) > 100 else f"“{flat}”"
