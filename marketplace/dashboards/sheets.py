"""Tables to take away as CSV (RFC 4180, UTF-8), which no spreadsheet runs."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse

# What a spreadsheet takes for the beginning of a formula; a tab or a return before it hides it from view only.
RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@dataclass(frozen=True)
class Sheet:
    """A table: the names of its columns, and rows of texts, numbers, days and None, each as long as the header."""

    name: str
    header: Sequence[str]
    rows: Iterable[Sequence[Any]]


def safe(value: Any) -> Any:
    """The value as a cell. A text that a spreadsheet might run begins with an apostrophe; numbers stay numbers."""
    if isinstance(value, str):
        text = value.replace("\x00", "")
        return f"'{text}" if text.lstrip(" ").startswith(RISKY) else text
    if isinstance(value, float):
        return round(value, 3)
    return "" if value is None else value


def as_csv(sheet: Sheet) -> HttpResponse:
    """The table as a file to keep."""
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(sheet.header)
    writer.writerows([safe(value) for value in row] for row in sheet.rows)
    return HttpResponse(
        written.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{sheet.name}.csv"', "Cache-Control": "no-store"},
    )
