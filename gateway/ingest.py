"""`POST /ingest/{artifact}`: rows checked against the contract at the door: good ones added, bad ones told why."""

import csv
import fcntl
import io
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.bodies import read_body
from gateway.consume.access import artifact_of
from gateway.context import Context, context_of
from gateway.grants import Grant, require
from gateway.http import ProblemError
from gateway.product import PortArtifact
from gateway.protocol import MEDIA_JSON, MEDIA_PROBLEM, IngestResult, Problem, RefusedRow
from gateway.rowcheck import RowCheck
from gateway.sources import Source, source_of

COUNTS = "ingest.counts"
SHOWN = 100
FORMATS = ("csv", "tsv", "jsonl")
"""Files that rows can be added to the end of."""
_lock = threading.Lock()


async def ingest(request: Request) -> Response:
    """Takes `application/json` (a list of objects), `application/x-ndjson` or `text/csv` with a header."""
    context = context_of(request)
    await context.refresh()
    entry = artifact_of(context, request.path_params["id"])
    grant = await require(request, f"ingest:{entry.artifact.id}")
    context.control.refuse_when_paused()
    source = target(context, entry)
    raw = await read_body(request, context.config.limits.ingest_bytes)
    media = request.headers.get("content-type", "").split(";")[0].strip().lower()
    return await run_in_threadpool(_take, context, entry, source, grant, raw, media)


def target(context: Context, entry: PortArtifact) -> Source:
    """The file that rows are added to.

    Raises:
        ProblemError: 403 when gateway.yaml does not allow it, 409 when its file is not one that rows can be added to.
    """
    name = entry.artifact.name
    if not context.config.artifact(name, entry.artifact.id).ingest:
        action = "Ask the owner of the product; gateway.yaml has `ingest: true` where rows are taken."
        raise ProblemError(403, "Not taken here", f"'{name}' takes no rows.", action)
    source = source_of(context.live.snapshot.product, entry)
    if source is None or source.type != "file" or source.format not in FORMATS or not (source.path or ""):
        detail = f"'{name}' is not a {', '.join(FORMATS[:-1])} or {FORMATS[-1]} file, so rows cannot be added to it."
        raise ProblemError(409, "Not possible for this format", detail)
    if not (entry.artifact.contract or {}).get("schema"):
        detail = f"'{name}' has no contract with a schema, so rows cannot be checked."
        raise ProblemError(409, "No schema to check against", detail)
    return source


def counts(context: Context) -> dict[str, dict[str, Any]]:
    """By artifact id: `accepted`, `refused` (rows), `calls`, `last` (POSIX seconds), over restarts. One read."""
    return dict(context.state.get(COUNTS) or {})


def _take(context: Context, entry: PortArtifact, source: Source, grant: Grant, raw: bytes, media: str) -> Response:
    limit = context.config.limits.ingest_rows
    rows = []
    for row in parsed(raw, media):
        rows.append(row)
        if len(rows) > limit:
            detail = f"The body has more than {limit} rows, the most that is taken at a time."
            raise ProblemError(413, "Too many rows", detail, "Send them in parts.")
    if not rows:
        raise ProblemError(400, "No rows", "The body holds no rows.", "Send a list of objects, or CSV with a header.")
    result = IngestResult()
    path = Path(source.path or "")
    with _lock, _locked(path) as file:
        columns, delimiter = _shape(path, source, entry)
        check = RowCheck(entry.artifact.contract or {}, text=media == "text/csv")
        check.learn(_existing(path, source, columns, delimiter) if check.unique else ())
        good = []
        for number, row in enumerate(rows, 1):
            reasons = check.reasons(row)
            if not reasons and (strange := [name for name in row if name not in columns]) and source.format != "jsonl":
                reasons = [f"{name[:80]}: the file has no such column" for name in strange]
            if reasons:
                result.refused += 1
                if len(result.rows) < SHOWN:
                    result.rows.append(RefusedRow(row=number, reasons=reasons[:10]))
            else:
                result.accepted += 1
                good.append(row)
        if good:
            _append(file, good, source, columns, delimiter)
        _count(context, entry.artifact.id, result)
    context.log.record(
        consumer=grant.subject, role=grant.role, agreement=grant.agreement, artifact=entry.artifact.id,
        action="ingest", status=200 if good else 422, rows=result.accepted, size=len(raw),
    )  # fmt: skip
    if good:
        return Response(result.to_json(), 200, {"Cache-Control": "no-store"}, MEDIA_JSON)
    problem = Problem(
        title="No row was taken",
        status=422,
        detail=f"None of the {result.refused} rows fits the contract.",
        action="See `rows` for the reasons of each.",
        **result.model_dump(by_alias=True),
    )
    return Response(problem.to_json(), 422, {"Cache-Control": "no-store"}, MEDIA_PROBLEM)


