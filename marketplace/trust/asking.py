"""What a product says that is not registered yet: asked by its address."""

from __future__ import annotations

import contextlib
import time

from marketplace.live import cache, inspection, recent, state
from marketplace.live.cache import CacheDownError
from marketplace.live.explore import PARTS, not_offered
from marketplace.live.state import LiveProduct, Part


def look(url: str) -> LiveProduct | None:
    """What the address last answered, None where nobody had it looked at within the hour. Asks nobody, never raises.

    Up to four round trips to Redis.
    """
    try:
        token = recent.token_of(url)
    except CacheDownError:
        return state.product_unavailable(0)
    if not token:
        return None
    found = inspection.inspection(token)
    if found.live is None and found.state == "failed":
        with contextlib.suppress(CacheDownError):
            return state.product_of(0, cache.read(inspection.subject_of(token)), time.time())
    return found.live or state.product_unavailable(0)


def ask_again(url: str) -> str:
    """Has the address looked at anew, for who comes next; the token of the inspection."""
    token = inspection.inspect_url(url)
    recent.remember(url, token)
    return token


def nothing_to_ask() -> LiveProduct:
    """A product that names no address."""
    index, metadata, artifacts, contracts, health, metrics = map(_never, PARTS)
    return LiveProduct(0, index, metadata, artifacts, contracts, (), health, metrics)


def _never(name: str) -> Part:
    return Part(name, "never", problem=not_offered(name))
