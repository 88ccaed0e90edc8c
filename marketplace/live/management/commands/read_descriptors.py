"""`python manage.py read_descriptors FOLDER`: what the window makes of descriptor files."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace.live.reading import Reading, documents, read

MAX_REASONS = 200

# What is said of documents without a view, by the kind of the reason.
_NO_VIEW = {
    "is_catalogue": "no view: a catalogue, of which one has to be chosen",
    "unknown_format": "no view: something else than a description of data",
    "bad_content": "no view: cannot be read",
}
_COLUMNS = ("documents", "views", "problems", "reasons", "faults")


class _Row:
    """The documents of one folder, or of one format. `problems`: views of documents that are not valid."""

    def __init__(self) -> None:
        self.documents = self.views = self.problems = self.reasons = self.faults = 0
        self.seconds = 0.0

    def add(self, reading: Reading) -> None:
        self.documents += 1
        self.seconds += reading.seconds
        if reading.view is not None:
            self.views += 1
            self.problems += bool(reading.view.problems)
        elif reading.reason is not None:
            self.reasons += 1
        else:
            self.faults += 1

    def values(self) -> dict[str, Any]:
        return {**{name: getattr(self, name) for name in _COLUMNS}, "seconds": round(self.seconds, 3)}


class Command(BaseCommand):
    """Prints, for each folder and each format, how many documents gave a view, how many a clear reason, and why."""

    help = (
        "Reads every descriptor below a folder (also .jsonl, .xz, .gz) as the live window would, and prints per folder "
        "and per format how many give a view, how many of those are not valid, and how many give a clear reason. Fails "
        "where one gives neither."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="a folder or a file of descriptors")
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
        parser.add_argument("--limit", type=int, help="read at most so many lines of each .jsonl file")
        parser.add_argument("--quiet", action="store_true", help="only the tables, without the reasons")

    def handle(self, *args: Any, **options: Any) -> None:
        root: Path = options["folder"]
        if not root.exists():
            raise CommandError(f"{root} does not exist. Name a folder or a file of descriptors.")
        folders: defaultdict[str, _Row] = defaultdict(_Row)
        formats: defaultdict[str, _Row] = defaultdict(_Row)
        told: list[Reading] = []
        left_out = 0
        for document in documents(root, options["limit"]):
            reading = read(document)
            folders[_folder(reading.path, root)].add(reading)
            formats[_read_as(reading)].add(reading)
            if reading.view is None or reading.view.problems:
                if len(told) < MAX_REASONS:
                    told.append(reading)
                else:
                    left_out += 1
        if not folders:
            raise CommandError(f"{root} holds no files.")
        ordered = dict(sorted(formats.items(), key=lambda item: (item[1].views == 0, item[0])))
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(folders, ordered, told, left_out), indent=2, ensure_ascii=False))
        else:
            self._table("folder", folders)
            self.stdout.write("")
            self._table("read as", ordered)
            if not options["quiet"]:
                self._reasons(told, left_out)
        if faults := sum(row.faults for row in folders.values()):
            raise CommandError(f"{faults} documents gave neither a view nor a reason: a fault of the readers.")

    def _table(self, title: str, rows: dict[str, _Row]) -> None:
        width = max(len(name) for name in (*rows, title, "total"))
        self.stdout.write(f"{title:{width}}  documents  views  not valid  reasons  faults     ms")
        for name, row in (*rows.items(), ("total", _total(rows.values()))):
            self.stdout.write(
                f"{name:{width}}  {row.documents:9}  {row.views:5}  {row.problems:9}  {row.reasons:7}  {row.faults:6}"
                f"  {row.seconds * 1000:5.0f}"
            )

    def _reasons(self, told: list[Reading], left_out: int) -> None:
        for reading in told:
            if reading.view is None:
                self.stdout.write(f"\n{reading.path}\n  {reading.reason or reading.fault}")
                if reading.advice:
                    self.stdout.write(f"  {reading.advice}")
            else:
                self.stdout.write(f"\n{reading.path}\n  gives a view; not as {reading.view.standard} wants it:")
                for problem in reading.view.problems:
                    self.stdout.write(f"  - {problem}")
        if left_out:
            self.stdout.write(f"\n… and {left_out} more with a reason or problems.")


def _total(rows: Iterable[_Row]) -> _Row:
    total = _Row()
    for row in rows:
        for name in (*_COLUMNS, "seconds"):
            setattr(total, name, getattr(total, name) + getattr(row, name))
    return total


def _folder(path: str, root: Path) -> str:
    """The folder below the one named; a file on its own counts under its name."""
    parts = path.rsplit(":", 1)[0].split("/")
    return parts[0] if len(parts) > 1 or root.is_file() else root.name


def _read_as(reading: Reading) -> str:
    if reading.view is not None:
        return reading.view.standard
    return _NO_VIEW.get(reading.kind or "", f"no view: {reading.kind or 'a fault of the readers'}")


def _as_json(folders: dict[str, _Row], formats: dict[str, _Row], told: list[Reading], left_out: int) -> dict[str, Any]:
    return {
        "folders": {name: row.values() for name, row in folders.items()},
        "formats": {name: row.values() for name, row in formats.items()},
        "told": [
            {
                "path": reading.path,
                "format": reading.format,
                "kind": reading.kind,
                "reason": reading.reason,
                "advice": reading.advice,
                "fault": reading.fault,
                "problems": list(reading.view.problems) if reading.view else [],
            }
            for reading in told
        ],
        "left_out": left_out,
    }
