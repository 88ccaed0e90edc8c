"""An HTTP source passed through: the answer of the address in gateway.yaml, streamed."""

from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gateway.config import Limits
from gateway.http import ProblemError
from gateway.sources import Source

ASKED = ("range", "if-range", "if-none-match", "if-modified-since")
TOLD = ("content-type", "content-length", "content-range", "accept-ranges", "etag", "last-modified")


async def passed(request: Request, source: Source, limits: Limits) -> Response:
    """The source's answer with its status when that is 200, 206, 304 or 416. Redirects are not followed.

    Raises:
        ProblemError: 502 when the source answers otherwise, 504 when it does not answer in time. Neither says where
            the source is.
    """
    import httpx2

    headers = {name: request.headers[name] for name in ASKED if name in request.headers}
    if request.method != "GET":
        headers.pop("range", None)  # RFC 9110, 14.2: a range is for GET only
    headers["accept-encoding"] = "identity"
    client = httpx2.AsyncClient(timeout=limits.source_seconds, follow_redirects=False, trust_env=False)
    action = "Try again later; the owner of the product sees this in its health."
    try:
        answer = await client.send(client.build_request(request.method, source.url or "", headers=headers), stream=True)
    except httpx2.TimeoutException as error:
        await client.aclose()
        raise ProblemError(504, "Source too slow", "The source did not answer in time.", action) from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        await client.aclose()
        raise ProblemError(502, "Source not reached", "The source does not answer.", action) from error
    if answer.status_code not in (200, 206, 304, 416):
        await answer.aclose()
        await client.aclose()
        raise ProblemError(502, "Source refuses", f"The source answers {answer.status_code}.", action)
    told = {name: answer.headers[name] for name in TOLD if name in answer.headers}
    return StreamingResponse(_parts(client, answer), answer.status_code, {**told, "Cache-Control": "private, no-cache"})


async def _parts(client: Any, answer: Any) -> AsyncIterator[bytes]:
    try:
        async for part in answer.aiter_raw():
            yield part
    finally:
        await answer.aclose()
        await client.aclose()
