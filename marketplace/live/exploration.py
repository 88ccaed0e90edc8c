"""One subject being asked by a worker: each answer is written as it arrives, and in the end what did not come."""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from functools import partial
from typing import Any

from django.db import connection

from . import breaker, cache, caller, writing
from .bounds import bounded
from .cache import CacheDownError, Command
from .caller import Caller, HostOutcome
from .drift.watching import Watch
from .errors import Problem
from .explore import Answer, Emit
from .record import Failed, Record, Seen
from .view import ContractListView

WRITE_SECONDS = 5.0  # far longer than Redis may take (cache.Redis)

# Failures that say nothing about the product: they begin no "does not answer since".
_OURS = frozenset({"busy", "internal", "cache_down", "no_workers"})

_CUT_SHORT = Problem(
    "slow", "The product's answers took too long together.", "Try again in a moment; what came in time is shown."
)


class Exploration:
    """`flight` and `record` as `cache.begin` gave them. `told` hears each answer, in the thread that called `run`."""

    def __init__(
        self,
        subject: str,
        flight: str,
        record: Record,
        keep_seconds: int = cache.LAST_SEEN_SECONDS,
        watch: Watch | None = None,
        told: Callable[[Answer], None] | None = None,
    ) -> None:
        self._subject = subject
        self._flight = flight
        self._record = record
        self._keep_seconds = keep_seconds
        self._watch = watch
        self._told = told
        self._heard: queue.SimpleQueue[Answer | None] = queue.SimpleQueue()
        self._answers: dict[str, Answer] = {}
        self._outcomes: dict[str, list[bool]] = {}
        self._written: list[Future[list[Any]]] = []

    def run(
        self, explore: Callable[[Caller, Emit], Coroutine[Any, Any, None]], parts: Sequence[str], deadline: float
    ) -> None:
        """Runs on the process's loop, at most `deadline` seconds; `parts` that did not answer have failed then.

        Gives the thread's database connection back first: a worker has far more threads that wait than connections.
        """
        if not connection.in_atomic_block:
            connection.close()  # with a pool: gives it back

        async def whole(hands: Caller) -> None:
            try:
                await explore(hands, self._emit)
            finally:
                self._heard.put(None)

        # A little less than the whole, so that who waited in vain is still told why.
        future = caller.submit(whole, deadline - 0.5)
        self._wait(future, deadline)
        if future.done():
            future.result()  # a fault of ours is not swallowed
        else:
            future.cancel()
        self._finish(parts)

    def _wait(self, future: Future[None], deadline: float) -> None:
        until = time.monotonic() + deadline
        if self._told is None:
            with contextlib.suppress(FutureTimeoutError):
                future.exception(deadline)
            return
        with contextlib.suppress(queue.Empty):
            while (answer := self._heard.get(timeout=max(0.01, until - time.monotonic()))) is not None:
                self._told(answer)
        with contextlib.suppress(FutureTimeoutError):
            future.exception(max(0.01, until - time.monotonic()))

    def _emit(self, item: Answer | HostOutcome) -> None:
        if isinstance(item, HostOutcome):
            self._outcomes.setdefault(item.host, []).append(item.ok)
            return
        self._answers[item.part] = item
        self._written.append(writing.write(partial(self._commands, item)))
        if self._told is not None:
            self._heard.put(item)

    def _commands(self, answer: Answer) -> list[Command]:
        now = time.time()
        if answer.problem is not None:
            failed = self._failed(answer, now)
            return [cache.failed_command(self._subject, answer.part, failed, self._keep_seconds, self._flight)]
        fresh_until = now + max(cache.FRESH_SECONDS_MIN, answer.cache_seconds)
        if answer.same is not None:
            seen = answer.same.again(now, answer.latency_ms, answer.etag or answer.same.etag, fresh_until)
            drifts = False
            if self._watch:
                self._watch.holds(answer.part)
        else:
            view = bounded(answer.view)
            seen = Seen(now, answer.latency_ms, answer.url, answer.etag, fresh_until, view, answer.digest)
            drifts = self._watch is not None and self._watch.sees(answer.part, view)
        return [cache.seen_command(self._subject, answer.part, seen, self._keep_seconds, self._flight, drifts)]

    def _failed(self, answer: Answer, now: float) -> Failed:
        assert answer.problem is not None
        if answer.declared:
            return Failed(now, answer.problem, None, answer.url)
        before = self._record.failed.get(answer.part)
        since = before.since if before else None
        if since is None and answer.problem.kind not in _OURS:
            since = now
        return Failed(now, answer.problem, now + cache.FAILED_SECONDS, answer.url, since)

    def _finish(self, parts: Sequence[str]) -> None:
        outcomes = [breaker.outcome_command(host, any(oks), failures=len(oks)) for host, oks in self._outcomes.items()]
        try:
            _, *opened = writing.write(lambda: [self._done(parts), *outcomes]).result(WRITE_SECONDS)
        except (CacheDownError, FutureTimeoutError):
            return
        finally:
            for written in self._written:
                if written.done() and not isinstance(fault := written.exception(), CacheDownError | None):
                    raise fault
        for command, answer in zip(outcomes, opened, strict=True):
            breaker.learn(command, answer)

    def _done(self, parts: Sequence[str]) -> Command:
        now = time.time()
        cut = [part for part in (*parts, *self._listed()) if part not in self._answers]
        failed = {part: self._failed(Answer(part, problem=_CUT_SHORT), now) for part in cut}
        gone: list[str] = []
        # A list that could not be read says nothing of what is gone.
        if "contracts" in self._answers and self._answers["contracts"].problem is None:
            known = {*self._record.seen, *self._record.failed}
            gone = [part for part in known if part.startswith("contract:") and part not in self._answers]
        return cache.done_command(self._subject, now, failed, gone, self._keep_seconds, self._flight)

    def _listed(self) -> list[str]:
        """The parts of the contracts that the product lists, or did before where it does not say now."""
        answer, before = self._answers.get("contracts"), self._record.seen.get("contracts")
        listing = answer.view if answer else before.view if before else None
        return [ref.part for ref in listing.refs] if isinstance(listing, ContractListView) else []
