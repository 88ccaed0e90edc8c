"""`mesh publish`."""

from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from client import product_files
from client.commands.output import AsJson, Url, marketplace, outcome_lines, print_json, say, tell
from client.errors import MarketplaceError
from client.marketplace import Marketplace
from client.models import Outcome

RESULTS = ("created", "updated", "unchanged", "refused")


class Access(StrEnum):
    """Whether anybody may consume it, or the owner decides."""

    OPEN = "open"
    ON_REQUEST = "on_request"


def publish(
    address: Annotated[str, typer.Argument(metavar="[URL]", help="Of a gateway, or of any descriptor.")] = "",
    file: Annotated[Path | None, typer.Option("--file", "-f", help="A list of products: YAML, JSON or JSONL.")] = None,
    domain: Annotated[str, typer.Option(help="Slug of a domain, where the product says another or none.")] = "",
    name: Annotated[str, typer.Option(help="Name in its address, instead of the product's own.")] = "",
    title: Annotated[str, typer.Option(help="Instead of the product's own.")] = "",
    summary: Annotated[str, typer.Option(help="Instead of the product's own.")] = "",
    tag: Annotated[list[str] | None, typer.Option(help="Instead of the product's own; may be repeated.")] = None,
    access: Annotated[Access | None, typer.Option(help="Who may consume it. New ones: on_request.")] = None,
    team: Annotated[str, typer.Option(help="Slug of the team that new products belong to.")] = "",
    draft: Annotated[bool, typer.Option("--draft", help="Register without publishing.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    url: Url = "",
    as_json: AsJson = False,
) -> None:
    """Publish a product by its link, or all of a file. Again, nothing changes.

    Status 0: all is as wanted. 1: something was refused, or the connection was lost; run it again. 2: used wrongly.
    """
    said: dict[str, Any] = {"domain": domain, "name": name, "title": title, "summary": summary, "tags": tag or []}
    said["access_mode"] = access.value if access else ""
    said = {key: value for key, value in said.items() if value}
    if bool(address) == (file is not None):
        raise typer.BadParameter("Give either a URL, or -f with a file.")
    if file is not None and said:
        option = {"tags": "tag", "access_mode": "access"}.get(next(iter(said)), next(iter(said)))
        raise typer.BadParameter(f"--{option} goes with a URL; write it into the file.")
    options: dict[str, Any] = {"publish": not draft, "dry_run": dry_run}
    if file is None:
        if team:
            said["owner"] = team
        with marketplace(url) as there:
            outcome = there.publish_url(address, **said, **options)
        _report([outcome], "", as_json=as_json, dry_run=dry_run, all_lines=True)
        return
    try:
        products = product_files.read(file)
    except product_files.FileError as error:
        tell(str(error))
        raise typer.Exit(2) from error
    if team:
        products = [{"owner": team, **row} if isinstance(row, dict) else row for row in products]
    with marketplace(url) as there:
        outcomes, lost = _publish_all(there, products, options)
    _report(outcomes, lost, as_json=as_json, dry_run=dry_run)


def _publish_all(there: Marketplace, products: list[Any], options: dict[str, bool]) -> tuple[list[Outcome], str]:
    """What was done, and why it ended early where it did."""
    outcomes: list[Outcome] = []
    columns = TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("products", total=len(products))
        try:
            for outcome in there.publish_many(products, **options):
                outcomes.append(outcome)
                progress.advance(task)
        except MarketplaceError as error:
            if not outcomes:
                raise
            return outcomes, str(error)
    return outcomes, ""


def _report(outcomes: list[Outcome], lost: str, *, as_json: bool, dry_run: bool, all_lines: bool = False) -> None:
    counts = Counter(outcome.result for outcome in outcomes)
    outcomes = sorted(outcomes, key=lambda outcome: outcome.index)
    if as_json:
        numbers = {result: counts[result] for result in RESULTS}
        print_json({"dry_run": dry_run, **numbers, "error": lost or None, "results": outcomes})
    else:
        for outcome in outcomes:
            if all_lines or outcome.result != "unchanged":
                for line in outcome_lines(outcome):
                    say(line)
            if all_lines and outcome.url and not dry_run:
                say(f"    {outcome.lifecycle}: {outcome.url}")
        start = "Nothing was done, this would be: " if dry_run else ""
        say(start + ", ".join(f"{counts[result]:,} {result}" for result in RESULTS) + ".")
        if lost:
            tell(f"Ended early: {lost}\nRun the same again: what is done stays as it is.")
    if lost or counts["refused"]:
        raise typer.Exit(1)
