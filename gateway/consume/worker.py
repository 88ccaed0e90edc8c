"""The subprocess that reads data with DuckDB. `python -m gateway.consume.worker`, a job as a line of JSON on stdin.

What a caller may see is made into a table first, masks and row filter applied. Then DuckDB's access to files, network,
extensions and settings is shut for good, and only then the caller's SQL is looked at. The raw data is not in this
process's database at any time when foreign SQL runs.

What does not fit into memory is spilled into this process's own directory, encrypted: DuckDB lets a query read there,
and what was spilled while the table was made may be what the caller may not see.

stdout: a line of JSON with `columns` and `types`, or with `problem`; then the rows in the format asked for.
stderr: at the end, a line of JSON with `rows` and `truncated`.
"""

import csv
import io
import json
import os
import re
import resource
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import duckdb

from gateway.samples import DataError, _plain
from gateway.sources import Source, bring, listed, named, quoted, relation_of

BATCH = 500
SETTINGS: dict[str, Any] = {
    "threads": 1,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
    "preserve_insertion_order": True,
    "temp_directory": "spill",
    "temp_file_encryption": True,
    "force_mbedtls_unsafe": True,  # no better cipher comes without an extension; the key lives as long as this process
    "secret_directory": "secrets",
}
OUT = "/dev/stdout"
OWN_DIRECTORY = "GATEWAY_OWN_DIRECTORY"
"""The variable that names the directory which is this process's own."""
_INSIDE = re.compile(r"^INTERNAL|Stack Trace:|Traceback|Python exception", re.MULTILINE)
_MASKS: dict[str, str] = {
    "null": "CASE WHEN false THEN {0} END",
    "redact": "CASE WHEN {0} IS NOT NULL THEN '***' END",
    "hash": "left(sha256({1} || CAST({0} AS VARCHAR)), 32)",
    "partial": "left(CAST({0} AS VARCHAR), 2) || '***'",
}


class RefusedError(Exception):
    """The job cannot be done. Arguments: HTTP status, title, sentence, what to do."""


def visible(connection: Any, base: str, rules: dict[str, Any], salt: str) -> str:
    """A SELECT of what a role may see of a relation. A mask of a column that is not there is refused, not skipped."""
    mask = {name.casefold(): kind for name, kind in rules["mask"].items()}
    columns = [column[0] for column in connection.execute(f"SELECT * FROM {base} LIMIT 0").description]  # noqa: S608
    missing = mask.keys() - {column.casefold() for column in columns}
    if missing:
        raise DataError("a mask in gateway.yaml is for a column that the data does not have")
    shown = []
    for column in columns:
        kind = mask.get(column.casefold())
        if kind is None:
            shown.append(named(column))
        elif kind != "drop":
            shown.append(f"{_MASKS[kind].format(named(column), quoted(salt))} AS {named(column)}")
    if not shown:
        raise DataError("every column is masked away for this role")
    where = f" WHERE (\n{rules['filter']}\n)" if rules.get("filter") else ""
    return f"SELECT {', '.join(shown)} FROM (SELECT * FROM {base}{where}) AS unmasked"  # noqa: S608 - names are quoted, the filter is the operator's


def refuse_repeated_names(connection: Any, base: str, source: Source, files: list[Path]) -> None:
    """Refuse data with two columns of one name but for case: DuckDB calls the second name_1, which no mask covers.

    The first line of each file of CSV tells. Of other formats, name_1 beside name is refused.
    """
    if source.format in ("csv", "tsv"):
        plain = base.replace("header=true", "header=false").partition(", types=")[0].rstrip(")")
        plain = plain.replace(", all_varchar=true", "").replace(", strict_mode=false", "")
        repeated = any(_repeats(connection, plain.replace(listed(files), listed([path]), 1)) for path in files)
    else:
        described = connection.execute(f"SELECT * FROM {base} LIMIT 0").description  # noqa: S608
        names = [column[0].casefold() for column in described]
        repeated = any(re.sub(r"_\d+$", "", name) in names for name in names if re.search(r"_\d+$", name))
    if repeated:
        raise DataError("two of its columns have the same name, so that its rules are not clear")


def _repeats(connection: Any, plain: str) -> bool:
    found = connection.execute(f"SELECT * FROM {plain}, all_varchar=true, strict_mode=false) LIMIT 1").fetchone()  # noqa: S608
    names = [str(name).strip().casefold() for name in found or () if name is not None]
    return len(set(names)) < len(names)


