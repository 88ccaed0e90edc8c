"""`POST /ingest/{artifact}`: rows checked against the contract at the door: good ones added, bad ones told why."""

import codecs
import csv
import fcntl
import hashlib
import io
import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import ingestcounts
from gateway.bodies import read_body
from gateway.consume.access import artifact_of
from gateway.context import Context, context_of
from gateway.grants import Grant, require
from gateway.http import ProblemError
from gateway.lanes import WRITING
from gateway.product import PortArtifact
from gateway.protocol import MEDIA_JSON, MEDIA_PROBLEM, IngestResult, Problem, RefusedRow
from gateway.rowcheck import RepeatedNames, RowCheck, without_repeats
from gateway.samples import DataError
from gateway.sources import Source, header_of, source_of

SHOWN = 100
FORMATS = ("csv", "tsv", "jsonl")
"""Files that rows can be added to the end of."""
KEY = "Idempotency-Key"
KEYS = "ingest.key"
KEY_SECONDS = 86_400.0
MAX_KEYS = 10_000
MAX_KEY = 200
_lock = threading.Lock()


@dataclass(frozen=True)
class Body:
    """What was sent. `key` is the sender's name for it, so that sending it again adds nothing."""

    raw: bytes
    media: str
    key: str | None = None

    @property
    def fingerprint(self) -> str:
        """The same for the same body only."""
        return hashlib.sha256(self.media.encode() + b"\0" + self.raw).hexdigest()


async def ingest(request: Request) -> Response:
    """Takes `application/json` (a list of objects), `application/x-ndjson` or `text/csv` with a header.

    Rows that fit the contract are added and the others are refused, each with its reasons: 200 when at least one was
    added, 422 when none was. A body sent again with the same `Idempotency-Key` within a day gets the answer of the
    first time and adds nothing.
    """
    context = context_of(request)
    await context.refresh()
    entry = artifact_of(context, request.path_params["id"])
    grant = await require(request, f"ingest:{entry.artifact.id}")
    context.control.refuse_when_paused()
    source = target(context, entry)
    key = key_of(request)
    raw = await read_body(request, context.config.limits.ingest_bytes)
    media = request.headers.get("content-type", "").split(";")[0].strip().lower()
    return await WRITING.run(_take, context, entry, source, grant, Body(raw, media, key))


def key_of(request: Request) -> str | None:
    """The Idempotency-Key of a request (draft-ietf-httpapi-idempotency-key-header). Raises ProblemError 400."""
    key = request.headers.get(KEY)
    if key is not None and not (0 < len(key) <= MAX_KEY and key.isascii() and key.isprintable()):
        detail = f"{KEY} must be 1 to {MAX_KEY} printable ASCII characters."
        raise ProblemError(400, "Bad idempotency key", detail, "Correct it, or leave it out.")
    return key


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


def _take(context: Context, entry: PortArtifact, source: Source, grant: Grant, body: Body) -> Response:
    limit = context.config.limits.ingest_rows
    rows = []
    for row in parsed(body.raw, body.media):
        rows.append(row)
        if len(rows) > limit:
            detail = f"The body has more than {limit} rows, the most that is taken at a time."
            raise ProblemError(413, "Too many rows", detail, "Send them in parts.")
    if not rows:
        raise ProblemError(400, "No rows", "The body holds no rows.", "Send a list of objects, or CSV with a header.")
    result = IngestResult()
    path = Path(source.path or "")
    key = _key_id(grant, entry, body)
    with _lock, _locked(path) as file:
        if before := _answered(context, key, body):
            return before
        columns, delimiter = _shape(path, source)
        check = RowCheck(entry.artifact.contract or {}, text=body.media == "text/csv")
        if check.unique:
            _learn(check, path, source, columns, delimiter)
        good = []
        for number, row in enumerate(rows, 1):
            reasons = ["a name stands twice in it"] if isinstance(row, RepeatedNames) else check.reasons(row)
            if not reasons and (strange := [name for name in row if name not in columns]) and source.format != "jsonl":
                reasons = [f"{name[:80]}: the file has no such column" for name in strange]
            if reasons:
                result.refused += 1
                if len(result.rows) < SHOWN:
                    result.rows.append(RefusedRow(row=number, reasons=reasons[:10]))
            else:
                result.accepted += 1
                good.append(cleaned(row))
        if good:
            _append(file, good, source, columns, delimiter)
            _refuse_if_replaced(file, path)
        ingestcounts.add(context.state, entry.artifact.id, result)
        if key is not None:
            kept = {"body": body.fingerprint, "result": result.model_dump(mode="json")}
            context.state.add(KEYS, key, kept, limit=MAX_KEYS, expires=time.time() + KEY_SECONDS)
    context.log.record(
        consumer=grant.subject, role=grant.role, agreement=grant.agreement, artifact=entry.artifact.id,
        action="ingest", status=200 if good else 422, rows=result.accepted, size=len(body.raw),
    )  # fmt: skip
    return _answer(result)


def _key_id(grant: Grant, entry: PortArtifact, body: Body) -> str | None:
    """A key is a name that one sender gives for one artifact: nobody meets another's."""
    if body.key is None:
        return None
    return hashlib.sha256("\0".join((grant.issuer, grant.subject, entry.artifact.id, body.key)).encode()).hexdigest()


