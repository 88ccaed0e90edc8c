"""What an ODCS 3.2 contract says its data must be, as a flat list of rules. Pure functions over the document.

Two kinds of rules: those written in `quality` (ODCS "Data Quality": library, sql, text, custom), and those that a
property implies by itself (`required`, `unique`, `primaryKey`, `logicalType`, `logicalTypeOptions`, `enum`).
"""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from gateway.freshness import allowed_spans

OPERATORS = (
    "mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan", "mustBeLessOrEqualTo",
    "mustBeBetween", "mustNotBeBetween",
)  # fmt: skip
"""The comparison operators of ODCS 3.2; a rule has one."""

METRICS = ("nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount")
"""The library metrics of ODCS 3.2."""

EARLIER_METRICS = {
    "duplicateCount": "duplicateValues", "unique": "duplicateValues", "validValues": "invalidValues",
    "nullCheck": "nullValues", "notNull": "nullValues", "countCheck": "rowCount",
}  # fmt: skip
"""Words of `rule` (ODCS 3.0) and `code` (2.2) for today's metrics."""

EARLIER_OPERATORS = {
    "mustBeGreaterThanOrEqualTo": "mustBeGreaterOrEqualTo", "mustBeLessThanOrEqualTo": "mustBeLessOrEqualTo",
}  # fmt: skip

NEVER = ("nullCheck", "notNull", "unique", "validValues")
"""Earlier words that say by themselves what the count must be: 0."""

PERCENT = ("percent", "percentage", "%", "pct")

OPTION_NAMES = (
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "pattern", "minLength", "maxLength",
    "minItems", "maxItems", "format",
)  # fmt: skip

_DIMENSIONS = {
    "nullValues": "completeness",
    "missingValues": "completeness",
    "rowCount": "completeness",
    "invalidValues": "conformity",
    "duplicateValues": "uniqueness",
}


@dataclass(frozen=True)
class Rule:
    """One thing to measure and what the measure must be.

    `metric` is a library metric, `sql`, `missingProperties` (declared columns that are not in the data) or, where
    there is nothing that this gateway can measure, `none` with the reason in `unmeasured`. `arguments` of the implied
    rules say what makes a value invalid: `type`, `options` or `validValues`.
    """

    id: str
    name: str
    relates_to: str
    object: str
    property: str | None
    metric: str
    threshold: dict[str, Any] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)
    query: str | None = None
    unit: str | None = None
    severity: str | None = None
    dimension: str | None = None
    unmeasured: str | None = None

    def as_job(self) -> dict[str, Any]:
        """The rule as JSON, for the process that measures."""
        return asdict(self)


def rules_of(contract: dict[str, Any]) -> list[Rule]:
    """All rules of a contract, in the order of its schema. Ids are unique in the list."""
    found: list[Rule] = []
    schema = contract.get("schema") or []
    for number, entry in enumerate(schema):
        found += _object_rules(entry)
        found += _sla_rules(contract, entry, first=number == 0)
    return _with_unique_ids(found)


def _sla_rules(contract: dict[str, Any], entry: dict[str, Any], *, first: bool) -> Iterator[Rule]:
    """How old the newest value of a column may be, and the oldest, where `slaProperties` name the column.

    Rows kept longer than `retention` are a warning: the contract does not say whether it is the least or the most.
    """
    columns = {declared["name"] for declared in entry.get("properties") or []}
    for span in allowed_spans(contract):
        for element in span.elements:
            owner, _, column = element.rpartition(".")
            own = owner in (entry["name"], entry.get("physicalName")) or (first and not owner)
            if not own or column not in columns:
                continue
            kept = span.kind == "retention"
            yield Rule(
                id=f"{entry['name']}.{column}.{'retention' if kept else 'freshness'}",
                name=f"{column} is within the {span.kind}" if kept else f"The newest {column} is fresh",
                relates_to=f"slaProperties/{span.properties[0]}",
                object=entry["name"],
                property=column,
                metric="oldestAge" if kept else "newestAge",
                threshold={"mustBeLessOrEqualTo": span.age.total_seconds()},
                unit="seconds",
                severity="warning" if kept else None,
                dimension="timeliness",
            )


