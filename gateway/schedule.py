"""Work that happens by itself: one clock for all products of a process, started when the first job is set.

Jobs run in lanes, each with its own few daemon threads, so that measuring (one at a time) never keeps deliveries
waiting. A job that raises is logged and does no harm to others. At the end of the process jobs are dropped: what must
not be lost is in the state and is set again at the next start.
"""

import heapq
import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Literal

log = logging.getLogger(__name__)

Lane = Literal["measure", "deliver", "look"]
Job = Callable[[], object]
ASLEEP_SECONDS = 60.0
"""How often a job whose interval is 0 is asked whether it still is."""
THREADS: dict[Lane, int] = {"measure": 1, "deliver": 4, "look": 4}


class Handle:
    """A job that was set; `cancel` keeps it from starting."""

    def __init__(self, lane: Lane, job: Job) -> None:
        self.lane: Lane = lane
        self.job = job
        self.cancelled = False

    def cancel(self) -> None:
        """Keep the job from starting; one that runs goes on."""
        self.cancelled = True


class Repeated:
    """A job that runs again and again: each time `seconds` after it last ended, so that two never overlap.

    While `seconds` gives 0 it does not run; whether that has changed is seen within a minute.
    """

    def __init__(self, scheduler: "Scheduler", lane: Lane, job: Job, seconds: Callable[[], float]) -> None:
        self._scheduler = scheduler
        self._lane: Lane = lane
        self._job = job
        self._seconds = seconds
        self._lock = threading.Lock()
        self._next: Handle | None = None
        self._ended = False

    def start(self, wait: float) -> None:
        """Run for the first time in `wait` seconds."""
        with self._lock:
            if not self._ended:
                self._next = self._scheduler.after(wait, self._lane, self._run)

    def _run(self) -> None:
        try:
            if self._seconds() > 0 and not self._ended:
                self._job()
        finally:
            self.start(self._seconds() or ASLEEP_SECONDS)

    def cancel(self) -> None:
        """Not again; a run under way ends by itself."""
        with self._lock:
            self._ended = True
            if self._next is not None:
                self._next.cancel()


class Scheduler:
    """A clock and its lanes."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Handle]] = []
        self._number = itertools.count()
        self._changed = threading.Condition()
        self._lanes: dict[Lane, queue.SimpleQueue[Handle]] = {}
        self._clock: threading.Thread | None = None

    def after(self, seconds: float, lane: Lane, job: Job) -> Handle:
        """Run a job once, `seconds` from now, when a thread of its lane is free."""
        handle = Handle(lane, job)
        with self._changed:
            heapq.heappush(self._heap, (time.monotonic() + max(0.0, seconds), next(self._number), handle))
            if self._clock is None:
                self._clock = _daemon(self._tick, "gateway-clock")
            self._changed.notify()
        return handle

    def _tick(self) -> None:
        while True:
            with self._changed:
                while not self._heap or self._heap[0][0] > time.monotonic():
                    wait = self._heap[0][0] - time.monotonic() if self._heap else None
                    self._changed.wait(wait)
                _, _, handle = heapq.heappop(self._heap)
            if not handle.cancelled:
                self._lane(handle.lane).put(handle)

    def _lane(self, name: Lane) -> "queue.SimpleQueue[Handle]":
        if name not in self._lanes:
            lane = self._lanes[name] = queue.SimpleQueue()
            for number in range(THREADS[name]):
                _daemon(lambda: _work(lane), f"gateway-{name}-{number}")
        return self._lanes[name]


def _daemon(target: Job, name: str) -> threading.Thread:
    thread = threading.Thread(target=target, name=name, daemon=True)
    thread.start()
    return thread


def _work(lane: "queue.SimpleQueue[Handle]") -> None:
    while True:
        handle = lane.get()
        if handle.cancelled:
            continue
        try:
            handle.job()
        except Exception:
            log.exception("a scheduled job failed")


scheduler = Scheduler()
"""The clock of this process."""
