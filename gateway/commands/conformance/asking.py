"""Asking a gateway that may be anything: bounded in time and size, and an answer in words whatever happens."""

import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

import anyio
import httpx2
from anyio.from_thread import start_blocking_portal

MAX_BODY = 16_000_000
MAX_REDIRECTS = 3
DROPPED = (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError)
MAX_WAITS = 30
"""An examination takes no longer than this many times what one request may take."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, or why there was none (`error`, with status 0), or no whole one. Header names are lower case."""

    url: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: str | None = None

    @property
    def media_type(self) -> str:
        """The media type without parameters, lower case; empty when not said."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    @property
    def etag(self) -> str:
        """The ETag as sent; empty when there is none."""
        return self.headers.get("etag", "")

    def json(self) -> Any:
        """The body as JSON. Raises ValueError when it is none."""
        try:
            return json.loads(self.body)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error

    def __str__(self) -> str:
        if self.error:
            return f"{self.status}, but {self.error}" if self.status else f"no answer: {self.error}"
        return f"{self.status} {self.media_type or 'without media type'}, {len(self.body)} bytes"


class Asker:
    """An HTTP client for one gateway. The token goes to the origin that was asked for, and nowhere else.

    Args:
        timeout: seconds that one answer may take from beginning to end, however slowly it comes.
    """

    def __init__(self, base: str, token: str | None = None, timeout: float = 10.0) -> None:
        self.base = base
        self.token = token
        self.timeout = timeout
        self._end = time.monotonic() + MAX_WAITS * timeout
        self._opened = start_blocking_portal()  # a socket's own timeout begins anew with each byte; a task can be ended
        self._portal = self._opened.__enter__()
        self._client = httpx2.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._portal.call(self._client.aclose)
        self._opened.__exit__(None, None, None)

    def ask(
        self,
        url: str,
        method: str = "GET",
        *,
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
        token: str | None = None,
        limit: int | None = None,
    ) -> Answer:
        """Ask, following at most three redirects of a GET. Never raises.

        Args:
            limit: read no more of the body than this many bytes; without it a body above 16 MB is an error.
        """
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._portal.call(self._twice, url, method, headers or {}, content, token, limit)
            if method not in ("GET", "HEAD") or answer.status not in (301, 302, 303, 307, 308):
                return answer
            if "location" not in answer.headers:
                return answer
            try:
                url = urljoin(url, answer.headers["location"])
            except ValueError:
                return Answer(url, error="a redirect that leads nowhere")
        return Answer(url, error=f"more than {MAX_REDIRECTS} redirects")

    async def _twice(self, url: str, method: str, *more: Any) -> Answer:
        """A server may close a kept connection just as it is used again: what changes nothing is asked once more."""
        try:
            return await self._once(url, method, *more)
        except DROPPED as error:
            if method in ("GET", "HEAD"):
                with suppress(*DROPPED):
                    return await self._once(url, method, *more)
            return _unanswered(url, error)

    async def _once(
        self,
        url: str,
        method: str,
        headers: dict[str, str],
        content: bytes | None,
        token: str | None,
        limit: int | None,
    ) -> Answer:
        """Raises one of DROPPED where the connection ended too soon."""
        if time.monotonic() > self._end:
            return Answer(url, error=f"not asked: the examination took {MAX_WAITS * self.timeout:g} s already")
        sent = {"accept-encoding": "identity", **headers}
        try:
            if token and urlsplit(url)[:2] == urlsplit(self.base)[:2]:
                sent["authorization"] = f"Bearer {token}"
            with anyio.fail_after(self.timeout):
                async with self._client.stream(method, url, headers=sent, content=content) as response:
                    return await _read(url, response, limit)
        except TimeoutError:
            return Answer(url, error=f"it did not end within {self.timeout:g} s")
        except DROPPED:
            raise
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, OSError) as error:
            return _unanswered(url, error)


def _unanswered(url: str, error: Exception) -> Answer:
    return Answer(url, error=f"{type(error).__name__}: {str(error)[:200] or 'nothing more is known'}")


async def _read(url: str, response: httpx2.Response, limit: int | None) -> Answer:
    body, most = bytearray(), MAX_BODY if limit is None else limit
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > most:
            break
    error = f"the body is larger than {MAX_BODY // 1_000_000} MB" if limit is None and len(body) > most else None
    found = {key.lower(): value for key, value in response.headers.items()}
    return Answer(url, response.status_code, found, b"" if error else bytes(body[:most]), error)
