"""Service level objectives beside what the product measured of itself, where the two can be compared at all."""

from collections.abc import Iterable
from datetime import timedelta

from marketplace.catalogue.bounds import Bounds, Rows
from marketplace.catalogue.rows import Bar, SlaRow
from marketplace.catalogue.text import moment
from marketplace.live import view

WIDTH = 100.0  # of the drawing
_SECONDS = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 0.001),
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86_400.0),
    **dict.fromkeys(("w", "wk", "week", "weeks"), 7 * 86_400.0),
    **dict.fromkeys(("mo", "month", "months"), 30 * 86_400.0),
    **dict.fromkeys(("y", "yr", "year", "years"), 365 * 86_400.0),
}
_RESPONSE = {"responsetime", "latencyms", "querylatency", "apiresponsetime"}
_AGE = {"freshness", "frequency", "updatefrequency", "fr"}
_AVAILABILITY = {"availability", "uptime", "av"}


def rows(found: Iterable[view.SlaRow], measured: view.MetricsView | None, bounds: Bounds) -> Rows[SlaRow]:
    """The objectives in their order. Only what the product measures in the objective's own sense stands beside it:
    answers within a time (95 of 100), answers without an error, and how long ago the data changed.
    """
    return bounds.rows(found, lambda row: _row(row, measured))


def _row(row: view.SlaRow, measured: view.MetricsView | None) -> SlaRow:
    said, verdict, bar = _beside(row, measured) if measured else ("", "", None)
    return SlaRow(
        row.property,
        moment(row.value),
        row.unit or "",
        row.element or "",
        row.description or "",
        row.driver or "",
        row.schedule or "",
        said,
        verdict,
        bar,
    )


_Beside = tuple[str, str, Bar | None]
NOTHING: _Beside = ("", "", None)


def _beside(row: view.SlaRow, measured: view.MetricsView) -> _Beside:
    name = "".join(char for char in row.property.lower() if char.isalnum())
    objective = _number(row.value)
    if objective is None or objective < 0:
        return NOTHING
    unit = (row.unit or "").strip().lower()
    if name in _AVAILABILITY:
        return _availability(objective, unit, measured)
    seconds = _SECONDS.get(unit)
    if seconds is None:
        return NOTHING
    if name in _RESPONSE or (name == "latency" and seconds <= 1):  # ODCS's latency is that of data; in ms it is not
        took = _number(measured.value("latencyMs.p95"))
        if took is None:
            return NOTHING
        return _at_most(took / 1000, objective * seconds, f"95 of 100 within {took:,.0f} ms")
    if name in _AGE:
        age = _number(measured.value("freshness.ageSeconds"))
        return NOTHING if age is None else _at_most(age, objective * seconds, f"changed {_ago(age)} ago")
    return NOTHING


def _availability(objective: float, unit: str, measured: view.MetricsView) -> _Beside:
    """By the share of answers without a server error; the bar is the part of the error budget that is used."""
    counts = {
        metric.name.rpartition(".")[2]: _number(metric.value)
        for metric in measured.metrics
        if metric.name.startswith("requests.byStatus.")
    }
    total = sum(count for count in counts.values() if count)
    if unit in ("", "ratio", "fraction") and objective <= 1:
        objective *= 100
    elif unit not in ("", "%", "percent", "pct"):
        return NOTHING
    if not total or objective > 100:
        return NOTHING
    failed = sum(count for status, count in counts.items() if count and status.startswith("5"))
    share = 100 * (total - failed) / total
    said = f"{_percent(share)} of {total:,.0f} answers since its start without error"
    return _at_most(100 - share, 100 - objective, said)


def _at_most(measured: float, allowed: float, said: str) -> _Beside:
    whole = max(measured, allowed) * 1.25 or 1.0
    bar = Bar(round(WIDTH * measured / whole, 1), round(WIDTH * allowed / whole, 1))
    return said, "met" if measured <= allowed else "missed", bar


def _percent(share: float) -> str:
    """Never rounded up to a hundred that it is not."""
    return "100 %" if share == 100 else f"{min(share, 99.99):.2f} %"


def _ago(seconds: float) -> str:
    for name, length in (("year", 365 * 86_400), ("day", 86_400), ("hour", 3600), ("minute", 60)):
        count = int(seconds // length)
        if count >= 2 or (count == 1 and seconds < 2 * length):
            return f"{count:,} {name}{'s' if count != 1 else ''}"
    return f"{max(0, int(seconds))} seconds"


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if abs(number) < timedelta.max.total_seconds() else None  # neither endless nor no number
