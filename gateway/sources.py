"""Where an artifact's data is, and how DuckDB reads it. Nothing heavy is imported before a connection is handed in."""

import json
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gateway.config import FILE_TYPES
from gateway.product import PortArtifact, Product
from gateway.samples import MAX_JSON_BYTES, DataError, _json_records, _plain, format_of

TABULAR = ("csv", "tsv", "json", "jsonl", "geojson", "parquet")
"""Formats that have rows and columns DuckDB can filter."""
MAX_FILES = 1000


@dataclass(frozen=True)
class Source:
    """Where data is: a `file`, a `folder` of files of one format, an `http` address or an `sql` database."""

    type: str
    format: str | None = None
    path: str | None = None
    pattern: str = "*"
    url: str | None = None
    table: str | None = None
    query: str | None = None
    text_columns: tuple[str, ...] = ()
    """Columns that the contract calls text, whatever their values look like (007 is not 7)."""

    @property
    def tabular(self) -> bool:
        """Whether it has rows and columns."""
        return self.type == "sql" or self.format in TABULAR

    def to_dict(self) -> dict[str, Any]:
        """As JSON can say it, for the subprocess."""
        return asdict(self)


def source_of(product: Product, entry: PortArtifact) -> Source | None:
    """The source of an artifact: as gateway.yaml says, else the local file of its contract. None when it has none."""
    own = product.config.config.artifact(entry.artifact.name, entry.artifact.id).source
    text = tuple(text_columns(entry.artifact.contract or {}))
    if own is None or own.type in FILE_TYPES:
        if entry.data is None:
            return None
        return Source("file", entry.data.format, str(entry.data.path), text_columns=text)
    if own.type == "folder":
        folder = (product.folder / (own.path or "")).resolve()
        source = Source("folder", None, str(folder), own.pattern, text_columns=text)
        names = files_of(source)
        declared = own.format or (names[0].suffix.lstrip(".") if names else None)
        found = format_of(Path("x"), declared) if declared else None
        return Source("folder", found, str(folder), own.pattern, text_columns=text)
    if own.type == "http":
        path = Path((own.url or "").split("?")[0])
        return Source("http", format_of(path, own.format), url=own.url, text_columns=text)
    url = own.url or ""
    if url.startswith("sqlite:///"):
        url = "sqlite:///" + str((product.folder / url.removeprefix("sqlite:///")).resolve())
    return Source("sql", None, url=url, table=own.table, query=own.query, text_columns=text)


def text_columns(contract: dict[str, Any]) -> Iterator[str]:
    """Names of the columns that a contract calls strings."""
    for schema in (contract.get("schema") or [])[:1]:
        for column in schema.get("properties") or []:
            if column.get("logicalType") == "string":
                yield column.get("physicalName") or column["name"]


def files_of(source: Source) -> list[Path]:
    """The files of a folder source by name, at most 1001: no hidden ones, none that a link leads out of the folder.

    Raises:
        DataError: the folder cannot be read.
    """
    folder = Path(source.path or "")
    try:
        names = sorted(path for path in folder.iterdir() if path.match(source.pattern) and path.name[0] != ".")
        inside = (path for path in names if path.is_file() and path.resolve().parent == folder)
        return [path for path, _ in zip(inside, range(MAX_FILES + 1), strict=False)]
    except OSError as error:
        raise DataError(f"the folder cannot be read: {error.strerror}") from error


def relation(connection: Any, source: Source, scratch: Path, max_bytes: int) -> str:
    """SQL that DuckDB can put after FROM to read the whole of a source.

    Args:
        connection: a DuckDB connection with access to files.
        scratch: an empty directory for what must be brought here first.
        max_bytes: the most that is brought here.

    Raises:
        DataError: it cannot be read; the text holds no address and no password.
    """
    if source.type == "sql":
        return _ndjson([_dump(_sql_rows(source), scratch / "rows.jsonl", max_bytes)])
    if source.type == "http":
        path = scratch / f"fetched.{source.format}"
        _fetch(source.url or "", path, max_bytes)
        paths = [path]
    elif source.type == "folder":
        paths = files_of(source)
        if not paths:
            raise DataError("the folder holds no such files")
    else:
        paths = [Path(source.path or "")]
    if not all(path.is_file() for path in paths):
        raise DataError(f"{paths[0].name} does not exist")
    if source.format == "parquet":
        return f"read_parquet({_listed(paths)}, union_by_name=true)"
    if source.format in ("json", "geojson") and all(path.stat().st_size <= MAX_JSON_BYTES for path in paths):
        made = []
        for number, path in enumerate(paths):
            made.append(_dump(_as_objects(_json_records(path)), scratch / f"{number}.jsonl", max_bytes))
        return _ndjson(made)
    if source.format in ("json", "geojson"):
        return f"read_json({_listed(paths)}, format='array', union_by_name=true, maximum_object_size=33554432)"
    if source.format == "jsonl":
        return _ndjson(paths)
    if source.format in ("csv", "tsv"):
        return _csv(connection, source, paths)
    raise DataError(f"the format {source.format or 'unknown'} has no rows and columns")


