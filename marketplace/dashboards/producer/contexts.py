"""What the templates of the producer's dashboard get: rows in their final shape."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from marketplace.accounts.models import User
from marketplace.catalogue.contexts import Action, Empty, Page
from marketplace.dashboards import charts, switch
from marketplace.dashboards.charts import Chart
from marketplace.dashboards.producer import queries
from marketplace.live.drift.noticing import EVENT
from marketplace.measure import queries as measured
from marketplace.measure.periods import CHOICES, USUAL, Period
from marketplace.measure.queries import Compared, Figures, Unanswered
from marketplace.notices.words import WORDS, detail
from registry.models import Event, Product

PER_PAGE = 25
QUESTIONS = 50
UNANSWERED = 20
Context = dict[str, Any]
Key = Callable[["Row"], tuple[Any, ...]]


@dataclass(frozen=True)
class Figure:
    """A number of the period, how it compares with the days before, and its course; `text` is the number in words."""

    name: str
    text: str
    note: str
    chart: Chart | None = None


@dataclass(frozen=True)
class Row:
    """A product in the list."""

    product: Product
    url: str
    figures: Compared
    followers: int
    chart: Chart | None = None
    drifts: int = 0


@dataclass(frozen=True)
class Column:
    """A column one can sort by; `sorted` is ascending, descending or empty."""

    label: str
    url: str
    sorted: str
    num: bool = True


@dataclass(frozen=True)
class Choice:
    """One of several periods."""

    label: str
    url: str
    active: bool


@dataclass(frozen=True)
class Happened:
    """One thing that happened to a product."""

    event: Event
    title: str
    icon: str
    detail: str


def _by(figure: Callable[[Row], float | None], *, least_first: bool = False) -> Key:
    """Sorts by a figure; products without it come last."""

    def key(row: Row) -> tuple[Any, ...]:
        value = figure(row)
        return (value is None, 0 if value is None else value if least_first else -value)

    return key


SORTS: dict[str, tuple[str, Key]] = {
    "title": ("Product", lambda row: (row.product.title.casefold(),)),
    "views": ("Page views", _by(lambda row: row.figures.now.views)),
    "found": ("Found by searches", _by(lambda row: row.figures.now.found)),
    "rank": ("Average rank", _by(lambda row: row.figures.now.rank, least_first=True)),
    "clicks": ("Clicks", _by(lambda row: row.figures.now.clicks)),
    "followers": ("Followers", _by(lambda row: row.followers)),
}
SORT = "views"


@dataclass(frozen=True)
class Asked:
    """What the list is asked for: the period, the order and the page, each with a usual value for what is unknown."""

    period: Period
    sort: str
    page: int

    def url(self, path: str, **changes: Any) -> str:
        """The address of the same list with changes; what is usual is left out."""
        pairs = {"days": self.period.days, "sort": self.sort, "page": self.page, **changes}
        usual = {"days": USUAL, "sort": SORT, "page": 1}
        said = {name: value for name, value in pairs.items() if value != usual.get(name)}
        return f"{path}?{urlencode(said)}" if said else path


def listed(user: User, period: Period, sort: str = SORT) -> list[Row]:
    """All products of the person's teams in that order. Three queries however many."""
    products = queries.own(user)
    ids = [product.pk for product in products]
    figures = measured.by_product(ids, period) if ids else {}
    followers = queries.followers(ids) if ids else {}
    rows = [
        Row(product, url_of(product), figures.get(product.pk, Compared()), followers.get(product.pk, 0))
        for product in products
    ]
    return sorted(rows, key=SORTS[sort][1])


def shown(rows: Sequence[Row], page: int) -> Sequence[Row]:
    """The rows of one page."""
    return rows[(page - 1) * PER_PAGE : page * PER_PAGE]


def overview(user: User, asked: Asked) -> Context:
    """The list. Eight queries however many products."""
    period, path = asked.period, reverse("dashboards:producer")
    rows = listed(user, period, asked.sort)
    ids, slugs = [row.product.pk for row in rows], queries.domains_of(row.product for row in rows)
    total = sum((row.figures for row in rows), Compared())
    course = measured.total_by_day(ids, period) if ids else [Figures()] * period.days
    unanswered = measured.unanswered(slugs, period, UNANSWERED) if slugs else []
    page = shown(rows, asked.page)
    return {
        "nav": "",
        "sides": switch.sides(user, "producer"),
        "period": period,
        "periods": periods(asked.period, lambda days: asked.url(path, days=days, page=1)),
        "sentence": _sentence(rows, total, period, unanswered),
        "figures": figures_of(total, course, period),
        "columns": columns(asked, path),
        "rows": _drawn(page, period),
        "unanswered": unanswered,
        "gateways_url": asked.url(reverse("dashboards:producer-gateways")),
        "csv": {
            name: asked.url(reverse("dashboards:producer-csv", args=[name]), page=1)
            for name in ("products", "gateways", "unanswered")
        },
        "page": Page(
            asked.page,
            asked.url(path, page=asked.page - 1) if asked.page > 1 else None,
            asked.url(path, page=asked.page + 1) if asked.page * PER_PAGE < len(rows) else None,
        ),
        "empty": None if page else _nothing(bool(rows), asked.url(path, page=1)),
    }


