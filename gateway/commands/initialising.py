"""`gateway init`: from a folder with data to the two documents of a data product."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from gateway.commands.drafting import Answers, Draft, draft, slug
from gateway.commands.inspecting import FORMATS, Inspected, inspect_files
from gateway.documents import DocumentError, parse_yaml
from gateway.product import load_product, product_file
from gateway.samples import DataError, format_of

MAX_FILES = 50
SETTINGS = """\
# Settings of the gateway, all optional. README.md of the gateway, "gateway.yaml", describes every key.
#
# Who may sign tokens for artifacts that are not open, and for /control:
# trust:
#   - {issuer: https://marketplace.example.org, jwks_url: https://marketplace.example.org/.well-known/jwks.json}
#
# By output port: where its data is, when that is not the file in its contract, and what roles see of it:
# artifacts:
#   name-of-the-port:
#     source: {type: parquet, path: /data/rain.parquet}
#     roles:
#       default: {mask: {station_id: hash}}
"""
_OTHERS = {"package.json", "package-lock.json", "datapackage.json"}


def init(
    folder: Annotated[Path, typer.Argument(help="Folder with the data: files in it, or in its data folder")],
    title: Annotated[str | None, typer.Option(help="Title people read")] = None,
    domain: Annotated[str | None, typer.Option(help="Domain of the product in the mesh, such as precipitation")] = None,
    owner: Annotated[str | None, typer.Option(help="Team that owns it: a name, an e-mail address, or both")] = None,
    summary: Annotated[str | None, typer.Option(help="One sentence: what is in it")] = None,
    access: Annotated[str | None, typer.Option(help="'open' to everybody, or 'on request'")] = None,
    name: Annotated[str | None, typer.Option(help="Name in addresses; made from the title when not said")] = None,
    license: Annotated[str | None, typer.Option(help="License: an SPDX id or an address")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over documents that are there")] = False,
) -> None:
    """Look at the data and write valid ODPS and ODCS documents beside it. The data is not touched.

    Asks five questions on a terminal, for what no option says. Exit code 1 when nothing was written.
    """
    try:
        answers = _answers(folder, title, domain, owner, summary, access, name, license)
        written, result = write_documents(folder, answers, force=force)
    except (DataError, DocumentError, OSError) as error:
        problems = error.problems if isinstance(error, DocumentError) else [str(error)]
        for problem in problems:
            typer.echo(problem, err=True)
        raise typer.Exit(1) from error
    for path in written:
        typer.echo(f"wrote {path}")
    typer.echo("\nInferred from the data; correct what is not a promise of yours:")
    for line in result.inferred:
        typer.echo(f"  {line}")
    said = {"domain": answers.domain, "owner": answers.team or answers.email}
    left_out = ", ".join(key for key, value in said.items() if not value)
    typer.echo(f"\nStatus is draft; access is {'open' if answers.open else 'on request'}.")
    if left_out:
        needed = "" if answers.domain else " A marketplace wants a domain before `register`."
        typer.echo(f"Not said, so left out: {left_out}.{needed}")
    typer.echo(f"Next: python -m gateway validate {folder} && python -m gateway serve {folder}")


def write_documents(folder: Path, answers: Answers, *, force: bool = False) -> tuple[list[Path], Draft]:
    """Inspect the data of a folder and write its documents. Blocking; runs DuckDB in a process of its own.

    Returns:
        The files written, and what was inferred.

    Raises:
        DataError: there is no data, or a file cannot be read.
        DocumentError: documents are there already (and not `force`), or what came out is not valid.
        OSError: the folder cannot be written.
    """
    folder = folder.resolve()
    there = _documents_in(folder)
    if there and not force:
        names = ", ".join(str(path.relative_to(folder)) for path in there)
        raise DocumentError([f"{names} is there already; --force writes over it"])
    found = inspect_files(data_files(folder))
    broken = [
        f"{Path(entry.path).relative_to(folder)} cannot be described: {entry.problem}"
        for entry in found
        if entry.problem
    ]
    usable = [entry for entry in found if not entry.problem]
    if not usable:
        raise DataError("; ".join(broken) or _no_data(folder))
    given = answers if answers.summary else replace(answers, summary=described(usable, folder))
    result = draft(given, _known_id(folder) or str(uuid4()), usable, folder)
    if not answers.summary:
        result.inferred.append(f"summary, since none was said: {given.summary}")
    result.inferred += [f"left out: {problem}" for problem in broken]
    return _write(folder, result), result


def data_files(folder: Path) -> list[Path]:
    """Files that can be inspected, in the folder itself and anywhere below its `data` folder.

    Raises:
        DataError: the folder does not exist, or has more than 50 of them.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder")
    every = [path for path in (*folder.iterdir(), *(folder / "data").rglob("*")) if _named(path)]
    found = sorted(
        path
        for path in every
        if path.is_file()
        and not path.name.startswith(".")
        and path.name not in _OTHERS
        and format_of(path, None) in FORMATS
        and folder in path.resolve().parents
    )
    if len(found) > MAX_FILES:
        raise DataError(
            f"{folder} has {len(found)} data files; at most {MAX_FILES} are described. Split the product, or write "
            "the documents by hand."
        )
    return found


