"""How often somebody may have others called: the marketplace is no tool for that."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import redis

from . import cache

INSPECTIONS = 10
WINDOW_SECONDS = 60


def seconds_to_wait(askers: Iterable[str], what: str = "inspections", most: int = INSPECTIONS) -> int:
    """Counts one of these for each of the askers (a person, an address); 0 where all of them may have it, else how
    many seconds until they may. One round trip; with Redis down everybody may, as then nothing is asked either.
    """
    keys = [f"{cache.PREFIX}{what}:{asker}" for asker in askers]

    def action(conn: redis.Redis) -> list[Any]:
        pipe = conn.pipeline(transaction=False)
        for key in keys:
            pipe.incr(key)
            pipe.expire(key, WINDOW_SECONDS, nx=True)
            pipe.ttl(key)
        answers: list[Any] = pipe.execute()
        return answers

    try:
        answers = cache.client().run(action)
    except cache.CacheDownError:
        return 0
    waits = [left for count, left in zip(answers[::3], answers[2::3], strict=True) if count > most]
    return max((max(1, left) for left in waits), default=0)
