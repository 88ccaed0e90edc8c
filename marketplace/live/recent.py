"""What an address answered within the last hour, whoever had it looked at: for products that are not registered yet."""

from __future__ import annotations

import contextlib
import hashlib
import time

from . import cache, inspection, state
from .cache import CacheDownError
from .explore import PARTS, not_offered
from .state import LiveProduct, Part


def note(token: str, found: LiveProduct) -> None:
    """Remembers a finished look under the addresses that really answered, which what it says of others does not touch.

    One round trip to Redis; without Redis nothing is remembered.
    """
    for url in {part.url for part in (found.index, found.metadata) if part.view is not None and part.url}:
        _remember(url, token)


def look(url: str) -> LiveProduct:
    """What the address last answered; has it looked at where nobody did within the hour. Never waits, never raises.

    Up to eight round trips to Redis.
    """
    try:
        token = cache.client().run(lambda conn: conn.get(_key(url)))
    except CacheDownError:
        return state.product_unavailable(0)
    found_token = token.decode() if isinstance(token, bytes) else ask_again(url)
    found = inspection.inspection(found_token)
    if found.state in ("expired", "unavailable"):
        found_token = ask_again(url)
        found = inspection.inspection(found_token)
    if found.state == "failed":
        with contextlib.suppress(CacheDownError):
            return state.product_of(0, cache.read(inspection.subject_of(found_token)), time.time())
    return found.live or state.product_unavailable(0)


def ask_again(url: str) -> str:
    """Has the address looked at anew, for who comes next; the token of the inspection."""
    token = inspection.inspect_url(url)
    _remember(url, token)
    return token


def nothing_to_ask() -> LiveProduct:
    """A product that names no address."""
    index, metadata, artifacts, contracts, health, metrics = map(_never, PARTS)
    return LiveProduct(0, index, metadata, artifacts, contracts, (), health, metrics)


def _never(name: str) -> Part:
    return Part(name, "never", problem=not_offered(name))


def _remember(url: str, token: str) -> None:
    with contextlib.suppress(CacheDownError):
        cache.client().run(lambda conn: conn.set(_key(url), token, ex=inspection.KEEP_SECONDS))


def _key(url: str) -> str:
    return f"{cache.PREFIX}inspection-of:{hashlib.sha256(url.encode(errors='surrogatepass')).hexdigest()}"
