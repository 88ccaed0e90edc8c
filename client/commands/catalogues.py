"""`mesh catalogue`, `mesh check`."""

from collections import Counter
from typing import Annotated, Any

import typer

from client.commands.finding import Address
from client.commands.output import MARKS, AsJson, Url, marketplace, print_json, say, tell
from client.commands.publishing import Access
from client.models import Dataset

RESULTS = ("created", "updated", "unchanged", "already", "refused")


def catalogue(
    address: Annotated[str, typer.Argument(metavar="URL", help="Of a catalogue: data.json, DCAT, CKAN, a STAC API.")],
    domain: Annotated[str, typer.Option(help="Slug of the domain for all of them; needed to publish.")] = "",
    dataset: Annotated[list[str] | None, typer.Option(help="Place in the catalogue; may be repeated.")] = None,
    team: Annotated[str, typer.Option(help="Slug of the team that they belong to.")] = "",
    access: Annotated[Access, typer.Option(help="Who may consume them.")] = Access.ON_REQUEST,
    new_tags: Annotated[bool, typer.Option("--new-tags", help="New tags become part of the glossary.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what is there, and do nothing.")] = False,
    url: Url = "",
    as_json: AsJson = False,
) -> None:
    """Publish the datasets of a catalogue, all or some. Again, only what differs changes.

    Status 0: all is as wanted. 1: something was refused, or the connection was lost; run it again. 2: used wrongly.
    """
    if not (domain or dry_run):
        raise typer.BadParameter("Say in which domain, or --dry-run.", param_hint="--domain")
    said: dict[str, Any] = {"access_mode": access.value, "new_tags": new_tags, **({"owner": team} if team else {})}
    with marketplace(url) as there:
        if dry_run:
            found = there.catalogue(address)
        else:
            found = list(there.publish_catalogue(address, domain, datasets=dataset, **said))
    counts = Counter(each.result for each in found)
    broken = sum(bool(each.reason) and each.result in ("", "refused") for each in found)
    if as_json:
        numbers = {"broken": broken} if dry_run else {result: counts[result] for result in RESULTS}
        print_json({"dry_run": dry_run, **numbers, "datasets": found})
    else:
        for each in found:
            say(_line(each))
        told = ", ".join(f"{counts[result]:,} {result}" for result in RESULTS)
        say(f"{len(found):,} datasets, {broken:,} of which cannot be published." if dry_run else f"{told}.")
    if broken:
        raise typer.Exit(1)


def _line(dataset: Dataset) -> str:
    mark = "!" if dataset.reason and not dataset.result else MARKS.get(dataset.result, " ")
    name = f"{dataset.urn}  {dataset.title}" if dataset.urn else f"{dataset.place}  {dataset.title}"
    return f"{mark} {name}" + (f"\n    {dataset.reason}" if dataset.reason else "")


def check(address: Address, url: Url = "", as_json: AsJson = False) -> None:
    """What a publishable product has and this one lacks. Status 1 where something lacks that blocks it."""
    with marketplace(url) as there:
        found = there.checklist(address)
    if as_json:
        print_json(found)
    else:
        for lack in found.lacks:
            blocks = ", blocks" if lack.blocks else ""
            say(f"{lack.state:<8} {lack.title} ({lack.level}{blocks})\n    {lack.reason} {lack.fix}")
        say(f"{found.met} met, {len(found.lacks)} not. {'May' if found.publishable else 'May not'} be published.")
        if any(lack.state == "unknown" for lack in found.lacks):
            tell("Unknown is what cannot be judged while the product does not answer.")
    if not found.publishable:
        raise typer.Exit(1)
