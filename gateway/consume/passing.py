"""An HTTP source passed through: the answer of the address in gateway.yaml, streamed in constant memory."""

import ssl
import zlib
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gateway.consume.access import Caller
from gateway.http import ProblemError

ASKED = ("range", "if-range", "if-none-match", "if-modified-since")
TOLD = ("content-type", "content-length", "content-range", "accept-ranges", "etag", "last-modified")
GZIP = ("gzip", "x-gzip")
CHUNK = 65536
_ACTION = "Try again later; the owner of the product sees this in its health."


async def passed(request: Request, caller: Caller) -> Response:
    """The source's answer with its status when that is 200, 206 or 304. Redirects are not followed, wherever to.

    The source is asked for the bytes as they are. Where it encodes them nonetheless (Content-Encoding), a client that
    takes the encoding gets it; for another gzip is undone on the way. Bodies of errors are not passed on.

    Raises:
        ProblemError: 416 the range is outside; 502 the source does not answer, answers otherwise, in an encoding that
            the client does not take, or with more than `source_bytes`; 504 it does not answer in time. None says
            where the source is.
    """
    import httpx2

    limits = caller.context.config.limits
    headers = {name: request.headers[name] for name in ASKED if name in request.headers}
    if request.method != "GET":
        headers.pop("range", None)  # RFC 9110, 14.2: a range is for GET only
    headers["accept-encoding"] = "identity"
    client = httpx2.AsyncClient(
        verify=_certificates(), timeout=limits.source_seconds, follow_redirects=False, trust_env=False
    )
    answer: Any = None
    try:
        with anyio.fail_after(limits.source_seconds):  # the client's own times begin anew with each byte
            sent = client.build_request(request.method, caller.source.url or "", headers=headers)
            answer = await client.send(sent, stream=True)
        status, told, undo = _head(request, answer, limits.source_bytes)
    except BaseException as error:
        await _close(client, answer)
        problem = _problem(error)
        if problem is None:
            raise
        caller.record("download", problem.problem.status)
        if problem is error:
            raise
        raise problem from error
    body = _body(client, answer, caller, undo=undo, most=limits.source_bytes)
    return StreamingResponse(body, status, {**told, "Cache-Control": "private, no-cache"})


@lru_cache(1)
def _certificates() -> ssl.SSLContext:
    """Read once: it takes some 50 ms, in which the event loop answers nobody."""
    import httpx2

    return httpx2.create_ssl_context(trust_env=False)


def _problem(error: BaseException) -> ProblemError | None:
    """What went wrong with the source, for the client."""
    import httpx2

    if isinstance(error, httpx2.TimeoutException | TimeoutError):
        return ProblemError(504, "Source too slow", "The source did not answer in time.", _ACTION)
    if isinstance(error, httpx2.HTTPError | httpx2.InvalidURL):
        return ProblemError(502, "Source not reached", "The source does not answer.", _ACTION)
    return error if isinstance(error, ProblemError) else None


async def _close(client: Any, answer: Any) -> None:
    with anyio.CancelScope(shield=True):
        if answer is not None:
            await answer.aclose()
        await client.aclose()


def _head(request: Request, answer: Any, most: int) -> tuple[int, dict[str, str], bool]:
    """Status and headers for the client, and whether gzip must be undone. Raises ProblemError as `passed`."""
    status: int = answer.status_code
    told = {name: answer.headers[name] for name in TOLD if name in answer.headers}
    if status == 416:
        outside = {"Content-Range": told["content-range"]} if "content-range" in told else {}
        detail = "The range is outside of what the source has."
        raise ProblemError(416, "Range not satisfiable", detail, "Ask for bytes inside the file.", outside)
    if status not in (200, 206, 304):
        what = f"a redirect ({status}), which is not followed" if 300 <= status < 400 else str(status)
        raise ProblemError(502, "Source refuses", f"The source answers {what}.", _ACTION)
    if told.get("content-length", "").isdigit() and int(told["content-length"]) > most:
        raise ProblemError(502, "Source too large", f"The source has more than {most} bytes.", _ACTION)
    coding = answer.headers.get("content-encoding", "identity").strip().lower()
    if coding in ("", "identity") or status == 304:
        return status, told, False
    if _takes(request.headers.get("accept-encoding", ""), coding):
        return status, {**told, "content-encoding": coding, "vary": "Accept-Encoding"}, False
    if coding not in GZIP or status == 206:  # a part of what is encoded cannot be undone alone
        detail = f"The source sends its data as {coding[:40]}, which the request does not accept."
        raise ProblemError(502, "Source encodes", detail, f"Send Accept-Encoding: {coding[:40]}.")
    for name in ("content-length", "accept-ranges"):  # both are of the encoded bytes
        told.pop(name, None)
    if "etag" in told and not told["etag"].startswith("W/"):
        told["etag"] = f"W/{told['etag']}"
    return status, {**told, "accept-ranges": "none", "vary": "Accept-Encoding"}, True


def _takes(accepted: str, coding: str) -> bool:
    """Whether an Accept-Encoding header (RFC 9110, 12.5.3) takes a coding."""
    wishes = {}
    for part in accepted.lower().split(","):
        name, _, quality = part.partition(";")
        wishes[name.strip()] = quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return wishes.get(coding, wishes.get("*", False))


async def _body(client: Any, answer: Any, caller: Caller, *, undo: bool, most: int) -> AsyncIterator[bytes]:
    """The body, at most `most` bytes. Where it ends too soon the connection is cut: nobody takes it for whole."""
    size, status = 0, 502
    try:
        parts = _undone(answer.aiter_raw()) if undo else answer.aiter_raw()
        async for part in parts:
            size += len(part)
            if size > most:
                raise ConnectionError("the source of a download has more than source_bytes")
            yield part
        status = answer.status_code
    finally:
        caller.record("download", status, size=size)
        await _close(client, answer)


async def _undone(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """gzip undone a little at a time: a small part may stand for a thousand times as much."""
    unpacker, whole = zlib.decompressobj(zlib.MAX_WBITS | 16), True
    async for part in parts:
        rest = part
        while rest:
            yield unpacker.decompress(rest, CHUNK)
            rest, whole = unpacker.unconsumed_tail, unpacker.eof
            if whole:  # a file of several gzip members is one file
                rest = unpacker.unused_data
                unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    if not whole:
        yield unpacker.flush()
    if not whole and not unpacker.eof:
        raise ConnectionError("the source of a download ended before its gzip did")
