"""One bad host never slows another: a breaker per host, and a limit of calls at once per host.

The breaker opens after FAILURES failures in a row and stays open for OPEN_SECONDS; a success closes it. Its state is
in Redis, shared by all workers; each process remembers what it read. Without Redis it stays closed.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import redis

from . import cache
from .errors import FetchError

FAILURES = 5
OPEN_SECONDS = 20
CALLS_PER_HOST = 8

_open_until: dict[str, float] = {}  # host → epoch seconds, as this process last read or wrote it
_lock = threading.Lock()


def host_of(url: str) -> str:
    """Host and port as one text, which is what the breaker counts by; empty for what is no URL."""
    try:
        parts = urlsplit(url)
        return f"{parts.hostname or ''}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
    except ValueError:
        return ""


def load(hosts: Iterable[str]) -> None:
    """Reads the state of these hosts from Redis. One round trip; silent when Redis is down."""
    wanted = list(dict.fromkeys(hosts))
    if not wanted:
        return
    with suppress(cache.CacheDownError):
        values = cache.client().run(lambda conn: conn.mget([_open_key(host) for host in wanted]))
        with _lock:
            for host, value in zip(wanted, values, strict=True):
                if value is None:
                    _open_until.pop(host, None)
                else:
                    _open_until[host] = float(value)


def check(host: str) -> None:
    """Raises FetchError("resting") while the breaker of the host is open. No I/O."""
    until = _open_until.get(host)
    if until is None:
        return
    left = until - time.time()
    if left <= 0:
        with _lock:
            _open_until.pop(host, None)
        return
    raise FetchError(
        "resting",
        f"{host} did not answer {FAILURES} times in a row, so it is not asked again for {max(1, round(left))} seconds.",
        "Look again after that. If it stays silent, tell the product's owner.",
    )


def record(host: str, ok: bool, failures: int = 1) -> None:
    """Counts outcomes of calls: a success, or so many failures in a row. One round trip; silent when Redis is down."""

    def success(conn: redis.Redis) -> None:
        conn.delete(_count_key(host), _open_key(host))

    def failure(conn: redis.Redis) -> None:
        pipe = conn.pipeline(transaction=False)
        pipe.incrby(_count_key(host), failures)
        pipe.expire(_count_key(host), 10 * OPEN_SECONDS)
        if int(pipe.execute()[0]) >= FAILURES:
            until = time.time() + OPEN_SECONDS
            conn.set(_open_key(host), str(until), ex=OPEN_SECONDS)
            with _lock:
                _open_until[host] = until

    with suppress(cache.CacheDownError):
        cache.client().run(success if ok else failure)
    if ok:
        with _lock:
            _open_until.pop(host, None)


def _open_key(host: str) -> str:
    return f"{cache.PREFIX}breaker:open:{host}"


def _count_key(host: str) -> str:
    return f"{cache.PREFIX}breaker:count:{host}"


class HostLimit:
    """At most `calls` at once per host in this event loop; who waits too long is told so."""

    def __init__(self, calls: int = CALLS_PER_HOST) -> None:
        self._calls = calls
        self._slots: dict[str, tuple[asyncio.Semaphore, int]] = {}  # semaphore and how many hold or wait for it

    @asynccontextmanager
    async def slot(self, host: str, seconds: float) -> AsyncIterator[None]:
        """Raises FetchError("busy") when no slot came free in so many seconds: our queue, no fault of the host."""
        semaphore, users = self._slots.get(host) or (asyncio.Semaphore(self._calls), 0)
        self._slots[host] = (semaphore, users + 1)
        try:
            try:
                async with asyncio.timeout(seconds):
                    await semaphore.acquire()
            except TimeoutError as exc:
                raise FetchError(
                    "busy",
                    f"The marketplace already asks {host} {self._calls} questions at once, and more are waiting.",
                    "Try again in a moment; nothing is wrong with this product.",
                ) from exc
            try:
                yield
            finally:
                semaphore.release()
        finally:
            semaphore, users = self._slots[host]
            if users <= 1:
                del self._slots[host]
            else:
                self._slots[host] = (semaphore, users - 1)
