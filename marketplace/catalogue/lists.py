"""Contexts of the lists: browse, a domain, the answers to a question. All are searches, some without a question."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import Http404, HttpRequest
from django.urls import reverse

from marketplace.catalogue import queries
from marketplace.catalogue.contexts import Action, DomainContext, Empty, Notice, Page, titled
from marketplace.catalogue.facets import chips, facets
from marketplace.catalogue.filters import Filters
from marketplace.catalogue.inside import link as inside_link
from marketplace.catalogue.tiles import hit_tiles, tiles
from marketplace.measure import recording
from marketplace.notices import recent
from marketplace.notices.contexts import follow_button, save_search
from registry import goals
from registry.models import Domain
from search import queries as searching
from search.results import Results

PAGE_SIZE = 24
LAST_PAGE = 400  # beyond this a list is narrowed, not paged


@dataclass(frozen=True)
class Head:
    """What stands above a list."""

    heading: str
    lead: str
    nav: str


BROWSE = Head("Browse data products", "Everything published, by name. Narrow it down, or ask in plain words.", "browse")
HOW_TO_PUBLISH = Action("How it is done", "/guides/publish/")
NEAREST = "What comes nearest without the filters"
SEARCH = Head("Search results", "", "browse")


def browse(request: HttpRequest) -> dict[str, Any]:
    """All listed products. At most fifteen queries, however many products."""
    filters = replace(Filters.read(request.path, request.GET), question="")
    return _listing(request, filters, BROWSE, queries.domain_tree())


def search(request: HttpRequest) -> dict[str, Any]:
    """Answers to `?q=`, best first; all products where nothing is asked."""
    filters = Filters.read(request.path, request.GET)
    context = _listing(request, filters, SEARCH if filters.question else BROWSE, queries.domain_tree(), counted=True)
    if filters.question and not filters.goal and context["page"].number == 1:
        context["notices"] += _goal(filters)
    return context


def clicked(request: HttpRequest) -> str | None:
    """The address of the same list with the filters that were typed into the question clicked; None without any."""
    filters = Filters.read(request.path, request.GET)
    return filters.url() if filters.typed else None


def domain(request: HttpRequest, slug: str) -> dict[str, Any]:
    """A domain's products and those below it. Raises Http404 where there is no such domain."""
    rows = queries.domain_tree()
    here = next((row for row in rows if row.slug == slug), None)
    if here is None:
        raise Http404(f"There is no domain {slug!r}.")
    filters = replace(Filters.read(request.path, request.GET), question="").within(slug)
    context = _listing(request, filters, Head(here.title, here.summary, "domains"), rows)
    context["domain"] = DomainContext(
        title=here.title,
        summary=here.summary,
        path=[titled(row) for row in rows if here.path.startswith(f"{row.path}/")],
        children=[titled(row) for row in rows if row.parent_id == here.pk],
    )
    context["search_hidden"].append({"name": "domain", "value": slug})
    context["follow"] = follow_button(request.user, here)
    return context


def domains() -> dict[str, Any]:
    """The whole tree, each domain with its count. One query."""
    rows = [titled(row) for row in queries.domain_tree()]
    empty = Empty("No domains yet", "A domain appears here when an administrator adds one.", [Action("Home", "/")])
    return {"nav": "domains", "lead": "", "domains": rows, "empty": None if rows else empty}


