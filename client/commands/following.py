"""`mesh events`."""

import itertools
import json
from typing import Annotated, Any

import typer

from client.commands.output import AsJson, Url, marketplace, print_json, say, tell
from client.marketplace import Marketplace
from client.models import Event


def events(
    product: Annotated[str, typer.Argument(metavar="[ADDRESS]", help="Only of this product; or another URN.")] = "",
    kind: Annotated[list[str] | None, typer.Option("--type", help="Like product.paused; may be repeated.")] = None,
    after: Annotated[str, typer.Option(help="Id of the last event you have; latest: only what comes.")] = "0",
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 1000,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until stopped, without --limit.")] = False,
    every: Annotated[float, typer.Option(min=0.1, max=3600, help="Seconds between two looks, with --follow.")] = 5,
    url: Url = "",
    as_json: AsJson = False,
) -> None:
    """What happened, oldest first. With --follow --json one JSON document a line."""
    if after != "latest" and not (after.isascii() and after.isdigit()):
        raise typer.BadParameter("Give the id of an event, or latest.", param_hint="--after")
    with marketplace(url) as there:
        start = there.position() if after == "latest" else int(after)
        options: dict[str, Any] = {"after": start, "types": kind or [], "subject": product}
        if follow:
            _follow(there, options, every, as_json=as_json)
            return
        found = list(itertools.islice(there.events(**options), limit))
    last = found[-1].id if found else start
    if as_json:
        print_json({"events": [event.raw for event in found], "next": last})
        return
    for event in found:
        say(_line(event))
    tell(f"{len(found):,} events. Read on with --after {last}.")


def _follow(there: Marketplace, options: dict[str, Any], every: float, *, as_json: bool) -> None:
    try:
        for event in there.events(**options, follow=True, every=every):
            if as_json:
                typer.echo(json.dumps(event.raw))
            else:
                say(_line(event))
    except KeyboardInterrupt:  # how it is meant to end
        tell("Stopped.")


def _line(event: Event) -> str:
    who = f" by {event.actor}" if event.actor else ""
    said = ", ".join(f"{key}: {_short(value)}" for key, value in event.data.items() if value not in (None, "", [], {}))
    return f"{event.id}  {event.time[:19]}  {event.type}  {event.subject}{who}" + (f"\n    {said}" if said else "")


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 100 else f"{text[:99]}…"
