"""One thread per worker process writes what all explorations find: each answer at once, and under load many together.

A round trip to Redis costs more than what it carries, and a thread woken for each answer more still.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import structlog

from . import breaker, cache
from .cache import CacheDownError, Command

log = structlog.get_logger(__name__)

TOGETHER = 200  # entries of one batch
BREAKER_SECONDS = 1.0  # how old what we know of resting hosts may be


@dataclass(frozen=True, slots=True)
class _Entry:
    make: Callable[[], Sequence[Command]]
    done: Future[list[Any]]


class _Writer:
    def __init__(self) -> None:
        self.pid = os.getpid()
        self.entries: queue.SimpleQueue[_Entry] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="live-writer", daemon=True).start()

    def _run(self) -> None:
        while True:
            batch = [self.entries.get()]
            while len(batch) < TOGETHER and not self.entries.empty():
                batch.append(self.entries.get())
            try:
                _write(batch)
            except BaseException as exc:  # else nothing that any product says would be seen from then on
                log.exception("live_writing_failed", entries=len(batch))
                for entry in batch:
                    if not entry.done.done():
                        entry.done.set_exception(exc)


def _write(batch: list[_Entry]) -> None:
    commands: list[Command] = []
    made: list[tuple[_Entry, slice]] = []
    for entry in batch:
        first = len(commands)
        try:
            commands += entry.make()
        except Exception as exc:  # told to who waits for it
            entry.done.set_exception(exc)
        else:
            made.append((entry, slice(first, len(commands))))
    try:
        answers = cache.client().run(lambda conn: cache.send(conn, commands)) if commands else []
    except Exception as exc:  # mostly CacheDownError; whatever it is, the thread lives on and who waits is told
        for entry, _ in made:
            entry.done.set_exception(exc)
        return
    for entry, where in made:
        entry.done.set_result(answers[where])
    breaker.load(BREAKER_SECONDS)


_current: _Writer | None = None
_starting = threading.Lock()


def write(make: Callable[[], Sequence[Command]]) -> Future[list[Any]]:
    """Has the commands that `make` gives written, after all that was given before; returns at once.

    `make` is called in the writer's thread, so that encoding keeps no event loop waiting. The future holds what Redis
    answered to each, or what went wrong (CacheDownError).
    """
    global _current
    with _starting:
        if _current is None or _current.pid != os.getpid():  # a fork has the object, but not its thread
            _current = _Writer()
        writer = _current
    done: Future[list[Any]] = Future()
    writer.entries.put(_Entry(make, done))
    return done


__all__ = ["CacheDownError", "write"]
