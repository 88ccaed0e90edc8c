"""Django's cache in Redis, shared by all web processes: counters of rate limits. Losing it costs the counts alone."""

import json
import time
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import redis
import structlog
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger(__name__)

PAUSE = 5.0  # seconds without asking, once Redis did not answer
T = TypeVar("T")


class Plain:
    """Values as JSON: what is read back from Redis is never run."""

    def dumps(self, value: Any) -> bytes:
        """Raises TypeError for what is not JSON."""
        return json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        """The value."""
        return json.loads(data)


class Counters(RedisCache):
    """While Redis does not answer, every key is absent and every write succeeds: rate limits then allow."""

    _down_until: ClassVar[dict[str, float]] = {}  # by server, for all threads, each of which has a cache of its own

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        self._name = server
        options = {**params.get("OPTIONS", {}), "serializer": Plain, "retry": Retry(NoBackoff(), 0)}
        super().__init__(server, {**params, "OPTIONS": options})

    def _run(self, action: Callable[[], T], otherwise: T) -> T:
        server = self._name
        if time.monotonic() < self._down_until.get(server, 0.0):
            return otherwise
        try:
            return action()
        except redis.RedisError as error:
            self._down_until[server] = time.monotonic() + PAUSE
            log.warning("counters.redis_unreachable", error=str(error))
            return otherwise

    def add(self, key: Any, value: Any, *args: Any, **options: Any) -> bool:
        return self._run(lambda: super(Counters, self).add(key, value, *args, **options), True)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._run(lambda: super(Counters, self).get(key, default, version), default)

    def set(self, key: Any, value: Any, *args: Any, **options: Any) -> None:
        self._run(lambda: super(Counters, self).set(key, value, *args, **options), None)

    def touch(self, key: Any, *args: Any, **options: Any) -> bool:
        return self._run(lambda: super(Counters, self).touch(key, *args, **options), False)

    def delete(self, key: Any, version: int | None = None) -> bool:
        return self._run(lambda: super(Counters, self).delete(key, version), False)

    def get_many(self, keys: Any, version: int | None = None) -> dict[Any, Any]:
        return self._run(lambda: super(Counters, self).get_many(keys, version), {})

    def has_key(self, key: Any, version: int | None = None) -> bool:
        return self._run(lambda: super(Counters, self).has_key(key, version), False)

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        return self._run(lambda: super(Counters, self).incr(key, delta, version), delta)

    def set_many(self, data: Any, *args: Any, **options: Any) -> list[Any]:
        return self._run(lambda: super(Counters, self).set_many(data, *args, **options), [])

    def delete_many(self, keys: Any, version: int | None = None) -> None:
        self._run(lambda: super(Counters, self).delete_many(keys, version), None)

    def clear(self) -> None:
        self._run(lambda: super(Counters, self).clear(), None)
