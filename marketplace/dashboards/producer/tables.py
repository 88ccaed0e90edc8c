"""Everything that the dashboard shows, as tables to take away."""

from collections.abc import Callable, Sequence
from typing import Any

from marketplace.accounts.models import User
from marketplace.catalogue.live_parts import Polling
from marketplace.dashboards.producer import queries
from marketplace.dashboards.producer.contexts import Row, listed
from marketplace.dashboards.producer.gateways import Gateway, gateways
from marketplace.dashboards.sheets import Sheet
from marketplace.measure import queries as measured
from marketplace.measure.periods import Period
from marketplace.measure.queries import NAMES, Figures
from registry.models import Product

MOST = 5000  # questions in a file
FIGURES = (*(name for name in NAMES if not name.endswith("_sum")), "average_rank", "average_clicked_rank")


def _products(user: User, period: Period, sort: str) -> Sheet:
    header = ["urn", "title", "lifecycle", "first_day", "last_day", *FIGURES, "followers"]
    header += [f"{name}_before" for name in FIGURES]
    return Sheet("products", header, (_product(row, period) for row in listed(user, period, sort)))


def _product(row: Row, period: Period) -> list[Any]:
    named = [row.product.urn, row.product.title, row.product.lifecycle, period.first, period.last]
    return [*named, *_figures(row.figures.now), row.followers, *_figures(row.figures.before)]


def _figures(found: Figures) -> list[Any]:
    counted = [getattr(found, name) for name in FIGURES[:-2]]
    return [*counted, found.rank, found.click_rank]


def _unanswered(user: User, period: Period, sort: str) -> Sheet:
    return unanswered(queries.domains_of(queries.own(user)), period)


def unanswered(domains: Sequence[str] | None, period: Period) -> Sheet:
    """Questions without a good answer near these domains, of the whole mesh for None."""
    header = ["question", "searches", "people_a_day", "similarity_of_nearest", "last_day", "near_domains"]
    found = measured.unanswered(domains, period, MOST)
    rows = ((q.text, q.searches, q.people, q.similarity, q.last, " ".join(q.near)) for q in found)
    return Sheet("unanswered-questions", header, rows)


GATEWAY = ("state", "seen_at", "source", "requests", "downloads", "queries", "orders", "bytes", "consumers", "health")


def _gateways(user: User, period: Period, sort: str) -> Sheet:
    products = [row.product for row in listed(user, period, sort)]
    found = gateways(products, Polling(""), ask=False)
    return Sheet("gateways", ["urn", *GATEWAY], ([row.product.urn, *_counts(row)] for row in found))


def _gateway(product: Product, period: Period) -> Sheet:
    return Sheet("gateway", GATEWAY, [_counts(gateways([product], Polling(""), ask=False)[0])])


def _counts(row: Gateway) -> Sequence[Any]:
    found = row.counted
    seen = row.live.asked_at.isoformat(timespec="seconds") if found and row.live.asked_at else None
    numbers = [getattr(found, name, None) for name in GATEWAY[3:-1]]
    return [row.live.state, seen, row.live.source_url, *numbers, row.health_word]


def _days(product: Product, period: Period) -> Sheet:
    course = measured.by_day([product.pk], period)[product.pk]
    rows = ([day, *_figures(figures)] for day, figures in zip(period, course, strict=True))
    return Sheet(f"{product.name}-days", ["day", *FIGURES], rows)


def _questions(product: Product, period: Period) -> Sheet:
    header = ["question", "searches", "people_a_day", "average_rank", "best_rank", "clicks", "last_day"]
    found = measured.questions(product.pk, period, MOST)
    rows = ((q.text, q.searches, q.people, q.rank, q.best_rank, q.clicks, q.last) for q in found)
    return Sheet(f"{product.name}-questions", header, rows)


# Over all products of the person's teams, in the order of the list; and about one product.
OF_ALL: dict[str, Callable[[User, Period, str], Sheet]] = {
    "products": _products,
    "gateways": _gateways,
    "unanswered": _unanswered,
}
OF_ONE: dict[str, Callable[[Product, Period], Sheet]] = {
    "days": _days,
    "questions": _questions,
    "gateway": _gateway,
}
