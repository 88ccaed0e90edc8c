"""Documents byte for byte: what a product's address answers, for who wants to read or keep the original itself.

Fetched by a worker through the one door and kept in Redis for two minutes, nowhere else. Who may name the address is
the caller's care: only addresses that the product itself gave.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import structlog

from marketplace.celery import app as celery

from . import breaker, cache, caller, state
from .cache import CacheDownError
from .caller import Caller, HostOutcome
from .errors import FetchError, Problem
from .http import Fetched
from .state import Part

log = structlog.get_logger(__name__)

KEPT_SECONDS = 120
FAILED_SECONDS = 10  # how long a failure is believed
ASKED_SECONDS = 12  # how long a question waits for a worker before the next who looks puts it again
DEADLINE_SECONDS = 8.0  # waiting for the host's other calls included

_SILENT = Problem("slow", "The document took too long to come.", "Try again in a moment.")


@dataclass(frozen=True, slots=True)
class Original:
    """A document as it came. `url` is where it came from in the end; the media type and charset are the server's."""

    url: str
    media_type: str
    charset: str | None
    body: bytes


def look(product_id: int, url: str, *, ask: bool = True) -> Part:
    """The document at an address of this product, at once; asked of a worker where it is not there, once however many
    look. `view` is an Original. Ask again while `.waiting`. Never raises. One or two round trips to Redis.
    """
    key = _key(product_id, url)
    try:
        found, asked_at = _read(key)
        if found is not None:
            return found
        if asked_at is None and ask:
            asked_at = _ask(key, product_id, url)
    except CacheDownError:
        return state.unavailable("original")
    now = time.time()
    waited = now - asked_at if asked_at else 0.0
    return Part(
        "original",
        "slow" if waited * 1000 > state.SLOW_MS else "loading",
        url=url,
        asked_at=datetime.fromtimestamp(asked_at or now, UTC),
        waiting=True,
        problem=state.NO_WORKERS if waited > state.NO_WORKER_SECONDS else None,
    )


def refresh(product_id: int, url: str) -> None:
    """Fetches the document and keeps it for a while. Waits; for workers only. No database query."""
    key = _key(product_id, url)
    with contextlib.suppress(CacheDownError):
        try:
            fetched = fetch(url)
        except FetchError as exc:
            problem = {"kind": exc.kind, "message": exc.message, "advice": exc.advice}
            _keep(key, {"at": time.time(), "url": url, "problem": problem}, b"", FAILED_SECONDS)
            return
        head = {
            "at": time.time(),
            "url": fetched.url,
            "media_type": fetched.media_type,
            "charset": fetched.charset,
            "latency_ms": fetched.elapsed_ms,
        }
        _keep(key, head, fetched.body, KEPT_SECONDS)


def fetch(url: str) -> Fetched:
    """The document at an address, unread, through the one door. Raises FetchError. Waits; for workers only."""
    outcomes: list[HostOutcome] = []
    breaker.load(1.0)

    async def fetch(hands: Caller) -> Fetched:
        return await hands.fetch(url, report=outcomes.append)

    future = caller.submit(fetch, DEADLINE_SECONDS - 0.5)
    try:
        return future.result(DEADLINE_SECONDS)
    except FutureTimeoutError as exc:
        future.cancel()
        raise FetchError(_SILENT.kind, _SILENT.message, _SILENT.advice) from exc
    finally:
        for host in {outcome.host for outcome in outcomes}:
            oks = [outcome.ok for outcome in outcomes if outcome.host == host]
            breaker.record(host, any(oks), failures=len(oks))


def _key(product_id: int, url: str) -> str:
    return cache.key(f"o:{product_id}:{hashlib.sha256(url.encode(errors='surrogatepass')).hexdigest()[:32]}")


def _read(key: str) -> tuple[Part | None, float | None]:
    """What is known of the document, and when it was asked for (epoch seconds)."""
    raw, asked = cast(
        "list[bytes | None]", cache.client().run(lambda conn: cast("Any", conn.mget([key, f"{key}:asked"])))
    )
    asked_at = float(asked) if asked else None
    if raw is None:
        return None, asked_at
    head_json, _, body = raw.partition(b"\n")
    try:
        return _part(json.loads(head_json), body), asked_at
    except (ValueError, KeyError, TypeError):
        return None, asked_at  # written by another version of this program: as good as never seen


def _part(head: dict[str, Any], body: bytes) -> Part:
    at = datetime.fromtimestamp(head["at"], UTC)
    age = max(0, int(time.time() - head["at"]))
    if "problem" in head:
        return Part("original", "down", url=head["url"], asked_at=at, problem=Problem(**head["problem"]))
    return Part(
        "original",
        "live" if head["latency_ms"] <= state.SLOW_MS else "slow",
        view=Original(head["url"], head["media_type"], head["charset"], body),
        seen_at=at,
        age_seconds=age,
        latency_ms=head["latency_ms"],
        url=head["url"],
    )


def _ask(key: str, product_id: int, url: str) -> float:
    now = time.time()
    if not cache.client().run(lambda conn: conn.set(f"{key}:asked", str(now), nx=True, ex=ASKED_SECONDS)):
        return now
    try:
        celery.send_task(
            "live.original", args=(product_id, url), expires=ASKED_SECONDS, retry=False, ignore_result=True
        )
    except Exception as exc:  # kombu raises many kinds, all of which mean the same here
        log.warning("live_enqueue_failed", task="live.original", error=str(exc))
        cache.client().run(lambda conn: conn.delete(f"{key}:asked"))
        raise CacheDownError("the broker did not take the task") from exc
    return now


def _keep(key: str, head: dict[str, Any], body: bytes, seconds: int) -> None:
    value = json.dumps(head).encode() + b"\n" + body

    def action(conn: Any) -> None:
        pipe = conn.pipeline(transaction=True)
        pipe.set(key, value, ex=seconds)
        pipe.delete(f"{key}:asked")
        pipe.execute()

    cache.client().run(action)
