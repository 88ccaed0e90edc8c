"""What the search boxes offer while somebody types, and similar products on a product's page: fragments of pages."""

from urllib.parse import parse_qs

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from marketplace.catalogue import queries
from marketplace.catalogue.tiles import tiles
from marketplace.notices import recent
from registry.access import person, product_or_404
from search import similar as searching
from search.suggesting import Suggestion, suggest

MOST_RECENT = 5
MOST_SIMILAR = 3


@require_safe
def typed(request: HttpRequest) -> HttpResponse:
    """The list below a search box: one's own questions that begin so, then domains, tags and products."""
    text = request.GET.get("q", "")
    found = [*_own(request, text), *suggest(text)]
    answer = render(request, "catalogue/_suggestions.html", {"suggestions": found})
    answer["Cache-Control"] = "private, max-age=30"
    return answer


def _own(request: HttpRequest, text: str) -> list[Suggestion]:
    if person(request.user) is None:
        return []
    begun = text.strip().casefold()
    found: dict[str, Suggestion] = {}
    for query in recent.asked_by(request.user):
        question = (parse_qs(query).get("q") or [""])[0]
        if question and question.casefold().startswith(begun) and question.casefold() != begun:
            found.setdefault(question, Suggestion("recent", question, f"{reverse('catalogue:search')}?{query}"))
    return list(found.values())[:MOST_RECENT]


@require_safe
def similar(request: HttpRequest, domain: str, name: str) -> HttpResponse:
    """A few products that say much the same, as tiles; empty where there are none."""
    product = product_or_404(request.user, domain, name)
    near = [each.product for each in searching.to(product, MOST_SIMILAR)]
    context = {"tiles": tiles(near, queries.domain_tree()) if near else []}
    return render(request, "catalogue/_similar.html", context)
