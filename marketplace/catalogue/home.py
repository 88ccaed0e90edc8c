"""The home page's context."""

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from marketplace.catalogue.contexts import Example, titled
from marketplace.catalogue.live_parts import Polling
from marketplace.catalogue.queries import domain_tree
from marketplace.catalogue.tiles import asked_tiles
from registry import queries

TILES = 6
DOMAINS = 14
ASKS = 5  # a tile that says nothing by then says so
QUESTIONS = (
    "flood risk for buildings",
    "air quality in New York",
    "daily temperature",
    "rainfall in France and the United States",
)


def context() -> dict[str, Any]:
    """What a visitor sees first. Five queries; the tiles' products are asked meanwhile."""
    domains = [row for row in domain_tree() if row.count]
    biggest = {row.pk for row in sorted(domains, key=lambda row: -row.count)[:DOMAINS]}
    search = reverse("catalogue:search")
    return {
        "nav": "",
        "products_count": sum(row.count for row in domains if row.parent_id is None),
        "domains": [titled(row) for row in domains if row.pk in biggest],
        "examples": [Example(text, f"{search}?{urlencode({'q': text})}") for text in QUESTIONS],
        "publish_url": reverse("publishing:start"),
        **tiles_context(Polling(reverse("catalogue:live-tiles"))),
    }


def tiles_context(polling: Polling) -> dict[str, Any]:
    """The newest products, how they answer, and when to look again while some have not answered."""
    tiles, waiting = asked_tiles(queries.newest(TILES), domain_tree())
    poll = waiting and polling.asked < ASKS
    return {"tiles": tiles, "poll_url": polling.next_url if poll else None, "poll_ms": polling.delay_ms}