def run(job: dict[str, Any], out: BinaryIO) -> dict[str, Any]:
    """Do a job and write its result. Returns the closing line."""
    settings = {**SETTINGS, "memory_limit": f"{job['memory_mb']}MB"}
    settings["max_temp_directory_size"] = f"{job['disk_mb']}MB"
    connection = duckdb.connect(":memory:", config=settings)
    if job["format"] == "parquet":  # DuckDB writes it itself, also when its access is shut
        connection.execute(f"SET allowed_paths = [{quoted(OUT)}]")
    source = Source(**{**job["source"], "text_columns": tuple(job["source"]["text_columns"])})
    scratch = Path("scratch").resolve()
    scratch.mkdir()
    most = job["disk_mb"] * 1_000_000
    rules = job.get("rules") or {"mask": {}, "filter": None}
    try:
        brought = bring(source, scratch, most)
        base = relation_of(connection, brought, source, scratch, most)
        if rules["mask"] or rules.get("filter"):
            refuse_repeated_names(connection, base, source, brought.files)
        query = visible(connection, base, rules, job["salt"])
        if job.get("sql") is None:
            return _write(connection, query, job, out)
        connection.execute(f"CREATE TABLE data AS {query}")
        shutil.rmtree(scratch)
    except duckdb.OutOfMemoryException as error:
        detail = "The artifact is too large to be queried here."
        raise RefusedError(413, "Too large to query", detail, "Download it, or place an order.") from error
    except duckdb.Error as error:
        raise DataError("what is in it is not what its format says, or its rules do not fit it") from error
    _shut(connection, job["name"])
    return _asked(connection, job, out)


def _shut(connection: Any, name: str) -> None:
    if name.casefold() != "data":
        connection.execute(f"CREATE VIEW {named(name)} AS SELECT * FROM data")  # noqa: S608
    connection.execute("SET enable_external_access=false")
    connection.execute("SET lock_configuration=true")
    connection.execute("BEGIN TRANSACTION READ ONLY")


def _asked(connection: Any, job: dict[str, Any], out: BinaryIO) -> dict[str, Any]:
    """Write the answer to the caller's SQL. Raises RefusedError unless it is one SELECT that works."""
    action = "Send one SELECT over the table data."
    try:
        statements = connection.extract_statements(job["sql"])
        if len(statements) != 1:
            detail = f"The query has {len(statements)} statements; exactly one is taken."
            raise RefusedError(400, "One statement only", detail, action)
        kind = _kind(statements[0])
        if kind != "SELECT":
            raise RefusedError(403, "Read only", f"{kind} is not possible here; only SELECT is.", action)
        return _write(connection, statements[0].query.strip().removesuffix(";"), job, out)
    except duckdb.ParserException as error:
        raise RefusedError(400, "Not SQL", _told(error), "Correct the query.") from error
    except duckdb.PermissionException as error:
        detail = "The query asks for files, the network, extensions or settings, which no query may."
        raise RefusedError(403, "Not possible in a query", detail, action) from error
    except duckdb.OutOfMemoryException as error:
        raise RefusedError(
            422, "Query too large", "The query needs more memory than it may have.", "Ask for less."
        ) from error
    except duckdb.Error as error:
        raise RefusedError(400, "The query failed", _told(error), "Correct the query.") from error


def _kind(statement: Any) -> str:
    try:
        return str(statement.type.name)
    except ValueError:  # DuckDB's own Python package does not know the number of each kind it parses
        return "This"


def _told(error: Exception) -> str:
    """What is wrong with a query; nothing of what failed inside DuckDB or Python, which names places and modules."""
    text = str(error)
    if isinstance(error, duckdb.InternalException | duckdb.FatalException) or _INSIDE.search(text):
        return "DuckDB cannot do this here."
    return " ".join(text.split())[:500]


def _rows(connection: Any) -> Iterator[list[Any]]:
    while batch := connection.fetchmany(BATCH):
        for row in batch:
            yield [_plain(cell) for cell in row]


def _json_line(row: list[Any], columns: list[str]) -> bytes:
    return json.dumps(row, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace") + b"\n"


def _object_line(row: list[Any], columns: list[str]) -> bytes:
    text = json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "replace") + b"\n"


