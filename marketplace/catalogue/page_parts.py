"""All live parts of the product page in one answer: those that have changed since this browser was last told."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2s
from itertools import zip_longest

from django.template import loader
from django.urls import reverse
from django.utils.safestring import SafeString

from marketplace.catalogue.live_contexts import CARD, SECTIONS, Section
from marketplace.catalogue.live_parts import Live, Polling
from marketplace.live import services as live
from marketplace.live.state import LiveProduct, Part
from registry.models import Product

PARTS: dict[str, Section] = {"card": CARD, **SECTIONS}


@dataclass(frozen=True)
class Answer:
    """What the browser gets: the parts that changed as HTML, each of which finds its place by its id.

    `poll_url` is set while it shall ask again after `poll_ms`; `said`, for those who hear the page: what has arrived.
    """

    parts: SafeString
    poll_url: str
    poll_ms: int
    said: str


def nothing_new(product_id: str, polling: Polling, have: str) -> Answer | None:
    """The answer to who has all there is so far, while more is under way; None for everybody else.

    It shows nothing, so it matters not who asks, and of which product: no query, one read of Redis.
    """
    if not (product_id.isascii() and product_id.isdigit() and len(product_id) < 16 and polling.may_go_on):
        return None
    found = live.look(int(product_id), ask=False)
    if not found.waiting or have != ".".join(_versions(found, polling)):
        return None
    return Answer(SafeString(""), _next(found, polling), polling.delay_ms, "")


def answer(product: Product, found: LiveProduct, polling: Polling, have: str) -> Answer:
    """`polling`: of all parts together; `have`: what the address of the question before said the browser shows.

    Costs what the changed parts cost to render, and nothing else.
    """
    shown = have.split(".")[: len(PARTS)]
    html, arrived = "", []
    for (name, part), now, before in zip_longest(PARTS.items(), _versions(found, polling), shown):
        if now == before:
            continue
        alone = Polling(f"{polling.together}{name}/", polling.asked, polling.again, polling.together)
        context = part.context(name, product, found, alone)
        html += loader.get_template(part.frame).render(context)
        if not context["live"].own_url:
            arrived.append((part.title, context["live"]))
    waits = any(part.waiting or part.state == "loading" for part in found.parts) and polling.may_go_on
    return Answer(
        parts=SafeString(html),  # what the templates made
        poll_url=_next(found, polling) if waits else "",
        poll_ms=polling.delay_ms,
        said=_in_words(arrived),
    )


def first(product: Product, found: LiveProduct) -> tuple[str, int]:
    """The first question of a page that shows nothing of the product yet: its address, and when to ask (ms)."""
    url = address(product)
    polling = Polling(url, together=url)
    if any(part.view is not None or part.problem or not part.waiting for part in found.parts):
        return polling.next_url, 0
    return _next(found, polling), polling.delay_ms


def _next(found: LiveProduct, polling: Polling) -> str:
    """The address of the next question, which says what the browser shows by then."""
    return f"{polling.next_url}&p={found.product_id}&have={'.'.join(_versions(found, polling))}"


def _versions(found: LiveProduct, polling: Polling) -> list[str]:
    return [_version(part, found, gave_up=not polling.may_go_on) for part in PARTS.values()]


def address(product: Product) -> str:
    """Where all live parts of the product's page come from; each alone comes from its name below it."""
    return reverse("catalogue:live-parts", args=[product.domain.slug, product.name])


def _version(section: Section, found: LiveProduct, *, gave_up: bool) -> str:
    """Another text where the part would be shown otherwise, but not as it ages."""
    now = datetime.now(UTC)
    told = [_told(part, now) for part in section.reads(found)]
    return blake2s(repr((gave_up, told)).encode(), digest_size=4).hexdigest()


def _told(part: Part, now: datetime) -> tuple[object, ...]:
    # Each second of waiting is told where there is nothing to read; who reads what was seen before is left in peace.
    asked_at = part.asked_at if part.waiting and part.view is None else None
    waited = int((now - asked_at).total_seconds()) if asked_at else 0
    outcome = part.state, part.waiting, part.problem, part.failing_since
    return part.name, part.url, part.seen_at, part.latency_ms, waited, *outcome


def _in_words(arrived: Iterable[tuple[str, Live]]) -> str:
    """ "Live: About, Artifacts. Does not answer: Contract." """
    by_word: dict[str, list[str]] = {}
    for title, shown in arrived:
        by_word.setdefault(shown.word, []).append(title)
    return " ".join(f"{word}: {', '.join(titles)}." for word, titles in by_word.items())
