"""Data quality rules of ODCS as sentences people can read. Source: the ODCS 3.x schema, `DataQuality`."""

from __future__ import annotations

from typing import Any

from ..view import NamedValue, QualityRule
from .read import any_text, mapping, mappings, rest, text

# Library metrics of ODCS 3.1 (`metric`), and the names ODCS 3.0 used for the same (`rule`).
_METRICS = {
    "nullvalues": "null values",
    "nullcheck": "null values",
    "missingvalues": "missing values",
    "invalidvalues": "invalid values",
    "duplicatevalues": "duplicate values",
    "duplicatecount": "duplicate values",
    "uniquecheck": "duplicate values",
    "rowcount": "row count",
    "countcheck": "row count",
    "valuesinset": "values outside the set",
}

# Arguments of library metrics whose own name repeats that of the metric.
_ARGUMENTS = {"missingvalues": "counted as missing", "validvalues": "valid", "invalidvalues": "invalid"}

_COMPARISONS = (
    ("mustBe", "must be {}"),
    ("mustNotBe", "must not be {}"),
    ("mustBeGreaterThan", "must be greater than {}"),
    ("mustBeGreaterOrEqualTo", "must be at least {}"),
    ("mustBeGreaterThanOrEqualTo", "must be at least {}"),
    ("mustBeLessThan", "must be less than {}"),
    ("mustBeLessOrEqualTo", "must be at most {}"),
    ("mustBeLessThanOrEqualTo", "must be at most {}"),
)
_RANGES = (("mustBeBetween", "must be between {} and {}"), ("mustNotBeBetween", "must not be between {} and {}"))


_READ = {
    *("name", "dimension", "severity", "type", "description", "businessImpact", "query", "engine", "schedule"),
    *("metric", "rule", "unit", "arguments", "validValues"),
    *(key for key, _ in (*_COMPARISONS, *_RANGES)),
}


def beyond(value: Any) -> tuple[NamedValue, ...]:
    """What the rules in a list say beyond what is read of them, by place."""
    return rest("quality", value, _READ)


def rules(value: Any) -> tuple[QualityRule, ...]:
    """The quality rules in a list. Never raises."""
    return tuple(_rule(entry) for entry in mappings(value))


def _rule(entry: dict[str, Any]) -> QualityRule:
    return QualityRule(
        text=rule_text(entry),
        name=text(entry.get("name")) or text(entry.get("id")),
        dimension=text(entry.get("dimension")),
        severity=text(entry.get("severity")),
        type=text(entry.get("type")),
        description=text(entry.get("description")),
        business_impact=text(entry.get("businessImpact")),
        query=text(entry.get("query")),
        engine=text(entry.get("engine")),
        schedule=text(entry.get("schedule")),
    )


def rule_text(entry: dict[str, Any]) -> str:
    """Such as "null values must be 0", "no invalid values (valid: 1, 2)", else its own description."""
    metric = text(entry.get("metric")) or text(entry.get("rule"))
    subject = _METRICS.get(metric.lower(), metric) if metric else None
    unit = text(entry.get("unit"))
    limit = _limit(entry)
    if limit and unit and unit.lower() != "rows":
        limit = f"{limit} {'%' if unit.lower() in ('percent', '%') else unit}"
    if limit is None and subject and metric and metric.lower() in _METRICS and subject != "row count":
        return f"no {subject}{_arguments(entry)}"
    if limit:
        if subject is None:
            subject = "the result of the query" if text(entry.get("query")) else "the value"
        return f"{subject}{_arguments(entry)} {limit}"
    if subject:
        return f"{subject}{_arguments(entry)}"
    return (
        text(entry.get("description"))
        or any_text(entry.get("implementation"))
        or text(entry.get("query"))
        or text(entry.get("name"))
        or "a rule the contract does not spell out"
    )


def _limit(entry: dict[str, Any]) -> str | None:
    parts = [
        phrase.format(written)
        for key, phrase in _COMPARISONS
        if entry.get(key) is not None and (written := any_text(entry.get(key)))
    ]
    for key, phrase in _RANGES:
        ends = entry.get(key)
        if isinstance(ends, list) and len(ends) == 2:
            parts.append(phrase.format(any_text(ends[0]) or "?", any_text(ends[1]) or "?"))
    return " and ".join(parts) or None


def _arguments(entry: dict[str, Any]) -> str:
    said = [
        f"{_ARGUMENTS.get(key.lower(), key)}: {_listed(value) if isinstance(value, list) else any_text(value)}"
        for key, value in mapping(entry.get("arguments")).items()
        if value not in (None, [], {})
    ]
    valid = entry.get("validValues")
    if isinstance(valid, list) and valid:
        said.append(f"valid: {_listed(valid)}")
    return f" ({'; '.join(said)})" if said else ""


def _listed(values: list[Any]) -> str:
    """Values in words, for a reader takes nothing for a slip."""
    return ", ".join("null" if value is None else any_text(value) or "empty" for value in values)
