"""Counting what waits, every few seconds; forgetting what is old, once a day."""

from celery import shared_task

from marketplace.measure import flushing, forgetting


@shared_task(name="measure.flush")
def flush() -> None:
    """Counts what waits in the buffer."""
    flushing.flush()


@shared_task(name="measure.forget")
def forget() -> None:
    """Removes what is older than its retention."""
    forgetting.forget()