def _csv(connection: Any, source: Source, paths: list[Path]) -> str:
    tab = ", delim='\t'" if source.format == "tsv" else ""
    start = f"read_csv({_listed(paths)}, header=true, union_by_name=true, null_padding=true, parallel=false{tab}"
    try:
        found = connection.execute(f"SELECT * FROM {start}) LIMIT 0").description or []  # noqa: S608
    except Exception:  # whatever the sniffer has against it, as plain text it may still be read
        return f"{start}, all_varchar=true, strict_mode=false)"
    names = [column[0] for column in found if column[0] in source.text_columns]
    types = ", ".join(f"{quoted(name)}: {quoted('VARCHAR')}" for name in names)
    return f"{start}, types={{{types}}})" if names else f"{start})"


def quoted(text: str) -> str:
    """An SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def named(text: str) -> str:
    """An SQL identifier."""
    return '"' + text.replace('"', '""') + '"'


def _listed(paths: list[Path]) -> str:
    # DuckDB takes *, ? and [ in a path for a pattern
    return "[" + ", ".join(quoted(_literal(str(path))) for path in paths) + "]"


def _literal(path: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path)


def _ndjson(paths: list[Path]) -> str:
    options = "format='newline_delimited', union_by_name=true, sample_size=-1, maximum_object_size=33554432"
    return f"read_json({_listed(paths)}, {options})"


def _as_objects(records: list[Any]) -> Iterator[dict[str, Any]]:
    for record in records:
        yield record if isinstance(record, dict) else {"value": record}


def _dump(rows: Iterator[dict[str, Any]], path: Path, max_bytes: int) -> Path:
    size = 0
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            line = json.dumps(row, ensure_ascii=False) + "\n"
            size += len(line)
            if size > max_bytes:
                raise DataError("the data is larger than this gateway reads at once")
            file.write(line)
    return path


def _sql_rows(source: Source) -> Iterator[dict[str, Any]]:
    """Rows of a database, read-only, a few at a time."""
    query = source.query or "SELECT * FROM " + ".".join(named(part) for part in (source.table or "").split("."))  # noqa: S608
    url = source.url or ""
    try:
        if url.startswith("sqlite:///"):
            yield from _sqlite_rows(url.removeprefix("sqlite:///"), query)
        else:
            yield from _postgres_rows(url, query)
    except (sqlite3.Error, OSError) as error:
        raise DataError("the database cannot be read") from error


def _sqlite_rows(path: str, query: str) -> Iterator[dict[str, Any]]:
    database = sqlite3.connect(f"{Path(path).as_uri()}?mode=ro", uri=True)
    try:
        found = database.execute(query)
        names = [column[0] for column in found.description]
        for row in found:
            yield dict(zip(names, map(_plain, row), strict=True))
    finally:
        database.close()


def _postgres_rows(url: str, query: str) -> Iterator[dict[str, Any]]:
    try:
        import psycopg
    except ImportError as error:
        raise DataError("reading PostgreSQL needs the psycopg package, which is not installed") from error
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            connection.read_only = True
            with connection.cursor(name="gateway") as cursor:
                cursor.execute(query.encode())
                names = [column.name for column in cursor.description or []]
                for row in cursor:
                    yield dict(zip(names, map(_plain, row), strict=True))
    except psycopg.Error as error:
        raise DataError("the database cannot be read") from error


def _fetch(url: str, path: Path, max_bytes: int) -> None:
    import httpx2

    size, deadline = 0, time.monotonic() + 300
    try:
        with httpx2.stream("GET", url, timeout=10, follow_redirects=False) as answer, path.open("wb") as file:
            if answer.status_code != 200:
                raise DataError(f"its source answers {answer.status_code}")
            for part in answer.iter_bytes():
                size += len(part)
                if size > max_bytes or time.monotonic() > deadline:
                    raise DataError("its source is larger or slower than this gateway takes")
                file.write(part)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise DataError("its source does not answer") from error