def _listing(
    request: HttpRequest, asked: Filters, head: Head, rows: Sequence[Domain], *, counted: bool = False
) -> dict[str, Any]:
    filters, notices = _known_domain(asked, rows)
    number = page_number(request)
    offset = (number - 1) * PAGE_SIZE
    found = queries.found(filters, limit=PAGE_SIZE, offset=offset)
    if counted:
        recording.searched(request, request.GET.get("q", ""), found, offset=offset, source="page")
    filters = replace(filters, question=found.question if filters.question else "")
    save = save_search(request.user, _looked_for(filters, found).pairs()) if not filters.domain_in_path else None
    if counted and save and number == 1:
        recent.asked(request.user, save.query)
    counts = searching.facets(found)
    suggested = found.suggestions.products if found.suggestions else ()
    return {
        "nav": head.nav,
        "heading": head.heading,
        "lead": head.lead,
        "question": filters.question,
        "domain": None,
        "facets": facets(filters, counts, rows, found.total),
        "chips": chips(filters, counts, rows),
        "clear_url": filters.bare().url() if filters.narrowed else None,
        "search_hidden": [{"name": name, "value": value} for name, value in filters.pairs() if name != "q"],
        "tiles": hit_tiles(found.hits, rows),
        "save": save,
        "inside_url": inside_link(filters) if found.hits and number == 1 else None,
        "suggested_title": NEAREST if filters.narrowed and filters.question else "New here",
        "suggested": tiles(suggested, rows) if filters.question or filters.narrowed else [],
        "sentence": _sentence(found, filters),
        "notices": [*notices, *_corrected(found, filters), *(Notice("info", note) for note in found.notes)],
        "empty": None if found.hits else _nothing(filters, found, number),
        "page": page(filters, number, more=number * PAGE_SIZE < found.total),
    }


def _looked_for(filters: Filters, found: Results) -> Filters:
    """The list with misspelt words as they were put right: who keeps the search means what they see."""
    question = filters.question
    for each in found.corrections:
        question = re.sub(rf"(?<!\w){re.escape(each.typed)}(?!\w)", each.used, question, flags=re.IGNORECASE)
    return replace(filters, question=question)


def _goal(filters: Filters) -> list[Notice]:
    """The goal that the question speaks of, as a way to what serves it."""
    goal = goals.named_in(filters.question)
    if goal is None:
        return []
    return [Notice("info", f"“{goal.title}” is a {goal.kind} here.", "", "See what serves it", goal.get_absolute_url())]


def page_number(request: HttpRequest) -> int:
    """`?page=` from 1; anything else is 1."""
    text = request.GET.get("page", "1")
    return max(1, min(int(text), LAST_PAGE)) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def page(filters: Filters, number: int, *, more: bool) -> Page:
    """Where one is, and the neighbours' addresses."""
    return Page(number, filters.url(number - 1) if number > 1 else None, filters.url(number + 1) if more else None)


def _known_domain(filters: Filters, rows: Sequence[Domain]) -> tuple[Filters, list[Notice]]:
    if not filters.domain or any(row.slug == filters.domain for row in rows):
        return filters, []
    text = f"There is no domain “{filters.domain}”, so all domains are shown."
    notice = Notice("warn", text, action_label="See the domains", action_url=reverse("catalogue:domains"))
    return replace(filters, domain=""), [notice]


def _corrected(found: Results, filters: Filters) -> list[Notice]:
    if not found.corrections:
        return []
    typed = ", ".join(f"“{each.typed}”" for each in found.corrections)
    used = ", ".join(f"“{each.used}”" for each in found.corrections)
    exactly = replace(filters, as_typed=True).url()
    text = f"No product has {typed}, so {used} was looked for."
    return [Notice("info", text, action_label="Search for what you typed", action_url=exactly)]


def _sentence(found: Results, filters: Filters) -> str:
    if not found.total:
        return ""
    products = f"{found.total:,} data product{'' if found.total == 1 else 's'}"
    if not filters.question:
        return f"{products}, by name"
    best = ", best first" if found.total > 1 else ""
    return f"{products}{best}, in {max(1, round(found.took_ms))} ms"


def _nothing(filters: Filters, found: Results, number: int) -> Empty:
    browse_all = Action("Browse everything", reverse("catalogue:browse"))
    if found.total:
        return Empty(
            "There is no such page", f"The list ends before page {number:,}.", [Action("First page", filters.url())]
        )
    if filters.narrowed:
        text = "Take one of the filters away to see more." + (
            " Below is what comes nearest without them." if filters.question else ""
        )
        return Empty(
            "Nothing fits all of these filters", text, [Action("Remove all filters", filters.bare().url()), browse_all]
        )
    if filters.question:
        text = "Try other words, or fewer: what it measures, where, and since when. Below is what is new here."
        return Empty("Nothing matches this question", text, [browse_all, Action("How to ask", "/guides/find-data/")])
    text = "Products appear here as soon as their owners publish them. One link to a product's description is enough."
    return Empty("No data products here yet", text, [Action("Publish a product", "/publish/"), HOW_TO_PUBLISH])
