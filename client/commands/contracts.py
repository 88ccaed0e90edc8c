"""`mesh diff`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from client.commands.output import AsJson, Url, marketplace, print_json, say, tell
from client.models import ContractChange, ContractDiff

SIGNS = {"added": "+", "removed": "-"}
BUMPS = {
    "fits": "fits",
    "too_small": "is less than the changes deserve",
    "larger": "is more than needed",
    "none": "stayed as it was",
    "back": "went back",
    "not_semver": "is no semantic version",
    "not_judged": "cannot be judged",
}


class FailOn(StrEnum):
    """What ends with status 1: a change that breaks, or a version that promises less than what changed."""

    BREAKING = "breaking"
    VERSION = "version"


def diff(
    before: Annotated[str, typer.Argument(help="A file, or the address of a contract.")],
    after: Annotated[str, typer.Argument(help="The newer one.")],
    fail_on: Annotated[
        FailOn | None, typer.Option(help="Status 1 where a change breaks, or where the version does not fit.")
    ] = None,
    url: Url = "",
    as_json: AsJson = False,
) -> None:
    """What changed from one data contract to another, how grave it is, and the version it deserves."""
    pair = [_given(text) for text in (before, after)]
    with marketplace(url) as there:
        found = there.compare_contracts(*pair)
    if as_json:
        print_json(found)
    else:
        _tell(found)
    if (fail_on is FailOn.BREAKING and found.level == "major") or (
        fail_on is FailOn.VERSION and found.bump in ("too_small", "none", "back")
    ):
        raise typer.Exit(1)


def _given(text: str) -> str | Path:
    if text.startswith(("http://", "https://")):
        return text
    try:
        Path(text).read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        tell(f"{text} cannot be read: {error}")
        raise typer.Exit(2) from error
    return Path(text)


def _tell(found: ContractDiff) -> None:
    for change in found.changes:
        say(f"{SIGNS.get(change.kind.rpartition('.')[2], '~')} {change.level:<6} {_place(change)}{_what(change)}")
    step = f"{found.version_before or 'no version'} → {found.version_after or 'no version'}"
    deserved = f" It deserves {found.suggested_version}." if found.suggested_version else ""
    say(f"{found.level or 'no'} change. {step}: the version {BUMPS.get(found.bump, found.bump)}.{deserved}")


def _place(change: ContractChange) -> str:
    return ".".join(filter(None, (change.schema, change.column or change.name))) or "contract"


def _what(change: ContractChange) -> str:
    said = f": {change.text}"
    if change.renamed_to:
        return f"{said}, to {change.renamed_to}"
    return f"{said}, {change.before[:80] or 'nothing'} → {change.after[:80] or 'nothing'}" if change.attribute else said
