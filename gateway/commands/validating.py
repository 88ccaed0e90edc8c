"""`gateway validate`: what is wrong in a product folder, with file and line."""

import json
from pathlib import Path
from typing import Annotated

import typer

from gateway.commands.findings import findings_of


def validate(
    folder: Annotated[Path, typer.Argument(help="A product folder, or a folder of several")],
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON")] = False,
) -> None:
    """Check documents against the published schemas, against each other and against the data.

    Prints `file:line: severity: message`. Exit code 1 on an error (with --strict on a warning too).
    """
    if not folder.is_dir():
        typer.echo(f"{folder} is no folder", err=True)
        raise typer.Exit(1)
    every = []
    for product in product_folders(folder):
        for finding in findings_of(product):
            path = (product / finding.path).as_posix()
            every.append(finding.model_copy(update={"path": path}))
    if as_json:
        typer.echo(json.dumps([finding.model_dump() for finding in every], indent=1))
    else:
        for finding in every:
            typer.echo(str(finding))
        errors = sum(finding.severity == "error" for finding in every)
        typer.echo(f"{errors} errors, {len(every) - errors} warnings")
    failed = any(strict or finding.severity == "error" for finding in every)
    raise typer.Exit(1 if failed else 0)


def product_folders(folder: Path) -> list[Path]:
    """The folder itself when it has an ODPS document, else those one or two levels below it that have one."""
    if any(folder.glob("*.odps.y*ml")):
        return [folder]
    below = {path.parent for pattern in ("*/*.odps.y*ml", "*/*/*.odps.y*ml") for path in folder.glob(pattern)}
    return sorted(path for path in below if path.name != "contracts") or [folder]
