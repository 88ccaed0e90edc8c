"""Deliveries in turn: one at a time for each host, and to no address more often than allowed.

Both are for the whole process, however many products it serves: a receiver that hangs holds one thread and no more,
and nobody can aim the subscriptions of many products, or of many names, at one machine.
"""

import threading
import time
from collections import deque
from collections.abc import Callable

MAX_WAITING = 10_000
"""Jobs that may wait for one host."""
MAX_WAIT_SECONDS = 3600.0
"""Nothing is set for later than this."""
_PRUNED_ABOVE = 10_000

Job = Callable[[], float]
"""What to do; the answer is in how many seconds it must be done again, 0 when it is done."""
Later = Callable[[float, Callable[[], None]], object]


class Turns:
    """Runs the jobs of one host one after the other, in the order they came.

    Args:
        later: runs something once, that many seconds from now, in a thread of its own choice.
    """

    def __init__(self, later: Later) -> None:
        self._later = later
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Job]] = {}

    def add(self, host: str, job: Job) -> bool:
        """Set a job; False when as many wait for this host as may. A job that raises is done."""
        with self._lock:
            waiting = self._waiting.get(host)
            if waiting is not None:
                if len(waiting) >= MAX_WAITING:
                    return False
                waiting.append(job)
                return True
            self._waiting[host] = deque([job])
        self._later(0, lambda: self._next(host))
        return True

    def _next(self, host: str) -> None:
        with self._lock:
            job = self._waiting[host][0]
        wait = 0.0
        try:
            wait = job()
        finally:
            with self._lock:
                waiting = self._waiting[host]
                if wait <= 0:
                    waiting.popleft()
                more = bool(waiting)
                if not more:
                    del self._waiting[host]
            if more:
                self._later(wait, lambda: self._next(host))

    def __len__(self) -> int:
        """How many hosts have jobs."""
        return len(self._waiting)


class Pace:
    """How often something is sent to an address: a few at once, then evenly (GCRA)."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._due: dict[str, float] = {}

    def reserve(self, address: str, per_minute: int) -> float | None:
        """Seconds until the moment that is reserved for the caller; a quarter of a minute's worth may go at once.

        None, and nothing is reserved, when that would be later than in an hour.
        """
        step, now = 60 / per_minute, self._clock()
        with self._lock:
            if len(self._due) > _PRUNED_ABOVE:
                self._due = {known: due for known, due in self._due.items() if due > now}
            due = max(self._due.get(address, now), now)
            wait = max(0.0, due - now - step * (per_minute // 4))
            if wait > MAX_WAIT_SECONDS:
                return None
            self._due[address] = due + step
            return wait

    def __len__(self) -> int:
        """How many addresses are remembered."""
        return len(self._due)
