"""Delivery of events to subscribers, and cleaning up."""

import structlog
from celery import shared_task
from kombu.exceptions import OperationalError

from registry import events, undoing

log = structlog.get_logger(__name__)


@shared_task(name="registry.deliver")
def deliver(subscriber: str) -> None:
    """One subscriber catches up with the log."""
    events.deliver(subscriber)


@shared_task(name="registry.deliver_all")
def deliver_all() -> None:
    """Every subscriber catches up: the scheduler's answer to messages that a lost broker swallowed."""
    events.deliver_all()


@shared_task(name="registry.forget")
def forget() -> None:
    """Removes what can no longer be taken back. One statement."""
    undoing.forget()


def enqueue_delivery(subscriber: str) -> None:
    """Asks a worker to deliver now; without a broker the scheduler does it later."""
    try:
        deliver.apply_async((subscriber,), expires=300)
    except OperationalError as error:
        log.warning("events.broker_unreachable", subscriber=subscriber, error=str(error))
