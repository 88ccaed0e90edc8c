"""Who looks at an address that somebody had looked at within the hour finds what came of it, and need not wait."""

from __future__ import annotations

import contextlib
import hashlib
from urllib.parse import urlsplit

from . import cache
from .cache import CacheDownError
from .state import LiveProduct

KEEP_SECONDS = 3600


def note(token: str, found: LiveProduct) -> None:
    """Remembers a finished inspection under the addresses that really answered: what a product says of others is not
    believed, and a document on another host is not its own for being linked. A round trip to Redis for each of two at
    most; without Redis nothing is remembered.
    """
    answered = [part.url for part in (found.index, found.metadata) if part.view is not None and part.url]
    for url in {url for url in answered if origin_of(url) == origin_of(answered[0])}:
        remember(url, token)


def origin_of(url: str) -> tuple[str, str]:
    """Scheme and host with port."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def remember(url: str, token: str) -> None:
    """This inspection is what is known of the address. One round trip."""
    with contextlib.suppress(CacheDownError):
        cache.client().run(lambda conn: conn.set(_key(url), token, ex=KEEP_SECONDS))


def token_of(url: str) -> str:
    """The token of the last inspection of the address; empty without one. One round trip. Raises CacheDownError."""
    token = cache.client().run(lambda conn: conn.get(_key(url)))
    return token.decode() if isinstance(token, bytes) else ""


def _key(url: str) -> str:
    return f"{cache.PREFIX}inspection-of:{hashlib.sha256(url.encode(errors='surrogatepass')).hexdigest()}"
