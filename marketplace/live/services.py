"""What pages and tasks call: look at a product, refresh it. Nothing here waits for a gateway in a web request."""

from __future__ import annotations

import contextlib
import hashlib
import queue
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import structlog
from django.db import connection

from marketplace.celery import app as celery
from registry import queries

from . import breaker, cache, caller, state
from .bounds import bounded
from .cache import CacheDownError, Failed, Seen
from .caller import Caller, HostOutcome
from .drift.watching import Watch
from .errors import FetchError, Problem
from .explore import PARTS, Answer, Emit, Explorer, Target, not_offered
from .formats import gateway_index
from .state import LiveArtifact, LiveProduct, Part
from .view import ContractListView

log = structlog.get_logger(__name__)

TASK_EXPIRES_SECONDS = 10  # a question nobody took for so long is asked anew by who still looks
TASK_DEADLINE_SECONDS = 20.0


def subject_of(product_id: int) -> str:
    return f"p:{product_id}"


def sample_subject(product_id: int, url: str) -> str:
    """By the address of the sample: rows from another address than today's are never shown. Hashed, as foreign text."""
    return f"a:{product_id}:{hashlib.sha256(url.encode()).hexdigest()[:20]}"


def look(product_id: int, *, ask: bool = True) -> LiveProduct:
    """The product as last answered, at once; what is stale is asked anew by a worker, once however many look.

    Ask again while `.waiting`. Never raises: with Redis or the workers away the parts say so. Costs two round trips to
    Redis, three when it asks. No database query.
    """
    subject = subject_of(product_id)
    try:
        record = _read_and_ask(subject, "live.refresh", (product_id,), ask)
    except CacheDownError:
        return state.product_unavailable(product_id)
    return state.product_of(product_id, record, time.time())


def look_artifact(product_id: int, artifact_id: str, *, ask: bool = True) -> LiveArtifact:
    """One artifact with its contract and sample rows, as `look` does it."""
    product = look(product_id, ask=ask)
    artifact = product.artifact(artifact_id)
    if product.index.state == "unavailable":
        return LiveArtifact(
            product, artifact_id, artifact, None, state.unavailable("sample", product.index.problem or state.CACHE_DOWN)
        )
    contract = product.contract_of(artifact) if artifact else None
    if artifact is not None and "sample" not in artifact.links:
        sample = Part("sample", "never", problem=not_offered("sample"))
    elif artifact is None and not product.artifacts.waiting:
        sample = Part(
            "sample", "down" if product.artifacts.view is None else "never", problem=product.artifacts.problem
        )
    elif artifact is None:  # while the product itself has not answered, the address of the sample is not known
        sample = Part("sample", "loading", waiting=True)
    else:
        subject = sample_subject(product_id, artifact.links["sample"])
        try:
            record = _read_and_ask(subject, "live.sample", (product_id, artifact_id), ask)
            sample = state.part_of(record, "sample", time.time())
        except CacheDownError:
            sample = state.unavailable("sample")
    return LiveArtifact(product, artifact_id, artifact, contract, sample)


def glance(product_ids: list[int]) -> dict[int, Part]:
    """The health of many products as last seen, for tiles: asks nobody. One round trip; empty when Redis is down."""
    try:
        records = cache.read_many((subject_of(product_id) for product_id in product_ids), parts=("health",))
    except CacheDownError:
        return {}
    now = time.time()
    return {
        product_id: state.part_of(record, "health", now)
        for product_id, record in zip(product_ids, records, strict=True)
        if record.seen or record.failed
    }


def ask_worker(subject: str, task: str, args: tuple[Any, ...], record: cache.Record, keep_seconds: int) -> bool:
    """Puts the question to the workers unless it is already put. Raises CacheDownError when there is no broker."""
    now = time.time()
    flight = cache.take_flight(subject, record, now, keep_seconds)
    if flight is None:
        return False
    try:
        celery.send_task(task, args=args, expires=TASK_EXPIRES_SECONDS, retry=False, ignore_result=True)
    except Exception as exc:  # kombu raises many kinds, all of which mean the same here
        log.warning("live_enqueue_failed", task=task, error=str(exc))
        cache.drop_flight(subject, flight)
        raise CacheDownError("the broker did not take the task") from exc
    return True


def _read_and_ask(subject: str, task: str, args: tuple[Any, ...], ask: bool) -> cache.Record:
    record = cache.read(subject)
    if ask and not record.in_flight and record.is_due(time.time()):
        ask_worker(subject, task, args, record, cache.LAST_SEEN_SECONDS)
        record = cache.read(subject)
    return record


def target_of(product_id: int) -> Target:
    """The registered links of a product; none when it is gone. One query."""
    links = tuple((link.rel, link.url) for link in queries.links_of(product_id))
    return Target(product_id, f"product {product_id}", links)


def refresh_product(product_id: int, told: Callable[[Answer], None] | None = None) -> None:
    """Asks a registered product everything. Waits; for workers only. `told` hears each answer as it arrives."""
    subject = subject_of(product_id)
    with contextlib.suppress(CacheDownError):  # without Redis there is nobody to tell
        flight = cache.mark_started(subject, time.time())
        watch = Watch(product_id, subject, time.time())
        target = target_of(product_id)
        _refresh(target, subject, flight, cache.LAST_SEEN_SECONDS, guess=False, watch=watch, told=told)


def refresh(
    target: Target, subject: str | None = None, keep_seconds: int = cache.LAST_SEEN_SECONDS, guess: bool = False
) -> None:
    """Asks the product everything and writes each answer to the cache as it arrives. Waits; for workers only."""
    subject = subject or subject_of(target.product_id)
    with contextlib.suppress(CacheDownError):
        _refresh(target, subject, cache.mark_started(subject, time.time()), keep_seconds, guess)


