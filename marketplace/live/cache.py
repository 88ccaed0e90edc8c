"""The live cache in Redis: for each subject (a product, an artifact, an inspection) one hash, one field a part.

A part has its last good answer (`seen:<part>`) and, where the last attempt failed, that failure (`fail:<part>`); so a
failure never loses what was seen. A question under way has a flight, whose token is its right to write: who lost the
flight (the product's links changed, it took too long) writes nothing more. All of it may be lost at any time. With
Redis down every function raises CacheDownError within 0.3 s, and for two seconds afterwards at once, so that a page
that asks ten times waits once.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from functools import lru_cache
from typing import Any, TypeVar

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from .errors import Problem
from .record import Failed, Record, Seen

PREFIX = "live:2:"  # the generation: one more whenever a stored shape changes
LAST_SEEN_SECONDS = 24 * 3600
FRESH_SECONDS_MIN = 2  # else an answer with no-cache would be stale before the page shows it
FAILED_SECONDS = 10  # how long a failure is believed before somebody who looks causes the next attempt
ASKED_SECONDS = 12  # how long a question waits for a worker before the next who looks puts it again
FLIGHT_SECONDS = 30  # how long a worker may take; longer than services.TASK_DEADLINE_SECONDS
DOWN_SECONDS = 2.0

TIMES = ("asked_at", "waiting_since", "started_at", "done_at", "noticed_at")

T = TypeVar("T")

Command = tuple[Any, ...]
"""The arguments of one EVAL."""

# KEYS: flight, record. ARGV: token ("" for none), seconds to keep, "NX" or "", "END" or "", how many fields to set,
# those with their values, fields to delete. Answers 0, having done nothing, where the flight is no longer the token's.
_WRITE = """
if ARGV[1] ~= '' and redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local last = 5 + 2 * tonumber(ARGV[5])
if last > 5 then redis.call('HSET', KEYS[2], unpack(ARGV, 6, last)) end
if #ARGV > last then redis.call('HDEL', KEYS[2], unpack(ARGV, last + 1)) end
if ARGV[3] == 'NX' then redis.call('EXPIRE', KEYS[2], ARGV[2], 'NX') else redis.call('EXPIRE', KEYS[2], ARGV[2]) end
if ARGV[4] == 'END' then redis.call('DEL', KEYS[1]) end
return 1
"""
# KEYS: flight, record. ARGV: token, seconds of a flight, now, seconds to keep, "IF" or "", a token. Answers the record;
# nothing, having done nothing, where with "IF" another flight than that of the last token is under way.
_BEGIN = """
if ARGV[5] == 'IF' then
  local held = redis.call('GET', KEYS[1])
  if held and held ~= ARGV[6] then return false end
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
redis.call('HSET', KEYS[2], 'started_at', ARGV[3])
redis.call('HDEL', KEYS[2], 'waiting_since')
redis.call('EXPIRE', KEYS[2], ARGV[4], 'NX')
return redis.call('HGETALL', KEYS[2])
"""
_END_FLIGHT = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class CacheDownError(Exception):
    """Redis did not answer; what it holds can't be read or written now."""


class Redis:
    """A Redis client that gives up fast and rests after a failure. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(
            url, socket_timeout=0.4, socket_connect_timeout=0.3, retry=Retry(NoBackoff(), 0), health_check_interval=30
        )
        self._down_until = 0.0
        self._lock = threading.Lock()

    def run(self, action: Callable[[redis.Redis], T]) -> T:
        """The action's result. Raises CacheDownError."""
        if time.monotonic() < self._down_until:
            raise CacheDownError("Redis did not answer a moment ago")
        try:
            return action(self._client)
        except redis.RedisError as exc:
            if isinstance(exc, (redis.ConnectionError, redis.TimeoutError)):
                with self._lock:
                    self._down_until = time.monotonic() + DOWN_SECONDS
            raise CacheDownError(str(exc)) from exc


@lru_cache(maxsize=4)
def _redis_at(url: str) -> Redis:
    return Redis(url)


def client() -> Redis:
    """The client of settings.REDIS_URL, one per process."""
    return _redis_at(settings.REDIS_URL)


def key(subject: str) -> str:
    return f"{PREFIX}{subject}"


def _flight_key(subject: str) -> str:
    return f"{PREFIX}flight:{subject}"


def read(subject: str) -> Record:
    """All that is known of the subject. One round trip. Raises CacheDownError."""
    return read_many([subject])[0]


