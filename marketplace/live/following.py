"""The window follows the registry: where a product's links change, answers from the old addresses are forgotten."""

from __future__ import annotations

from collections.abc import Sequence

from registry import events, queries
from registry.models import Event

from . import cache, services

SUBSCRIBER = "live"
TYPES = {"product.updated", "link.changed"}


def follow(batch: Sequence[Event]) -> None:
    """Forgets what is known of products whose links changed. Three queries a product. Raises CacheDownError."""
    subjects = {event.subject for event in batch if "links" in event.data.get("changed", ["links"])}
    for urn in subjects:
        domain, _, name = urn.removeprefix("urn:dp:").partition(":")
        product = queries.by_address(domain, name)
        if product is not None:
            cache.forget(services.subject_of(product.pk))


def subscribe() -> None:
    """Called once, when the app is ready."""
    events.subscribe(SUBSCRIBER, TYPES, follow)
