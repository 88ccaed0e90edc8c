"""The one spine: every verb records an event, and rooms that must react subscribe to types.

Delivery is at least once: after commit a Celery task per subscriber reads the log from the subscriber's cursor, in
PostgreSQL. A lost broker delays a reaction; the scheduler's `registry.deliver_all` makes up for it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import Count, Min
from django.utils import timezone

from marketplace.accounts.models import User
from registry.models import Event, EventCursor

log = structlog.get_logger(__name__)

BATCH = 500
# Any constant does; it must only be the same everywhere.
COMMIT_ORDER_LOCK = 0x4D455348


@dataclass(frozen=True)
class Subscriber:
    """A room that reacts: its name is its cursor's, the handler gets batches of events in order and is idempotent."""

    name: str
    types: frozenset[str]
    handler: Callable[[Sequence[Event]], None]


SUBSCRIBERS: dict[str, Subscriber] = {}


def subscribe(name: str, types: set[str], handler: Callable[[Sequence[Event]], None]) -> None:
    """Registers a subscriber; called from AppConfig.ready."""
    SUBSCRIBERS[name] = Subscriber(name, frozenset(types), handler)


@dataclass(frozen=True)
class NewEvent:
    """What a verb says: type, the URN it is about, and a small JSON object."""

    type: str
    subject: str
    data: dict[str, Any]


def record(type: str, subject: str, actor: User | None, **data: Any) -> Event:
    """Writes one event in the caller's transaction and wakes its subscribers after commit. Two queries.

    Must be the last write of a verb: it takes the lock that keeps ids in the order of commits, until commit.
    """
    return record_many([NewEvent(type, subject, data)], actor)[0]


def record_many(events: Sequence[NewEvent], actor: User | None) -> list[Event]:
    """The same for many events at once. Two queries."""
    if not connection.in_atomic_block:
        raise RuntimeError("An event is recorded in the transaction of the verb it speaks of.")
    with connection.cursor() as cursor:
        # Ids are drawn at insert but seen at commit: without this, a reader could pass over one that commits late.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [COMMIT_ORDER_LOCK])
    name = actor.username if actor else ""
    rows = Event.objects.bulk_create(
        Event(type=event.type, subject=event.subject, actor=name, data=event.data) for event in events
    )
    types = {event.type for event in events}
    for subscriber in SUBSCRIBERS.values():
        if types & subscriber.types:
            _wake_after_commit(subscriber.name)
    return rows


_to_wake: ContextVar[set[str] | None] = ContextVar("to_wake", default=None)


@contextmanager
def woken_once() -> Iterator[None]:
    """Within it many transactions wake each subscriber once, at the end, and not after each commit.

    For many verbs in a row: a message for each costs more than the verb, and subscribers work better on many events.
    """
    names: set[str] = set()
    before = _to_wake.set(names)
    try:
        yield
    finally:
        _to_wake.reset(before)
        for name in names:
            _wake(name)


def _wake_after_commit(subscriber: str) -> None:
    transaction.on_commit(lambda: _wake(subscriber), robust=True)


def _wake(subscriber: str) -> None:
    from registry.tasks import enqueue_delivery  # tasks call deliver() below

    names = _to_wake.get()
    if names is None:
        enqueue_delivery(subscriber)
    else:
        names.add(subscriber)


@dataclass(frozen=True)
class Lag:
    """How far a subscriber is behind: events it was not given yet, and the age of the oldest in seconds."""

    events: int
    seconds: float


def lags() -> dict[str, Lag]:
    """By subscriber. One query, and one for each of them."""
    positions = dict(EventCursor.objects.values_list("subscriber", "position"))
    found = {}
    for name in SUBSCRIBERS:
        ahead = Event.objects.filter(id__gt=positions.get(name, 0)).aggregate(count=Count("id"), oldest=Min("time"))
        oldest = ahead["oldest"]
        found[name] = Lag(ahead["count"], (timezone.now() - oldest).total_seconds() if oldest else 0.0)
    return found


def deliver_all() -> None:
    """Every subscriber catches up; one that fails does not keep the others from it.

    Raises RuntimeError at the end, naming those that failed, whose faults were logged.
    """
    failed = []
    for name in SUBSCRIBERS:
        try:
            deliver(name)
        except Exception:
            log.exception("events.delivery_failed", subscriber=name)
            failed.append(name)
    if failed:
        raise RuntimeError(f"not all events could be delivered to {', '.join(failed)}")


def deliver(name: str) -> int:
    """Hands the subscriber all events past its cursor, batch by batch; returns how many it was given.

    Two deliveries at once are safe: the second waits for the first's batch, then reads on from there. A handler that
    raises leaves the cursor where it was, and the next delivery tries again.
    """
    subscriber = SUBSCRIBERS[name]
    EventCursor.objects.get_or_create(subscriber=name)
    delivered = 0
    while True:
        with transaction.atomic():
            cursor = EventCursor.objects.select_for_update().get(subscriber=name)
            events = list(Event.objects.filter(id__gt=cursor.position)[:BATCH])
            if not events:
                return delivered
            wanted = [event for event in events if event.type in subscriber.types]
            if wanted:
                subscriber.handler(wanted)
            cursor.position = events[-1].id
            cursor.save(update_fields=["position"])
            delivered += len(wanted)