def read_many(subjects: Iterable[str], parts: Iterable[str] | None = None) -> list[Record]:
    """The records of the subjects, in order; only these parts of them where `parts` are named, which spares reading
    what a list does not show. One round trip. Raises CacheDownError.
    """
    wanted = list(subjects)
    names = None if parts is None else [*TIMES, *(f"{kind}:{part}" for part in parts for kind in ("seen", "fail"))]

    def action(conn: redis.Redis) -> list[Any]:
        pipe = conn.pipeline(transaction=False)
        for subject in wanted:
            if names is None:
                pipe.hgetall(key(subject))
            else:
                pipe.hmget(key(subject), names)
            pipe.exists(_flight_key(subject))
        result: list[Any] = pipe.execute()
        return result

    answers = client().run(action)
    found = zip(answers[::2], answers[1::2], strict=True)
    return [_record(_named(names, fields), bool(in_flight)) for fields, in_flight in found]


def _named(names: list[str] | None, fields: Any) -> dict[bytes, bytes]:
    if names is None:
        whole: dict[bytes, bytes] = fields
        return whole
    return {name.encode(): value for name, value in zip(names, fields, strict=True) if value is not None}


def _record(fields: dict[bytes, bytes], in_flight: bool) -> Record:
    seen: dict[str, Seen] = {}
    failed: dict[str, Failed] = {}
    times: dict[str, float] = {}
    oldest = time.time() - LAST_SEEN_SECONDS
    for raw_name, value in fields.items():
        kind, _, part = raw_name.decode().partition(":")
        try:
            if kind == "seen":
                found = Seen.load(value)
                if found.at >= oldest:
                    seen[part] = found
            elif kind == "fail":
                failed[part] = _load_failed(value)
            else:
                times[kind] = float(value)
        except (ValueError, KeyError, TypeError):
            continue  # written by another version of this program: as good as never seen
    return Record(
        seen=seen,
        failed=failed,
        asked_at=times.get("asked_at"),
        waiting_since=times.get("waiting_since"),
        started_at=times.get("started_at"),
        done_at=times.get("done_at"),
        noticed_at=times.get("noticed_at"),
        in_flight=in_flight,
    )


def _load_failed(value: bytes) -> Failed:
    data = json.loads(value)
    return Failed(data["at"], Problem(**data["problem"]), data["retry_at"], data["url"], data["since"])


def _command(
    subject: str,
    fields: dict[str, str | bytes],
    gone: Iterable[str] = (),
    *,
    flight: str | None,
    keep_seconds: int = LAST_SEEN_SECONDS,
    renew: bool = False,
    end: bool = False,
) -> Command:
    """Sets and deletes fields of a subject; `renew` starts the time it is kept anew, `end` ends the flight."""
    pairs = [item for pair in fields.items() for item in pair]
    modes = "" if renew else "NX", "END" if end else ""
    return (
        _WRITE, 2, _flight_key(subject), key(subject), flight or "", keep_seconds, *modes, len(fields), *pairs, *gone
    )  # fmt: skip


def run(command: Command) -> bool:
    """One round trip; whether anything was written. Raises CacheDownError."""
    return bool(client().run(lambda conn: conn.eval(*command)))


def answers_command(
    subject: str,
    seen: Mapping[str, Seen],
    failed: Mapping[str, Failed],
    gone: Iterable[str] = (),
    *,
    done_at: float | None = None,
    keep_seconds: int = LAST_SEEN_SECONDS,
    flight: str | None = None,
    drifts: bool = False,
) -> Command:
    """What parts answered, by part: a good answer replaces what was there and clears the failure, and a failure stands
    beside what was seen before. `gone` are parts that the product has no more.

    With `flight`, the token of `begin`, nothing is written once that flight is over: then `run` answers False.
    `done_at`: every part has its answer or its failure, the last ones by this, which ends the flight. `drifts`: some
    answer is another contract than before, which nobody looked at for drift so far.
    """
    fields: dict[str, str | bytes] = {f"seen:{part}": found.dump() for part, found in seen.items()}
    fields |= {f"fail:{part}": json.dumps(asdict(failure)) for part, failure in failed.items()}
    if done_at is not None:
        fields["done_at"] = str(done_at)
    # In the same step: a worker that is stopped right after it leaves the looking to the next one.
    names = [*(f"fail:{part}" for part in seen), *(["noticed_at"] if drifts else [])]
    names += [f"{kind}:{part}" for part in gone for kind in ("seen", "fail")]
    end = done_at is not None
    return _command(subject, fields, names, flight=flight, keep_seconds=keep_seconds, renew=bool(seen), end=end)


def write_seen(subject: str, part: str, seen: Seen, keep_seconds: int = LAST_SEEN_SECONDS) -> bool:
    """`answers_command` of one answer at once, whoever is asking. One round trip. Raises CacheDownError."""
    return run(answers_command(subject, {part: seen}, {}, keep_seconds=keep_seconds))


