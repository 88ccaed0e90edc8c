"""`mesh login`, `mesh whoami`."""

import os
import sys

import typer

from client.commands.output import AsJson, Url, marketplace, print_json, say, tell, warn_of_listeners
from client.credentials import DEFAULT_URL, Credentials, save
from client.errors import MarketplaceError
from client.marketplace import Marketplace
from client.models import Person


def login(url: Url = "") -> None:
    """Keep a token, made at /accounts/tokens/ of the marketplace. It is typed unseen, or read from a pipe."""
    url = url or os.environ.get("MESH_URL", "") or DEFAULT_URL
    token = (typer.prompt("Token", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()).strip()
    if not token or not token.isascii() or not token.isprintable():
        tell("That is not a token: they begin with dmm_.")
        raise typer.Exit(2)
    given = Credentials(url, token)
    warn_of_listeners(given)
    try:
        with Marketplace(url, token) as there:
            person = there.whoami()
    except MarketplaceError as error:
        tell(str(error))
        raise typer.Exit(1) from error
    file = save(given)
    say(f"{_named(person)}. The token is kept in {file}, which only you can read.")


def whoami(url: Url = "", as_json: AsJson = False) -> None:
    """Say whose token this is."""
    with marketplace(url) as there:
        person = there.whoami()
    if as_json:
        print_json(person)
    else:
        whose = f"Acts for {person.acts_for}" if person.acts_for else f"Teams: {', '.join(person.teams) or 'none yet'}"
        say(f"{_named(person)} at {there.url}. {whose}")


def _named(person: Person) -> str:
    return person.name if person.name == person.username else f"{person.name} ({person.username})"
