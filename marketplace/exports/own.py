"""A product's own ODPS document, as it is: what it wrote itself loses nothing on the way."""

from __future__ import annotations

from dataclasses import dataclass

from marketplace.live import originals
from marketplace.live.originals import Original
from marketplace.live.state import LiveProduct

STANDARD = "ODPS v"


@dataclass(frozen=True, slots=True)
class Own:
    """The document as it came, None where there is none to be had. `waiting`: it may come in a moment."""

    body: bytes | None = None
    is_yaml: bool = False
    waiting: bool = False


def odps(product_id: int, seen: LiveProduct) -> Own:
    """At once, with up to two round trips to Redis; a worker fetches what is not there."""
    part = seen.metadata
    if part.view is None:
        return Own(waiting=part.waiting)
    if not part.view.standard.startswith(STANDARD) or not part.url:
        return Own()
    found = originals.look(product_id, part.url)
    if not isinstance(found.view, Original):
        return Own(waiting=found.waiting and found.problem is None)
    body = found.view.body
    return Own(body, is_yaml=not body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"))
