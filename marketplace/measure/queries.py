"""Every read of what was counted. Who may see it is decided by who asks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date

from django.db import connection

from marketplace.measure.periods import Period


@dataclass(frozen=True)
class Figures:
    """What was counted of a product, or of several together. Means and shares are None of nothing."""

    views: int = 0
    viewers: int = 0
    found: int = 0
    rank_sum: int = 0
    clicks: int = 0
    click_rank_sum: int = 0
    artifacts: int = 0
    contracts: int = 0

    @property
    def rank(self) -> float | None:
        """At which rank searches showed it, on average."""
        return self.rank_sum / self.found if self.found else None

    @property
    def click_rank(self) -> float | None:
        """At which rank it was when it was clicked, on average."""
        return self.click_rank_sum / self.clicks if self.clicks else None

    @property
    def click_share(self) -> float | None:
        """The share of searches that showed it and led to it, 0 to 1."""
        return self.clicks / self.found if self.found else None

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(*(getattr(self, name) + getattr(other, name) for name in NAMES))


NAMES = tuple(field.name for field in fields(Figures))
SUMS = ", ".join(f"coalesce(sum({name}) FILTER (WHERE day {{when}}), 0)::bigint" for name in NAMES)

BY_PRODUCT = f"""
SELECT product_id, {SUMS.format(when=">= %(first)s")}, {SUMS.format(when="< %(first)s")}
FROM measure_productday
WHERE product_id = ANY(%(products)s) AND day BETWEEN %(before)s AND %(last)s
GROUP BY product_id
"""  # noqa: S608 # names of our own columns
BY_DAY = f"""
SELECT product_id, day, {", ".join(NAMES)} FROM measure_productday
WHERE product_id = ANY(%(products)s) AND day BETWEEN %(first)s AND %(last)s
"""  # noqa: S608 # names of our own columns
TOTAL_BY_DAY = f"""
SELECT day, {", ".join(f"sum({name})::bigint" for name in NAMES)} FROM measure_productday
WHERE product_id = ANY(%(products)s) AND day BETWEEN %(first)s AND %(last)s
GROUP BY day
"""  # noqa: S608 # names of our own columns
QUESTIONS = """
SELECT search.normal, (array_agg(search.question ORDER BY search.at DESC))[1], count(*),
       count(DISTINCT (search.day, search.person)),
       avg(search.rank)::float, min(search.rank), count(click.id), max(search.day)
FROM (
    SELECT *, "offset" + array_position(hits, %(product)s::bigint) AS rank FROM measure_search
    WHERE hits @> ARRAY[%(product)s::bigint] AND day BETWEEN %(first)s AND %(last)s
) AS search
LEFT JOIN measure_searchclick AS click ON click.search_id = search.id AND click.product_id = %(product)s
GROUP BY search.normal
ORDER BY 3 DESC, 8 DESC, 1
LIMIT %(limit)s
"""
PEOPLE = 2  # who asked a question before those who may answer it read it: what one person typed may be theirs alone
UNANSWERED = """
SELECT normal, (array_agg(question ORDER BY at DESC))[1], count(*), count(DISTINCT (day, person)), max(similarity),
       max(day), (array_agg(array_to_string(near, ',') ORDER BY at DESC))[1]
FROM measure_search
WHERE poor AND (%(domains)s::varchar[] IS NULL OR near && %(domains)s::varchar[]) AND day BETWEEN %(first)s AND %(last)s
GROUP BY normal
HAVING %(domains)s::varchar[] IS NULL OR count(DISTINCT (day, person)) >= %(people)s
ORDER BY 4 DESC, 3 DESC, 6 DESC, 1
LIMIT %(limit)s
"""


@dataclass(frozen=True)
class Compared:
    """The figures of a period, and those of as many days before it."""

    now: Figures = Figures()
    before: Figures = Figures()

    def __add__(self, other: "Compared") -> "Compared":
        return Compared(self.now + other.now, self.before + other.before)


@dataclass(frozen=True)
class Question:
    """A question that found a product: how many searches, people a day, ranks (1 is the first), and clicks on it."""

    text: str
    searches: int
    people: int
    rank: float
    best_rank: int
    clicks: int
    last: date


@dataclass(frozen=True)
class Unanswered:
    """A question without a good answer. `similarity` of the nearest product, if one was near at all; `near`: slugs."""

    text: str
    searches: int
    people: int
    similarity: float | None
    last: date
    near: tuple[str, ...]


def by_product(products: Iterable[int], period: Period) -> dict[int, Compared]:
    """Of each product that was seen at all. One query."""
    with connection.cursor() as cursor:
        cursor.execute(BY_PRODUCT, {"products": list(products), **_days(period)})
        half = len(NAMES) + 1
        return {row[0]: Compared(Figures(*row[1:half]), Figures(*row[half:])) for row in cursor.fetchall()}


def by_day(products: Sequence[int], period: Period) -> dict[int, list[Figures]]:
    """By product, the figures of each day of the period in order. One query; a row a product and day comes back."""
    found = {product: [Figures()] * period.days for product in products}
    with connection.cursor() as cursor:
        cursor.execute(BY_DAY, {"products": list(products), **_days(period)})
        for product, day, *figures in cursor.fetchall():
            found[product][(day - period.first).days] = Figures(*figures)
    return found


def total_by_day(products: Iterable[int], period: Period) -> list[Figures]:
    """The figures of all these products together on each day of the period, in order. One query."""
    found = [Figures()] * period.days
    with connection.cursor() as cursor:
        cursor.execute(TOTAL_BY_DAY, {"products": list(products), **_days(period)})
        for day, *figures in cursor.fetchall():
            found[(day - period.first).days] = Figures(*figures)
    return found


def questions(product: int, period: Period, limit: int) -> list[Question]:
    """The questions that found a product, most asked first. One query."""
    with connection.cursor() as cursor:
        cursor.execute(QUESTIONS, {"product": product, "limit": limit, **_days(period)})
        return [Question(*row[1:]) for row in cursor.fetchall()]


def unanswered(domains: Sequence[str] | None, period: Period, limit: int) -> list[Unanswered]:
    """Questions without a good answer, by how many people asked: those near these domains (slugs) that at least PEOPLE
    people or the same on as many days asked; for None all of them. One query.
    """
    asked = {"domains": None if domains is None else list(domains), "people": PEOPLE, "limit": limit, **_days(period)}
    with connection.cursor() as cursor:
        cursor.execute(UNANSWERED, asked)
        return [
            Unanswered(text, searches, people, similarity, last, tuple(filter(None, near.split(","))))
            for _, text, searches, people, similarity, last, near in cursor.fetchall()
        ]


def _days(period: Period) -> dict[str, date]:
    return {"before": period.before, "first": period.first, "last": period.last}
