"""One bad host never slows another: a breaker per host, and a limit of calls at once per host.

The breaker opens after FAILURES failures in a row and stays open for OPEN_SECONDS; a success closes it. Its state is
in Redis, shared by all workers: one sorted set of the hosts that rest, which each process reads whole, at most once a
second, so that hosts met on the way (in an index, behind a redirect) are known too. Without Redis it stays closed.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from . import cache
from .errors import FetchError

FAILURES = 5
OPEN_SECONDS = 20
COUNTED_SECONDS = 10 * OPEN_SECONDS  # failures further apart are not in a row
CALLS_PER_HOST = 8

_open_until: dict[str, float] = {}  # host → epoch seconds, as this process last read or wrote it
_read_at = 0.0  # when that was, on the monotonic clock
_lock = threading.Lock()

_OPEN = f"{cache.PREFIX}breaker:open"

# KEYS: count of failures, open hosts. ARGV: host, failures (0: a success), now, how many open it, until when, seconds
# to count. Answers 1 where the host rests now.
_OUTCOME = """
if ARGV[2] == '0' then redis.call('DEL', KEYS[1]); redis.call('ZREM', KEYS[2], ARGV[1]); return 0 end
local count = redis.call('INCRBY', KEYS[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[6])
if count < tonumber(ARGV[4]) then return 0 end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[5], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[6])
return 1
"""


@lru_cache(maxsize=4096)
def host_of(url: str) -> str:
    """Host and port as one text, which is what the breaker counts by; empty for what is no URL."""
    try:
        parts = urlsplit(url)
        return f"{parts.hostname or ''}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
    except ValueError:
        return ""


def load(max_age: float = 0.0) -> None:
    """Reads from Redis which hosts rest, unless that was done so many seconds ago. One round trip; silent when Redis is
    down."""
    global _read_at
    now = time.monotonic()
    if now - _read_at < max_age:
        return
    _read_at = now
    with suppress(cache.CacheDownError):
        found: Any = cache.client().run(lambda conn: conn.zrangebyscore(_OPEN, time.time(), "+inf", withscores=True))
        with _lock:
            _open_until.clear()
            _open_until.update({host.decode(): until for host, until in found})


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


def outcome_command(host: str, ok: bool, failures: int = 1) -> cache.Command:
    """Counts outcomes of calls: a success, or so many failures in a row. This process knows a success at once."""
    if ok:
        with _lock:
            _open_until.pop(host, None)
    now = time.time()
    keys = f"{cache.PREFIX}breaker:count:{host}", _OPEN
    return (
        _OUTCOME, 2, *keys, host, 0 if ok else failures, str(now), FAILURES, str(now + OPEN_SECONDS), COUNTED_SECONDS
    )  # fmt: skip


def learn(command: cache.Command, opened: Any) -> None:
    """What came of an `outcome_command`: this process knows at once of a host that rests."""
    if opened == 1:
        with _lock:
            _open_until[command[4]] = float(command[8])


def record(host: str, ok: bool, failures: int = 1) -> None:
    """`outcome_command` at once. One round trip; silent when Redis is down."""
    command = outcome_command(host, ok, failures)
    with suppress(cache.CacheDownError):
        learn(command, int(cache.run(command)))


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
                if semaphore.locked():
                    async with asyncio.timeout(seconds):
                        await semaphore.acquire()
                else:  # at once: most hosts are asked by nobody else, and a timeout costs as much as all of this
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
