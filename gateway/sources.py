"""Where an artifact's data is, and how DuckDB reads it. Nothing heavy is imported before a connection is handed in."""

import csv
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gateway import databases
from gateway.config import FILE_TYPES
from gateway.documents import resolved
from gateway.product import PortArtifact, Product
from gateway.samples import MAX_JSON_BYTES, DataError, _json_records, format_of

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

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "Source":
        """The source that `to_dict` wrote."""
        return cls(**{**content, "text_columns": tuple(content["text_columns"])})

    @property
    def elsewhere(self) -> bool:
        """Whether it is not files of this machine, so that nothing tells when it changes."""
        return self.type in ("http", "sql")


def source_of(product: Product, entry: PortArtifact) -> Source | None:
    """The source of an artifact: as gateway.yaml says, else the local file of its contract. None when it has none."""
    own = product.config.config.artifact(entry.artifact.name, entry.artifact.id).source
    text = tuple(text_columns(entry.artifact.contract or {}))
    if own is None or own.type in FILE_TYPES:
        if entry.data is None:
            return None
        return Source("file", entry.data.format, str(entry.data.path), text_columns=text)
    if own.type == "folder":
        folder = resolved(product.folder / (own.path or ""))
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
        url = "sqlite:///" + str(resolved(product.folder / url.removeprefix("sqlite:///")))
    return Source("sql", None, url=url, table=own.table, query=own.query, text_columns=text)


def text_columns(contract: dict[str, Any]) -> Iterator[str]:
    """Names of the columns that a contract calls strings."""
    for schema in (contract.get("schema") or [])[:1]:
        for column in schema.get("properties") or []:
            if column.get("logicalType") == "string":
                yield column.get("physicalName") or column["name"]


def files_of(source: Source) -> list[Path]:
    """The files of a folder source by name, at most 1001: no hidden ones, none that a link leads out of the folder,
    none whose name is no text and so could not be told.

    Raises:
        DataError: the folder cannot be read.
    """
    folder = Path(source.path or "")
    try:
        names = sorted(path for path in folder.iterdir() if path.match(source.pattern) and path.name[0] != ".")
        inside = (p for p in names if _is_text(p.name) and p.is_file() and resolved(p).parent == folder)
        return [path for path, _ in zip(inside, range(MAX_FILES + 1), strict=False)]
    except OSError as error:
        raise DataError(f"the folder cannot be read: {error.strerror}") from error


def _is_text(name: str) -> bool:
    """Whether a name of a file can be sent: bytes that are not UTF-8 come as half characters."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


@dataclass(frozen=True)
class Brought:
    """A source as files of one format on this machine. `types`: what a database says of its columns."""

    files: list[Path]
    format: str | None
    types: dict[str, str] | None = None


def bring(source: Source, scratch: Path, max_bytes: int, seconds: float = databases.SECONDS) -> Brought:
    """Have a source here: its own files, or what an address or a database gives, written to `scratch`. Blocking.

    Args:
        scratch: an empty directory.
        max_bytes: the most that is brought here.
        seconds: the longest that an address or a database may take.

    Raises:
        DataError: it cannot be had; the text holds no address and no password.
    """
    if source.type == "sql":
        path = scratch / "rows.jsonl"
        return Brought([path], "jsonl", databases.dump(source, path, max_bytes, seconds))
    if source.type == "http":
        path = scratch / f"fetched.{source.format}"
        fetch(source.url or "", path, max_bytes, seconds)
        return Brought([path], source.format)
    if source.type == "folder":
        paths = files_of(source)
        if not paths:
            raise DataError("the folder holds no such files")
        if len(paths) > MAX_FILES:
            raise DataError(f"the folder holds more than {MAX_FILES} files")
        return Brought(paths, source.format)
    path = Path(source.path or "")
    if not path.is_file():
        raise DataError(f"{path.name} does not exist")
    return Brought([path], source.format)


def relation_of(connection: Any, brought: Brought, source: Source, scratch: Path, max_bytes: int) -> str:
    """SQL that DuckDB can put after FROM to read the whole of what was brought.

    Args:
        connection: a DuckDB connection with access to files.
        scratch: a directory for what must be written anew to be read.
        max_bytes: the most that is written there.

    Raises:
        DataError: it cannot be read; the text holds no address and no password.
    """
    paths, form = brought.files, brought.format
    if brought.types is not None:
        columns = ", ".join(f"{quoted(name)}: {quoted(type)}" for name, type in brought.types.items())
        shape = f"columns={{{columns}}}, format='newline_delimited', maximum_object_size=33554432"
        return f"read_json({listed(paths)}, {shape})"
    if form == "parquet":
        return f"read_parquet({listed(paths)}, union_by_name=true)"
    if form in ("json", "geojson") and all(path.stat().st_size <= MAX_JSON_BYTES for path in paths):
        made = []
        for number, path in enumerate(paths):
            made.append(_dump(_as_objects(_json_records(path)), scratch / f"{number}.jsonl", max_bytes))
        return _ndjson(made)
    if form in ("json", "geojson"):
        return f"read_json({listed(paths)}, format='array', union_by_name=true, maximum_object_size=33554432)"
    if form == "jsonl":
        return _ndjson(paths)
    if form in ("csv", "tsv"):
        return _csv(connection, form, paths, source.text_columns)
    raise DataError(f"the format {form or 'unknown'} has no rows and columns")


def header_of(path: Path, form: str) -> tuple[list[str], str]:
    """The names in the first line of a CSV or TSV file, and its delimiter: the one of , ; | and tab seen most there.

    Raises:
        DataError: the file is empty, or its first line is not text.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline(65536)
            delimiter = "\t" if form == "tsv" else max(",;|\t", key=head.count)
            file.seek(0)
            names = next(csv.reader(file, delimiter=delimiter), [])
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not UTF-8 text") from error
    except (OSError, csv.Error) as error:
        raise DataError(f"the first line of {path.name} cannot be read") from error
    if not any(name.strip() for name in names):
        raise DataError(f"{path.name} has no header line")
    return names, delimiter