def _with_unique_ids(rules: list[Rule]) -> list[Rule]:
    seen: dict[str, int] = {}
    unique = []
    for rule in rules:
        seen[rule.id] = count = seen.get(rule.id, 0) + 1
        unique.append(rule if count == 1 else replace(rule, id=f"{rule.id}-{count}"))
    return unique


def _object_rules(entry: dict[str, Any]) -> list[Rule]:
    name = entry["name"]
    path = f"schema/{entry.get('id') or name}"
    properties = entry.get("properties") or []
    found = [_written(rule, number, path, name, None) for number, rule in enumerate(entry.get("quality") or [], 1)]
    if properties:
        found.append(
            Rule(
                id=f"{name}.properties",
                name=f"{name} has all declared properties",
                relates_to=path,
                object=name,
                property=None,
                metric="missingProperties",
                threshold={"mustBe": 0},
                unit="properties",
                dimension="conformity",
            )
        )
    found += _key_rules(properties, path, name)
    for declared in properties:
        found += _property_rules(declared, path, name)
    return found


def _key_rules(properties: list[dict[str, Any]], path: str, name: str) -> list[Rule]:
    """The primary key: no two rows alike in it, no part of it null (nulls are a rule of the property)."""
    keys = [declared for declared in properties if declared.get("primaryKey")]
    if not keys:
        return []
    keys.sort(key=lambda declared: declared.get("primaryKeyPosition", 0))
    names = [declared["name"] for declared in keys]
    return [
        Rule(
            id=f"{name}.primaryKey",
            name=f"Primary key ({', '.join(names)}) is unique",
            relates_to=path,
            object=name,
            property=None,
            metric="duplicateValues",
            threshold={"mustBe": 0},
            arguments={"properties": names},
            unit="rows",
            dimension="uniqueness",
        )
    ]


def _property_rules(declared: dict[str, Any], path: str, object_name: str) -> list[Rule]:
    name = declared["name"]
    path = f"{path}/properties/{declared.get('id') or name}"

    def implied(word: str, title: str, metric: str, **arguments: Any) -> Rule:
        return Rule(
            id=f"{object_name}.{name}.{word}",
            name=f"{name} {title}",
            relates_to=path,
            object=object_name,
            property=name,
            metric=metric,
            threshold={"mustBe": 0},
            arguments=arguments,
            unit="rows",
            dimension=_DIMENSIONS[metric],
        )

    found = []
    if declared.get("required") or declared.get("primaryKey"):
        found.append(implied("required", "is never null", "nullValues"))
    if declared.get("unique"):
        found.append(implied("unique", "is unique", "duplicateValues"))
    if declared.get("logicalType"):
        found.append(implied("type", f"is {declared['logicalType']}", "invalidValues", type=declared["logicalType"]))
    options = {key: value for key, value in (declared.get("logicalTypeOptions") or {}).items() if key in OPTION_NAMES}
    if isinstance(options.get("format"), str) and declared.get("logicalType") != "string":
        options.pop("format")  # how dates and numbers are written: part of the type
    for key, value in options.items():
        if not isinstance(value, bool):  # a limit that is exclusive by `true` is part of the limit
            found.append(
                implied(key, f"keeps {key} {value}", "invalidValues", options={key: value, **_limits(options)})
            )
    allowed = [entry.get("value") if isinstance(entry, dict) else entry for entry in declared.get("enum") or []]
    if allowed:
        found.append(implied("enum", "is one of the allowed values", "invalidValues", validValues=allowed))
    written = enumerate(declared.get("quality") or [], 1)
    found += [_written(rule, number, path, object_name, name) for number, rule in written]
    return found + list(_nested(declared, path, f"{object_name}.{name}", object_name))


