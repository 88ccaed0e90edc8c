"""Outcomes of rules as results of the Open Observability Results Standard (OORS) 0.8, a Bitol draft.

Source of the form: bitol-io.github.io/open-observability-results-standard, v0.8.1 (row counts, overall status).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from gateway.protocol import CustomProperty, Measure, ObservabilityResults, ObservationResult, ObservationStatus, Target
from gateway.quality.rules import Rule
from gateway.quality.runner import Outcome

AGES = ("newestAge", "oldestAge")
"""Metrics that an SLA is about, and no rule of the data's quality."""
_ORDER: tuple[ObservationStatus, ...] = ("error", "fail", "warn", "pass", "skip")
MILD = ("info", "information", "warning", "warn", "low")


def overall(statuses: Iterable[ObservationStatus]) -> ObservationStatus:
    """The outcome of a document (OORS 0.8.1): the first of error, fail, warn, pass, skip that occurs, else unknown."""
    found = set(statuses)
    return next((status for status in _ORDER if status in found), "unknown")


def holds(value: Any, threshold: dict[str, Any]) -> bool:
    """Whether a value meets an ODCS threshold (one operator and what it compares with). False for a null.

    Raises:
        TypeError: the two cannot be compared.
    """
    ((operator, wanted),) = threshold.items()
    if operator in ("mustBe", "mustNotBe"):
        same = value == wanted or (not isinstance(wanted, str) and str(value) == str(wanted)) or _alike(value, wanted)
        return same is (operator == "mustBe")
    if value is None or isinstance(value, str) or isinstance(wanted, str):
        raise TypeError(f"{operator} compares numbers; the measure is {value!r}")
    if operator in ("mustBeBetween", "mustNotBeBetween"):
        low, high = wanted
        return bool(low <= value <= high) is (operator == "mustBeBetween")
    return bool(
        {
            "mustBeGreaterThan": value > wanted,
            "mustBeGreaterOrEqualTo": value >= wanted,
            "mustBeLessThan": value < wanted,
            "mustBeLessOrEqualTo": value <= wanted,
        }[operator]
    )


def _alike(value: Any, wanted: Any) -> bool:
    """Whether a number is the one that a text such as "0" says."""
    try:
        return not isinstance(value, bool | str) and isinstance(wanted, str) and value == float(wanted)
    except ValueError:
        return False


def result_of(
    rule: Rule, outcome: Outcome, *, artifact_id: str, artifact: str, contract_id: str, contract_version: str
) -> ObservationResult:
    """One OORS result. A failing rule of severity info or warning is `warn`, any other is `fail`.

    A rule that was not measured is `skip`, never `pass`.
    """
    status, message = _judged(rule, outcome)
    is_age = rule.metric in AGES
    measured = outcome.status == "measured"
    return ObservationResult(
        id=f"{artifact}/{rule.id}",
        type="metric" if is_age else "check",
        name=rule.name,
        status=status,
        relates_to=rule.relates_to,
        severity=rule.severity,
        dimension=rule.dimension,
        target=Target(
            resource_type="column" if rule.property else "table",
            resource_identifier=f"{rule.object}.{rule.property}" if rule.property else rule.object,
        ),
        measure=Measure(
            metric=rule.metric,
            value=outcome.value,
            threshold=rule.threshold or None,
            unit=rule.unit,
            row_count=outcome.rows,
            failed_row_count=outcome.failed,
        )
        if measured
        else None,
        message=message,
        custom_properties=[
            CustomProperty(property="artifactId", value=artifact_id),
            CustomProperty(property="contractId", value=contract_id),
            CustomProperty(property="contractVersion", value=contract_version),
        ],
    )


def _judged(rule: Rule, outcome: Outcome) -> tuple[ObservationStatus, str | None]:
    if outcome.status == "skip":
        return "skip", f"Not evaluated. {outcome.message}"
    if outcome.status == "error":
        return "error", f"Could not be evaluated. {outcome.message}"
    try:
        if holds(outcome.value, rule.threshold):
            return "pass", outcome.message
    except (TypeError, ValueError) as error:
        return "error", f"Could not be evaluated. {error}."
    ((operator, wanted),) = rule.threshold.items()
    unit = f" {rule.unit}" if rule.unit else ""
    text = f"{operator} {wanted}, found {outcome.value}{unit}." + (f" {outcome.message}" if outcome.message else "")
    return ("warn" if str(rule.severity).lower() in MILD else "fail"), text


class NewestAge(NamedTuple):
    """How old the newest value of a column is, in seconds, and how old it may be."""

    column: str
    age: float
    allowed: float


def newest_ages(results: ObservabilityResults | None, now: datetime) -> dict[str, list[NewestAge]]:
    """By artifact id, the ages measured in columns that an SLA names, grown by the time since they were measured."""
    found: dict[str, list[NewestAge]] = {}
    for result in results.results if results else []:
        measure = result.measure
        if measure is None or measure.metric != "newestAge" or measure.value is None or not measure.threshold:
            continue
        own = next((p.value for p in result.custom_properties or [] if p.property == "artifactId"), "")
        since = (now - results.observed_at).total_seconds() if results else 0.0
        column = str(result.target.resource_identifier) if result.target else ""
        age = round(measure.value + max(0.0, since), 3)
        found.setdefault(own, []).append(NewestAge(column, age, measure.threshold["mustBeLessOrEqualTo"]))
    return found


def quality_of(results: ObservabilityResults) -> float | None:
    """Passed checks of those evaluated (pass, warn, fail, error), 0 to 1; None when none was."""
    checks = [result.status for result in results.results if result.type == "check"]
    judged = [status for status in checks if status not in ("skip", "unknown")]
    return judged.count("pass") / len(judged) if judged else None
