"""What a person opened and asked lately: a few rows in Redis, forgotten with it, after 90 days, or when they say so."""

from collections.abc import Callable
from typing import TypeVar

import redis

from marketplace.live import cache
from registry.access import Visitor, person

T = TypeVar("T")

MOST = 12  # of each kind
SECONDS = 90 * 24 * 3600


def opened(visitor: Visitor, product_id: int) -> None:
    """Remembers that the person looked at a product. One round trip to Redis; nothing for visitors."""
    _remember(visitor, "opened", str(product_id))


def asked(visitor: Visitor, query: str) -> None:
    """Remembers a search by its normalised query string. One round trip to Redis; nothing for visitors."""
    _remember(visitor, "asked", query)


def opened_by(visitor: Visitor) -> list[int]:
    """Ids of the products the person looked at, the last first; empty while Redis is away. One round trip."""
    return [int(each) for each in _remembered(visitor, "opened")]


def asked_by(visitor: Visitor) -> list[str]:
    """The normalised query strings of the person's searches, the last first; empty while Redis is away."""
    return _remembered(visitor, "asked")


def forget(visitor: Visitor) -> bool:
    """Forgets all of it; False while Redis is away, which then still has it. One round trip."""
    keys = [_key(visitor, "opened"), _key(visitor, "asked")]

    def action(conn: redis.Redis) -> bool:
        conn.delete(*keys)
        return True

    return _run(action, False)


def _key(visitor: Visitor, kind: str) -> str:
    return f"recent:1:{kind}:{visitor.pk}"


def _remember(visitor: Visitor, kind: str, value: str) -> None:
    if person(visitor) is None:
        return
    key = _key(visitor, kind)

    def action(conn: redis.Redis) -> None:
        pipe = conn.pipeline(transaction=False)
        pipe.lrem(key, 0, value)
        pipe.lpush(key, value)
        pipe.ltrim(key, 0, MOST - 1)
        pipe.expire(key, SECONDS)
        pipe.execute()

    _run(action, None)


def _remembered(visitor: Visitor, kind: str) -> list[str]:
    if person(visitor) is None:
        return []
    nothing: list[bytes | str] = []
    found = _run(lambda conn: conn.lrange(_key(visitor, kind), 0, MOST - 1), nothing)
    return [each.decode() if isinstance(each, bytes) else each for each in found]


def _run(action: Callable[[redis.Redis], T], otherwise: T) -> T:
    try:
        return cache.client().run(action)
    except cache.CacheDownError:
        return otherwise
