"""Tasks of the queue `live`. They run in a threads pool; their time limit is the door's deadline."""

from __future__ import annotations

from collections.abc import Sequence

from celery import shared_task

from . import inside, inspection, originals, services, sweeping
from .drift import given


@shared_task(name="live.refresh", ignore_result=True, acks_late=False)
def refresh(product_id: int) -> None:
    """Asks a product everything it offers."""
    services.refresh_product(product_id)


@shared_task(name="live.refresh_many", ignore_result=True, acks_late=False)
def refresh_many(product_ids: list[int], flights: Sequence[str] = ()) -> None:
    """Asks many products everything they offer. `flights`: what who asks for it took for each, in order."""
    sweeping.Sweep(product_ids, flights).run()


@shared_task(name="live.sample", ignore_result=True, acks_late=False)
def sample(product_id: int, artifact_id: str) -> None:
    """Asks for an artifact's sample rows."""
    services.refresh_sample(product_id, artifact_id)


@shared_task(name="live.inspect", ignore_result=True, acks_late=False)
def inspect(token: str, url: str) -> None:
    """Looks at an address somebody wants to publish."""
    inspection.inspect(token, url)


@shared_task(name="live.original", ignore_result=True, acks_late=False)
def original(product_id: int, url: str) -> None:
    """Fetches a document of a product byte for byte."""
    originals.refresh(product_id, url)


@shared_task(name="live.inside", ignore_result=True, acks_late=False)
def search_inside(key: str) -> None:
    """Searches inside many products at once."""
    inside.run(key)


@shared_task(name="live.contracts", ignore_result=True, acks_late=False)
def compare_contracts(token: str) -> None:
    """Compares two contracts that somebody gave."""
    given.run(token)