def parsed(raw: bytes, media: str) -> Iterator[dict[str, Any]]:
    """The rows of a body. Raises ProblemError 415 for another media type, 400 when it is not what it says."""
    try:
        text = raw.decode("utf-8-sig")
        if media == "text/csv":
            yield from _csv_rows(text)
        elif media in ("application/x-ndjson", "application/jsonl"):
            for line in text.split("\n"):  # not splitlines(): U+2028 may stand in a JSON string
                if line.strip():
                    yield _object(json.loads(line, parse_constant=_no_constant))
        elif media == "application/json":
            content = json.loads(text, parse_constant=_no_constant)
            for row in content if isinstance(content, list) else [content]:
                yield _object(row)
        else:
            detail = (
                f"Rows come as application/json, application/x-ndjson or text/csv, not as {media[:80] or 'nothing'}."
            )
            raise ProblemError(415, "Unsupported media type", detail, "Send one of these.")
    except UnicodeDecodeError as error:
        raise ProblemError(400, "Not UTF-8", "The body is not UTF-8 text.", "Send it as UTF-8.") from error
    except (ValueError, csv.Error, RecursionError) as error:
        raise ProblemError(
            400, "Not readable", f"The body is not {media}: {str(error)[:200]}.", "Correct it."
        ) from error


def _csv_rows(text: str) -> Iterator[dict[str, Any]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = next(reader, None) or []
    if len(set(header)) != len(header):
        raise ValueError("the header has a name twice")
    for cells in reader:
        if len(cells) > len(header):
            raise ValueError(f"line {reader.line_num} has more cells than the header")
        if cells:
            yield dict(zip(header, [cell if cell != "" else None for cell in cells], strict=False))


def _object(row: Any) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise ValueError("a row is not an object")
    return row


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


class _locked:  # noqa: N801 - used like a function
    """The file open for adding, held against other processes that add to it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Any:
        try:
            self.file = self.path.open("r+b")
            fcntl.flock(self.file, fcntl.LOCK_EX)
        except OSError as error:
            detail = f"{self.path.name} cannot be written: {error.strerror}."
            raise ProblemError(503, "Data cannot be written", detail, "Tell the owner of the product.") from error
        return self.file

    def __exit__(self, *raised: object) -> None:
        self.file.close()


def _shape(path: Path, source: Source, entry: PortArtifact) -> tuple[list[str], str]:
    """Columns of the file in order, and its delimiter."""
    if source.format == "jsonl":
        return [], ""
    with path.open(encoding="utf-8-sig", newline="") as file:
        head = file.readline(65536)
    delimiter = "\t" if source.format == "tsv" else max(",;|\t", key=head.count)
    columns = next(csv.reader([head], delimiter=delimiter), [])
    if not columns:
        detail = f"{path.name} has no header line, so rows cannot be added to it."
        raise ProblemError(409, "No header", detail, "Tell the owner of the product.")
    return columns, delimiter


def _existing(path: Path, source: Source, columns: list[str], delimiter: str) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        if source.format == "jsonl":
            yield from (row for row in map(json.loads, filter(str.strip, file)) if isinstance(row, dict))
        else:
            reader = csv.reader(file, delimiter=delimiter)
            next(reader, None)
            yield from (dict(zip(columns, row, strict=False)) for row in reader)


def _append(file: Any, rows: list[dict[str, Any]], source: Source, columns: list[str], delimiter: str) -> None:
    text = io.StringIO(newline="")
    if source.format == "jsonl":
        text.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    else:
        writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
        writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    end = file.seek(0, os.SEEK_END)
    added = text.getvalue().encode()
    if end:
        file.seek(end - 1)
        if file.read(1) != b"\n":
            added = b"\n" + added
    try:
        file.seek(end)
        file.write(added)
        file.flush()
        os.fsync(file.fileno())
    except OSError as error:
        file.truncate(end)  # half a row is worse than none
        detail = f"The rows could not be written: {error.strerror}."
        raise ProblemError(503, "Data cannot be written", detail, "Try again later.") from error


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def _count(context: Context, own_id: str, result: IngestResult) -> None:
    kept = counts(context)
    own = kept.setdefault(own_id, {"accepted": 0, "refused": 0, "calls": 0})
    own["accepted"] += result.accepted
    own["refused"] += result.refused
    own["calls"] += 1
    own["last"] = time.time()
    context.state.put(COUNTS, kept)


def routes() -> list[Route]:
    """The address of ingest."""
    return [Route("/ingest/{id}", ingest, methods=["POST"])]