def _answered(context: Context, key: str | None, body: Body) -> Response | None:
    """The answer that this body had before, if it had one.

    Raises:
        ProblemError: 422 when the key was used for another body, 429 when no more keys can be remembered.
    """
    if key is None:
        return None
    kept = context.state.item(KEYS, key)
    if kept is None:
        if context.state.count(KEYS) >= MAX_KEYS:
            detail = f"{MAX_KEYS} keys of the last day are remembered already."
            raise ProblemError(
                429, "Too many keys", detail, "Try again later, or send without.", {"Retry-After": "3600"}
            )
        return None
    if kept["body"] != body.fingerprint:
        detail = f"This {KEY} was used for another body."
        raise ProblemError(422, "Key used before", detail, "Take a new key for each body.")
    return _answer(IngestResult.model_validate(kept["result"]), {"Idempotency-Replayed": "true"})


def _answer(result: IngestResult, headers: dict[str, str] | None = None) -> Response:
    headers = {"Cache-Control": "no-store", **(headers or {})}
    if result.accepted:
        return Response(result.to_json(), 200, headers, MEDIA_JSON)
    problem = Problem(
        title="No row was taken",
        status=422,
        detail=f"None of the {result.refused} rows fits the contract.",
        action="See `rows` for the reasons of each.",
        **result.model_dump(by_alias=True),
    )
    return Response(problem.to_json(), 422, headers, MEDIA_PROBLEM)


def parsed(raw: bytes, media: str) -> Iterator[dict[str, Any]]:
    """The rows of a body. Raises ProblemError 415 for another media type, 400 when it is not what it says."""
    try:
        text = raw.decode("utf-8-sig")
        if media == "text/csv":
            yield from _csv_rows(text)
        elif media in ("application/x-ndjson", "application/jsonl"):
            for line in text.split("\n"):  # not splitlines(): U+2028 may stand in a JSON string
                if line.strip():
                    yield _object(_json(line))
        elif media == "application/json":
            content = _json(text)
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


def _json(text: str) -> Any:
    return json.loads(text, parse_constant=_no_constant, object_pairs_hook=without_repeats)


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


def _shape(path: Path, source: Source) -> tuple[list[str], str]:
    """Columns of the file in order, and its delimiter."""
    if source.format == "jsonl":
        return [], ""
    try:
        return header_of(path, source.format or "")
    except DataError as error:
        detail = f"{error}, so rows cannot be added to it."
        raise ProblemError(409, "Rows cannot be added", detail, "Tell the owner of the product.") from error


def cleaned(row: dict[str, Any]) -> dict[str, Any]:
    """A row as it is written: an empty text is no value, in every format, as CSV cannot tell the two apart."""
    return {name: None if value == "" else value for name, value in row.items()}


def _learn(check: RowCheck, path: Path, source: Source, columns: list[str], delimiter: str) -> None:
    """Have a check know the rows that are there. Raises ProblemError 503 when they cannot be read."""
    try:
        check.learn(_existing(path, source, columns, delimiter), text=source.format != "jsonl")
    except (ValueError, csv.Error, RecursionError) as error:
        detail = f"What is in {path.name} already is not readable, so nobody knows what is unique."
        raise ProblemError(503, "Data cannot be read", detail, "Tell the owner of the product.") from error


def _existing(path: Path, source: Source, columns: list[str], delimiter: str) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        if source.format == "jsonl":
            yield from (row for row in map(json.loads, filter(str.strip, file)) if isinstance(row, dict))
        else:
            reader = csv.reader(file, delimiter=delimiter)
            next(reader, None)
            yield from (dict(zip(columns, row, strict=False)) for row in reader)


def _refuse_if_replaced(file: Any, path: Path) -> None:
    """The owner may put another file in place of the one that was written to: the rows are gone with it then.

    Raises:
        ProblemError: 503.
    """
    try:
        replaced = path.stat().st_ino != os.fstat(file.fileno()).st_ino
    except OSError:
        replaced = True
    if replaced:
        detail = f"{path.name} was replaced by another file meanwhile."
        raise ProblemError(503, "Data was replaced", detail, "Send the rows again.", {"Retry-After": "1"})


def _refuse_other_encoding(file: Any, name: str) -> None:
    """Raises ProblemError 409 when the file is not UTF-8: text of two encodings could not be read any more."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    file.seek(0)
    try:
        while part := file.read(1_048_576):
            decoder.decode(part)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        detail = f"{name} is not UTF-8 text, so these rows cannot be added to it."
        raise ProblemError(409, "Rows cannot be added", detail, "Tell the owner of the product.") from error


def _append(file: Any, rows: list[dict[str, Any]], source: Source, columns: list[str], delimiter: str) -> None:
    text = io.StringIO(newline="")
    file.seek(0)
    ending = "\r\n" if file.readline(65536).endswith(b"\r\n") else "\n"
    if source.format == "jsonl":
        text.writelines(json.dumps(row, ensure_ascii=False, allow_nan=False) + ending for row in rows)
    else:
        text.writelines(_line([row.get(column) for column in columns], delimiter) + ending for row in rows)
    end = file.seek(0, os.SEEK_END)
    added = text.getvalue().encode()
    if not added.isascii():
        _refuse_other_encoding(file, Path(source.path or "").name)
        end = file.seek(0, os.SEEK_END)
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


def _line(values: list[Any], delimiter: str) -> str:
    """A line of CSV without its end. A lone carriage return is quoted too, which csv does only where lines end so."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerow(map(_cell, values))
    return text.getvalue().removesuffix("\r\n")


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def routes() -> list[Route]:
    """The address of ingest."""
    return [Route("/ingest/{id}", ingest, methods=["POST"])]
