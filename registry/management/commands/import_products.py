"""`manage.py import_products FILE.jsonl`: one product a line."""

import gzip
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError

from registry.importing import Outcome, import_lines

REASONS_SHOWN = 50


class Command(BaseCommand):
    help = (
        "Imports products, one JSON object a line: domain (a slug, or a path like climate/precipitation), name, title, "
        "summary, owner, and where wanted tags, links ([{rel, url, media_type}]), type, access_mode. Missing domains, "
        "teams and tags are made. May be stopped and run again. Exit status 1 where lines were refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="The file, .gz or not; - reads standard input.")
        parser.add_argument(
            "--truncate", action="store_true", help="Cut long summaries at a sentence instead of refusing them."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        outcome, told = Outcome(), 0
        with self._open(options["file"]) as lines:
            for outcome in import_lines(lines, truncate=options["truncate"]):
                for number, reason in outcome.refused[told:REASONS_SHOWN]:
                    self.stderr.write(f"line {number}: {reason}")
                told = len(outcome.refused)
                rate = outcome.read / max(time.monotonic() - started, 0.001)
                self.stderr.write(f"{outcome.read:,} lines, {rate:,.0f} a second")
        if told > REASONS_SHOWN:
            self.stderr.write(f"… and {told - REASONS_SHOWN:,} more lines were refused.")
        self.stdout.write(
            f"{outcome.created:,} created, {outcome.updated:,} updated, {outcome.unchanged:,} unchanged, "
            f"{len(outcome.refused):,} refused."
        )
        if outcome.refused:
            raise CommandError(
                "Some lines were refused, for the reasons above; correct them and run the same file again."
            )

    def _open(self, name: str) -> IO[str]:
        if name == "-":
            return sys.stdin
        path = Path(name)
        if not path.is_file():
            raise CommandError(f"There is no file {name}.")
        if path.suffix == ".gz":
            return gzip.open(path, "rt", encoding="utf-8", errors="replace")
        return path.open(encoding="utf-8", errors="replace")
