"""The event log: written with each verb, delivered at least once, never changed."""

from collections.abc import Sequence

import pytest
from django.db import DatabaseError, connection, transaction

from registry import events, services
from registry.models import Event, EventCursor
from registry.tasks import deliver_all


def test_each_verb_writes_one_event(setup_product, producer):
    product = setup_product()
    services.pause(producer, product)
    services.resume(producer, product)
    services.deprecate(producer, product)
    services.retire(producer, product)
    log = Event.objects.values_list("type", "subject", "actor")
    assert [row[0] for row in log] == [
        "product.drafted",
        "product.published",
        "product.paused",
        "product.resumed",
        "product.deprecated",
        "product.retired",
    ]
    assert {row[1:] for row in log} == {("urn:dp:precipitation:daily-rain", "producer")}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE registry_event SET type = 'forged'",
        "DELETE FROM registry_event",
        "TRUNCATE registry_event",
    ],
)
def test_the_database_refuses_to_change_the_log(setup_product, statement):
    setup_product()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # ALTER TABLE waits for no deferred check
        cursor.execute("ALTER TABLE registry_event ENABLE TRIGGER registry_event_no_truncate")
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            cursor.execute(statement)
        cursor.execute("ALTER TABLE registry_event DISABLE TRIGGER registry_event_no_truncate")
    assert Event.objects.count() == 2


@pytest.fixture
def subscriber(monkeypatch):
    seen: list[str] = []

    def handler(batch: Sequence[Event]) -> None:
        seen.extend(event.type for event in batch)

    monkeypatch.setattr(events, "SUBSCRIBERS", {})
    events.subscribe("witness", {"product.published", "product.paused"}, handler)
    return seen


def test_a_subscriber_gets_what_it_asked_for_once_and_in_order(setup_product, producer, subscriber):
    product = setup_product()
    services.pause(producer, product)
    assert events.deliver("witness") == 2
    assert subscriber == ["product.published", "product.paused"]
    assert events.deliver("witness") == 0
    services.deprecate(producer, product)
    assert events.deliver("witness") == 0, "a type that was not asked for is passed over"


def test_a_handler_that_fails_is_given_the_same_events_again(setup_product, monkeypatch):
    attempts: list[int] = []

    def handler(batch: Sequence[Event]) -> None:
        attempts.append(len(batch))
        if len(attempts) == 1:
            raise RuntimeError("not today")

    monkeypatch.setattr(events, "SUBSCRIBERS", {})
    events.subscribe("witness", {"product.published"}, handler)
    setup_product()
    with pytest.raises(RuntimeError), transaction.atomic():
        events.deliver("witness")
    assert not EventCursor.objects.filter(subscriber="witness", position__gt=0).exists()
    assert events.deliver("witness") == 1
    assert attempts == [1, 1]


def test_one_failing_subscriber_does_not_keep_events_from_the_others(setup_product, monkeypatch):
    seen: list[int] = []

    def fail(batch: Sequence[Event]) -> None:
        raise ValueError("not today")

    monkeypatch.setattr(events, "SUBSCRIBERS", {})
    events.subscribe("broken", {"product.published"}, fail)
    events.subscribe("witness", {"product.published"}, lambda batch: seen.append(len(batch)))
    setup_product()
    with pytest.raises(RuntimeError, match="broken"):
        deliver_all()
    assert seen == [1]
    assert events.lags()["broken"].events == 2
    assert events.lags()["witness"].events == 0


def test_an_event_outside_a_transaction_is_refused(transactional_db):
    with pytest.raises(RuntimeError, match="transaction"):
        events.record("product.published", "urn:dp:a:b", None)


@pytest.mark.django_db(transaction=True)
def test_a_worker_delivers_after_commit(celery_worker, setup_product, subscriber, wait_for):
    setup_product()
    wait_for(lambda: "product.published" in subscriber)
