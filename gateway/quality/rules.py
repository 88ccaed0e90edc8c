"""What an ODCS 3.2 contract says its data must be, as a flat list of rules. Pure functions over the document.

Two kinds of rules: those written in `quality` (ODCS "Data Quality": library, sql, text, custom), and those that a
property implies by itself (`required`, `unique`, `primaryKey`, `logicalType`, `logicalTypeOptions`, `enum`).
"""

from dataclasses import asdict, dataclass, field
from typing import Any

OPERATORS = (
    "mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan", "mustBeLessOrEqualTo",
    "mustBeBetween", "mustNotBeBetween",
)  # fmt: skip
"""The comparison operators of ODCS 3.2; a rule has one."""

METRICS = ("nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount")
"""The library metrics of ODCS 3.2."""

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
    for entry in contract.get("schema") or []:
        found += _object_rules(entry)
    return _with_unique_ids(found)


def _with_unique_ids(rules: list[Rule]) -> list[Rule]:
    seen: dict[str, int] = {}
    unique = []
    for rule in rules:
        seen[rule.id] = count = seen.get(rule.id, 0) + 1
        unique.append(rule if count == 1 else Rule(**{**asdict(rule), "id": f"{rule.id}-{count}"}))
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
        if value is not False:
            found.append(
                implied(key, f"keeps {key} {value}", "invalidValues", options={key: value, **_limits(options)})
            )
    allowed = [entry.get("value") if isinstance(entry, dict) else entry for entry in declared.get("enum") or []]
    if allowed:
        found.append(implied("enum", "is one of the allowed values", "invalidValues", validValues=allowed))
    written = enumerate(declared.get("quality") or [], 1)
    return found + [_written(rule, number, path, object_name, name) for number, rule in written]


def _limits(options: dict[str, Any]) -> dict[str, Any]:
    """An exclusive limit written as `true` (JSON Schema draft 4) makes `minimum` or `maximum` itself not allowed."""
    return {key: True for key in ("exclusiveMinimum", "exclusiveMaximum") if options.get(key) is True}


def _written(rule: dict[str, Any], number: int, path: str, object_name: str, name: str | None) -> Rule:
    """A rule of a `quality` list."""
    key = rule.get("id") or rule.get("name") or str(number)
    metric, unmeasured = _metric(rule, name)
    subject = f"{object_name}.{name}" if name else object_name
    return Rule(
        id=f"{subject}.{key}",
        name=rule.get("name") or rule.get("description") or rule.get("metric") or str(key),
        relates_to=f"{path}/quality/{key}",
        object=object_name,
        property=name,
        metric=metric,
        threshold={word: rule[word] for word in OPERATORS if word in rule},
        arguments=rule.get("arguments") or {},
        query=rule.get("query"),
        unit=rule.get("unit") or ("rows" if metric in METRICS else None),
        severity=rule.get("severity"),
        dimension=rule.get("dimension") or _DIMENSIONS.get(metric),
        unmeasured=unmeasured,
    )


def _metric(rule: dict[str, Any], name: str | None) -> tuple[str, str | None]:
    """The metric of a written rule, or `none` and why there is nothing to measure."""
    kind = rule.get("type", "library")
    if kind == "text":
        return "none", "It is a promise in words; there is nothing to compute."
    if kind == "custom":
        return "none", f"It is a rule for the engine {rule.get('engine')}, which this gateway does not run."
    if not any(word in rule for word in OPERATORS):
        return "none", "It says no value that the measure must have."
    if kind == "sql":
        return "sql", None
    metric = rule.get("metric") or rule.get("rule")
    if metric not in METRICS:
        return "none", f"Its metric {metric} is none of: {', '.join(METRICS)}."
    if metric != "rowCount" and name is None and not (rule.get("arguments") or {}).get("properties"):
        return "none", f"{metric} of a whole object needs the argument `properties`."
    return str(metric), None
