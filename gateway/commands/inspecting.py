"""Looks at data files with DuckDB: columns, types, empty values, ranges, uniqueness.

`inspect_files` runs this module in a process of its own, so that DuckDB's memory is gone afterwards and a file that
hangs or breaks it does no more than fail. Its answer is JSON on standard output.
"""

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from gateway.samples import SPACE, DataError, first_rows, format_of

FORMATS = ("csv", "tsv", "json", "jsonl", "geojson", "parquet")
"""Formats that can be inspected."""

WHOLE_BYTES = 200_000_000
"""Up to this size the types of text files are read off all rows, above it off the first 20,480."""
MAX_COLUMNS = 2000
AT_ONCE = 100
"""Columns that are looked at in one pass over a file: counting different values takes memory for each."""
MAX_GEOJSON_BYTES = 64_000_000
TIME_LIMIT = 300
MEMORY_LIMIT = "1GB"

_LOGICAL = {
    "BOOLEAN": "boolean", "DATE": "date", "TIME": "time", "TIME WITH TIME ZONE": "time", "FLOAT": "number",
    "DOUBLE": "number", "TINYINT": "integer", "SMALLINT": "integer", "INTEGER": "integer", "BIGINT": "integer",
    "HUGEINT": "integer", "UTINYINT": "integer", "USMALLINT": "integer", "UINTEGER": "integer", "UBIGINT": "integer",
    "UHUGEINT": "integer",
}  # fmt: skip


class Column(BaseModel):
    """One column as seen; `least` and `most` are text, null for nested values and where all is empty."""

    name: str
    physical_type: str
    logical_type: str
    nulls: int
    distinct: int | None
    least: str | None = None
    most: str | None = None


class Inspected(BaseModel):
    """One file as seen. `problem` is set where it could not be read, and says why in words."""

    path: str
    format: str
    rows: int = 0
    columns: list[Column] = Field(default_factory=list)
    sampled: bool = False
    """Whether the types were read off the first rows only."""
    problem: str | None = None


def logical_type(physical: str) -> str:
    """The ODCS logicalType of a DuckDB type; text for what ODCS has no word for."""
    if physical.endswith("]"):
        return "array"
    word = physical.split("(")[0].strip().upper()
    if word.startswith("TIMESTAMP"):
        return "timestamp"
    if word in ("STRUCT", "MAP", "JSON", "UNION"):
        return "object"
    return "number" if word == "DECIMAL" else _LOGICAL.get(word, "string")


def inspect_files(paths: list[Path]) -> list[Inspected]:
    """Inspect data files, in the order given, in a process of its own. Blocking; minutes for gigabytes.

    Raises:
        DataError: it took longer than five minutes, or DuckDB is not installed.
    """
    if not paths:
        return []
    command = [sys.executable, "-m", "gateway.commands.inspecting", *map(str, paths)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIME_LIMIT, check=False)
    except subprocess.TimeoutExpired as error:
        raise DataError(f"looking at the data took longer than {TIME_LIMIT} s") from error
    if done.returncode:
        raise DataError(done.stderr.decode(errors="replace").strip().splitlines()[-1][:300] or "inspection failed")
    return [Inspected.model_validate(entry) for entry in json.loads(done.stdout)]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(path: Path) -> str:
    """A path as DuckDB takes it: `*`, `?` and `[` in one would be a pattern."""
    literal = "".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path))
    return "'" + literal.replace("'", "''") + "'"