def product(found: Product, period: Period) -> Context:
    """One product. Five queries."""
    path = url_of(found)
    compared = measured.by_product([found.pk], period).get(found.pk, Compared())
    course = measured.by_day([found.pk], period)[found.pk]
    days = list(period)
    return {
        "nav": "",
        "product": found,
        "period": period,
        "periods": periods(period, lambda days: path if days == USUAL else f"{path}?days={days}"),
        "sentence": _product_sentence(compared, period),
        "figures": figures_of(compared, course, period, axis=True),
        "days": [(day, figures) for day, figures in zip(days, course, strict=True)][::-1],
        "questions": measured.questions(found.pk, period, QUESTIONS),
        "followers": queries.followers([found.pk]).get(found.pk, 0),
        "happened": happened([found.urn], period),
        "gateway_url": reverse("dashboards:producer-gateway", args=[found.domain.slug, found.name]),
        "csv": {
            name: f"{reverse('dashboards:producer-product-csv', args=[found.domain.slug, found.name, name])}"
            f"?days={period.days}"
            for name in ("days", "questions", "gateway")
        },
    }


def url_of(found: Product) -> str:
    """The product's page on the dashboard."""
    return reverse("dashboards:producer-product", args=[found.domain.slug, found.name])


def periods(period: Period, url: Callable[[int], str]) -> list[Choice]:
    """The periods to choose from."""
    return [Choice(f"{days} days", url(days), days == period.days) for days in CHOICES]


def columns(asked: Asked, path: str) -> list[Column]:
    """The head of the list."""
    return [
        Column(
            label,
            asked.url(path, sort=name, page=1),
            "" if name != asked.sort else "ascending" if name in ("title", "rank") else "descending",
            num=name != "title",
        )
        for name, (label, _) in SORTS.items()
    ]


def figures_of(total: Compared, course: Sequence[Figures], period: Period, *, axis: bool = False) -> list[Figure]:
    """What stands above the tables. `course`: of each day. `axis`: with what is counted for one product alone."""
    now, before, days = total.now, total.before, list(period)

    def counted(name: str, what: str) -> Figure:
        value = getattr(now, what)
        note = compared(value, getattr(before, what), period)
        return Figure(name, f"{value:,}", note, charts.by_day(name, days, [getattr(day, what) for day in course]))

    found = [
        counted("Page views", "views"),
        counted("Searches that found it" if axis else "Shown in searches", "found"),
    ]
    found += [counted("Clicks from searches", "clicks")]
    rank, click_rank = now.rank, now.click_rank
    clicked = f"{click_rank:.1f} where it was clicked" if click_rank else "1 is the first"
    found.append(Figure("Average rank", f"{rank:.1f}" if rank else "–", clicked if rank else "not found by a search"))
    if axis:
        found += [counted("Artifacts opened", "artifacts"), counted("Contracts opened", "contracts")]
    return found


def compared(now: int, before: int, period: Period) -> str:
    """In words: "12 more than in the 30 days before"."""
    than = f"the {period.days} days before"
    if not before:
        return f"none in {than}" if now else f"none in {than} either"
    if now == before:
        return f"as many as in {than}"
    return f"{abs(now - before):,} {'more' if now > before else 'fewer'} than in {than}"


def happened(urns: Sequence[str], period: Period) -> list[Happened]:
    """Drift, certification, health and service levels. One query."""
    return [
        Happened(event, *WORDS[event.type], detail(event))
        for event in queries.happened(urns, period.first)
        if event.type in WORDS
    ]


def _drawn(rows: Sequence[Row], period: Period) -> list[Row]:
    """The rows of a page with their course and how often a contract of theirs changed. Two queries."""
    if not rows:
        return []
    course = measured.by_day([row.product.pk for row in rows], period)
    events = queries.happened([row.product.urn for row in rows], period.first, limit=1000)
    drifts: Mapping[str, int] = Counter(event.subject for event in events if event.type == EVENT)
    days = list(period)
    return [
        Row(
            row.product,
            row.url,
            row.figures,
            row.followers,
            charts.by_day(f"{row.product.title}: page views", days, [day.views for day in course[row.product.pk]]),
            drifts.get(row.product.urn, 0),
        )
        for row in rows
    ]


def _sentence(rows: Sequence[Row], total: Compared, period: Period, unanswered: Sequence[Unanswered]) -> str:
    if not rows:
        return ""
    now = total.now
    said = (
        f"{_many(len(rows), 'product')}. In the last {period.days} days their pages were opened "
        f"{_times(now.views)}, and searches showed them {_times(now.found)}."
    )
    if unanswered:
        count = len(unanswered)
        many = f"{count} or more questions" if count == UNANSWERED else _many(count, "question")
        said += f" {many} near your domains had no good answer."
    return said


def _product_sentence(total: Compared, period: Period) -> str:
    now = total.now
    if not (now.views or now.found):
        return f"Nobody opened its page in the last {period.days} days, and no search found it."
    share = f", and {now.click_share:.0%} of these led to it" if now.click_share else ""
    return (
        f"In the last {period.days} days its page was opened {_times(now.views)}, "
        f"{_many(now.found, 'search', 'searches')} found it{share}."
    )


def _many(count: int, one: str, more: str = "") -> str:
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _nothing(any_at_all: bool, first: str) -> Empty:
    if any_at_all:
        return Empty("There is no such page", "The list ends before it.", [Action("First page", first)])
    text = (
        "Here you see how the products of your teams are found and used: views, searches, clicks, and what their "
        "gateways count. Publish one, and the first figures follow within seconds of the first visitor."
    )
    actions = [Action("Publish a product", reverse("publishing:start")), Action("Browse", reverse("catalogue:browse"))]
    return Empty("You have no products yet", text, actions)
