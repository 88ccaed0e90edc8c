"""`mesh publish`, `mesh lifecycle`."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from client import product_files
from client.commands.finding import Address
from client.commands.output import AsJson, Url, marketplace, outcome_lines, print_json, say, tell
from client.errors import MarketplaceError
from client.marketplace import Marketplace
from client.models import Outcome

RESULTS = ("created", "updated", "unchanged", "refused")


def publish(
    address: Annotated[str, typer.Argument(metavar="[URL]", help="Of a gateway, or of any descriptor.")] = "",
    file: Annotated[Path | None, typer.Option("--file", "-f", help="A list of products: YAML, JSON or JSONL.")] = None,
    domain: Annotated[str, typer.Option(help="Slug of a domain, where the product says another or none.")] = "",
    name: Annotated[str, typer.Option(help="Name in its address, instead of the product's own.")] = "",
    title: Annotated[str, typer.Option(help="Instead of the product's own.")] = "",
    summary: Annotated[str, typer.Option(help="Instead of the product's own.")] = "",
    tag: Annotated[list[str] | None, typer.Option(help="Instead of the product's own; may be repeated.")] = None,
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
    said = {key: value for key, value in said.items() if value}
    if bool(address) == (file is not None):
        raise typer.BadParameter("Give either a URL, or -f with a file.")
    if file is not None and said:
        raise typer.BadParameter(f"--{next(iter(said)).removesuffix('s')} goes with a URL; write it into the file.")
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


lifecycle = typer.Typer(help="Steps of a product's lifecycle.", no_args_is_help=True)


def _move(verb: str, address: str, url: str, as_json: bool, **said: str) -> None:
    with marketplace(url) as there:
        product = there.lifecycle(address, verb, **{key: value for key, value in said.items() if value})
    if as_json:
        print_json(product)
    else:
        say(f"{product.urn} is {product.lifecycle}.")


@lifecycle.command("publish")
def publish_draft(address: Address, url: Url = "", as_json: AsJson = False) -> None:
    """List a draft, so that everybody finds it."""
    _move("publish", address, url, as_json)


@lifecycle.command()
def pause(address: Address, url: Url = "", as_json: AsJson = False) -> None:
    """Ask not to use it for now; it stays listed."""
    _move("pause", address, url, as_json)


@lifecycle.command()
def resume(address: Address, url: Url = "", as_json: AsJson = False) -> None:
    """End a pause."""
    _move("resume", address, url, as_json)


@lifecycle.command()
def deprecate(
    address: Address,
    successor: Annotated[str, typer.Option(help="URN of the listed product that follows it.")] = "",
    retires_on: Annotated[str, typer.Option(help="The day on which it goes, like 2030-01-31.")] = "",
    message: Annotated[str, typer.Option(help="For those who use it.")] = "",
    url: Url = "",
    as_json: AsJson = False,
) -> None:
    """Say that it will go; it stays listed."""
    _move("deprecate", address, url, as_json, successor=successor, retires_on=retires_on, message=message)


@lifecycle.command()
def retire(address: Address, url: Url = "", as_json: AsJson = False) -> None:
    """Take a deprecated product out of every list; its address stays taken."""
    _move("retire", address, url, as_json)
