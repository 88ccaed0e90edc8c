"""HTML that was made of the same before. Losing it costs speed, nothing else."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

from django.utils.safestring import SafeString

SECONDS = 60.0  # what it says of other products may be so old
ENTRIES = 4000  # what is kept under a long key may be short


class Kept:
    """At most so many characters in all; what was wanted least lately goes first. For several threads."""

    def __init__(self, most: int) -> None:
        self._most, self._held = most, 0
        self._found: OrderedDict[Hashable, tuple[float, SafeString]] = OrderedDict()
        self._lock = threading.Lock()

    def html(self, key: Hashable, make: Callable[[], SafeString]) -> SafeString:
        """What is kept under this key, made anew where there is none, or none of the last minute."""
        now = time.monotonic()
        with self._lock:
            at, found = self._found.get(key, (0.0, None))
            if found is not None and now - at < SECONDS:
                self._found.move_to_end(key)
                return found
        made = make()
        with self._lock:
            self._drop(key)
            if len(made) <= self._most // 10:
                self._found[key] = now, made
                self._held += len(made)
            while self._held > self._most or len(self._found) > ENTRIES:
                self._drop(next(iter(self._found)))
        return made

    def _drop(self, key: Hashable) -> None:
        if key in self._found:
            self._held -= len(self._found.pop(key)[1])
