"""Pages of the producer's dashboard. All need a person signed in; figures are for the own team and administrators."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from marketplace.accounts.models import User
from marketplace.catalogue.live_parts import PATIENCE, Polling
from marketplace.dashboards.producer import contexts, tables
from marketplace.dashboards.producer.access import by_address
from marketplace.dashboards.producer.contexts import SORT, SORTS, Asked
from marketplace.dashboards.producer.gateways import gateway, gateways
from marketplace.dashboards.sheets import as_csv
from marketplace.measure import periods

LAST_PAGE = 10_000


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # every view here stands behind login_required
    return request.user


def asked_of(request: HttpRequest) -> Asked:
    """`?days=&sort=&page=`; what is none of the choices is as usual."""
    query = request.GET
    sort = query.get("sort", SORT)
    page = min(max(1, _number(query.get("page", "1"))), LAST_PAGE)
    return Asked(periods.read(query.get("days")), sort if sort in SORTS else SORT, page)


@login_required
@require_safe
@never_cache
def overview(request: HttpRequest) -> HttpResponse:
    """The products of one's teams: how they are found and used, and what is asked for near them."""
    return render(request, "dashboards/producer.html", contexts.overview(_person(request), asked_of(request)))


@login_required
@require_safe
@never_cache
def product(request: HttpRequest, domain: str, name: str) -> HttpResponse:
    """One product. 404 and 403 for those who may not see it."""
    found = by_address(request.user, domain, name)
    return render(request, "dashboards/producer_product.html", contexts.product(found, asked_of(request).period))


@login_required
@require_safe
@never_cache
def all_gateways(request: HttpRequest) -> HttpResponse:
    """What the gateways of one page of the list counted, asked of them now."""
    asked = asked_of(request)
    rows = contexts.shown(contexts.listed(_person(request), asked.period, asked.sort), asked.page)
    polling = _polling(request, asked.url(request.path))
    found = gateways([row.product for row in rows], polling)
    waiting = any(row.live.poll_url for row in found)
    context = {
        "rows": found,
        "poll_url": polling.next_url if waiting else None,
        "poll_ms": polling.delay_ms,
    }
    return _fragment(request, "dashboards/_producer_gateways.html", "What the gateways counted", context)


@login_required
@require_safe
@never_cache
def one_gateway(request: HttpRequest, domain: str, name: str) -> HttpResponse:
    """What the product's gateway counted."""
    found = gateway(by_address(request.user, domain, name), _polling(request, request.path))
    return _fragment(
        request, "dashboards/_producer_gateway.html", found.product.title, {"row": found, "live": found.live}
    )


@login_required
@require_safe
def csv(request: HttpRequest, table: str) -> HttpResponse:
    """A table of all products."""
    asked = asked_of(request)
    if table not in tables.OF_ALL:
        raise Http404(f"There is no table {table!r}.")
    return as_csv(tables.OF_ALL[table](_person(request), asked.period, asked.sort))


@login_required
@require_safe
def product_csv(request: HttpRequest, domain: str, name: str, table: str) -> HttpResponse:
    """A table about one product."""
    found = by_address(request.user, domain, name)
    if table not in tables.OF_ONE:
        raise Http404(f"There is no table {table!r}.")
    return as_csv(tables.OF_ONE[table](found, asked_of(request).period))


def _polling(request: HttpRequest, url: str) -> Polling:
    """How often the browser has asked for this fragment."""
    return Polling(url, min(_number(request.GET.get("n", "0")), PATIENCE), again="again" in request.GET)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _fragment(request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
    """The bare fragment for htmx; a page around it for a browser without scripts."""
    if request.htmx:  # type: ignore[attr-defined] # set by django-htmx's middleware
        return render(request, template, context)
    return render(request, "dashboards/part.html", {**context, "part_template": template, "title": title})
