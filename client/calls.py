"""Requests to a marketplace: repeated where that is safe, refusals as exceptions, answers read into models."""

import datetime
import json
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2
import stamina

from client.errors import RefusedError, UnreachableError, refusal

Model = TypeVar("Model")

ATTEMPTS = 6
MOST_WAIT = 60.0  # seconds that a 429 or 503 may ask to wait before a call is given up
PASSING = {429, 502, 503, 504}


class Calls:
    """The address, the token and the connections; what a marketplace can do stands in client.marketplace."""

    def __init__(self, url: str, token: str = "", *, timeout: float = 60) -> None:
        self.url = url.rstrip("/").removesuffix("/api/v1")
        headers = {"Accept": "application/json", **({"Authorization": f"Token {token}"} if token else {})}
        self._client = httpx2.Client(timeout=timeout, headers=headers, follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _read(self, kind: Callable[[Any], Model], data: Any) -> Model:
        try:
            return kind(data)
        except (KeyError, TypeError, AttributeError) as error:
            raise UnreachableError(f"{self.url} does not answer as a marketplace of this version does.") from error

    def _pause(self, found: dict[str, Any], until: float) -> None:
        wait = float(found.get("poll_after_ms") or 250) / 1000
        if time.monotonic() + wait > until:
            raise UnreachableError(f"{found.get('url') or 'This'} was not looked at in time. Try again.")
        time.sleep(wait)

    def _get(self, path: str, query: dict[str, Any] | None = None) -> dict[str, Any]:
        return self._call("GET", path, query=query, repeat=True)

    def _call(
        self, method: str, path: str, body: Any = None, *, query: dict[str, Any] | None = None, repeat: bool = False
    ) -> dict[str, Any]:
        def again(error: Exception) -> bool | datetime.timedelta:
            if isinstance(error, RefusedError) and error.status in PASSING:
                # A 429 was not begun with, whatever the call.
                if error.retry_after > MOST_WAIT or not (repeat or error.status == 429):
                    return False
                return datetime.timedelta(seconds=error.retry_after) if error.retry_after else True
            return repeat and isinstance(error, LostError)

        for attempt in stamina.retry_context(on=again, attempts=ATTEMPTS, timeout=180, wait_max=10):
            with attempt:
                return self._once(method, path, body, query)
        raise AssertionError("stamina gives a result or raises")

    def _once(self, method: str, path: str, body: Any, query: dict[str, Any] | None) -> dict[str, Any]:
        url = f"{self.url}/api/v1/{path}"
        try:
            answer = self._client.request(method, url, json=body, params=query)
        except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
            raise UnreachableError(f"{self.url!r} is not the address of a marketplace: {error}") from error
        except httpx2.HTTPError as error:
            raise LostError(f"{self.url} does not answer: {error or type(error).__name__}") from error
        if answer.status_code == 204:
            return {}
        try:
            content = json.loads(answer.content)
        except (ValueError, RecursionError):
            content = None
        if answer.status_code >= 400:
            after = answer.headers.get("Retry-After", "")
            raise refusal(answer.status_code, content, float(after) if after.isdigit() else 0)
        if answer.status_code >= 300:
            raise UnreachableError(f"{url} redirects to {answer.headers.get('Location')}; use that address.")
        if not isinstance(content, dict):
            raise UnreachableError(f"{url} answers {answer.status_code} without JSON: it is not a marketplace's API.")
        return content


class LostError(UnreachableError):
    """A connection that was not made, or broke."""


def rows_of(found: dict[str, Any]) -> list[Any]:
    """The entries of a list that was answered."""
    rows = found.get("results")
    if not isinstance(rows, list):
        raise UnreachableError("This is no marketplace's list: it has no results.")
    return rows
