"""What pages and the API say was seen. Each costs one exchange with Redis, no query, and never fails."""

import hashlib
import time
from datetime import UTC, datetime
from typing import Any, Literal

from django.conf import settings
from django.http import HttpRequest

from marketplace.measure import buffer, visits
from marketplace.measure.text import kept, normal, telling
from registry.models import Product
from search.queries import MEANING_AND_TEXT, STOPPED
from search.ranking import CLOSE, Filters
from search.results import Hit, Results

SHOWN = 100  # hits of one page at most


def viewed(request: HttpRequest, product: Product) -> None:
    """Somebody opened the page of a product; where the page before was a list of hits, it is a click on one."""
    if product.is_listed and visits.by_a_person(request):
        _put(visits.who(request), {"kind": "view", "product": product.pk, "q": visits.question_before(request)})


def opened(request: HttpRequest, product: Product, what: Literal["artifact", "contract"]) -> None:
    """Somebody opened the page of an artifact or a contract."""
    if product.is_listed and visits.by_a_person(request):
        _put(visits.who(request), {"kind": what, "product": product.pk})


def searched(request: HttpRequest, typed: str, found: Results, *, offset: int, source: Literal["page", "api"]) -> None:
    """Somebody asked a question and was shown these hits, the first at rank `offset` + 1. Without a question: nothing.

    Programs count where they ask the API: that is demand too. Pages count where a person reads them.
    """
    question = normal(typed)
    if not question or not settings.MEASURE or (source == "page" and not visits.by_a_person(request)):
        return
    _put(
        visits.who(request),
        {
            "kind": "search",
            "source": source,
            "question": kept(typed),
            "normal": question,
            "key": _key(question, found.filters, offset),
            "results": found.total,
            "similarity": _similarity(found),
            "poor": offset == 0 and poor(typed, found),
            "offset": offset,
            "hits": [hit.product.pk for hit in found.hits[:SHOWN]],
        },
    )


def searched_by_program(
    sender: Any, *, request: HttpRequest, typed: str, found: Results, offset: int, **_: Any
) -> None:
    """A receiver of `search.signals.answered`."""
    searched(request, typed, found, offset=offset, source="api")


def poor(typed: str, found: Results) -> bool:
    """Whether nothing answers the question well: nothing is close in meaning, and no product has all of its words.

    Unknown, so no, where meaning was not compared, or where filters may have kept the answer out.
    """
    filters = found.filters
    narrowed = filters != Filters(domain=filters.domain)
    if narrowed or found.mode != MEANING_AND_TEXT or STOPPED in found.notes:
        return False
    return (_similarity(found) or 0.0) < CLOSE and not any(_has_all(hit, telling(typed)) for hit in found.hits)


def _has_all(hit: Hit, words: set[str]) -> bool:
    """Whether the address is the product's, or each of the words matched it somewhere."""
    matched = {word for reason in hit.reasons for text in reason.words for word in telling(text)}
    return any(reason.kind == "address" for reason in hit.reasons) or (bool(words) and len(matched) >= len(words))


def _similarity(found: Results) -> float | None:
    return max((hit.similarity for hit in found.hits if hit.similarity is not None), default=None)


def _key(question: str, filters: Filters, offset: int) -> str:
    """One list of hits: the same again that day is no other search."""
    return hashlib.md5(f"{question}\0{filters!r}\0{offset}".encode(), usedforsecurity=False).hexdigest()


def _put(who: str, data: dict[str, Any]) -> None:
    now = time.time()
    buffer.put(who, datetime.fromtimestamp(now, UTC).date(), {"at": round(now, 3), **data})
