"""Reads an artifact's files into DuckDB, all of it as text. Only used in the measuring process."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from gateway.quality.columns import quoted
from gateway.samples import DataError
from gateway.sources import Brought, ends_in_quotes, header_of

Connection = duckdb.DuckDBPyConnection

TEXT_FORMATS = ("csv", "tsv")
JSON_FORMATS = ("json", "geojson", "jsonl")
TABLE = "_as_read"
MAX_ROW = 16_000_000


def load(db: Connection, brought: Brought) -> list[str]:
    """Read the files into the table `_as_read`; its column names.

    Raises:
        DataError: the files are not of their format, with a sentence for people that quotes nothing of them.
        duckdb.Error, OSError, ValueError: anything else that is wrong with them.
    """
    if brought.format in TEXT_FORMATS:
        _load_text(db, brought.files, brought.format)
    elif brought.format in JSON_FORMATS:
        _load_json(db, brought)
    elif brought.format == "parquet":
        names = [str(path) for path in brought.files]
        db.execute(f"CREATE TABLE {TABLE} AS SELECT * FROM read_parquet(?, union_by_name = true)", [names])  # noqa: S608
    else:
        raise DataError(f"rows of the format {brought.format or 'unknown'} cannot be measured")
    return [row[0] for row in db.execute(f"DESCRIBE {TABLE}").fetchall()]


def _load_text(db: Connection, files: list[Path], form: str) -> None:
    """Each file by its own header; nothing is sniffed, because a sniffer may take a longer row for the header.

    Short rows are filled up only where there are some: then DuckDB no longer minds a quote without an end, and drops
    what comes after it.
    """
    try:
        _read_text(db, files, form, padded=False)
    except duckdb.Error as error:
        short = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", str(error))
        if short is None or int(short[2]) >= int(short[1]):
            raise DataError(_csv_fault(str(error))) from error
        if any(ends_in_quotes(path) for path in files):
            raise DataError("it has short rows and an odd number of quotes, so nobody knows where rows end") from error
        try:
            _read_text(db, files, form, padded=True)
        except duckdb.Error as second:
            raise DataError(_csv_fault(str(second))) from second


def _read_text(db: Connection, files: list[Path], form: str, *, padded: bool) -> None:
    padding = ", null_padding = true, parallel = false" if padded else ""
    parts: list[str] = []
    values: list[Any] = []
    for path in files:
        names, delimiter = header_of(path, form)
        columns = ", ".join(f"{_text(name)}: 'VARCHAR'" for name in _distinct(names))
        parts.append(
            f"SELECT * FROM read_csv(?, columns = {{{columns}}}, auto_detect = false, header = true, delim = ?, "  # noqa: S608
            f"quote = '\"', escape = '\"', max_line_size = {MAX_ROW}{padding})"
        )
        values += [str(path), delimiter]
    db.execute(f"CREATE TABLE {TABLE} AS {' UNION ALL BY NAME '.join(parts)}", values)


def _csv_fault(text: str) -> str:
    """What DuckDB has against a CSV file, without the line of it that it quotes."""
    lines = [line.strip() for line in text.splitlines()]
    where = next((line.rpartition(": ")[2] for line in lines if "CSV Error on Line" in line), None)
    if "not utf-8" in text or "Invalid unicode" in text:
        why = "is not UTF-8 text"
    elif wanted := next((line for line in lines if line.startswith("Expected Number of Columns")), None):
        why = f"does not have the cells of the header ({wanted[:100]})"
    elif "quote" in text.lower():
        why = "is not quoted as CSV is"
    else:
        why = "is not CSV"
    return f"line {where} {why}" if where else f"the file {why}"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _distinct(names: list[str]) -> list[str]:
    """Names that DuckDB takes for one are told apart, so that a column is never read as another."""
    found: list[str] = []
    used: set[str] = set()
    for number, name in enumerate(names, 1):
        own = name.strip() or f"column {number}"
        while own.casefold() in used:
            own = f"{own} ({number})"
        used.add(own.casefold())
        found.append(own)
    return found


def _load_json(db: Connection, brought: Brought) -> None:
    with TemporaryDirectory(dir=".") as folder:
        lines = Path(folder) / "records.jsonl"
        columns: dict[str, None] = dict.fromkeys(brought.types or ())
        with lines.open("w", encoding="utf-8") as out:
            for path in brought.files:
                for record in _records(path, brought.format or ""):
                    row = record if isinstance(record, dict) else {"value": record}
                    columns.update(dict.fromkeys(map(str, row)))
                    out.write(json.dumps(row) + "\n")
        names = list(columns)
        parts = [f"json_extract_string(json, ?) AS {quoted(name)}" for name in names]
        db.execute(
            f"CREATE TABLE {TABLE} AS SELECT {', '.join(parts) or 'json'} "  # noqa: S608
            f"FROM read_ndjson_objects(?, maximum_object_size = {MAX_ROW})",
            [*(f'$."{name}"' if '"' not in name else "$" + json.dumps(name) for name in names), str(lines)],
        )


def _records(path: Path, form: str) -> Iterator[Any]:
    if form == "jsonl":
        with path.open(encoding="utf-8-sig") as file:
            yield from (json.loads(line) for line in file if line.strip())
        return
    content = json.loads(path.read_text("utf-8-sig"))
    if isinstance(content, dict):
        if isinstance(content.get("features"), list):  # GeoJSON
            yield from ({**(f.get("properties") or {}), "geometry": f.get("geometry")} for f in content["features"])
            return
        lists = [value for value in content.values() if isinstance(value, list)]
        content = lists[0] if len(lists) == 1 else content
    yield from content if isinstance(content, list) else [content]
