"""One event loop per worker process, with one shared door: worker threads hand it coroutines and wait."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import structlog
from django.conf import settings

from . import breaker
from .addresses import Network
from .errors import HOST_FAILURES, FetchError
from .http import DEFAULT_POLICY, Door, Fetched, Policy
from .parsing import Document, may_be_linked_data, parse
from .record import Seen

log = structlog.get_logger(__name__)

T = TypeVar("T")

INLINE_BYTES = 32 * 1024  # larger bodies are read in a thread, so that the loop goes on serving the others
READERS = 8  # threads that read them
PATIENCE_SECONDS = 0.02  # what waiting for a connection may cost who looks
UNHURRIED_SECONDS = 0.25  # and where nobody looks
MAX_REQUESTS = 60  # of one exploration, redirects included; a gateway with all it may have needs 56


@dataclass(frozen=True, slots=True)
class HostOutcome:
    """What a call said about its host, for the breaker. Only failures of the host count, not a 404."""

    host: str
    ok: bool


@dataclass(frozen=True, slots=True)
class Called(Generic[T]):
    """What came of a call: `view` of the document, or None where `same`, the answer of before, still holds."""

    fetched: Fetched
    view: T | None
    digest: str
    same: Seen | None = None


class Caller:
    """Breaker, limit per host, door and parser in a row, for one exploration. Belongs to one event loop.

    `until`: how long it may wait for a host's other calls, on the loop's clock. `patience` as in Wire.exchange.
    """

    def __init__(self, door: Door, limit: breaker.HostLimit, until: float, patience: float = PATIENCE_SECONDS) -> None:
        self._door = door
        self._limit = limit
        self._until = until
        self._patience = patience
        self._requests = 0

    async def fetch(
        self, url: str, *, report: Callable[[HostOutcome], None], policy: Policy = DEFAULT_POLICY
    ) -> Fetched:
        """The answer as it came, unread. Raises FetchError."""
        return await self._door.fetch(url, policy=policy, gate=partial(self._gate, report))

    async def call(
        self,
        url: str,
        read: Callable[[Document, str], T],
        *,
        report: Callable[[HostOutcome], None],
        accept: str | None = None,
        before: Seen | None = None,
        policy: Policy = DEFAULT_POLICY,
    ) -> Called[T]:
        """The answer and what `read(document, url)` made of it. Raises FetchError.

        `before`: what this URL said before. Where it says the same, by its ETag or byte for byte, nothing is read.
        """
        before = before if before is not None and before.url == url else None
        etag = before.etag if before else None
        gate = partial(self._gate, report)
        fetched = await self._door.fetch(
            url, accept=accept, etag=etag, policy=policy, gate=gate, patience=self._patience
        )
        if fetched.not_modified:
            return Called(fetched, None, before.digest if before else "", same=before)
        digest = _digest(fetched)
        if before is not None and before.digest == digest:
            return Called(fetched, None, digest, same=before)

        def understand() -> T:
            document = parse(fetched.body, fetched.media_type, fetched.charset, fetched.url)
            # The fragment never travels; it says which dataset of a catalogue is meant.
            fragment = urlsplit(url).fragment
            return read(document, f"{fetched.url}#{fragment}" if fragment else fetched.url)

        if _is_cheap(fetched):
            return Called(fetched, understand(), digest)
        return Called(fetched, await asyncio.to_thread(understand), digest)

    @asynccontextmanager
    async def _gate(self, report: Callable[[HostOutcome], None], url: str) -> AsyncIterator[None]:
        """Around each request: counts it, keeps the limits of its own host, and tells how that host did."""
        self._requests += 1
        if self._requests > MAX_REQUESTS:
            raise FetchError(
                "too_many",
                f"Looking at this product takes more than {MAX_REQUESTS} requests; the marketplace stops there.",
                "Its owner can list fewer contracts, or give addresses that do not redirect.",
            )
        host = breaker.host_of(url)
        breaker.check(host)
        async with self._limit.slot(host, self._until - asyncio.get_running_loop().time()):
            breaker.check(host)  # what others learned of it in the meantime
            try:
                yield
            except TimeoutError:
                report(HostOutcome(host, False))
                raise
            except FetchError as exc:
                if exc.kind in HOST_FAILURES:
                    report(HostOutcome(host, False))
                raise
            report(HostOutcome(host, True))


def _digest(fetched: Fetched) -> str:
    """Of all that a view is made from: the bytes, how they are to be read, and where they came from."""
    how = f"{fetched.media_type}\n{fetched.charset}\n{fetched.url}\n".encode(errors="replace")
    return hashlib.sha256(how + fetched.body).hexdigest()[:32]


def _is_cheap(fetched: Fetched) -> bool:
    """Small JSON, which takes milliseconds; YAML takes ten times as long, RDF a hundred times."""
    is_json = fetched.body[:64].lstrip()[:1] in (b"{", b"[") and "yaml" not in fetched.media_type
    return is_json and len(fetched.body) <= INLINE_BYTES and not may_be_linked_data(fetched.body)


def _new_event_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


class _Loop:
    """A background thread that runs an event loop until the process ends."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._loop = _new_event_loop()
        self._loop.set_default_executor(ThreadPoolExecutor(READERS, thread_name_prefix="live-read"))
        self._doors: dict[tuple[Network, ...], Door] = {}
        self._limit = breaker.HostLimit()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="live-loop", daemon=True)
        self._thread.start()

    @property
    def works(self) -> bool:
        """False after a fork, which has the object but not its thread, and where the thread ended."""
        return self.pid == os.getpid() and self._thread.is_alive()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        except BaseException:  # the next exploration starts another
            log.exception("live_loop_ended")

    def submit(self, make: Callable[[Caller], Coroutine[Any, Any, T]], queue_seconds: float) -> Future[T]:
        until = self._loop.time() + queue_seconds
        allowed = tuple(settings.GATEWAY_ALLOWED_NETWORKS)

        async def start() -> T:
            return await make(Caller(self._door(allowed), self._limit, until))

        return asyncio.run_coroutine_threadsafe(start(), self._loop)

    def start_all(self, makes: Sequence[Callable[[Caller], Coroutine[Any, Any, None]]], queue_seconds: float) -> None:
        until = self._loop.time() + queue_seconds
        allowed = tuple(settings.GATEWAY_ALLOWED_NETWORKS)

        def start() -> None:
            for make in makes:
                task = self._loop.create_task(make(Caller(self._door(allowed), self._limit, until, UNHURRIED_SECONDS)))
                self._tasks.add(task)  # the loop itself would forget it
                task.add_done_callback(self._tasks.discard)

        self._loop.call_soon_threadsafe(start)

    def _door(self, allowed: tuple[Network, ...]) -> Door:
        if allowed not in self._doors:
            self._doors[allowed] = Door(allowed)
        return self._doors[allowed]


_current: _Loop | None = None
_starting = threading.Lock()


def submit(make: Callable[[Caller], Coroutine[Any, Any, T]], queue_seconds: float) -> Future[T]:
    """Starts `make(caller)` on this process's loop and returns at once. Call it from any thread but the loop's own.

    `queue_seconds`: how long its calls may wait, from now on, where a host is already asked by many.
    """
    return _loop().submit(make, queue_seconds)


def start_all(makes: Sequence[Callable[[Caller], Coroutine[Any, Any, None]]], queue_seconds: float) -> None:
    """As `submit` for many that nobody waits for; none of them may raise or gives anything back."""
    _loop().start_all(makes, queue_seconds)


def _loop() -> _Loop:
    global _current
    with _starting:
        if _current is None or not _current.works:
            _current = _Loop()
        return _current
