"""What pages and tasks call: look at a product, refresh it. Nothing here waits for a gateway in a web request."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog

from marketplace.celery import app as celery
from registry import queries

from . import breaker, cache, state
from .cache import CacheDownError
from .caller import Caller
from .drift import watching
from .drift.watching import Watch
from .errors import FetchError, Problem
from .exploration import Exploration
from .explore import PARTS, Answer, Emit, Explorer, Target, answer_of, not_offered
from .formats import gateway_index
from .parsing import Document
from .record import Record
from .state import LiveArtifact, LiveProduct, Part
from .view import SampleView
from .writing import BREAKER_SECONDS

log = structlog.get_logger(__name__)

TASK_EXPIRES_SECONDS = 10  # a question nobody took for so long is asked anew by who still looks
TASK_DEADLINE_SECONDS = 20.0
MANY = 50  # products of one message


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


def look_many(product_ids: Sequence[int], *, ask: bool = True) -> dict[int, LiveProduct]:
    """Many products as `look` shows one: those that are stale are asked anew with one message for MANY of them.

    Never raises. Two round trips to Redis, five when it asks. No database query.
    """
    subjects = {product_id: subject_of(product_id) for product_id in product_ids}
    now = time.time()
    try:
        records = dict(zip(subjects, cache.read_many(subjects.values()), strict=True))
        due = {one: record for one, record in records.items() if not record.in_flight and record.is_due(now)}
        if ask and due:
            _ask_for_many(due)
            records |= zip(due, cache.read_many(subjects[one] for one in due), strict=True)
    except CacheDownError:
        return {product_id: state.product_unavailable(product_id) for product_id in subjects}
    return {product_id: state.product_of(product_id, record, now) for product_id, record in records.items()}


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


def ask_worker(subject: str, task: str, args: tuple[Any, ...], record: Record, keep_seconds: int) -> bool:
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


def _ask_for_many(records: Mapping[int, Record]) -> None:
    """Puts the question of each product to the workers unless it is already put. Raises CacheDownError."""
    subjects = {subject_of(product_id): product_id for product_id in records}
    flights = cache.take_flights({subject: records[one] for subject, one in subjects.items()}, time.time())
    taken = list(flights.items())
    for first in range(0, len(taken), MANY):
        some = taken[first : first + MANY]
        args = [subjects[subject] for subject, _ in some], [flight for _, flight in some]
        try:
            celery.send_task(
                "live.refresh_many", args=args, expires=TASK_EXPIRES_SECONDS, retry=False, ignore_result=True
            )
        except Exception as exc:  # kombu raises many kinds, all of which mean the same here
            log.warning("live_enqueue_failed", task="live.refresh_many", error=str(exc))
            for subject, flight in taken[first:]:
                cache.drop_flight(subject, flight)
            raise CacheDownError("the broker did not take the task") from exc


def _read_and_ask(subject: str, task: str, args: tuple[Any, ...], ask: bool) -> Record:
    record = cache.read(subject)
    if ask and not record.in_flight and record.is_due(time.time()):
        ask_worker(subject, task, args, record, cache.LAST_SEEN_SECONDS)
        record = cache.read(subject)
    return record


def target_of(product_id: int) -> Target:
    """The registered links of a product; none when it is gone. One query."""
    return targets_of([product_id])[product_id]


def targets_of(product_ids: Sequence[int]) -> dict[int, Target]:
    """As `target_of`, of many. One query."""
    links = queries.addresses_of(product_ids)
    return {one: Target(one, f"product {one}", tuple(links.get(one, ()))) for one in product_ids}


def refresh_product(product_id: int, told: Callable[[Answer], None] | None = None) -> None:
    """Asks a registered product everything. Waits; for workers only. `told` hears each answer as it arrives."""
    subject = subject_of(product_id)
    with contextlib.suppress(CacheDownError):  # without Redis there is nobody to tell
        asked_at = time.time()
        flight, record = cache.begin(subject, asked_at)
        watch = Watch(product_id, subject, asked_at)
        watch.begin(record)
        exploration = Exploration(subject, flight, record, watch=watch, told=told)
        _explore(target_of(product_id), record, exploration)
        watching.finish([watch])  # after the page has all it waits for: writing an event may take a while


def refresh(
    target: Target, subject: str | None = None, keep_seconds: int = cache.LAST_SEEN_SECONDS, inspecting: bool = False
) -> None:
    """Asks the product everything and writes each answer to the cache as it arrives. Waits; for workers only."""
    subject = subject or subject_of(target.product_id)
    with contextlib.suppress(CacheDownError):
        flight, record = cache.begin(subject, time.time())
        _explore(target, record, Exploration(subject, flight, record, keep_seconds), inspecting)


def _explore(target: Target, record: Record, exploration: Exploration, inspecting: bool = False) -> None:
    breaker.load(BREAKER_SECONDS)

    async def explore(hands: Caller, emit: Emit) -> None:
        await Explorer(hands, target, emit, record.seen, inspecting).run()

    exploration.run(explore, PARTS, TASK_DEADLINE_SECONDS)


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
        flight, record = cache.begin(subject, time.time())
        breaker.load(BREAKER_SECONDS)

        async def explore(hands: Caller, emit: Emit) -> None:
            before = record.seen.get("sample")
            try:
                called = await hands.call(url, _sample, report=emit, before=before)
            except FetchError as exc:
                problem = _NEEDS_ACCESS if exc.status in (401, 403) else exc.problem
                emit(Answer("sample", problem=problem, url=url, declared=problem is _NEEDS_ACCESS))
                return
            emit(answer_of("sample", called, url))

        Exploration(subject, flight, record).run(explore, ("sample",), TASK_DEADLINE_SECONDS)


def _sample(document: Document, _url: str) -> SampleView:
    return gateway_index.sample(document)


_NEEDS_ACCESS = Problem(
    "bad_status", "Sample rows need access to this artifact.", "Its owner shows rows only to those with access."
)
