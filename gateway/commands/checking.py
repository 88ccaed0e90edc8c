"""`gateway check`: the conformance kit, for any gateway."""

import os
from typing import Annotated

import typer

from gateway.commands.conformance.report import LEVELS, Level, Report

_SIGNS = {"holds": ("✓", "green"), "missing": ("–", "yellow"), "wrong": ("✗", "red")}


def check(
    url: Annotated[str, typer.Argument(help="Base address of a gateway, or its /discover")],
    level: Annotated[str | None, typer.Option(help=f"Must hold: {', '.join(LEVELS)}; else what it claims")] = None,
    token: Annotated[str | None, typer.Option(envvar="GATEWAY_TOKEN", help="A grant, for what needs one")] = None,
    timeout: Annotated[float, typer.Option(min=0.1, max=120, help="Seconds for each request")] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON")] = False,
    all_checks: Annotated[bool, typer.Option("--all", help="Print what holds too")] = False,
) -> None:
    """Examine a gateway, ours or not, against the protocol.

    Exit code 0 when the level holds, 1 when it does not, 2 when nothing answers at the address.
    """
    from gateway.commands.conformance.running import examine

    wanted = _level(level)
    try:
        report = examine(url, token=token, level=wanted, timeout=timeout)
    except ValueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    if as_json:
        typer.echo(report.model_dump_json(indent=1))
    else:
        show(report, all_checks)
    raise typer.Exit(2 if not report.reachable else 0 if report.passed else 1)


def _level(text: str | None) -> Level | None:
    for level in LEVELS:
        if level == text:
            return level
    if text is not None:
        raise typer.BadParameter(f"'{text}' is none of: {', '.join(LEVELS)}")
    return None


def show(report: Report, all_checks: bool = False) -> None:
    """Print a report for people: each level with what fails in it, and what was expected and seen."""
    from rich.console import Console
    from rich.text import Text

    out = Console(highlight=False, soft_wrap=True, no_color=bool(os.environ.get("NO_COLOR")))
    for level in LEVELS:
        results = report.at(level)
        if not results:
            continue
        held = sum(result.outcome == "holds" for result in results)
        out.print(Text(f"{level}: {held} of {len(results)} hold", style="bold"))
        for result in results:
            if result.outcome == "holds" and not all_checks:
                continue
            sign, colour = _SIGNS[result.outcome]
            out.print(Text(f"  {sign} {result.outcome}: {plain(result.check)}", style=colour))
            if result.outcome != "holds":
                where = f"\n      at       {plain(result.url)}" if result.url else ""
                out.print(Text(f"      expected {plain(result.expected)}\n      seen     {plain(result.seen)}{where}"))
    if not report.reachable:
        out.print(Text(f"{report.url} does not answer", style="red"))
        return
    verdict = f"level: {report.level or 'none'} (claimed: {report.claimed}, asked: {report.asked})"
    out.print(Text(verdict, style="green" if report.passed else "red"))


def plain(text: str) -> str:
    """Text of a stranger without control characters, so that it cannot steer the terminal."""
    return "".join(character if character.isprintable() else "�" for character in text)
