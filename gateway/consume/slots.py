"""Whose turn it is: a few jobs at a time over all products of a process, a share for each consumer, bounded waiters.

Memory and processors are one machine's, so the places are counted for the whole process. Whoever waits holds no thread.
"""

import asyncio
import threading
from collections import Counter, deque
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateway.config import Limits
from gateway.http import ProblemError

_SHORTLY = {"Retry-After": "5"}


@dataclass(frozen=True)
class Share:
    """How many jobs may run, `most` in all and `each` of one consumer; how many may wait, in the same two ways."""

    most: int
    each: int
    waiting: int | None = None
    waiting_each: int | None = None


def reading(limits: Limits) -> Share:
    """The share of those who wait for an answer: queries, samples and downloads that are made anew."""
    return Share(
        limits.query_at_once,
        limits.query_at_once_per_consumer,
        limits.query_waiting,
        limits.query_waiting_per_consumer,
    )


@dataclass(eq=False)
class Turn:
    """A place asked for. `come` is done once it is this one's turn."""

    consumer: str
    share: Share
    come: "Future[None]" = field(default_factory=Future)


class Slots:
    """The places of one kind of job. When one comes free, consumers take turns; each one's own jobs wait in line."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[Turn, None] = {}
        self._of: Counter[str] = Counter()
        self._waiting: dict[str, deque[Turn]] = {}
        """By consumer, the one whose turn was longest ago first."""

    def ask(self, consumer: str, share: Share) -> Turn:
        """A turn, perhaps a waiting one. Whoever asks must `leave` it in the end, come what may.

        Raises:
            ProblemError: 429 this consumer has too many waiting, 503 all have.
        """
        with self._lock:
            turn = Turn(consumer, share)
            if not self._fits(turn) or consumer in self._waiting:
                self._refuse_to_wait(turn)
            self._waiting.setdefault(consumer, deque()).append(turn)
            granted = self._grant()
        _tell(granted)
        return turn

    def _refuse_to_wait(self, turn: Turn) -> None:
        own, share = len(self._waiting.get(turn.consumer, ())), turn.share
        if share.waiting_each is not None and own >= share.waiting_each:
            detail = f"{own} requests of yours are waiting already, the most there may be."
            raise ProblemError(429, "Too many requests", detail, "Wait for their answers.", _SHORTLY)
        if share.waiting is not None and sum(map(len, self._waiting.values())) >= share.waiting:
            raise ProblemError(503, "Busy", "Too many requests are waiting here.", "Try again shortly.", _SHORTLY)

    def leave(self, turn: Turn) -> None:
        """Give the place back, or stop waiting for one. Does nothing the second time."""
        with self._lock:
            if turn in self._running:
                del self._running[turn]
                self._of[turn.consumer] -= 1
                if not self._of[turn.consumer]:
                    del self._of[turn.consumer]
            else:
                line = self._waiting.get(turn.consumer)
                if line and turn in line:
                    line.remove(turn)
                    if not line:
                        del self._waiting[turn.consumer]
            granted = self._grant()
        _tell(granted)

    @asynccontextmanager
    async def turn(self, consumer: str, limits: Limits) -> AsyncIterator[Turn]:
        """Hold a place for an answer that somebody waits for.

        Raises:
            ProblemError: as `ask` and `arrive`.
        """
        turn = self.ask(consumer, reading(limits))
        try:
            await self.arrive(turn, limits.query_wait_seconds)
            yield turn
        finally:
            self.leave(turn)

    async def arrive(self, turn: Turn, seconds: float) -> None:
        """Wait until it is this one's turn, holding no thread.

        Raises:
            ProblemError: not within `seconds`: 429 where the consumer's own requests are in the way, else 503.
        """
        if not turn.come.done():
            await asyncio.wait([asyncio.wrap_future(turn.come)], timeout=seconds)
        if turn.come.done():
            return
        with self._lock:
            own, all_ = self._of[turn.consumer], len(self._running)
        if own >= min(turn.share.each, turn.share.most):
            detail = f"{own} requests of yours are being worked on, the most there may be at a time."
            raise ProblemError(429, "Too many requests", detail, "Wait for their answers.", _SHORTLY)
        detail = f"{all_} other requests are being worked on."
        raise ProblemError(503, "Busy", detail, "Try again shortly.", _SHORTLY)

    def _fits(self, turn: Turn) -> bool:
        return len(self._running) < turn.share.most and self._of[turn.consumer] < turn.share.each

    def _grant(self) -> list[Turn]:
        """Move those whose turn it is from waiting to running."""
        granted: list[Turn] = []
        while turn := next((line[0] for line in self._waiting.values() if self._fits(line[0])), None):
            line = self._waiting.pop(turn.consumer)
            line.popleft()
            if line:
                self._waiting[turn.consumer] = line  # at the end: the others come first
            self._running[turn] = None
            self._of[turn.consumer] += 1
            granted.append(turn)
        return granted


def _tell(granted: list[Turn]) -> None:
    """Outside the lock, because whoever is told may ask again."""
    for turn in granted:
        turn.come.set_result(None)


QUERIES = Slots()
EXPORTS = Slots()
"""Apart from queries, because a slow reader can hold a download for minutes."""
ORDERS = Slots()
