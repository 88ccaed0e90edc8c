"""Products and search hits as tiles."""

from collections.abc import Iterable, Sequence

from marketplace.catalogue.contexts import Segment, Tile, domain_path, domain_titles
from marketplace.catalogue.live_parts import OLD_SECONDS, age
from marketplace.live import services as live
from marketplace.live.state import SLOW_MS, Part
from registry.models import Domain, Product
from search.results import Hit
from search.results import Segment as Marked

TEASER = 260  # characters of the summary on a tile; two lines show fewer
LEAD_IN = 60  # characters shown before the first match, where it stands late in a long summary


def tiles(products: Iterable[Product], domains: Iterable[Domain]) -> list[Tile]:
    """Tiles of products whose domain and tags are prefetched; `domains` gives the titles of the paths.

    One round trip to the live cache for all; no product is asked.
    """
    rows = list(products)
    titles, states = domain_titles(domains), live.glance([product.pk for product in rows])
    return [_tile(product, titles, states.get(product.pk)) for product in rows]


def asked_tiles(products: Iterable[Product], domains: Iterable[Domain]) -> tuple[list[Tile], bool]:
    """The same, and workers ask the products that are not fresh; tells whether any has not answered yet.

    Two round trips to the live cache, five when it asks: for a few dozen products.
    """
    rows = list(products)
    found = live.look_many([product.pk for product in rows])
    titles, seen = domain_titles(domains), {pk: live_product.health for pk, live_product in found.items()}
    return [_tile(product, titles, seen[product.pk]) for product in rows], any(part.waiting for part in seen.values())


def hit_tiles(hits: Sequence[Hit], domains: Iterable[Domain]) -> list[Tile]:
    """Tiles of search hits, with the words that matched and why each is there. One round trip to the live cache."""
    titles, states = domain_titles(domains), live.glance([hit.product.pk for hit in hits])
    return [_tile(hit.product, titles, states.get(hit.product.pk), hit) for hit in hits]


def _tile(product: Product, titles: dict[str, str], health: Part | None, hit: Hit | None = None) -> Tile:
    state, word = _state(health)
    return Tile(
        title=product.title,
        url=product.get_absolute_url(),
        domain_path=domain_path(product.domain, titles),
        summary=teaser(product.summary),
        type_label=product.get_type_display(),
        access_label=product.get_access_mode_display(),
        state=state,
        state_word=word,
        latency_ms=health.latency_ms if health and state in ("live", "slow") else None,
        tags=[tag.label for tag in product.tags.all()],
        why=[reason.text for reason in hit.reasons] if hit else (),
        title_segments=[Segment(text, match) for text, match in hit.title] if hit else (),
        summary_segments=marked_teaser(hit.summary) if hit else (),
    )


def _state(health: Part | None) -> tuple[str, str]:
    """The state and the word on a tile, empty for the usual one."""
    if health is None:
        return "unknown", ""
    if health.state == "never":
        return "unknown", "Gives no health"
    if health.state in ("down", "last_seen"):
        return "down", ""
    if health.view is None:
        return "unknown", "Asking" if health.waiting else ""
    if health.age_seconds is not None and health.age_seconds > OLD_SECONDS:
        return "unknown", f"Answered {age(health.age_seconds)}"
    return ("slow" if (health.latency_ms or 0) > SLOW_MS else "live"), ""


def teaser(summary: str) -> str:
    """The beginning of a summary, on one line, cut between words."""
    text = " ".join(summary.split())
    return text if len(text) <= TEASER else text[:TEASER].rsplit(" ", 1)[0] + " …"


def marked_teaser(parts: Sequence[Marked]) -> list[Segment]:
    """The part of a summary that a tile shows: the beginning, or from shortly before a first match that is late."""
    before = 0
    for text, match in parts:
        if match:
            break
        before += len(text)
    else:
        before = 0
    skip = before - LEAD_IN if before > TEASER - LEAD_IN else 0
    made, left = [], TEASER
    for text, match in parts:
        if skip >= len(text):
            skip -= len(text)
            continue
        piece = text[skip:]
        if skip:
            piece = "… " + piece.partition(" ")[2]
        skip = 0
        if len(piece) > left:
            made.append(Segment(piece[:left].rsplit(" ", 1)[0] + " …", match))
            break
        made.append(Segment(piece, match))
        left -= len(piece)
    return made