def _nested(declared: dict[str, Any], path: str, subject: str, object_name: str) -> Iterator[Rule]:
    """Rules written for what is inside an object or a list: said, and not measured."""
    items = declared.get("items")
    for inner in [*(declared.get("properties") or []), *([items] if isinstance(items, dict) else [])]:
        name = inner.get("name") or "items"
        for number, rule in enumerate(inner.get("quality") or [], 1):
            made = _written(rule, number, f"{path}/properties/{name}", subject, name)
            reason = made.unmeasured or "What is inside a value is not measured."
            yield replace(made, object=object_name, unmeasured=reason)
        yield from _nested(inner, f"{path}/properties/{name}", f"{subject}.{name}", object_name)


def _limits(options: dict[str, Any]) -> dict[str, Any]:
    """An exclusive limit written as `true` (JSON Schema draft 4) makes `minimum` or `maximum` itself not allowed."""
    return {key: True for key in ("exclusiveMinimum", "exclusiveMaximum") if options.get(key) is True}


def _written(rule: dict[str, Any], number: int, path: str, object_name: str, name: str | None) -> Rule:
    """A rule of a `quality` list, also as earlier versions of ODCS spell it."""
    key = rule.get("id") or rule.get("name") or str(number)
    word = rule.get("metric") or rule.get("rule") or rule.get("code")
    arguments = dict(rule["arguments"]) if isinstance(rule.get("arguments"), dict) else {}
    arguments |= {own: rule[own] for own in ("validValues", "pattern") if own in rule and own not in arguments}
    column = name or (rule.get("column") if isinstance(rule.get("column"), str) else None)
    threshold = {EARLIER_OPERATORS.get(own, own): value for own, value in rule.items()
                 if own in OPERATORS or own in EARLIER_OPERATORS}  # fmt: skip
    if not threshold and word in NEVER:
        threshold = {"mustBe": 0}
    unit = rule.get("unit")
    unit = "percent" if str(unit).lower() in PERCENT else unit
    metric, unmeasured = _metric(rule, word, column, arguments, threshold, unit)
    subject = f"{object_name}.{column}" if column else object_name
    return Rule(
        id=f"{subject}.{key}",
        name=str(rule.get("name") or rule.get("description") or word or key),
        relates_to=f"{path}/quality/{key}",
        object=object_name,
        property=column,
        metric=metric,
        threshold=threshold,
        arguments=arguments,
        query=rule.get("query"),
        unit=unit or ("rows" if metric in METRICS else None),
        severity=rule.get("severity"),
        dimension=rule.get("dimension") or _DIMENSIONS.get(metric),
        unmeasured=unmeasured,
    )


def _metric(
    rule: dict[str, Any],
    word: Any,
    column: str | None,
    arguments: dict[str, Any],
    threshold: dict[str, Any],
    unit: Any,
) -> tuple[str, str | None]:
    """The metric of a written rule, or `none` and why there is nothing to measure."""
    kind = rule.get("type", "library")
    if kind == "text":
        return "none", "It is a promise in words; there is nothing to compute."
    if kind == "custom":
        return "none", f"It is a rule for the engine {rule.get('engine')}, which this gateway does not run."
    if fault := _threshold_fault(threshold):
        return "none", fault
    if kind == "sql":
        return "sql", None
    metric = EARLIER_METRICS.get(str(word), word)
    if metric not in METRICS:
        return "none", f"Its metric {metric} is none of: {', '.join(METRICS)}."
    if metric == "rowCount":
        return ("none", "A number of rows is no share of anything.") if unit == "percent" else (metric, None)
    if column is None and not arguments.get("properties"):
        return "none", f"{metric} of a whole object needs the argument `properties`."
    return str(metric), None


def _threshold_fault(threshold: dict[str, Any]) -> str | None:
    """What keeps a threshold from being compared with: none, two, or a range that is none."""
    if not threshold:
        return "It says no value that the measure must have."
    if len(threshold) > 1:
        return f"It says more than one thing that the measure must be: {', '.join(threshold)}."
    ((operator, wanted),) = threshold.items()
    if operator.endswith("Between"):
        numbers = isinstance(wanted, list) and len(wanted) == 2 and all(_is_number(bound) for bound in wanted)
        return None if numbers and wanted[0] <= wanted[1] else f"{operator} needs two numbers, the smaller one first."
    if operator not in ("mustBe", "mustNotBe") and not _is_number(wanted):
        return f"{operator} needs a number."
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
