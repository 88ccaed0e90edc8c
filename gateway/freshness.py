"""How old content may be by its contract's SLA, and how old it is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

_DAYS = {
    "millisecond": 1 / 86_400_000, "ms": 1 / 86_400_000,
    "second": 1 / 86400, "s": 1 / 86400, "sec": 1 / 86400,
    "minute": 1 / 1440, "min": 1 / 1440,
    "hour": 1 / 24, "h": 1 / 24, "hr": 1 / 24,
    "day": 1.0, "d": 1.0,
    "week": 7.0, "w": 7.0, "wk": 7.0,
    "month": 31.0, "mo": 31.0, "mon": 31.0,
    "quarter": 92.0, "qtr": 92.0,
    "year": 366.0, "y": 366.0, "yr": 366.0, "a": 366.0,
}  # fmt: skip
"""Days of a unit, the longest where it varies: a promise is not broken before it surely is. A bare `m` is ambiguous."""

_NAMES = {"ly": "latency", "fy": "frequency", "re": "retention"}
"""Synonyms of SLA properties (ODCS 3, "Valid values for SLA properties"); names are compared without case."""

_ISO = re.compile(
    r"P(?:(\d+(?:\.\d+)?)Y)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)W)?(?:(\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?",
    re.ASCII,
)
_ISO_DAYS = (366.0, 31.0, 7.0, 1.0, 1 / 24, 1 / 1440, 1 / 86400)

SKEW_SECONDS = 300.0
"""Content dated up to this far in the future has another clock; beyond it nobody knows how old it is."""


@dataclass(frozen=True)
class Allowed:
    """The age content may have, and the SLA properties that say so.

    `kind` is `freshness` or `retention`; `elements` are the columns it is about, as written; none is all of it.
    """

    age: timedelta
    properties: tuple[str, ...]
    kind: str = "freshness"
    elements: tuple[str, ...] = ()


def allowed_age(contract: dict[str, Any] | None) -> Allowed | None:
    """The oldest that content as a whole may be by `slaProperties`; None when they do not say.

    `freshness` says it by itself. Otherwise content comes every `frequency` and is available `latency` later (ODCS
    3.2, SLA), so the newest there is may be as old as both together; `latency` alone bounds no age.
    """
    return next((span for span in allowed_spans(contract) if span.kind == "freshness" and not span.elements), None)


def allowed_spans(contract: dict[str, Any] | None) -> list[Allowed]:
    """Every age that `slaProperties` allow: of the whole, and of each element (column) they name.

    The newest value of an element may be as old as `freshness`, or as `frequency` and `latency` together, measured on
    the column's own dates; the oldest may be as old as `retention`. `latency` alone is how long a row takes to get
    here, and says nothing of when the next one comes. An element that is no column stands for the whole.
    """
    found: dict[str, dict[str, timedelta]] = {}
    schema = (contract or {}).get("schema") or []
    columns = {declared["name"] for entry in schema for declared in entry.get("properties") or []}
    for entry in (contract or {}).get("slaProperties") or []:
        name = str(entry.get("property")).strip().lower()
        span = _span(entry.get("value"), entry.get("unit"))
        if span is None:
            continue
        elements = [part.strip() for part in str(entry.get("element") or "").split(",")]
        for element in [part for part in elements if part.rpartition(".")[2] in columns] or [""]:
            found.setdefault(element, {}).setdefault(_NAMES.get(name, name), span)
    return [allowed for element, spans in found.items() for allowed in _allowed(element, spans)]


def _allowed(element: str, spans: dict[str, timedelta]) -> Iterator[Allowed]:
    elements = (element,) if element else ()
    if "freshness" in spans:
        yield Allowed(spans["freshness"], ("freshness",), elements=elements)
    elif "frequency" in spans:
        used = tuple(name for name in ("frequency", "latency") if name in spans)
        yield Allowed(sum((spans[name] for name in used), timedelta()), used, elements=elements)
    if "retention" in spans and element:
        yield Allowed(spans["retention"], ("retention",), "retention", elements)


def _span(value: Any, unit: Any) -> timedelta | None:
    """A number of a unit, or an ISO 8601 duration such as P1DT12H."""
    try:
        if isinstance(value, str) and value.strip().upper().startswith("P"):
            found = _ISO.fullmatch(value.strip().upper())
            if found is None or not any(found.groups()):
                return None
            return timedelta(days=sum(float(n or 0) * days for n, days in zip(found.groups(), _ISO_DAYS, strict=True)))
        word = str(unit or "").strip().lower()
        days = _DAYS.get(word) or _DAYS.get(word.removesuffix("s"))
        number = float(value)
        return timedelta(days=number * days) if days and number >= 0 and not isinstance(value, bool) else None
    except (TypeError, ValueError, OverflowError):
        return None


def age_of(updated: datetime, now: datetime) -> float | None:
    """Age in seconds, 0 for a clock that is a little ahead; None for content dated in the future: nobody knows."""
    age = round((now - updated).total_seconds(), 3)
    return max(0.0, age) if age >= -SKEW_SECONDS else None
