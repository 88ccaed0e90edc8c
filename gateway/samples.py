"""First rows and row counts of data files. Reads no more of a file than it has to; nothing is kept open."""

import csv
import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any, TextIO, TypeVar

from pydantic_core import to_json

T = TypeVar("T")

MAX_JSON_BYTES = 32_000_000
MAX_COUNT_BYTES = 256_000_000
MAX_SAMPLE_BYTES = 1_000_000
MAX_LINE = 4_000_000
PEEK_SECONDS = 30
PEEK_MEMORY_MB = 256
_PEEKING = threading.Lock()
SPACE = " \t\n\v\f\r"
"""What DuckDB does not count to the name of a column."""


class DataError(Exception):
    """A data file that cannot be read; the text says why, for people."""


@dataclass(frozen=True)
class Rows:
    """The first rows of a file; each row has one cell for each column."""

    columns: list[str]
    rows: list[list[Any]]
    has_more: bool


_ENDINGS = {
    "csv": "csv", "tsv": "tsv", "tab": "tsv", "json": "json", "geojson": "geojson", "jsonl": "jsonl", "ndjson": "jsonl",
    "parquet": "parquet", "md": "text", "markdown": "text", "txt": "text", "text": "text",
}  # fmt: skip


def format_of(path: Path, declared: str | None) -> str | None:
    """The format: the declared one, else the file's ending; lower case, in the gateway's word where it has one."""
    word = (declared or path.suffix.lstrip(".")).strip().lower()
    return _ENDINGS.get(word, word) or None


def _records(records: Iterator[Any], limit: int) -> tuple[list[str], Iterator[list[Any]]]:
    """Columns and rows of JSON records. Columns are those of the first `limit` records, in order of appearance."""
    taken = list(islice(records, limit))
    if not all(isinstance(record, dict) for record in taken):
        return ["value"], iter([record] for record in taken)
    columns = list(dict.fromkeys(str(key) for record in taken for key in record))
    return columns, iter([record.get(column) for column in columns] for record in taken)


def _json_records(path: Path) -> list[Any]:
    if path.stat().st_size > MAX_JSON_BYTES:
        raise DataError(f"JSON larger than {MAX_JSON_BYTES // 1_000_000} MB cannot be sampled; use JSON Lines")
    content = json.loads(path.read_text("utf-8-sig"), parse_constant=lambda _: None)
    if isinstance(content, dict):
        if isinstance(content.get("features"), list):  # GeoJSON
            return [{**(f.get("properties") or {}), "geometry": f.get("geometry")} for f in content["features"]]
        lists = [value for value in content.values() if isinstance(value, list)]
        content = lists[0] if len(lists) == 1 else content
    return content if isinstance(content, list) else [content]


def _bounded(file: TextIO) -> Iterator[str]:
    """The lines of a file; a file may be one line of gigabytes, which must not be read to find that out."""
    while line := file.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise ValueError(f"a line is longer than {MAX_LINE // 1_000_000} million characters")
        yield line


def _lines(file: TextIO) -> Iterator[Any]:
    return (json.loads(line, parse_constant=lambda _: None) for line in _bounded(file) if line.strip())


def _csv_reader(path: Path, file: TextIO) -> Iterator[list[str]]:
    head = file.readline(65536)
    file.seek(0)
    tab = format_of(path, None) == "tsv"
    return csv.reader(_bounded(file), delimiter="\t" if tab else max(",;|\t", key=head.count))


