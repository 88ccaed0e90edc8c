"""What a process remembers of the database for a while, since each question would ask for it again."""

import math
import threading
import time
from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """A value that is read at most once in `age` seconds. Who asks while another reads gets the older one."""

    everything: ClassVar[list["Remembered[Any]"]] = []

    def __init__(self, read: Callable[[], T], empty: T, age: float) -> None:
        self._read = read
        self._empty = self._value = empty
        self._age = age
        self._read_at = -math.inf
        self._lock = threading.Lock()
        self.everything.append(self)

    def __call__(self) -> T:
        """The value. Raises what `read` raises."""
        if time.monotonic() - self._read_at > self._age and self._lock.acquire(blocking=False):
            try:
                self._value = self._read()
                self._read_at = time.monotonic()
            finally:
                self._lock.release()
        return self._value

    def forget(self) -> None:
        """Has it read anew at the next call."""
        self._value = self._empty
        self._read_at = -math.inf


def forget_all() -> None:
    """For those who have just changed what is read: everything is read anew."""
    for each in Remembered.everything:
        each.forget()
