"""How the index follows the registry: a subscriber of the event log."""

from collections.abc import Sequence

from django.db import transaction

from registry import events
from registry.models import Event
from search import indexer
from search.tasks import enqueue_embedding

SUBSCRIBER = "search"
TYPES = {
    "product.drafted",
    "product.published",
    "product.updated",
    "product.paused",
    "product.resumed",
    "product.deprecated",
    "product.retired",
    "product.transferred",
}


def follow(batch: Sequence[Event]) -> None:
    """Indexes what the events are about, by the registry's present state, and asks for vectors after commit."""
    if indexer.index_urns(event.subject for event in batch):
        transaction.on_commit(enqueue_embedding, robust=True)


def subscribe() -> None:
    """Called once, when the app is ready."""
    events.subscribe(SUBSCRIBER, TYPES, follow)
