"""Many products asked anew by one task, which is far cheaper than a task for each.

Taking the questions, reading the links, and looking for drift are done for many products at once, and of a product that
answers at once all is written at once. AT_ONCE of them are under way in a process, so that a viewer's question, which
does not wait among them, finds the event loop with time for it.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

import structlog

from . import breaker, cache, caller, services
from .cache import CacheDownError
from .caller import Caller
from .drift import watching
from .drift.watching import Watch
from .exploration import WRITE_SECONDS, Exploration, give_connection_back
from .explore import PARTS, Emit, Explorer, Target
from .record import Record
from .writing import BREAKER_SECONDS

log = structlog.get_logger(__name__)

AT_ONCE = 64
ENOUGH = 16  # worth beginning together
REST_SECONDS = 0.02  # how long free slots wait for others
PATIENCE_SECONDS = 0.05  # how long an answer waits for the others of its product
LOOK_SECONDS = 1.0  # how often those that do not end are looked for
LOST_SECONDS = services.TASK_DEADLINE_SECONDS + 2 * WRITE_SECONDS  # after which an exploration will not end any more


class _Slots:
    """How many products more this process may ask now; shared by all its sweeps."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._changed = threading.Condition()
        self._turn = threading.Lock()

    def take(self, most: int) -> int:
        """Waits a moment until several are free, and takes those that are, at most `most`: none perhaps."""
        # One sweep at a time, else many that wait would each begin one or two.
        with self._turn, self._changed:
            self._changed.wait_for(lambda: self._free >= min(most, ENOUGH), REST_SECONDS)
            taken = min(most, self._free)
            self._free -= taken
            return taken

    def release(self, count: int = 1) -> None:
        with self._changed:
            self._free += count
            if self._free >= ENOUGH:  # fewer are waited for no longer than REST_SECONDS
                self._changed.notify()


_slots = _Slots(AT_ONCE)


class Sweep:
    """These products, in order. One that somebody else is asking is left to them.

    `flights`: the flight that was taken for each, in order; none where nobody did.
    """

    def __init__(self, product_ids: Sequence[int], flights: Sequence[str] = ()) -> None:
        self._waiting = list(dict.fromkeys(product_ids))
        self._flights = dict(zip(product_ids, flights, strict=False))
        self._ended: queue.SimpleQueue[Exploration] = queue.SimpleQueue()
        self._unheard: dict[Exploration, float] = {}  # until when each has to end
        self._holding: set[Exploration] = set()  # those that hold a slot

    def run(self) -> None:
        """Waits until all have answered or failed. For workers only. Ends early where Redis is lost."""
        with contextlib.suppress(CacheDownError):
            while self._waiting:
                if count := _slots.take(len(self._waiting)):
                    self._begin_some(count)
                self._hear(0)
        while self._unheard:
            self._hear(LOOK_SECONDS)

    def _begin_some(self, count: int) -> None:
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        begun = 0
        try:
            begun = self._begin(group)
        finally:
            _slots.release(count - begun)

    def _begin(self, product_ids: Sequence[int]) -> int:
        """Asks those of them that nobody else asks, and says how many they are. Two round trips and a query."""
        asked_at = time.time()
        asked_for = {services.subject_of(one): self._flights.get(one, "") for one in product_ids}
        flights = cache.begin_many(asked_for, asked_at)
        targets = services.targets_of([one for one in product_ids if services.subject_of(one) in flights])
        give_connection_back()
        breaker.load(BREAKER_SECONDS)
        starts = []
        for product_id, target in targets.items():
            subject = services.subject_of(product_id)
            flight, record = flights[subject]
            watch = Watch(product_id, subject, asked_at)
            watch.begin(record)
            exploration = Exploration(subject, flight, record, watch=watch, patience=PATIENCE_SECONDS)
            self._unheard[exploration] = time.monotonic() + LOST_SECONDS
            self._holding.add(exploration)
            starts.append(partial(self._ask, exploration, target, record))
        caller.start_all(starts, services.TASK_DEADLINE_SECONDS)
        return len(starts)

    async def _ask(self, exploration: Exploration, target: Target, record: Record, hands: Caller) -> None:
        async def explore(hands: Caller, emit: Emit) -> None:
            await Explorer(hands, target, emit, record.seen).run()

        def ended(_written: Future[list[Any]]) -> None:
            self._free(exploration)
            self._ended.put(exploration)

        written = await exploration.go(hands, explore, PARTS, services.TASK_DEADLINE_SECONDS)
        written.add_done_callback(ended)

    def _free(self, exploration: Exploration) -> None:
        """Gives its slot back, once."""
        with contextlib.suppress(KeyError):
            self._holding.remove(exploration)
            _slots.release()

    def _hear(self, seconds: float) -> None:
        """Has drift looked for in what was said; waits so long where nothing was."""
        heard: list[Exploration] = []
        with contextlib.suppress(queue.Empty):
            heard.append(self._ended.get(timeout=seconds) if seconds else self._ended.get_nowait())
            while True:
                heard.append(self._ended.get_nowait())
        watching.finish([one.watch for one in heard if one.watch is not None])
        if seconds or heard:  # who waits for a slot keeps no connection that others need to end
            give_connection_back()
        for one in heard:
            self._unheard.pop(one, None)
        now = time.monotonic()
        for one in [one for one, until in self._unheard.items() if until < now]:
            log.error("live_exploration_lost", subject=one.subject)
            del self._unheard[one]
            self._free(one)
