"""Databases as sources: read-only, a few rows at a time, and no address or password in anything that is said."""

import json
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from gateway.samples import DataError, _plain

if TYPE_CHECKING:
    from gateway.sources import Source

SQLITE = "sqlite:///"
SECONDS = 600.0
"""A statement runs no longer than this in the database, whoever waits for it."""
CONNECT_SECONDS = 10
_BATCH = 500
_NOT_READ = "the database cannot be read"
_OF_OID = {
    16: "BOOLEAN", 20: "BIGINT", 21: "BIGINT", 23: "BIGINT", 700: "DOUBLE", 701: "DOUBLE", 1700: "DOUBLE",
    25: "VARCHAR", 1042: "VARCHAR", 1043: "VARCHAR", 2950: "VARCHAR", 114: "JSON", 3802: "JSON",
    1082: "DATE", 1083: "TIME", 1114: "TIMESTAMP", 1184: "TIMESTAMPTZ",
}  # fmt: skip
"""DuckDB's types for PostgreSQL's, by their number in pg_type (their catalogue, pg_type.dat)."""


def dump(source: "Source", path: Path, max_bytes: int, seconds: float = SECONDS) -> dict[str, str]:
    """Write all rows of a database source as JSON Lines. The DuckDB type of each column, in order.

    PostgreSQL says its types; SQLite has none, so there the values say.

    Raises:
        DataError: it cannot be read, or is more than `max_bytes`.
    """
    try:
        rows = _sqlite_rows(source) if _is_sqlite(source) else _postgres_rows(source, seconds)
        with closing(rows), path.open("w", encoding="utf-8") as file:
            return _written(rows, file, max_bytes, source.text_columns)
    except (sqlite3.Error, OSError, UnicodeError) as error:
        raise DataError(_NOT_READ) from error


def look(source: "Source", seconds: float) -> datetime | None:
    """See that the table or query is there and may be read. When the database last changed, where that can be told.

    Raises:
        DataError: it is not.
    """
    wanted = f"SELECT * FROM ({_query(source)}) AS wanted LIMIT 0"  # noqa: S608 - the operator's own query
    try:
        if not _is_sqlite(source):
            with _postgres(source, seconds) as connection:
                connection.execute(wanted.encode())
            return None
        with closing(_sqlite(source)) as database:
            database.execute(wanted)
        return datetime.fromtimestamp(_sqlite_path(source).stat().st_mtime).astimezone()
    except (sqlite3.Error, OSError) as error:
        raise DataError(_NOT_READ) from error


def _written(rows: Iterator[Any], file: Any, max_bytes: int, text: tuple[str, ...]) -> dict[str, str]:
    """Rows to a file. The first of `rows` is the columns with their types, None where the values must say."""
    known: dict[str, str | None] = next(rows)
    seen: dict[str, set[str]] = {name: set() for name, type in known.items() if type is None}
    size = 0
    for row in rows:
        line = json.dumps(dict(zip(known, map(_jsonable, row), strict=True)), ensure_ascii=False) + "\n"
        size += len(line)
        if size > max_bytes:
            raise DataError("the data is larger than this gateway reads at once")
        file.write(line)
        if seen:
            for name, value in zip(known, row, strict=True):
                if name in seen and value is not None:
                    seen[name].add(_type_of(value))
    return {name: "VARCHAR" if name in text else type or _common(seen[name]) for name, type in known.items()}


def _jsonable(value: Any) -> Any:
    return _plain(float(value) if isinstance(value, Decimal) else value)


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "BOOLEAN"
    if isinstance(value, int):
        return "BIGINT" if -(2**63) <= value < 2**63 else "DOUBLE"
    if isinstance(value, float | Decimal):
        return "DOUBLE"
    if isinstance(value, datetime):
        return "TIMESTAMPTZ" if value.tzinfo else "TIMESTAMP"
    if isinstance(value, date):
        return "DATE"
    return "JSON" if isinstance(value, list | dict) else "VARCHAR"


def _common(types: set[str]) -> str:
    if types == {"BIGINT", "DOUBLE"}:
        return "DOUBLE"
    return types.pop() if len(types) == 1 else "VARCHAR"


def _query(source: "Source") -> str:
    if source.query:
        return source.query.strip().rstrip(";")
    names = (part.replace('"', '""') for part in (source.table or "").split("."))
    return "SELECT * FROM " + ".".join(f'"{name}"' for name in names)  # noqa: S608 - quoted


def _is_sqlite(source: "Source") -> bool:
    return (source.url or "").startswith(SQLITE)


def _sqlite_path(source: "Source") -> Path:
    return Path((source.url or "").removeprefix(SQLITE))


def _sqlite(source: "Source") -> sqlite3.Connection:
    # SQLite itself takes ? and # in a path for the start of its options
    return sqlite3.connect(f"file:{quote(str(_sqlite_path(source)))}?mode=ro", uri=True)


def _sqlite_rows(source: "Source") -> Generator[Any, None, None]:
    with closing(_sqlite(source)) as database:
        found = database.execute(_query(source))
        yield _named([column[0] for column in found.description or []], [])
        yield from found


def _postgres(source: "Source", seconds: float) -> Any:
    """An open connection, read-only. Raises DataError."""
    try:
        import psycopg
    except ImportError as error:
        raise DataError("reading PostgreSQL needs the psycopg package, which is not installed") from error
    try:
        connection = psycopg.connect(
            source.url or "", connect_timeout=CONNECT_SECONDS, application_name="data-product-gateway"
        )
        connection.read_only = True
        connection.execute(f"SET statement_timeout = {max(1, int(seconds * 1000))}".encode())
    except psycopg.Error as error:
        raise DataError(_NOT_READ) from error
    return _Closing(connection)


class _Closing:
    """A connection that turns the driver's errors, which may say where it is, into ours."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def __enter__(self) -> Any:
        return self.connection

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        import psycopg

        self.connection.close()
        if isinstance(error, psycopg.errors.QueryCanceled):
            raise DataError("the database took too long") from error
        if isinstance(error, psycopg.Error):
            raise DataError(_NOT_READ) from error


def _postgres_rows(source: "Source", seconds: float) -> Generator[Any, None, None]:
    with _postgres(source, seconds) as connection, connection.cursor(name="gateway") as cursor:
        cursor.itersize = _BATCH
        cursor.execute(_query(source).encode())
        columns = cursor.description or []
        yield _named([column.name for column in columns], [_OF_OID.get(column.type_code) for column in columns])
        yield from cursor


def _named(names: list[str], types: list[str | None]) -> dict[str, str | None]:
    if len({name.casefold() for name in names}) < len(names):
        raise DataError("two of its columns have the same name")
    return dict(zip(names, types or [None] * len(names), strict=True))