def write_failed(subject: str, part: str, failed: Failed, keep_seconds: int = LAST_SEEN_SECONDS) -> bool:
    """`answers_command` of one failure at once, whoever is asking. One round trip. Raises CacheDownError."""
    return run(answers_command(subject, {}, {part: failed}, keep_seconds=keep_seconds))


def forget(subject: str) -> None:
    """Everything known of the subject; a question under way no longer counts. Raises CacheDownError."""
    client().run(lambda conn: conn.delete(key(subject), _flight_key(subject)))


def take_flight(subject: str, record: Record, now: float, keep_seconds: int = LAST_SEEN_SECONDS) -> str | None:
    """A token where the caller is the one who may ask now; the others find a question under way, and get None.

    Raises CacheDownError.
    """
    return take_flights({subject: record}, now, keep_seconds).get(subject)


def take_flights(records: Mapping[str, Record], now: float, keep_seconds: int = LAST_SEEN_SECONDS) -> dict[str, str]:
    """`take_flight` for many: the tokens, by subject. Two round trips. Raises CacheDownError."""
    tokens = {subject: secrets.token_hex(8) for subject in records}

    def action(conn: redis.Redis) -> dict[str, str]:
        pipe = conn.pipeline(transaction=False)
        for subject, token in tokens.items():
            pipe.set(_flight_key(subject), token, nx=True, ex=ASKED_SECONDS)
        answers: list[Any] = pipe.execute()
        taken = {subject: tokens[subject] for subject, done in zip(tokens, answers, strict=True) if done}
        pipe = conn.pipeline(transaction=False)
        for subject in taken:
            waiting_since = str(_waiting_since(records[subject], now))
            pipe.hset(key(subject), mapping={"asked_at": str(now), "waiting_since": waiting_since})
            pipe.expire(key(subject), keep_seconds, nx=True)
        pipe.execute()
        return taken

    return client().run(action)


def _waiting_since(record: Record, now: float) -> float:
    """Asked again and again with no worker taking it is one long wait; asked an hour ago is another matter."""
    again = record.asked_at and now - record.asked_at < 2 * ASKED_SECONDS
    return (again and record.waiting_since) or now


def drop_flight(subject: str, flight: str) -> None:
    """Ends this flight and no other: the next who looks may ask. Raises CacheDownError."""
    client().run(lambda conn: conn.register_script(_END_FLIGHT)([_flight_key(subject)], [flight]))


def begin(subject: str, now: float) -> tuple[str, Record]:
    """A worker has taken the question: its token, and what was known before. One round trip. Raises CacheDownError.

    The token is the right to write, and ends the right of any other. Take it before the product's links are read: a
    change of the links ends it.
    """
    token = secrets.token_hex(8)
    fields = client().run(lambda conn: conn.eval(*_begin_command(subject, token, now)))
    return token, _begun(fields)


def begin_many(flights: Mapping[str, str], now: float) -> dict[str, tuple[str, Record]]:
    """`begin` for those of many that nobody is asking, or whoever took the flight that stands beside the subject.

    One round trip. Raises CacheDownError.
    """
    tokens = {subject: secrets.token_hex(8) for subject in flights}
    commands = [_begin_command(subject, token, now, "IF", flights[subject]) for subject, token in tokens.items()]
    answers = zip(tokens.items(), client().run(lambda conn: send(conn, commands)), strict=True)
    return {subject: (token, _begun(fields)) for (subject, token), fields in answers if fields is not None}


def _begin_command(subject: str, token: str, now: float, *condition: str) -> Command:
    keys = _flight_key(subject), key(subject)
    return (_BEGIN, 2, *keys, token, FLIGHT_SECONDS, str(now), LAST_SEEN_SECONDS, *(condition or ("", "")))


def _begun(fields: list[bytes]) -> Record:
    return _record(dict(zip(fields[::2], fields[1::2], strict=True)), in_flight=True)


def send(conn: redis.Redis, commands: Iterable[Command]) -> list[Any]:
    """What Redis answers to each. One round trip."""
    pipe = conn.pipeline(transaction=False)
    for command in commands:
        pipe.execute_command("EVAL", *command)  # type: ignore[no-untyped-call] # `eval` takes three times as long
    answers: list[Any] = pipe.execute()
    return answers


def mark_noticed(subjects: Iterable[str], now: float) -> None:
    """Drift was looked for in all that is here. One round trip. Raises CacheDownError."""
    commands = [_command(subject, {"noticed_at": str(now)}, flight=None) for subject in subjects]
    client().run(lambda conn: send(conn, commands))


def mark_done(subject: str, now: float, flight: str | None = None) -> None:
    """Every part has its answer or its failure. One round trip. Raises CacheDownError."""
    run(_command(subject, {"done_at": str(now)}, flight=flight, end=flight is not None))
