"""How old content may be by its contract's SLA, and how old it is."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

_DAYS = {
    "second": 1 / 86400, "s": 1 / 86400, "sec": 1 / 86400,
    "minute": 1 / 1440, "min": 1 / 1440,
    "hour": 1 / 24, "h": 1 / 24, "hr": 1 / 24,
    "day": 1.0, "d": 1.0,
    "week": 7.0, "w": 7.0, "wk": 7.0,
    "month": 31.0, "mo": 31.0, "mon": 31.0,
    "year": 366.0, "y": 366.0, "yr": 366.0,
}  # fmt: skip
"""Days of a unit, the longest where it varies: a promise is not broken before it surely is. A bare `m` is ambiguous."""


@dataclass(frozen=True)
class Allowed:
    """The age content may have, and the SLA properties that say so."""

    age: timedelta
    properties: tuple[str, ...]


def allowed_age(contract: dict[str, Any] | None) -> Allowed | None:
    """The oldest that content may be by `slaProperties`; None when they do not say.

    `freshness` says it by itself. Otherwise content comes every `frequency` and is available `latency` later (ODCS
    3.2, SLA), so the newest there is may be as old as both together; `latency` alone bounds no age.
    """
    spans: dict[str, timedelta] = {}
    for entry in (contract or {}).get("slaProperties") or []:
        span = _span(entry.get("value"), entry.get("unit"))
        if span is not None:
            spans.setdefault(str(entry.get("property")), span)
    if "freshness" in spans:
        return Allowed(spans["freshness"], ("freshness",))
    if "frequency" not in spans:
        return None
    if "latency" in spans:
        return Allowed(spans["frequency"] + spans["latency"], ("frequency", "latency"))
    return Allowed(spans["frequency"], ("frequency",))


def _span(value: Any, unit: Any) -> timedelta | None:
    word = str(unit or "").strip().lower()
    days = _DAYS.get(word) or _DAYS.get(word.removesuffix("s"))
    try:
        number = float(value)
        return timedelta(days=number * days) if days and number >= 0 else None
    except (TypeError, ValueError, OverflowError):
        return None


def age_of(updated: datetime, now: datetime) -> float:
    """Age in seconds; 0 for content dated in the future."""
    return max(0.0, round((now - updated).total_seconds(), 3))
