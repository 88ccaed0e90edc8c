"""Two contracts that somebody gives, as text or by address, compared by a worker; kept in Redis for a while.

Addresses go through the one door; what is there is read with the same limits as a product's documents.
"""

from __future__ import annotations

import json
import re
import secrets
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, cast

import structlog
from pydantic import ValidationError

from marketplace.celery import app as celery

from .. import cache, originals, state
from ..cache import CacheDownError
from ..errors import FetchError, Problem
from ..formats import CONTRACTS, contract_of, recognise
from ..parsing import parse
from ..view import ContractView, from_json, to_json
from .changes import Change, name_only
from .comparing import compare
from .versions import LEVELS, Bump, Level

log = structlog.get_logger(__name__)

MAX_TEXT = 1_000_000  # bytes of a contract given as text
MAX_CHANGES = 1_000
NAME = 200  # characters of an id, a name, a version
MAX_KEPT = 300_000  # bytes, packed, of what was given
KEEP_SECONDS = 900
TASK_SECONDS = 60  # how long the question waits for a worker

EXPIRED = Problem(
    "cache_down", "What was compared here is no longer kept.", "Give the two contracts again to have them compared."
)


@dataclass(frozen=True, slots=True)
class Given:
    """A contract: its text, or the address where it is. One of the two is empty."""

    text: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Side:
    """What one of the two turned out to be; `problem` where it is no contract that can be read."""

    url: str = ""
    id: str = ""
    name: str = ""
    version: str = ""
    standard: str = ""
    fingerprint: str = ""
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """The two, and what lies between them: the first MAX_CHANGES changes, the gravest first. As in Comparison."""

    before: Side
    after: Side
    changes: tuple[Change, ...] = ()
    left_out: int = 0
    counts: dict[str, int] | None = None
    level: Level | None = None
    suggested: str | None = None
    bump: Bump | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known by now. waiting: ask again shortly (`problem`: no worker takes it) · done · failed: one of the two
    cannot be read, its `problem` says why · unavailable: Redis is away · expired. `given` is what was compared, empty
    where it was too large to keep.
    """

    state: Literal["waiting", "done", "failed", "unavailable", "expired"]
    compared: Compared | None = None
    given: tuple[Given, Given] = (Given(), Given())
    problem: Problem | None = None


def begin(before: Given, after: Given) -> str:
    """Has a worker compare the two; the token under which `look` tells what came of it. Raises CacheDownError."""
    token = secrets.token_urlsafe(18)
    packed = zlib.compress(json.dumps([time.time(), asdict(before), asdict(after)]).encode(), 3)
    cache.client().run(lambda conn: conn.set(_key(token), packed, ex=KEEP_SECONDS))
    try:
        celery.send_task("live.contracts", args=(token,), expires=TASK_SECONDS, retry=False, ignore_result=True)
    except Exception as exc:  # kombu raises many kinds, all of which mean the same here
        log.warning("live_enqueue_failed", task="live.contracts", error=str(exc))
        raise CacheDownError("the broker did not take the task") from exc
    return token


def look(token: str) -> Answer:
    """What is known by now. Never raises. One round trip to Redis."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{24}", token):
        return Answer("expired", problem=EXPIRED)
    try:
        given, found = cast(
            "list[bytes | None]", cache.client().run(lambda conn: conn.mget([_key(token), _found_key(token)]))
        )
    except CacheDownError:
        return Answer("unavailable", problem=state.CACHE_DOWN)
    try:
        at, *pair = json.loads(zlib.decompress(given)) if given else (0.0, {}, {})
        both = (Given(**pair[0]), Given(**pair[1]))
        if found:
            compared = from_json(Compared, zlib.decompress(found))
            failed = compared.before.problem or compared.after.problem
            return Answer("failed" if failed else "done", compared, both)
    except (ValueError, TypeError, zlib.error, ValidationError):  # written by another version of this program
        return Answer("expired", problem=EXPIRED)
    waited = time.time() - at
    if not given or waited > TASK_SECONDS + 2 * originals.DEADLINE_SECONDS:
        return Answer("expired", given=both, problem=EXPIRED)
    return Answer("waiting", given=both, problem=state.NO_WORKERS if waited > originals.DEADLINE_SECONDS else None)


def run(token: str) -> None:
    """Fetches, reads and compares. Waits; for workers only. No database query."""
    packed = cast("bytes | None", cache.client().run(lambda conn: conn.get(_key(token))))
    if packed is None:
        return
    _, *pair = json.loads(zlib.decompress(packed))
    with ThreadPoolExecutor(2, thread_name_prefix="live-given") as pool:
        (before, first), (after, second) = pool.map(_side, [Given(**given) for given in pair])
    compared = _compared(before, first, after, second)
    result = zlib.compress(to_json(compared), 3)

    def keep(conn: Any) -> None:
        conn.set(_found_key(token), result, ex=KEEP_SECONDS)
        if len(packed) > MAX_KEPT:
            conn.delete(_key(token))

    cache.client().run(keep)


def _side(given: Given) -> tuple[Side, ContractView | None]:
    try:
        if given.url:
            fetched = originals.fetch(given.url)
            document = parse(fetched.body, fetched.media_type, fetched.charset, fetched.url)
        else:
            document = parse(given.text.encode(), charset="utf-8")
        view = contract_of(document)
        if view is None:
            found = recognise(document).NAME
            raise FetchError("unknown_format", f"This is a document of {found}, and no data contract.", _MEND)
    except FetchError as exc:
        return Side(given.url, problem=exc.problem), None
    except Exception:  # whatever a foreign document did to us, whoever gave it is told
        log.exception("given_contract_failed")
        problem = Problem("internal", "This document could not be read, by a fault of ours.", "It was logged.")
        return Side(given.url, problem=problem), None
    names = {key: name_only(getattr(view, key) or "", NAME) for key in ("id", "name", "version", "standard")}
    return Side(url=given.url, problem=None, **names), view


_MEND = f"Give the contract itself: {' or '.join(module.NAME for module in CONTRACTS)}."


def _compared(before: Side, first: ContractView | None, after: Side, second: ContractView | None) -> Compared:
    if first is None or second is None:
        return Compared(before, after)
    found = compare(first, second)
    return Compared(
        replace(before, fingerprint=found.fingerprint_before),
        replace(after, fingerprint=found.fingerprint_after),
        changes=found.changes[:MAX_CHANGES],
        left_out=max(0, len(found.changes) - MAX_CHANGES),
        counts={level: found.count(level) for level in LEVELS},
        level=found.level,
        suggested=found.suggested,
        bump=found.bump,
    )


def _key(token: str) -> str:
    return f"{cache.PREFIX}given:{token}"


def _found_key(token: str) -> str:
    return f"{cache.PREFIX}given-found:{token}"
