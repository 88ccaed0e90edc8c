"""`GET /consume/{artifact}`: the data as stored, or as the caller's role may see it."""

import hashlib
import mimetypes
import os
import re
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import formatdate
from functools import partial
from pathlib import Path
from urllib.parse import quote

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse

from gateway.config import Limits
from gateway.consume.access import Caller, authorise
from gateway.consume.jobs import Job, Running
from gateway.consume.slots import EXPORTS, Turn, reading
from gateway.documents import stamp
from gateway.http import ProblemError
from gateway.protocol import MEDIA_JSON, FolderFile, FolderListing
from gateway.samples import DataError
from gateway.sources import MAX_FILES, files_of

CHUNK = 65536
MEDIA = {
    "csv": "text/csv; charset=utf-8", "tsv": "text/tab-separated-values; charset=utf-8", "json": MEDIA_JSON,
    "jsonl": "application/x-ndjson", "geojson": "application/geo+json", "parquet": "application/vnd.apache.parquet",
    "text": "text/plain; charset=utf-8",
}  # fmt: skip
FORMS = ("csv", "json", "jsonl", "parquet")
"""What rows can be made anew as."""
_FORM_OF = {"csv": "csv", "tsv": "csv", "parquet": "csv", "json": "json", "geojson": "json", "jsonl": "jsonl"}
_RANGE = re.compile(r"^bytes=(?:(\d+)-(\d*)|-(\d+))$", re.IGNORECASE)


async def download(request: Request) -> Response:
    """`GET /consume/{artifact}`. Query parameters: `format` where rows are made anew, `file` in a folder."""
    caller = await authorise(request, "download")
    source = caller.source
    if caller.rules or source.type == "sql":
        return await _made(request, caller)
    if source.type == "http":
        from gateway.consume.passing import passed

        return await passed(request, caller)
    if source.type == "folder":
        return await _folder(request, caller)
    return await _file(request, caller, Path(source.path or ""))


async def _folder(request: Request, caller: Caller) -> Response:
    files = {path.name: path for path in await run_in_threadpool(_read_folder, caller)}
    wanted = request.query_params.get("file")
    if wanted is not None:
        if wanted not in files:
            detail = f"'{caller.entry.artifact.name}' has no file '{wanted[:200]}'."
            raise ProblemError(404, "No such file", detail, "Ask without ?file= for the list of files.")
        return await _file(request, caller, files[wanted])
    base = f"{caller.context.live.snapshot.product.base}/consume/{caller.entry.artifact.id}"
    shown = await run_in_threadpool(listed, list(files.values())[:MAX_FILES], base)
    listing = FolderListing(artifact_id=caller.entry.artifact.id, files=shown, has_more=len(files) > MAX_FILES)
    return Response(listing.to_json(), 200, {"Cache-Control": "no-cache"}, MEDIA_JSON)


def listed(paths: list[Path], base: str) -> list[FolderFile]:
    """Files as a folder's listing tells of them, without those that are gone. Blocking: a stat each."""
    found = []
    for path in paths:
        seen = stamp(path)
        if seen is not None:
            updated = datetime.fromtimestamp(seen[0] / 1e9, UTC)
            href = f"{base}?file={quote(path.name, safe='')}"
            found.append(FolderFile(name=path.name, href=href, bytes=seen[1], updated=updated))
    return found


def _read_folder(caller: Caller) -> list[Path]:
    try:
        return files_of(caller.source)
    except DataError as error:
        raise ProblemError(503, "Data cannot be read", f"{error}.".capitalize(), "Try again later.") from error


async def _file(request: Request, caller: Caller, path: Path) -> Response:
    media = MEDIA.get(caller.source.format or "") or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    response = await ranged(request, path, media, path.name, shared=caller.entry.artifact.access_rights == "open")
    if request.method == "GET" and isinstance(response, Ranged):
        caller.record("download", size=response.wanted)
    return response


class Ranged(FileResponse):
    """A file answer that knows how many bytes were asked for."""

    wanted = 0


async def ranged(request: Request, path: Path, media_type: str, name: str, *, shared: bool = False) -> Response:
    """A file as stored, in constant memory: whole, one range of it (RFC 9110, section 14), or 304.

    Args:
        shared: whether caches between here and the client may keep it.

    Raises:
        ProblemError: 400 or 416 for the range, 503 when the file cannot be read.
    """
    try:
        seen = await run_in_threadpool(os.stat, path)
        if not stat.S_ISREG(seen.st_mode) or not os.access(path, os.R_OK):
            raise PermissionError(1, "it is not a file that can be read")
    except OSError as error:
        detail = f"{name} cannot be read: {error.strerror}."
        action = "Try again later; the owner of the product sees this in its health."
        raise ProblemError(503, "Data cannot be read", detail, action) from error
    etag = f'"{hashlib.sha256(f"{seen.st_mtime_ns}-{seen.st_size}-{seen.st_ino}".encode()).hexdigest()[:32]}"'
    headers = {
        "ETag": etag,
        "Cache-Control": f"{'public' if shared else 'private'}, no-cache",
        "Accept-Ranges": "bytes",
        "Last-Modified": formatdate(seen.st_mtime, usegmt=True),
    }
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if etag in known or known == ["*"]:
        return Response(status_code=304, headers=headers)
    wanted = _wanted_bytes(request, seen.st_size, (etag, headers["Last-Modified"]))
    response = Ranged(path, headers=headers, media_type=media_type, filename=name, stat_result=seen)
    response.wanted = wanted
    return response