def _csv_line(row: list[Any], columns: list[str]) -> bytes:
    text = io.StringIO()
    cells = [json.dumps(cell, ensure_ascii=False) if isinstance(cell, list | dict) else cell for cell in row]
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode("utf-8", "replace")


_LINES: dict[str, Callable[[list[Any], list[str]], bytes]] = {
    "rows": _json_line, "jsonl": _object_line, "json": _object_line, "csv": _csv_line,
}  # fmt: skip


def _write(connection: Any, select: str, job: dict[str, Any], out: BinaryIO) -> dict[str, Any]:
    """Write the rows of a SELECT, in the format of the job."""
    if job["format"] == "parquet":
        return _write_parquet(connection, select, out)
    connection.execute(select)
    described = connection.description
    columns = [column[0] for column in described]
    line_of, form = _LINES[job["format"]], job["format"]
    if form in ("json", "jsonl"):
        _refuse_alike(columns)
    limit, room = job.get("limit"), job.get("max_bytes") or float("inf")
    head = {"columns": columns, "types": [str(column[1]) for column in described]}
    count, truncated, begun = 0, False, False

    def begin() -> None:
        out.write(json.dumps(head, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
        if form == "csv":
            out.write(_csv_line(list(columns), columns))
        elif form == "json":
            out.write(b"[\n")

    for row in _rows(connection):
        if not begun:  # a query that fails at its first row is still a plain refusal
            begin()
            begun = True
        line = line_of(row, columns)
        room -= len(line)
        if (limit is not None and count == limit) or room < 0:
            truncated = True
            break
        out.write((b"," if count else b"") + line if form == "json" else line)
        count += 1
    if not begun:
        begin()
    if form == "json":
        out.write(b"]\n")
    out.flush()
    return {"rows": count, "truncated": truncated}


def _write_parquet(connection: Any, select: str, out: BinaryIO) -> dict[str, Any]:
    described = connection.execute(f"DESCRIBE {select}").fetchall()
    columns = [column[0] for column in described]
    _refuse_alike([column.casefold() for column in columns])
    head = {"columns": columns, "types": [str(column[1]) for column in described]}
    out.write(json.dumps(head, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
    out.flush()
    # On lines of its own, so that a comment at its end ends there. It was parsed as one SELECT before.
    [(rows,)] = connection.execute(f"COPY (\n{select}\n) TO {quoted(OUT)} (FORMAT parquet)").fetchall()
    return {"rows": rows, "truncated": False}


def _refuse_alike(columns: list[str]) -> None:
    """Refuse columns of one name where a row has its cells by name: the first of them would be lost."""
    alike = sorted({name for name in columns if columns.count(name) > 1})
    if alike:
        detail = f"Two columns of the result have the name '{alike[0][:100]}'."
        raise RefusedError(422, "Columns of the same name", detail, "Name them apart with AS, or ask for CSV.")


def _end_with_parent() -> None:
    """The gateway holds the other end of stdin; when it is gone, nobody waits for an answer, and nobody else removes
    the directory of this process, in which there may be rows.

    The kernel's parent-death signal is no use here: it comes when the thread ends that started this process, and
    threads of a pool end earlier than downloads.
    """
    os.read(0, 1)
    own = os.environ.get(OWN_DIRECTORY)
    for _ in range(5):  # more may be spilled meanwhile
        if own and Path(own).exists():
            shutil.rmtree(own, ignore_errors=True)
    os._exit(1)


def main() -> int:
    """Read a job from stdin and do it. Exit status 0, or 3 for a problem told on stdout or stderr."""
    job = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    memory = (job["memory_mb"] + 1500) * 1_000_000
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    cpu = int(job["seconds"]) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
    out = sys.stdout.buffer
    started = io.BufferedWriter(out.raw, 65536) if hasattr(out, "raw") else out
    try:
        closing = run(job, started)
    except RefusedError as refusal:
        closing = {"problem": list(refusal.args)}
    except DataError as error:
        detail = f"The data of this artifact cannot be read: {error}."
        closing = {"problem": [503, "Data cannot be read", detail, "Try again later."]}
    except (MemoryError, RecursionError):
        detail = "The query needs more memory than it may have."
        closing = {"problem": [422, "Query too large", detail, "Ask for less."]}
    sys.stderr.write(json.dumps(closing) + "\n")
    return 3 if "problem" in closing else 0


if __name__ == "__main__":
    sys.exit(main())
