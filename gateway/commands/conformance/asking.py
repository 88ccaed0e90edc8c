"""Asking a gateway that may be anything: bounded in time and size, and an answer in words whatever happens."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx2

MAX_BODY = 16_000_000
MAX_REDIRECTS = 3


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, or why there was none (`error`, with status 0). Header names are lower case."""

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
            return f"no answer: {self.error}"
        return f"{self.status} {self.media_type or 'without media type'}, {len(self.body)} bytes"


class Asker:
    """An HTTP client for one gateway. The token goes to the origin that was asked for, and nowhere else."""

    def __init__(self, base: str, token: str | None = None, timeout: float = 10.0) -> None:
        self.base = base
        self.token = token
        self._client = httpx2.Client(timeout=timeout, follow_redirects=False, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def ask(
        self,
        url: str,
        method: str = "GET",
        *,
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
        token: str | None = None,
        limit: int = MAX_BODY,
    ) -> Answer:
        """Ask, following at most three redirects of a GET. Never raises; reads at most `limit` bytes of the body."""
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._once(url, method, headers or {}, content, token, limit)
            if method not in ("GET", "HEAD") or answer.status not in (301, 302, 303, 307, 308):
                return answer
            if "location" not in answer.headers:
                return answer
            url = urljoin(url, answer.headers["location"])
        return Answer(url, error=f"more than {MAX_REDIRECTS} redirects")

    def _once(
        self, url: str, method: str, headers: dict[str, str], content: bytes | None, token: str | None, limit: int
    ) -> Answer:
        sent = {"accept-encoding": "identity", **headers}
        if token and urlsplit(url)[:2] == urlsplit(self.base)[:2]:
            sent["authorization"] = f"Bearer {token}"
        try:
            with self._client.stream(method, url, headers=sent, content=content) as response:
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > limit:
                        break
                found = {key.lower(): value for key, value in response.headers.items()}
                return Answer(url, response.status_code, found, bytes(body[:limit]))
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, OSError) as error:
            return Answer(url, error=f"{type(error).__name__}: {str(error)[:200] or 'nothing more is known'}")