def ends_in_quotes(path: Path) -> bool:
    """Whether a file has an odd number of quotes, so that the last may have no end. Reads the file once."""
    count = 0
    with path.open("rb") as file:
        while part := file.read(1_048_576):
            count += part.count(b'"')
    return count % 2 == 1


def _refuse_lost_rows(connection: Any, path: Path, dialect: str) -> None:
    """Refuse a file with a quote that does not end: with padding, DuckDB drops all that comes after it.

    A quote inside a cell that is not quoted is another thing; a strict reading tells.
    """
    if ends_in_quotes(path):
        try:
            connection.execute(f"SELECT count(*) FROM read_csv({listed([path])}, all_varchar=true, {dialect})")  # noqa: S608
        except Exception as error:
            raise DataError(f"{path.name} has a quote that does not end") from error


def _csv(connection: Any, form: str, paths: list[Path], text: tuple[str, ...]) -> str:
    delimiters = {header_of(path, form)[1] for path in paths}
    if len(delimiters) > 1:
        raise DataError("its files separate their columns in different ways")
    dialect = f"delim={quoted(delimiters.pop())}, quote='\"', escape='\"'"
    for path in paths:
        _refuse_lost_rows(connection, path, dialect)
    start = f"read_csv({listed(paths)}, header=true, union_by_name=true, null_padding=true, parallel=false, {dialect}"
    try:
        found = connection.execute(f"SELECT * FROM {start}) LIMIT 0").description or []  # noqa: S608
    except Exception:  # whatever the sniffer has against it, as plain text it may still be read
        return f"{start}, all_varchar=true, strict_mode=false)"
    names = [column[0] for column in found if column[0] in text]
    types = ", ".join(f"{quoted(name)}: {quoted('VARCHAR')}" for name in names)
    return f"{start}, types={{{types}}})" if names else f"{start})"


def quoted(text: str) -> str:
    """An SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def named(text: str) -> str:
    """An SQL identifier."""
    return '"' + text.replace('"', '""') + '"'


def listed(paths: list[Path]) -> str:
    """An SQL list of paths, each of which stands for itself only."""
    # DuckDB takes *, ? and [ in a path for a pattern
    return "[" + ", ".join(quoted(_literal(str(path))) for path in paths) + "]"


def _literal(path: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path)


def _ndjson(paths: list[Path]) -> str:
    options = "format='newline_delimited', union_by_name=true, sample_size=-1, maximum_object_size=33554432"
    return f"read_json({listed(paths)}, {options})"


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


def fetch(url: str, path: Path, max_bytes: int, seconds: float) -> None:
    """The body of an address into a file. Raises DataError, which does not say where it is."""
    import httpx2

    size, deadline = 0, time.monotonic() + seconds
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
