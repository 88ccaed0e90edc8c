"""`python manage.py read_descriptors FOLDER`: what the window makes of descriptor files."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace.live.reading import Reading, documents, read

MAX_REASONS = 200


class _Row:
    """The documents of one folder."""

    def __init__(self) -> None:
        self.files = self.views = self.reasons = self.faults = self.with_problems = 0
        self.seconds = 0.0
        self.formats: Counter[str] = Counter()

    def add(self, reading: Reading) -> None:
        self.files += 1
        self.seconds += reading.seconds
        if reading.view is not None:
            self.views += 1
            self.with_problems += bool(reading.view.problems)
            self.formats[reading.view.standard] += 1
        elif reading.reason is not None:
            self.reasons += 1
        else:
            self.faults += 1

    def values(self) -> dict[str, Any]:
        return {
            "documents": self.files,
            "views": self.views,
            "clear_reasons": self.reasons,
            "faults": self.faults,
            "views_with_problems": self.with_problems,
            "seconds": round(self.seconds, 3),
            "formats": dict(self.formats.most_common()),
        }


class Command(BaseCommand):
    """Prints, for each folder, how many documents gave a view, how many a clear reason, and why."""

    help = (
        "Reads every descriptor below a folder (also .jsonl, .xz, .gz) as the live window would, and prints per folder "
        "how many give a view and how many a clear reason. Fails where one does neither."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="a folder or a file of descriptors")
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
        parser.add_argument("--limit", type=int, help="read at most so many lines of each .jsonl file")
        parser.add_argument("--quiet", action="store_true", help="only the table, without the reasons")

    def handle(self, *args: Any, **options: Any) -> None:
        root: Path = options["folder"]
        if not root.exists():
            raise CommandError(f"{root} does not exist. Name a folder or a file of descriptors.")
        rows: defaultdict[str, _Row] = defaultdict(_Row)
        told: list[Reading] = []
        left_out = 0
        for document in documents(root, options["limit"]):
            reading = read(document)
            rows[_folder(reading.path, root)].add(reading)
            if reading.view is None or reading.view.problems:
                if len(told) < MAX_REASONS:
                    told.append(reading)
                else:
                    left_out += 1
        if not rows:
            raise CommandError(f"{root} holds no files.")
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(rows, told, left_out), indent=2, ensure_ascii=False))
        else:
            self._print(rows, told if not options["quiet"] else [], left_out)
        if faults := sum(row.faults for row in rows.values()):
            raise CommandError(f"{faults} documents gave neither a view nor a reason: a fault of the readers.")

    def _print(self, rows: dict[str, _Row], told: list[Reading], left_out: int) -> None:
        width = max(len(name) for name in (*rows, "total"))
        total = _Row()
        self.stdout.write(f"{'folder':{width}}  documents  views  reasons  faults  with problems     ms  read as")
        for name, row in rows.items():
            shown = ", ".join(f"{format} ({count})" for format, count in row.formats.most_common())
            self._line(name, row, width, shown)
            for field in ("files", "views", "reasons", "faults", "with_problems", "seconds"):
                setattr(total, field, getattr(total, field) + getattr(row, field))
        self._line("total", total, width, "")
        for reading in told:
            if reading.view is None:
                self.stdout.write(f"\n{reading.path}\n  {reading.reason or reading.fault}")
                if reading.advice:
                    self.stdout.write(f"  {reading.advice}")
            else:
                self.stdout.write(f"\n{reading.path}\n  gives a view; not as {reading.view.standard} wants it:")
                for problem in reading.view.problems:
                    self.stdout.write(f"  - {problem}")
        if left_out and told:
            self.stdout.write(f"\n… and {left_out} more with a reason or problems.")

    def _line(self, name: str, row: _Row, width: int, shown: str) -> None:
        self.stdout.write(
            f"{name:{width}}  {row.files:9}  {row.views:5}  {row.reasons:7}  {row.faults:6}  {row.with_problems:13}"
            f"  {row.seconds * 1000:5.0f}  {shown}"
        )


def _folder(path: str, root: Path) -> str:
    """The folder below the one named; a file on its own counts under its name."""
    parts = path.rsplit(":", 1)[0].split("/")
    return parts[0] if len(parts) > 1 or root.is_file() else root.name


def _as_json(rows: dict[str, _Row], told: list[Reading], left_out: int) -> dict[str, Any]:
    return {
        "folders": {name: row.values() for name, row in rows.items()},
        "told": [
            {
                "path": reading.path,
                "format": reading.format,
                "reason": reading.reason,
                "advice": reading.advice,
                "fault": reading.fault,
                "problems": list(reading.view.problems) if reading.view else [],
            }
            for reading in told
        ],
        "left_out": left_out,
    }
