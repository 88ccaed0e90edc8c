"""How well the search answered people: reads over all that was asked on pages. For stewards."""

from dataclasses import dataclass
from datetime import date

from django.db import connection

from marketplace.measure.periods import Period

# What one person asks on a day with the same words is one question, whatever its filters and pages.
ASKED = """
WITH asked AS (
    SELECT search.day, search.person, search.normal, max(search.question) AS question,
           bool_or(search.poor) AS poor, max(search.results) AS results, min(click.rank) AS rank
    FROM measure_search AS search LEFT JOIN measure_searchclick AS click ON click.search_id = search.id
    WHERE search.source = 'page' AND search.day BETWEEN %(from)s AND %(to)s
    GROUP BY search.day, search.person, search.normal
)
"""
BY_DAY = f"""{ASKED}
SELECT day, count(*), count(rank), coalesce(sum(1.0 / rank), 0)::float, coalesce(sum(rank), 0)::bigint,
       count(*) FILTER (WHERE poor), count(*) FILTER (WHERE results = 0)
FROM asked GROUP BY day
"""  # noqa: S608 # constants
LEFT = f"""{ASKED}
SELECT normal, max(question), count(*), max(results), max(day) FROM asked
WHERE NOT poor AND results > 0
GROUP BY normal HAVING count(rank) = 0
ORDER BY 3 DESC, 5 DESC, 1 LIMIT %(limit)s
"""  # noqa: S608 # constants


@dataclass(frozen=True)
class Quality:
    """Questions of people, each once a day and person. Shares and means are None of nothing.

    `reciprocal_sum` adds 1 / rank of the best hit that was clicked, `rank_sum` that rank; `poor` had no good answer,
    `empty` none at all.
    """

    questions: int = 0
    clicked: int = 0
    reciprocal_sum: float = 0.0
    rank_sum: int = 0
    poor: int = 0
    empty: int = 0

    @property
    def reciprocal_rank(self) -> float | None:
        """The mean reciprocal rank of clicks, 0 to 1; a question without a click counts as 0."""
        return self.reciprocal_sum / self.questions if self.questions else None

    @property
    def rank(self) -> float | None:
        """The rank of the best hit that was clicked, on average over the questions with a click."""
        return self.rank_sum / self.clicked if self.clicked else None

    @property
    def click_share(self) -> float | None:
        """The share of questions that led to a product, 0 to 1; the others were left."""
        return self.clicked / self.questions if self.questions else None

    @property
    def poor_share(self) -> float | None:
        """The share of questions without a good answer, 0 to 1."""
        return self.poor / self.questions if self.questions else None

    def __add__(self, other: "Quality") -> "Quality":
        return Quality(
            self.questions + other.questions,
            self.clicked + other.clicked,
            self.reciprocal_sum + other.reciprocal_sum,
            self.rank_sum + other.rank_sum,
            self.poor + other.poor,
            self.empty + other.empty,
        )


@dataclass(frozen=True)
class Left:
    """A question that had answers and led nobody to any: `people` a day, `results` at most."""

    text: str
    people: int
    results: int
    last: date


def by_day(first: date, days: int, last: date) -> list[Quality]:
    """Of each day from `first` to `last`, which are so many, in order. One query."""
    found = [Quality()] * days
    with connection.cursor() as cursor:
        cursor.execute(BY_DAY, {"from": first, "to": last})
        for day, *figures in cursor.fetchall():
            found[(day - first).days] = Quality(*figures)
    return found


def left_alone(period: Period, limit: int) -> list[Left]:
    """Questions with answers that nobody followed, most asked first. One query."""
    with connection.cursor() as cursor:
        cursor.execute(LEFT, {"from": period.first, "to": period.last, "limit": limit})
        return [Left(*row[1:]) for row in cursor.fetchall()]