def _refresh(
    target: Target,
    subject: str,
    flight: str,
    keep_seconds: int,
    guess: bool,
    watch: Watch | None = None,
    told: Callable[[Answer], None] | None = None,
) -> None:
    record = cache.read(subject)
    known = record.seen
    if watch:
        watch.begin(record)
    breaker.load(breaker.host_of(url) for _, url in target.links)

    async def explore(hands: Caller, emit: Emit) -> None:
        await Explorer(hands, target, emit, known, guess).run()

    write = partial(_write, subject, flight, keep_seconds, watch=watch)

    def heard(answer: Answer) -> None:
        write(answer)
        if told:
            told(answer)

    answered = _run(explore, heard)
    gone = [part for part in known if part not in answered and part.startswith("contract:")]
    # A list that could not be read says nothing of what is gone.
    if answered.get("contracts"):
        cache.forget_parts(subject, gone, flight)
    for part in (*PARTS, *_listed(subject)):
        if part not in answered:
            write(Answer(part, problem=_CUT_SHORT))
    cache.mark_done(subject, time.time(), flight)
    if watch:  # after the page has all it waits for: writing an event may take a while
        watch.finish()


def _listed(subject: str) -> list[str]:
    """The parts of the contracts that the product lists. Raises CacheDownError."""
    listing = cache.read(subject).seen.get("contracts")
    return [ref.part for ref in listing.view.refs] if listing and isinstance(listing.view, ContractListView) else []


def refresh_sample(product_id: int, artifact_id: str) -> None:
    """Asks for an artifact's sample rows, at the address its product gave. Waits; for workers only. No database query.

    Does nothing where the product no longer gives one: who looks sees that from the product itself.
    """
    with contextlib.suppress(CacheDownError):
        product = state.product_of(product_id, cache.read(subject_of(product_id)), time.time())
        artifact = product.artifact(artifact_id)
        url = artifact.links.get("sample") if artifact else None
        if url is None:
            return
        subject = sample_subject(product_id, url)
        flight = cache.mark_started(subject, time.time())
        before = cache.read(subject).seen.get("sample")

        async def explore(hands: Caller, emit: Emit) -> None:
            try:
                fetched, view = await hands.call(
                    url,
                    lambda document, _: gateway_index.sample(document),
                    report=emit,
                    etag=before.etag if before else None,
                )
            except FetchError as exc:
                problem = _NEEDS_ACCESS if exc.status in (401, 403) else exc.problem
                emit(Answer("sample", problem=problem, url=url, declared=problem is _NEEDS_ACCESS))
                return
            view = before.view if view is None and before else view
            emit(Answer("sample", view, None, url, fetched.elapsed_ms, fetched.etag, fetched.cache_seconds))

        write = partial(_write, subject, flight, cache.LAST_SEEN_SECONDS)
        if not _run(explore, write):
            write(Answer("sample", problem=_CUT_SHORT, url=url))
        cache.mark_done(subject, time.time(), flight)


_NEEDS_ACCESS = Problem(
    "bad_status", "Sample rows need access to this artifact.", "Its owner shows rows only to those with access."
)
_CUT_SHORT = Problem(
    "slow", "The product's answers took too long together.", "Try again in a moment; what came in time is shown."
)


def _run(
    explore: Callable[[Caller, Emit], Coroutine[Any, Any, None]], write: Callable[[Answer], None]
) -> dict[str, bool]:
    """Runs on the process's loop, writes what is emitted as it comes; the parts answered, and whether with a view.

    Gives the thread's database connection back first: a worker has far more threads that wait than connections.
    """
    if not connection.in_atomic_block:
        connection.close()  # with a pool: gives it back
    emitted: queue.SimpleQueue[Answer | HostOutcome | None] = queue.SimpleQueue()

    async def whole(hands: Caller) -> None:
        try:
            await explore(hands, emitted.put)
        finally:
            emitted.put(None)

    # A little less than the whole, so that who waited in vain is still told why.
    future = caller.submit(whole, TASK_DEADLINE_SECONDS - 0.5)
    answered: dict[str, bool] = {}
    outcomes: dict[str, list[bool]] = {}
    until = time.monotonic() + TASK_DEADLINE_SECONDS
    with contextlib.suppress(queue.Empty):
        while (item := emitted.get(timeout=max(0.01, until - time.monotonic()))) is not None:
            if isinstance(item, HostOutcome):
                outcomes.setdefault(item.host, []).append(item.ok)
                continue
            answered[item.part] = item.view is not None
            with contextlib.suppress(CacheDownError):
                write(item)
    if future.done():
        future.result()  # a fault of ours is not swallowed
    else:
        future.cancel()
    for host, oks in outcomes.items():
        breaker.record(host, any(oks), failures=len(oks))
    return answered


def _write(subject: str, flight: str, keep_seconds: int, answer: Answer, watch: Watch | None = None) -> None:
    now = time.time()
    if answer.problem is not None:
        retry_at = None if answer.declared else now + cache.FAILED_SECONDS
        failed = Failed(now, answer.problem, retry_at, answer.url)
        cache.write_failed(subject, answer.part, failed, keep_seconds, flight)
    else:
        fresh_until = now + max(cache.FRESH_SECONDS_MIN, answer.cache_seconds)
        seen = Seen(now, answer.latency_ms, answer.url, answer.etag, fresh_until, bounded(answer.view))
        drifts = watch is not None and watch.sees(answer.part, seen.view)
        cache.write_seen(subject, answer.part, seen, keep_seconds, flight, drifts)