def _wanted_bytes(request: Request, size: int, validators: tuple[str, str]) -> int:
    """How many bytes go out. Checks the Range header as RFC 9110 says: a unit that is not known is ignored.

    Raises:
        ProblemError: 400 malformed or more than one range; 416 outside the file.
    """
    header = request.headers.get("range")
    if header is None:
        return size
    if request.method != "GET" or not header.strip().lower().startswith("bytes"):
        _drop_range(request)
        return size
    condition = request.headers.get("if-range")
    if condition is not None and condition not in validators:
        return size
    match = _RANGE.match(re.sub(r"\s", "", header)) if len(header) < 100 else None
    if match is None:
        detail = f"Range is '{header[:80]}'; one range such as bytes=0-999, bytes=1000- or bytes=-500 is taken."
        raise ProblemError(400, "Bad range", detail, "Correct it, or leave it out.")
    first, last, suffix = match.groups()
    start = max(size - int(suffix), 0) if suffix else int(first)
    end = min(int(last), size - 1) if last else size - 1
    if first and last and int(last) < int(first):
        raise ProblemError(400, "Bad range", "The range ends before it starts.", "Correct it, or leave it out.")
    if start >= size or (suffix and int(suffix) == 0):
        detail = f"The file has {size} bytes; the range is outside of it."
        raise ProblemError(416, "Range not satisfiable", detail, "Ask for bytes inside the file.",
                           {"Content-Range": f"bytes */{size}"})  # fmt: skip
    return end - start + 1


def _drop_range(request: Request) -> None:
    request.scope["headers"] = [pair for pair in request.scope["headers"] if pair[0].lower() != b"range"]


async def _made(request: Request, caller: Caller) -> Response:
    """Rows made anew by a subprocess, as this role may see them, streamed as they come."""
    source = caller.source
    form = request.query_params.get("format") or _FORM_OF.get(source.format or "csv", "csv")
    if form not in FORMS:
        detail = f"format is '{form[:50]}'; it must be one of {', '.join(FORMS)}."
        raise ProblemError(400, "Bad format", detail, "Correct it, or leave it out.")
    name = f"{re.sub(r'[^A-Za-z0-9._-]', '_', caller.entry.artifact.name)[:100]}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store",
               "Accept-Ranges": "none"}  # fmt: skip
    if request.method == "HEAD":
        return Response(status_code=200, headers=headers, media_type=MEDIA[form])
    limits = caller.context.config.limits
    turn = EXPORTS.ask(caller.share, reading(limits))
    try:
        await EXPORTS.arrive(turn, limits.query_wait_seconds)
        running = await run_in_threadpool(_started, caller, form, limits, turn)
    except BaseException:
        EXPORTS.leave(turn)
        raise
    return StreamingResponse(_stream(running, caller), headers=headers, media_type=MEDIA[form])


def _started(caller: Caller, form: str, limits: Limits, turn: Turn) -> Running:
    """The subprocess, once it has something to say. Raises ProblemError when it has nothing but a reason."""
    job = Job(caller.source, caller.entry.artifact.name, form, limits, caller.salt, limits.export_seconds, caller.rules)
    running = Running(job, on_end=lambda: EXPORTS.leave(turn))
    try:
        stdout = running.process.stdout
        assert stdout is not None
        if not stdout.readline():
            running.finish()
    except BaseException:
        running.close()
        raise
    return running


async def _stream(running: Running, caller: Caller) -> AsyncIterator[bytes]:
    """The body. When the client goes away, or the subprocess fails, the connection ends and the process with it."""
    stdout = running.process.stdout
    assert stdout is not None
    size, status, rows = 0, 500, None
    try:
        read = partial(stdout.read1, CHUNK)  # type: ignore[attr-defined]
        while part := await anyio.to_thread.run_sync(read, abandon_on_cancel=True):
            size += len(part)
            yield part
        closing = await anyio.to_thread.run_sync(running.finish)
        status, rows = 200, closing["rows"]
    finally:
        running.close()
        caller.record("download", status, rows, size)