def _head_csv(path: Path, limit: int) -> tuple[list[str], Iterator[list[Any]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        taken = list(islice((row for row in _csv_reader(path, file) if row), limit + 1))
    if not taken:
        return [], iter(())
    columns, rows = [name.strip(SPACE) for name in taken[0]], taken[1:]
    widest = max(len(columns), *map(_filled, rows)) if rows else len(columns)
    columns += [f"column {number}" for number in range(len(columns) + 1, widest + 1)]
    return columns, iter([*row, *[None] * (widest - len(row))][:widest] for row in rows)


def _filled(row: list[str]) -> int:
    """How many cells a row has up to its last that holds something: delimiters at a line's end make no column."""
    return next((number for number in range(len(row), 0, -1) if row[number - 1]), 0)


def _head_json(path: Path, limit: int) -> tuple[list[str], Iterator[list[Any]]]:
    return _records(iter(_json_records(path)), limit)


def _head_jsonl(path: Path, limit: int) -> tuple[list[str], Iterator[list[Any]]]:
    with path.open(encoding="utf-8-sig") as file:
        return _records(_lines(file), limit)


def _head_text(path: Path, limit: int) -> tuple[list[str], Iterator[list[Any]]]:
    with path.open(encoding="utf-8-sig") as file:
        return ["text"], iter([[line.rstrip("\r\n")] for line in islice(_bounded(file), limit)])


def _peek(path: Path, limit: int | None) -> dict[str, Any]:
    """What `gateway.consume.peek` says of a Parquet file. One look at a time, and none twice in a row."""
    seen = path.stat()
    with _PEEKING:
        return _peeked(path, (seen.st_mtime_ns, seen.st_size, seen.st_ino), limit)


@lru_cache(8)
def _peeked(path: Path, seen: tuple[int, int, int], limit: int | None) -> dict[str, Any]:
    home = str(Path(__file__).resolve().parents[1])
    environment = {"PYTHONPATH": home, "PATH": os.defpath, "LC_ALL": "C.UTF-8"}  # nothing of this process's own
    job = {"path": str(path), "limit": limit, "memory_mb": PEEK_MEMORY_MB}
    command = [sys.executable, "-P", "-m", "gateway.consume.peek"]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(job).encode(),
            capture_output=True,
            timeout=PEEK_SECONDS,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DataError(f"{path.name} takes longer than {PEEK_SECONDS} seconds to be read") from error
    if b"No module named 'duckdb'" in done.stderr:
        raise DataError("reading Parquet needs the duckdb package, which is not installed")
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        raise DataError(f"{path.name} needs more memory or time than it may have") from error
    if "error" in found:
        raise DataError(f"{path.name} is not readable as Parquet: {found['error']}")
    return found


def _head_parquet(path: Path, limit: int) -> tuple[list[str], Iterator[list[Any]]]:
    found = _peek(path, limit)
    return found["columns"], iter(found["rows"])


def _plain(cell: Any) -> Any:
    """A cell as JSON can say it: numbers, text, true, false, null, lists and objects of those; all else as text."""
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else None
    if cell is None or isinstance(cell, (str, int)):
        return cell
    if isinstance(cell, (list, tuple)):
        return [_plain(part) for part in cell]
    if isinstance(cell, dict):
        return {str(key): _plain(value) for key, value in cell.items()}
    return str(cell)


def _count_csv(path: Path) -> int:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return max(0, sum(1 for row in _csv_reader(path, file) if row) - 1)


def _count_json(path: Path) -> int:
    return len(_json_records(path))


def _count_jsonl(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for line in file if line.strip())


def _count_parquet(path: Path) -> int:
    return int(_peek(path, None)["count"])


Head = Callable[[Path, int], tuple[list[str], Iterator[list[Any]]]]
FORMATS: dict[str, tuple[Head, Callable[[Path], int] | None]] = {
    "csv": (_head_csv, _count_csv),
    "tsv": (_head_csv, _count_csv),
    "json": (_head_json, _count_json),
    "geojson": (_head_json, _count_json),
    "jsonl": (_head_jsonl, _count_jsonl),
    "parquet": (_head_parquet, _count_parquet),
    "text": (_head_text, None),
}
"""Formats whose rows can be shown: how to read the first ones, and how to count them."""


def _told(path: Path, work: Callable[[], T]) -> T:
    """Run a reader; whatever a broken file does to it becomes a DataError with a sentence for people."""
    try:
        return work()
    except FileNotFoundError as error:
        raise DataError(f"{path.name} does not exist") from error
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not UTF-8 text") from error
    except (csv.Error, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{path.name} is not what its format says: {error}") from error


def row_size(row: list[Any]) -> int:
    """Bytes of a row as JSON. Raises ValueError when it cannot be sent: too deeply nested, half a character."""
    return len(to_json([[row]]))  # as deep as the row is in the answer


def first_rows(path: Path, file_format: str, limit: int) -> Rows:
    """The first `limit` rows, fewer when they would be more than 1 MB of JSON. Blocking.

    Raises:
        DataError: the file is missing, unreadable or not of this format.
    """
    columns, rows = _told(path, lambda: FORMATS[file_format][0](path, limit + 1))
    taken: list[list[Any]] = []
    size = 0
    for row in rows:
        size += _told(path, partial(row_size, row))
        if len(taken) == limit or size > MAX_SAMPLE_BYTES:
            return Rows(columns, taken, has_more=True)
        taken.append(row)
    return Rows(columns, taken, has_more=False)


def count_rows(path: Path, file_format: str | None) -> int | None:
    """How many rows a file has. Blocking; reads the whole file. None where there is no telling, or above 256 MB.

    Raises:
        DataError: as `first_rows`.
    """
    count = FORMATS.get(file_format or "", (None, None))[1]
    if count is None:
        return None
    if file_format != "parquet" and _told(path, path.stat).st_size > MAX_COUNT_BYTES:
        return None
    return _told(path, lambda: count(path))
