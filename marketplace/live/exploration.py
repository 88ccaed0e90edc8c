"""One subject being asked by a worker: each answer is written as it arrives, and in the end what did not come."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any

import structlog
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

log = structlog.get_logger(__name__)

WRITE_SECONDS = 5.0  # far longer than Redis may take (cache.Redis)

# Failures that say nothing about the product: they begin no "does not answer since".
_OURS = frozenset({"busy", "internal", "cache_down", "no_workers"})

_CUT_SHORT = Problem(
    "slow", "The product's answers took too long together.", "Try again in a moment; what came in time is shown."
)


Explore = Callable[[Caller, Emit], Coroutine[Any, Any, None]]


class Exploration:
    """`flight` and `record` as `cache.begin` gave them. `told` hears each answer, in the thread that called `run`.

    `patience`: seconds that an answer may wait for others, to be written with them.
    """

    def __init__(
        self,
        subject: str,
        flight: str,
        record: Record,
        keep_seconds: int = cache.LAST_SEEN_SECONDS,
        watch: Watch | None = None,
        told: Callable[[Answer], None] | None = None,
        patience: float = 0.0,
    ) -> None:
        self.subject = subject
        self.watch = watch
        self._flight = flight
        self._record = record
        self._keep_seconds = keep_seconds
        self._told = told
        self._patience = patience
        self._heard: queue.SimpleQueue[Answer | None] = queue.SimpleQueue()
        self._answers: dict[str, Answer] = {}
        self._unwritten: list[Answer] = []
        self._outcomes: dict[str, list[bool]] = {}
        self._written: list[Future[list[Any]]] = []

    def run(self, explore: Explore, parts: Sequence[str], deadline: float) -> None:
        """Runs on the process's loop, at most `deadline` seconds; `parts` that did not answer have failed then.

        Gives the thread's database connection back first: a worker has far more threads that wait than connections.
        """
        give_connection_back()

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
        with contextlib.suppress(CacheDownError, FutureTimeoutError):
            self._end(parts).result(WRITE_SECONDS)
        for written in self._written:
            if written.done() and not isinstance(fault := written.exception(), CacheDownError | None):
                raise fault

    async def go(self, hands: Caller, explore: Explore, parts: Sequence[str], deadline: float) -> Future[list[Any]]:
        """As `run`, for who is in the loop already. The future is done when all is written, or could not be."""
        try:
            async with asyncio.timeout(deadline):
                await explore(hands, self._emit)
        except TimeoutError:
            pass
        except Exception:  # a fault of ours, which must not keep the others from being asked
            log.exception("live_exploration_failed", subject=self.subject)
        return self._end(parts)

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
        self._unwritten.append(item)
        if not self._patience:
            self._flush()
        elif len(self._unwritten) == 1:
            asyncio.get_running_loop().call_later(self._patience, self._flush)
        if self._told is not None:
            self._heard.put(item)

    def _flush(self) -> None:
        """Has written what waits to be."""
        if self._unwritten:
            answers, self._unwritten = self._unwritten, []
            self._written.append(writing.write(lambda: [self._command(answers)]))

    def _end(self, parts: Sequence[str]) -> Future[list[Any]]:
        """Writes what is left, what did not come, and how the hosts did; the flight is over then."""
        answers, self._unwritten = self._unwritten, []
        outcomes = [breaker.outcome_command(host, any(oks), failures=len(oks)) for host, oks in self._outcomes.items()]
        done = writing.write(lambda: [self._command(answers, parts), *outcomes])

        def learn(written: Future[list[Any]]) -> None:
            if written.exception() is None:
                for command, answer in zip(outcomes, written.result()[1:], strict=True):
                    breaker.learn(command, answer)

        done.add_done_callback(learn)
        self._written.append(done)
        return done

    def _command(self, answers: Sequence[Answer], parts: Sequence[str] | None = None) -> Command:
        """What writes these; with `parts`, also what did not come: it ends the flight."""
        now = time.time()
        seen: dict[str, Seen] = {}
        failed: dict[str, Failed] = {}
        drifts = False
        for answer in answers:
            if answer.problem is not None:
                failed[answer.part] = self._failed(answer, now)
                continue
            fresh_until = now + max(cache.FRESH_SECONDS_MIN, answer.cache_seconds)
            if answer.same is not None:
                found = answer.same.again(now, answer.latency_ms, answer.etag or answer.same.etag, fresh_until)
                if self.watch:
                    self.watch.holds(answer.part)
            else:
                view = bounded(answer.view)
                found = Seen(now, answer.latency_ms, answer.url, answer.etag, fresh_until, view, answer.digest)
                drifts |= self.watch is not None and self.watch.sees(answer.part, view)
            seen[answer.part] = found
        gone: list[str] = []
        if parts is not None:
            cut = [part for part in (*parts, *self._listed()) if part not in self._answers]
            failed |= {part: self._failed(Answer(part, problem=_CUT_SHORT), now) for part in cut}
            gone = self._gone()
        return cache.answers_command(
            self.subject,
            seen,
            failed,
            gone,
            done_at=None if parts is None else now,
            keep_seconds=self._keep_seconds,
            flight=self._flight,
            drifts=drifts,
        )

    def _failed(self, answer: Answer, now: float) -> Failed:
        assert answer.problem is not None
        if answer.declared:
            return Failed(now, answer.problem, None, answer.url)
        before = self._record.failed.get(answer.part)
        since = before.since if before else None
        if since is None and answer.problem.kind not in _OURS:
            since = now
        return Failed(now, answer.problem, now + cache.FAILED_SECONDS, answer.url, since)

    def _gone(self) -> list[str]:
        """Parts that the product has no more. A list that could not be read says nothing of what is gone."""
        if "contracts" not in self._answers or self._answers["contracts"].problem is not None:
            return []
        known = {*self._record.seen, *self._record.failed}
        return [part for part in known if part.startswith("contract:") and part not in self._answers]

    def _listed(self) -> list[str]:
        """The parts of the contracts that the product lists, or did before where it does not say now."""
        answer, before = self._answers.get("contracts"), self._record.seen.get("contracts")
        listing = answer.view if answer else before.view if before else None
        return [ref.part for ref in listing.refs] if isinstance(listing, ContractListView) else []


def give_connection_back() -> None:
    """The database connection of this thread, which is about to wait. Nothing within a transaction."""
    if not connection.in_atomic_block:
        connection.close()  # with a pool: gives it back
