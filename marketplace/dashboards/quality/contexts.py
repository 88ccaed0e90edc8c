"""What the page of search quality shows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from marketplace.dashboards import charts
from marketplace.dashboards.producer.contexts import Figure, compared, periods
from marketplace.dashboards.producer.tables import unanswered
from marketplace.dashboards.sheets import Sheet
from marketplace.measure import quality, queries
from marketplace.measure.periods import USUAL, Period
from marketplace.measure.quality import Quality

SHOWN = 30
MOST = 5000  # rows of a file


@dataclass(frozen=True)
class Measured:
    """The days of a period, their sum, and the sum of as many days before."""

    days: Sequence[Quality]
    now: Quality
    before: Quality


def measured(period: Period) -> Measured:
    """One query."""
    both = quality.by_day(period.before, 2 * period.days, period.last)
    before, days = both[: period.days], both[period.days :]
    return Measured(days, sum(days, Quality()), sum(before, Quality()))


def page(period: Period) -> dict[str, Any]:
    """Three queries."""
    found, path = measured(period), reverse("dashboards:quality")
    return {
        "nav": "",
        "period": period,
        "periods": periods(period, lambda days: path if days == USUAL else f"{path}?days={days}"),
        "sentence": _sentence(found.now, period),
        "figures": figures(found, period),
        "unanswered": queries.unanswered(None, period, SHOWN),
        "left": quality.left_alone(period, SHOWN),
        "csv": {
            name: f"{reverse('dashboards:quality-csv', args=[name])}?days={period.days}"
            for name in ("days", "unanswered", "left")
        },
    }


def figures(found: Measured, period: Period) -> list[Figure]:
    """The numbers above the tables."""
    days, now, before = list(period), found.now, found.before

    def share(name: str, what: Callable[[Quality], float | None], note: str) -> Figure:
        course = [round(100 * (what(day) or 0.0)) for day in found.days]
        value, earlier = what(now), what(before)
        than = f"{earlier:.0%} in the {period.days} days before" if earlier is not None else note
        chart = charts.by_day(name, days, course, "{}%".format, total=False)
        return Figure(name, "–" if value is None else f"{value:.0%}", than, chart)

    def rank_text(value: float | None, digits: int) -> str:
        return "–" if value is None else f"{value:.{digits}f}"

    reciprocal = [round(100 * (day.reciprocal_rank or 0.0)) for day in found.days]
    earlier = before.reciprocal_rank
    return [
        Figure(
            "Questions",
            f"{now.questions:,}",
            compared(now.questions, before.questions, period),
            charts.by_day("Questions", days, [day.questions for day in found.days]),
        ),
        share("Led to a product", lambda day: day.click_share, "the others were left"),
        Figure(
            "Mean reciprocal rank of clicks",
            rank_text(now.reciprocal_rank, 2),
            f"{earlier:.2f} in the {period.days} days before"
            if earlier is not None
            else "1 is best; 0 without a click",
            charts.by_day("Mean reciprocal rank", days, reciprocal, lambda value: f"{value / 100:.2f}", total=False),
        ),
        Figure("Rank of the hit that was clicked", rank_text(now.rank, 1), "on average; 1 is the first"),
        share("Without a good answer", lambda day: day.poor_share, "nothing close in meaning or with all words"),
    ]


def _days(period: Period) -> Sheet:
    header = ["day", "questions", "clicked", "mean_reciprocal_rank", "average_clicked_rank", "poor", "empty"]
    rows = (
        (day, found.questions, found.clicked, found.reciprocal_rank, found.rank, found.poor, found.empty)
        for day, found in zip(period, measured(period).days, strict=True)
    )
    return Sheet("search-quality", header, rows)


def _unanswered(period: Period) -> Sheet:
    return unanswered(None, period)


def _left(period: Period) -> Sheet:
    rows = ((q.text, q.people, q.results, q.last) for q in quality.left_alone(period, MOST))
    return Sheet("questions-left", ["question", "people_a_day", "results", "last_day"], rows)


SHEETS: dict[str, Callable[[Period], Sheet]] = {"days": _days, "unanswered": _unanswered, "left": _left}


def _sentence(now: Quality, period: Period) -> str:
    if not now.questions:
        return f"Nobody asked anything in the last {period.days} days."
    asked = "One question was" if now.questions == 1 else f"{now.questions:,} questions were"
    return (
        f"{asked} asked in the last {period.days} days; {now.click_share:.0%} led to a product, "
        f"and {now.poor_share:.0%} had no good answer."
    )