def header(path: Path, kind: str) -> tuple[list[str], str]:
    """The names in the first line of a CSV or TSV file, and its delimiter: the one of , ; | and tab seen most there.

    Raises:
        DataError: there is no such line, or its names do not tell the columns apart.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline(1_000_000)
            file.seek(0)
            delimiter = "\t" if kind == "tsv" else max(",;|\t", key=head.count)
            names = next((row for row in csv.reader(file, delimiter=delimiter) if row), [])
    except UnicodeDecodeError as error:
        raise DataError(f"is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except csv.Error as error:
        raise DataError(f"its first line cannot be read: {error}") from error
    names = [name.strip(SPACE) for name in names]
    if not any(names):
        raise DataError("is empty: its first line must name the columns")
    return names, delimiter


def distinct(names: list[str]) -> None:
    """Raise DataError unless each column has a name of its own, as SQL tells names apart (small letters or not)."""
    seen: dict[str, int] = {}
    for number, name in enumerate(names, 1):
        if not name.strip(SPACE):
            raise DataError(f"column {number} has no name; give it one in the first line")
        if name.casefold() in seen:
            first = seen[name.casefold()]
            raise DataError(f"columns {first} and {number} are both called '{name[:80]}'; give each a name of its own")
        seen[name.casefold()] = number


def _source(path: Path, kind: str, scratch: Path) -> str:
    """The table function that reads this file. Raises DataError for GeoJSON that is none."""
    if kind in ("csv", "tsv"):  # as the gateway reads it: sources.py
        size = -1 if path.stat().st_size <= WHOLE_BYTES else 20_480
        delimiter = header(path, kind)[1].replace("\t", "\\t")
        dialect = f"delim = '{delimiter}', quote = '\"', escape = '\"', null_padding = true, parallel = false"
        return f"read_csv({_text(path)}, header = true, sample_size = {size}, {dialect})"
    if kind == "parquet":
        return f"read_parquet({_text(path)})"
    if kind == "geojson":
        lines = scratch / f"{len(list(scratch.iterdir()))}.jsonl"
        lines.write_text("\n".join(json.dumps(record) for record in _features(path)), "utf-8")
        return f"read_json({_text(lines)}, format = 'newline_delimited')"
    size = -1 if path.stat().st_size <= WHOLE_BYTES else 20_480
    return f"read_json({_text(path)}, sample_size = {size}, maximum_object_size = 33554432)"


def _features(path: Path) -> list[dict[str, Any]]:
    if path.stat().st_size > MAX_GEOJSON_BYTES:
        raise DataError(f"GeoJSON larger than {MAX_GEOJSON_BYTES // 1_000_000} MB is not inspected")
    content = json.loads(path.read_text("utf-8-sig"))
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list) or not all(isinstance(feature, dict) for feature in features):
        raise DataError("holds no GeoJSON features")
    return [{**(feature.get("properties") or {}), "geometry": feature.get("geometry")} for feature in features]


def _compare(seen: list[str], path: Path, kind: str) -> None:
    """Raise DataError unless DuckDB sees the columns that the file itself names, and that its sample will show."""
    if kind in ("csv", "tsv"):
        names = header(path, kind)[0]
        distinct(names)
        if len(seen) > len(names):
            raise DataError(f"some rows have {len(seen)} cells, and the first line names {len(names)} columns")
    else:
        names = first_rows(path, kind, 100).columns
        distinct(names)
    odd = next((name for name in names if name not in seen), None)
    if odd is not None:
        raise DataError(f"the column name {json.dumps(odd[:80])} cannot be used; use letters, digits and _")


def _reason(error: Exception) -> str:
    """The first line of what DuckDB says that says anything."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if any("not utf-8 encoded" in line for line in lines):
        where = next((f" ({line.rpartition('CSV Error on ')[2].lower()})" for line in lines if "on Line:" in line), "")
        return f"is not UTF-8 text{where}; save it as UTF-8"
    if lines and "Error when sniffing" in lines[0]:
        return "its lines do not fit together; a quotation mark may not be closed"
    if lines and "CSV Error on Line" in lines[0] and len(lines) > 2:
        return f"{lines[0].rpartition('CSV Error on ')[2].lower()}: {lines[2]}"[:300]
    return lines[0][:300] if lines else type(error).__name__


def _columns(connection: Any, source: str, described: list[Any]) -> tuple[int, list[Column]]:
    """How many rows there are, and what is in these columns. Reads the whole file."""
    asked = ["count(*)"]
    for name, physical, *_ in described:
        column, nested = _quoted(name), logical_type(physical) in ("array", "object")
        asked.append(f"count({column})")
        asked.extend(
            ["NULL"] * 3
            if nested
            else [f"count(DISTINCT {column})", f"min({column})::VARCHAR", f"max({column})::VARCHAR"]
        )
    seen = connection.execute(f"SELECT {', '.join(asked)} FROM {source}").fetchone()  # noqa: S608 - quoted
    rows, columns = seen[0], []
    for index, (name, physical, *_) in enumerate(described):
        filled, distinct_values, least, most = seen[1 + 4 * index : 5 + 4 * index]
        columns.append(
            Column(
                name=name,
                physical_type=physical if len(physical) <= 100 else physical.split("(")[0],
                logical_type=logical_type(physical),
                nulls=rows - filled,
                distinct=distinct_values,
                least=least and least[:80],
                most=most and most[:80],
            )
        )
    return rows, columns


def _look(connection: Any, path: Path, kind: str, scratch: Path) -> Inspected:
    source = _source(path, kind, scratch)
    described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()  # noqa: S608 - quoted above
    if len(described) > MAX_COLUMNS:
        raise DataError(f"has {len(described)} columns; at most {MAX_COLUMNS} are described")
    _compare([name for name, *_ in described], path, kind)
    rows: int = 0
    columns: list[Column] = []
    for start in range(0, max(len(described), 1), AT_ONCE):
        rows, found = _columns(connection, source, described[start : start + AT_ONCE])
        columns += found
    sampled = kind != "parquet" and path.stat().st_size > WHOLE_BYTES
    return Inspected(path=str(path), format=kind, rows=rows, columns=columns, sampled=sampled)


def look_at(paths: list[Path]) -> list[Inspected]:
    """What is in these files, in the order given; in this process, so that DuckDB stays loaded. Blocking.

    Raises:
        ImportError: DuckDB is not installed.
    """
    import duckdb

    found = []
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'; SET temp_directory = '{folder}/spill'")
        connection.execute("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false")
        scratch = Path(folder) / "scratch"
        scratch.mkdir()
        for path in paths:
            kind = format_of(path, None) or "unknown"
            try:
                found.append(_look(connection, path, kind, scratch))
            except (duckdb.Error, DataError, OSError, ValueError, RecursionError) as error:
                found.append(Inspected(path=str(path), format=kind, problem=_reason(error)))
    return found


def main(paths: list[str]) -> None:
    """Inspect the files and print JSON."""
    try:
        found = look_at([Path(path) for path in paths])
    except ImportError:
        sys.exit("looking at data needs the duckdb package, which is not installed: pip install duckdb")
    sys.stdout.write(json.dumps([entry.model_dump() for entry in found]))


if __name__ == "__main__":
    main(sys.argv[1:])
