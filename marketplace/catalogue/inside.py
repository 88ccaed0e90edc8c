"""Searching inside products: a page and a fragment that fill while gateways reply, and the same for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from marketplace.accounts.origin import client_address
from marketplace.catalogue import artifact_ids
from marketplace.catalogue import queries as catalogue
from marketplace.catalogue.contexts import Segment
from marketplace.catalogue.filters import Filters
from marketplace.live import inside
from marketplace.live.cache import CacheDownError
from marketplace.live.errors import Problem
from marketplace.live.inside import ProductFound, Search
from marketplace.live.matching import Row
from registry import queries
from registry.access import person, product_or_404
from registry.models import Product

ROWS = 100  # on one page, of all products together
DELAYS_MS = (100, 150, 250, 250, 400)  # between the questions of a browser, while the search is under way
NOWHERE = Problem("not_offered", "No product fits this question.", "Ask for other things, or with fewer filters.")
NO_LONGER = Problem("cache_down", "What was found is no longer kept.", "Search again.")


@dataclass(frozen=True)
class RowContext:
    """One match, as the page shows it."""

    product: str
    product_url: str
    artifact: str
    column: str
    url: str
    why: str
    segments: Sequence[Segment]


@dataclass(frozen=True)
class Silent:
    """A product that did not answer in time. `old`: what is shown of it is from before."""

    title: str
    url: str
    why: str
    old: bool


@dataclass(frozen=True)
class Inside:
    """A search inside products as far as it is. `poll_url` is set while the browser shall ask again."""

    question: str
    words: Sequence[str]
    sentence: str
    rows: Sequence[RowContext]
    more: int
    silent: Sequence[Silent]
    waiting: bool
    poll_url: str | None
    poll_ms: int
    problem: Problem | None


@require_safe
@never_cache
def everywhere(request: HttpRequest) -> HttpResponse:
    """Inside the products that the same question and filters find, the best fifty of them."""
    filters = Filters.read(reverse("catalogue:search"), request.GET)
    search = _continued(request) or inside.begin(filters.question, candidates(filters), askers(request))
    context = {
        "inside": _context(request, search),
        "heading": "Search inside products",
        "search_hidden": [{"name": name, "value": value} for name, value in filters.pairs() if name != "q"],
        "back": {"title": "The products themselves", "url": filters.url()},
        "action": request.path,
    }
    return _answer(request, search, context)


@require_safe
@never_cache
def product(request: HttpRequest, domain: str, name: str) -> HttpResponse:
    """Inside one product."""
    found = product_or_404(request.user, domain, name)
    question = request.GET.get("q", "")
    search = _continued(request) or inside.begin(question, [found.pk] if question.strip() else [], askers(request))
    context = {
        "inside": _context(request, search),
        "heading": f"Search inside {found.title}",
        "back": {"title": found.title, "url": found.get_absolute_url()},
        "action": request.path,
    }
    return _answer(request, search, context)


def candidates(filters: Filters) -> list[int]:
    """The ids of the products that the search finds, best first; none where nothing is asked."""
    if not filters.question:
        return []
    return [hit.product.pk for hit in catalogue.found(filters, limit=inside.PRODUCTS).hits]


def askers(request: HttpRequest) -> list[str]:
    """Whom a search is counted for: the person where there is one, and the address."""
    user = person(request.user)
    return [*([f"user:{user.pk}"] if user else []), f"address:{client_address(request)}"]


def visible(request: HttpRequest, search: Search) -> dict[int, Product]:
    """The products of a search that the person may see now. Two queries."""
    ids = [found.product_id for found in search.products]
    allowed = queries.visible_to(person(request.user)).filter(pk__in=ids) if ids else ()
    return {product.pk: product for product in allowed}


def _continued(request: HttpRequest) -> Search | None:
    """The search that the browser asks for again; None where it begins one."""
    key = request.GET.get("key", "")
    if not key:
        return None
    try:
        found = inside.look(key) if key.isascii() and key.isalnum() and len(key) == 32 else None
    except CacheDownError:
        found = None
    return found or Search(request.GET.get("q", ""), (), problem=NO_LONGER)


def _context(request: HttpRequest, search: Search) -> Inside:
    products = visible(request, search)
    found = [entry for entry in search.products if entry.product_id in products]
    rows = sorted(
        ((row, products[entry.product_id]) for entry in found for row in entry.rows), key=lambda pair: -pair[0].score
    )
    count = sum(entry.more for entry in found) + len(rows)
    asked = _number(request)
    query = request.GET.copy()
    query["key"], query["n"] = search.key, str(asked + 1)
    return Inside(
        question=search.question,
        words=search.words,
        sentence=_sentence(search, found, count),
        rows=[_row(product, row) for row, product in rows[:ROWS]],
        more=count - min(len(rows), ROWS),
        silent=[_silent(products[entry.product_id], entry) for entry in found if _is_late(entry)],
        waiting=search.waiting,
        poll_url=f"{request.path}?{query.urlencode()}" if search.waiting else None,
        poll_ms=DELAYS_MS[min(asked, len(DELAYS_MS) - 1)],
        problem=_problem(search),
    )


def _is_late(entry: ProductFound) -> bool:
    return entry.state in ("partly", "before", "silent")


def _number(request: HttpRequest) -> int:
    text = request.GET.get("n", "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def _problem(search: Search) -> Problem | None:
    if not search.wait_seconds:
        return search.problem or (None if search.products else NOWHERE)
    return Problem(
        "busy",
        f"These were many searches inside products: at most {inside.SEARCHES} in a minute.",
        f"Try again in {search.wait_seconds} seconds.",
    )


def _row(product: Product, row: Row) -> RowContext:
    page = product.get_absolute_url()
    if row.artifact_id:
        page = reverse(
            "catalogue:artifact", args=[product.domain.slug, product.name, artifact_ids.address(row.artifact_id)]
        )
    return RowContext(
        product=product.title,
        product_url=product.get_absolute_url(),
        artifact=row.artifact,
        column=row.column,
        url=page,
        why=row.why,
        segments=[Segment(text, match) for text, match in row.segments],
    )


def _silent(product: Product, entry: ProductFound) -> Silent:
    return Silent(product.title, product.get_absolute_url(), entry.why or inside.TOO_LATE, old=entry.state == "before")


def _sentence(search: Search, found: Sequence[ProductFound], count: int) -> str:
    if not found:
        return ""
    answered = sum(entry.state in ("answered", "partly") for entry in found)
    matches = f"{count:,} {'match' if count == 1 else 'matches'}"
    so_far = " so far" if search.waiting else ""
    of = f"{answered} of {len(found)}" if len(found) > 1 else ("the product" if answered else "no product")
    return f"{matches}{so_far}; {of} answered"


def _answer(request: HttpRequest, search: Search, context: dict[str, Any]) -> HttpResponse:
    """The bare fragment for htmx, the whole page else; both work by themselves."""
    polled = request.htmx  # type: ignore[attr-defined] # set by django-htmx's middleware
    template = "catalogue/inside/_results.html" if polled else "catalogue/inside/page.html"
    response = render(request, template, {"nav": "browse", "question": search.question, **context})
    if search.wait_seconds and not polled:  # htmx would show nothing of an error
        response.status_code = 429
        response["Retry-After"] = str(search.wait_seconds)
    return response


def link(filters: Filters) -> str | None:
    """Where the same question is searched inside the products; None where nothing is asked."""
    pairs = filters.pairs()
    return f"{reverse('catalogue:inside')}?{urlencode(pairs)}" if filters.question else None