def _named(path: Path) -> bool:
    """Whether a name is text: a contract could not say others."""
    try:
        path.name.encode()
    except UnicodeEncodeError:
        return False
    return True


def described(found: list[Inspected], folder: Path) -> str:
    """One sentence of plain facts, for a summary that nobody gave."""
    parts = []
    for entry in found[:3]:
        names = [column.name for column in entry.columns]
        listed = ", ".join(name if len(name) <= 40 else name[:39] + "…" for name in names[:6])
        more = f" and {len(names) - 6} more" if len(names) > 6 else ""
        rows = "1 row" if entry.rows == 1 else f"{entry.rows:,} rows"
        parts.append(f"{Path(entry.path).relative_to(folder).as_posix()}: {rows} of {listed}{more}")
    rest = f"; and {len(found) - 3} more files" if len(found) > 3 else ""
    return " ".join(f"{'; '.join(parts)}{rest}.".split())


def _no_data(folder: Path) -> str:
    return f"{folder} has no data file ({', '.join(FORMATS)}), nor has its data folder"


def _documents_in(folder: Path) -> list[Path]:
    return sorted([*folder.glob("*.odps.y*ml"), *folder.glob("contracts/*.odcs.y*ml")])


def _known_id(folder: Path) -> str | None:
    """The id of the product that is written over, so that it stays the same product."""
    try:
        found = parse_yaml(product_file(folder).read_bytes()).get("id")
    except (DocumentError, OSError):
        return None
    return found if isinstance(found, str) and found else None


def _write(folder: Path, result: Draft) -> list[Path]:
    """Write all files, then read the folder as the gateway will; each file is whole or as before."""
    written = []
    for name, text in result.files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        beside = path.with_name(f".{path.name}.new")
        beside.write_text(text, "utf-8")
        beside.replace(path)
        written.append(path)
    settings = folder / "gateway.yaml"
    if not settings.exists():
        settings.write_text(SETTINGS, "utf-8")
        written.append(settings)
    load_product(folder)
    return written


def _answers(
    folder: Path,
    title: str | None,
    domain: str | None,
    owner: str | None,
    summary: str | None,
    access: str | None,
    name: str | None,
    license: str | None,
) -> Answers:
    """From the options, asking on a terminal for the five that are missing. Raises DataError for unusable ones."""
    ask = sys.stdin.isatty() and sys.stdout.isatty()
    guess = folder.resolve().name.replace("-", " ").replace("_", " ").strip().capitalize() or "Data product"

    def answer(given: str | None, question: str, default: str) -> str:
        if given is not None or not ask:
            return (given if given is not None else default).strip()
        return str(typer.prompt(question, default=default, show_default=bool(default))).strip()

    title = answer(title, "Title", guess) or guess
    domain = slug(answer(domain, "Domain (such as precipitation; empty: not yet)", ""))
    owner = answer(owner, "Owner: team and e-mail address (such as: Rain team, rain@example.org)", "")
    summary = answer(summary, "Summary, one sentence (empty: the names of files and columns)", "")
    access = answer(access, "Access: open or on request", "on request").lower().replace("-", " ").replace("_", " ")
    if access not in ("open", "on request", "request"):
        raise DataError(f"access is '{access[:50]}'; it must be 'open' or 'on request'")
    for text in (title, owner, summary, license or ""):
        if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
            raise DataError("an answer is not UTF-8 text; write it again")
    own = slug(name if name is not None else title)
    if not own:
        raise DataError("the name needs letters a to z or digits; say it with --name")
    words = [word.strip(" <>") for word in owner.replace(" <", ",").split(",")]
    email = next((word for word in words if "@" in word), None)
    team = next((word for word in words if word and "@" not in word), None)
    return Answers(
        title=title, name=own, domain=domain or None, team=team, email=email, summary=summary or None,
        open=access == "open", license=license or None,
    )  # fmt: skip
