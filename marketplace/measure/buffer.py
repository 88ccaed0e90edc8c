"""What was just seen, in Redis until the next flush: a list that pages add to and one task takes from, batch by batch.

Who it was is hashed inside Redis with the salt of the day, which no process keeps. Everything here may be lost: it
costs the counts of the last seconds.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import redis
import structlog

from marketplace.live import cache
from marketplace.measure.models import PERSON

log = structlog.get_logger(__name__)

MOST = 20_000  # entries that wait; those beyond are dropped and counted
BATCH = 2_000
SALT_SECONDS = 48 * 3600  # what was seen before midnight is still counted after it
BUFFER, TAKEN, DROPPED, SALT = "measure:buffer", "measure:taken", "measure:dropped", "measure:salt:"

# KEYS: buffer, salt, dropped. ARGV: a new salt, seconds it is kept, who, most entries, the entry.
_PUT = """
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[4]) then redis.call('INCR', KEYS[3]) return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'NX', 'EX', ARGV[2])
local person = string.sub(redis.sha1hex(redis.call('GET', KEYS[2]) .. ARGV[3]), 1, 16)
redis.call('RPUSH', KEYS[1], person .. ARGV[5])
return 1
"""
# KEYS: buffer, taken. ARGV: token of a new batch, entries at most. A batch that was not finished is given again.
_TAKE = """
if redis.call('EXISTS', KEYS[2]) == 0 then
  local entries = redis.call('LPOP', KEYS[1], ARGV[2])
  if not entries then return {} end
  redis.call('RPUSH', KEYS[2], ARGV[1])
  for start = 1, #entries, 1000 do
    redis.call('RPUSH', KEYS[2], unpack(entries, start, math.min(start + 999, #entries)))
  end
end
return redis.call('LRANGE', KEYS[2], 0, -1)
"""
_FINISH = "if redis.call('LINDEX', KEYS[1], 0) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


@dataclass(frozen=True)
class Entry:
    """One thing seen: `person` as hashed, `data` as it was put."""

    person: str
    data: dict[str, Any]


@dataclass(frozen=True)
class Taken:
    """A batch, and the token that tells it from others."""

    token: str
    entries: tuple[Entry, ...]


def user(pk: int) -> str:
    """Who, for a person signed in."""
    return f"user:{pk}"


def put(who: str, day: date, data: dict[str, Any]) -> bool:
    """Adds one entry; one exchange with Redis, 0.3 s at most where it is lost, then nothing for two seconds.

    False where it was not added: the buffer is full or Redis away. Never raises for those.
    """
    entry = json.dumps(data, separators=(",", ":"))
    keys = (BUFFER, f"{SALT}{day.isoformat()}", DROPPED)
    args = (secrets.token_hex(16), SALT_SECONDS, who, MOST, entry)
    try:
        return bool(_run(lambda server: server.eval(_PUT, len(keys), *keys, *args)))
    except cache.CacheDownError:
        return False


def take() -> Taken | None:
    """The oldest entries, at most BATCH; the same ones again until they are finished. Raises CacheDownError."""
    raw = _run(lambda server: server.eval(_TAKE, 2, BUFFER, TAKEN, secrets.token_hex(16), BATCH))
    if not raw:
        return None
    return Taken(raw[0].decode(), tuple(_entries(raw[1:])))


def finish(token: str) -> None:
    """The batch was counted and is let go. Raises CacheDownError."""
    _run(lambda server: server.eval(_FINISH, 1, TAKEN, token))


def dropped() -> int:
    """How many entries found no place since the last call. Raises CacheDownError."""
    return int(_run(lambda server: server.getdel(DROPPED)) or 0)


def hashed(people: Iterable[int], day: date) -> dict[int, str]:
    """These people as entries of that day name them; nobody where the salt is lost. Raises CacheDownError."""
    salt = _run(lambda server: server.get(f"{SALT}{day.isoformat()}"))
    if salt is None:
        return {}
    return {
        pk: hashlib.sha1(salt + user(pk).encode(), usedforsecurity=False).hexdigest()[:PERSON]  # as Redis does it
        for pk in people
    }


def _entries(raw: list[bytes]) -> Iterable[Entry]:
    for value in raw:
        try:
            data = json.loads(value[PERSON:])
        except ValueError:
            log.warning("measure.unreadable_entry")
            continue
        if isinstance(data, dict):
            yield Entry(value[:PERSON].decode("ascii", "replace"), data)


def _run(action: Callable[[redis.Redis], Any]) -> Any:
    return cache.client().run(action)
