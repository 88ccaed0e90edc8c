"""Every form of ODCS quality rule says pass where the data keeps it and something else where it does not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from demo.loading import load_mesh
from gateway.product import load_product
from gateway.protocol import ObservationResult
from gateway.quality.limits import Limits
from gateway.quality.results import holds, overall, result_of
from gateway.quality.rules import rules_of
from gateway.quality.runner import measure
from gateway.sources import Source
from tests.demo.documents import contracts_of

GOOD = """id,name,mm,day,mail
1,Oslo,1.5,2024-01-01,a@example.org
2,Rome,0,2024-02-29,b@example.org
3,Oslo,12.25,2024-12-31,
"""
PROPERTIES: list[dict[str, Any]] = [
    {"name": "id", "logicalType": "integer", "primaryKey": True, "logicalTypeOptions": {"minimum": 1, "maximum": 9}},
    {"name": "name", "logicalType": "string", "required": True, "enum": [{"value": "Oslo"}, {"value": "Rome"}],
     "logicalTypeOptions": {"minLength": 2, "maxLength": 5, "pattern": "^[A-Z]"}},
    {"name": "mm", "logicalType": "number", "logicalTypeOptions": {"minimum": 0, "exclusiveMaximum": 100}},
    {"name": "day", "logicalType": "date", "unique": True, "logicalTypeOptions": {"minimum": "2024-01-01"}},
    {"name": "mail", "logicalType": "string", "logicalTypeOptions": {"format": "email"}},
]  # fmt: skip


def contract(*quality: dict[str, Any], column: str | None = None, properties: Any = None) -> dict[str, Any]:
    """A contract of one table whose rules stand at the table, or at a column of it."""
    declared = [dict(entry) for entry in (PROPERTIES if properties is None else properties)]
    entry: dict[str, Any] = {"name": "rain", "properties": declared}
    if column is None:
        entry["quality"] = list(quality)
    else:
        next(one for one in declared if one["name"] == column)["quality"] = list(quality)
    return {"schema": [entry]}


def results(document: dict[str, Any], data: Path, format: str, **limits: Any) -> dict[str, ObservationResult]:
    """The results of a contract by rule id, on a file or a folder of files."""
    rules = rules_of(document)
    source = Source("folder" if data.is_dir() else "file", format, str(data))
    outcomes = measure(source, document["schema"][0], rules, Limits(**limits)).outcomes
    made = [
        result_of(rule, outcome, artifact_id="a", artifact="x", contract_id="c", contract_version="1")
        for rule, outcome in zip(rules, outcomes, strict=True)
    ]
    return {result.id.removeprefix("x/"): result for result in made}


@pytest.fixture
def csv(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "rain.csv"
        path.write_text(text, "utf-8")
        return path

    return write


def statuses(found: dict[str, ObservationResult]) -> dict[str, str]:
    return {key: result.status for key, result in found.items() if result.status != "pass"}


def test_data_that_keeps_everything_passes(csv):
    found = results(contract(), csv(GOOD), "csv")
    assert statuses(found) == {}
    assert len(found) > 15


BROKEN = {
    "no key": (GOOD.replace("2,Rome", ",Rome"), {"rain.id.required": 1}),
    "a key twice": (GOOD.replace("2,Rome", "1,Rome"), {"rain.primaryKey": 1}),
    "below the range": (GOOD.replace("2,Rome", "0,Rome"), {"rain.id.minimum": 1}),
    "above the range": (GOOD.replace("2,Rome", "10,Rome"), {"rain.id.maximum": 1}),
    "a fraction for an integer": (GOOD.replace("2,Rome", "2.5,Rome"), {"rain.id.type": 1}),
    "a text for a number": (GOOD.replace("12.25", "much"), {"rain.mm.type": 1}),
    "not a number": (GOOD.replace("12.25", "nan"), {"rain.mm.type": 1}),
    "infinite": (GOOD.replace("12.25", "inf"), {"rain.mm.type": 1}),
    "at an exclusive limit": (GOOD.replace("12.25", "100"), {"rain.mm.exclusiveMaximum": 1}),
    "no name": (GOOD.replace("Rome", ""), {"rain.name.required": 1}),
    "another name": (GOOD.replace("Rome", "Lima"), {"rain.name.enum": 1}),
    "a pattern": (GOOD.replace("Rome", "rome"), {"rain.name.pattern": 1, "rain.name.enum": 1}),
    "a long name": (GOOD.replace("Rome", "Bergen"), {"rain.name.maxLength": 1, "rain.name.enum": 1}),
    "a short name": (GOOD.replace("Rome", "R"), {"rain.name.minLength": 1, "rain.name.enum": 1}),
    "no such day": (GOOD.replace("2024-02-29", "2023-02-29"), {"rain.day.type": 1}),
    "a day in another form": (GOOD.replace("2024-02-29", "29/02/2024"), {"rain.day.type": 1}),
    "an early day": (GOOD.replace("2024-02-29", "2023-12-31"), {"rain.day.minimum": 1}),
    "a day twice": (GOOD.replace("2024-02-29", "2024-01-01"), {"rain.day.unique": 1}),
    "no address": (GOOD.replace("b@example.org", "b at example"), {"rain.mail.format": 1}),
    "no column": (GOOD.replace("mail", "post"), {"rain.properties": 1}),
}


@pytest.mark.parametrize(("text", "wanted"), BROKEN.values(), ids=BROKEN)
def test_each_thing_that_a_property_implies_is_measured(csv, text: str, wanted: dict[str, int]):
    found = results(contract(), csv(text), "csv")
    failing = {key: result.measure and result.measure.value for key, result in found.items() if result.status == "fail"}
    assert failing == wanted


def test_rules_about_a_column_that_is_not_there_are_not_evaluated_and_never_pass(csv):
    found = results(contract(), csv(GOOD.replace("mail", "post")), "csv")
    assert found["rain.mail.format"].status == "skip"
    assert found["rain.mail.format"].measure is None
    assert "no column mail" in (found["rain.mail.format"].message or "")
    assert "mail" in (found["rain.properties"].message or "")


LIBRARY = [
    ({"metric": "rowCount", "mustBe": 3}, None, "pass", 3),
    ({"metric": "rowCount", "mustBeGreaterThan": 3}, None, "fail", 3),
    ({"metric": "rowCount", "mustBeBetween": [1, 3]}, None, "pass", 3),
    ({"metric": "rowCount", "mustNotBeBetween": [1, 3]}, None, "fail", 3),
    ({"metric": "rowCount", "mustBeLessOrEqualTo": 2}, None, "fail", 3),
    ({"metric": "nullValues", "mustBe": 1}, "mail", "pass", 1),
    ({"metric": "nullValues", "mustBeLessThan": 34, "unit": "percent"}, "mail", "pass", 33.333333),
    ({"metric": "missingValues", "mustBe": 0, "arguments": {"missingValues": ["Rome", "n/a"]}}, "name", "fail", 1),
    ({"metric": "missingValues", "mustBe": 1, "arguments": {"missingValues": [None, ""]}}, "mail", "pass", 1),
    ({"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": ["Oslo"]}}, "name", "fail", 1),
    ({"metric": "invalidValues", "mustBe": 0, "arguments": {"pattern": "^(Oslo|Rome)$"}}, "name", "pass", 0),
    ({"metric": "invalidValues", "mustBe": 2, "arguments": {"validValues": [0]}}, "mm", "pass", 2),
    ({"metric": "duplicateValues", "mustBe": 0}, "name", "fail", 1),
    ({"metric": "duplicateValues", "mustBe": 0, "arguments": {"properties": ["name", "day"]}}, None, "pass", 0),
    ({"type": "sql", "query": "SELECT count(*) FROM {object} WHERE {property} > 10", "mustBe": 1}, "mm", "pass", 1),
    ({"type": "sql", "query": "SELECT sum(${column}) FROM ${table}", "mustBeBetween": [13, 14]}, "mm", "pass", 13.75),
    ({"type": "sql", "query": "SELECT max(day) FROM rain", "mustBe": "2024-12-31"}, None, "pass", "2024-12-31"),
    ({"type": "sql", "query": "SELECT max(day) FROM rain", "mustNotBe": "2024-12-31"}, None, "fail", "2024-12-31"),
]


@pytest.mark.parametrize(("rule", "column", "status", "value"), LIBRARY)
def test_library_and_sql_rules(csv, rule: dict[str, Any], column: str | None, status: str, value: Any):
    found = results(contract({"id": "it", "type": "library", **rule}, column=column), csv(GOOD), "csv")
    result = found[f"rain.{column}.it" if column else "rain.it"]
    assert result.measure is not None
    assert (result.status, result.measure.value) == (status, value)
    assert result.measure.row_count == 3


AS_EARLIER_VERSIONS_SPELL_THEM = [
    ({"rule": "duplicateCount", "mustBeLessThan": 2, "unit": "rows"}, "name", "pass", 1),
    ({"rule": "duplicateCount", "mustBe": 0}, "name", "fail", 1),
    ({"rule": "duplicateCount", "mustBeLessThan": 34, "unit": "%"}, "name", "pass", 33.333333),
    ({"rule": "duplicateCount", "mustBe": 0, "column": "name"}, None, "fail", 1),
    ({"rule": "validValues", "validValues": ["Oslo", "Rome"]}, "name", "pass", 0),
    ({"rule": "validValues", "validValues": ["Oslo"]}, "name", "fail", 1),
    ({"rule": "unique"}, "name", "fail", 1),
    ({"rule": "rowCount", "mustBeGreaterThanOrEqualTo": 3}, None, "pass", 3),
    ({"rule": "rowCount", "mustBeLessThanOrEqualTo": 2}, None, "fail", 3),
    ({"code": "nullCheck"}, "mail", "fail", 1),
    ({"rule": "notNull"}, "name", "pass", 0),
    ({"metric": "rowCount", "mustBe": "3"}, None, "pass", 3),
    ({"metric": "rowCount", "mustNotBe": "3"}, None, "fail", 3),
    ({"metric": "duplicateValues", "mustBe": 0, "arguments": {"properties": ["name"]}}, None, "fail", 1),
    ({"type": "sql", "query": "SELECT count(*) = 3 FROM rain", "mustBe": True}, None, "pass", True),
]


@pytest.mark.parametrize(("rule", "column", "status", "value"), AS_EARLIER_VERSIONS_SPELL_THEM)
def test_rules_in_other_spellings(csv, rule: dict[str, Any], column: str | None, status: str, value: Any):
    document = contract({"id": "it", **rule}, column=column)
    found = results(document, csv(GOOD), "csv")
    [result] = [result for key, result in found.items() if key.endswith(".it")]
    assert result.measure is not None
    assert (result.status, result.measure.value) == (status, value)


NOT_EVALUATED = [
    ({"type": "text", "description": "Looked at by a person."}, None, "promise in words"),
    ({"type": "custom", "engine": "soda", "implementation": "checks"}, None, "engine soda"),
    ({"metric": "rowCount"}, None, "no value"),
    ({"metric": "freshness", "mustBe": 1}, None, "is none of"),
    ({"metric": "nullValues", "mustBe": 0}, None, "needs the argument"),
    ({"metric": "rowCount", "mustBe": 1, "mustNotBe": 2}, None, "more than one thing"),
    ({"metric": "rowCount", "mustBeBetween": [3]}, None, "two numbers"),
    ({"metric": "rowCount", "mustBeBetween": [3, 1]}, None, "two numbers"),
    ({"metric": "rowCount", "mustBeLessThan": "many"}, None, "needs a number"),
    ({"metric": "rowCount", "mustBeLessThan": float("nan")}, None, "needs a number"),
    ({"metric": "rowCount", "mustBe": 1, "unit": "percent"}, None, "no share"),
    ({"code": "countCheck"}, None, "no value"),
    ({"metric": "nullValues", "mustBe": 0, "arguments": {"properties": "mail"}}, None, "not a list"),
    ({"metric": ["rowCount"], "mustBe": 0}, None, "is none of"),
    ({"metric": "invalidValues", "mustBe": 0}, "name", "neither"),
    ({"type": "sql", "query": "SELECT {property} FROM rain", "mustBe": 1}, None, "whole object"),
    ({"type": "sql", "query": "SELECT 1; SELECT 2", "mustBe": 2}, None, "not one SELECT"),
    ({"type": "sql", "query": "DROP TABLE rain", "mustBe": 2}, None, "not one SELECT"),
]


@pytest.mark.parametrize(("rule", "column", "said"), NOT_EVALUATED)
def test_what_cannot_be_evaluated_is_said_and_never_passes(csv, rule: dict[str, Any], column: str | None, said: str):
    found = results(contract({"id": "it", **rule}, column=column), csv(GOOD), "csv")
    result = found[f"rain.{column}.it" if column else "rain.it"]
    assert result.status == "skip"
    assert said in (result.message or "")


HOSTILE = [
    "SELECT count(*) FROM read_csv('{secret}')",
    "SELECT content FROM read_text('{secret}')",
    "SELECT count(*) FROM '{secret}'",
    "SELECT count(*) FROM glob('/*')",
    "COPY rain TO '{secret}'",
    "ATTACH '{secret}' AS other",
    "INSTALL httpfs",
    "SET enable_external_access = true",
    "SELECT getenv('PATH')",
    "SELECT count(*) FROM range(100000000000) a, range(1000000) b",
    "SELECT no_such_function()",
    "SELECT list(range) FROM range(2000000000)",
    "this is not SQL",
]


@pytest.mark.parametrize("query", HOSTILE)
def test_hostile_sql_reaches_nothing_and_ends(csv, tmp_path: Path, query: str):
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    rule = {"id": "it", "type": "sql", "query": query.replace("{secret}", str(secret)), "mustBeGreaterOrEqualTo": 0}
    good = {"id": "good", "metric": "rowCount", "mustBe": 3}
    found = results(contract(rule, good), csv(GOOD), "csv", query_seconds=0.5, memory_mb=64)
    assert found["rain.it"].status in ("error", "skip")
    assert found["rain.it"].message
    assert found["rain.good"].status == "pass", "the other rules are measured all the same"
    assert secret.read_text() == "a\n1\n"


def test_what_was_measured_before_the_time_was_up_counts(csv):
    slow = {"id": "slow", "type": "sql", "query": "SELECT count(*) FROM range(100000000000) a", "mustBe": 0}
    rules = [
        {"id": "rows", "metric": "rowCount", "mustBe": 3},
        slow,
        {"id": "after", "metric": "rowCount", "mustBe": 3},
    ]
    found = results(contract(*rules), csv(GOOD), "csv", query_seconds=60, total_seconds=8)
    assert found["rain.rows"].status == "pass"
    assert "longer than 8 seconds" in (found["rain.slow"].message or "")
    assert "was under way then" in (found["rain.slow"].message or "")
    assert "was not reached" in (found["rain.after"].message or "")
    assert {found[key].status for key in ("rain.slow", "rain.after")} == {"error"}


def test_data_that_cannot_be_read_is_an_error_without_the_path(tmp_path: Path):
    broken = tmp_path / "rain.json"
    broken.write_text("{not json")
    found = results(contract(), broken, "json")
    assert {result.status for result in found.values()} == {"error"}
    assert all(str(tmp_path) not in (result.message or "") for result in found.values())


@pytest.mark.parametrize("format", ["json", "jsonl", "geojson", "parquet"])
def test_other_formats_are_measured_alike(tmp_path: Path, format: str):
    rows = [
        {"id": 1, "name": "Oslo", "mm": 1.5, "day": "2024-01-01", "mail": "a@example.org"},
        {"id": 2, "name": "Lima", "mm": -1, "day": "2024-02-29", "mail": None},
    ]
    path = tmp_path / f"rain.{format}"
    if format == "parquet":
        (tmp_path / "rows.json").write_text(json.dumps(rows))
        with duckdb.connect() as db:
            db.execute(f"COPY (SELECT * FROM read_json('{tmp_path}/rows.json')) TO '{path}' (FORMAT parquet)")  # noqa: S608
    elif format == "geojson":
        features = [{"type": "Feature", "properties": row, "geometry": None} for row in rows]
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    else:
        path.write_text("\n".join(map(json.dumps, rows)) if format == "jsonl" else json.dumps(rows))
    found = results(contract(), path, format)
    assert statuses(found) == {"rain.name.enum": "fail", "rain.mm.minimum": "fail"}


def test_a_folder_of_files_is_one_table(tmp_path: Path):
    for number, part in enumerate(("1,Oslo,1,2024-01-01,\n", "2,Rome,1,2024-01-02,\n")):
        path = tmp_path / f"part{number}.csv"
        path.write_text("id,name,mm,day,mail\n" + part)
    found = results(contract({"id": "n", "metric": "rowCount", "mustBe": 2}), tmp_path, "csv")
    assert statuses(found) == {}


def test_rules_for_what_is_inside_a_value_are_said_and_not_measured(csv):
    quality = [{"id": "it", "metric": "nullValues", "mustBe": 0}]
    address = {"name": "address", "properties": [{"name": "zip", "quality": quality}]}
    properties = [*PROPERTIES, address, {"name": "parts", "items": {"quality": quality}}]
    found = results(contract(properties=properties), csv(GOOD), "csv")
    for key in ("rain.address.zip.it", "rain.parts.items.it"):
        assert (found[key].status, "inside a value" in (found[key].message or "")) == ("skip", True)


def test_a_value_that_a_query_stumbles_over_is_not_told(csv):
    rule = {"id": "it", "type": "sql", "query": "SELECT sum(CAST(name AS INTEGER)) FROM rain", "mustBe": 0}
    result = results(contract(rule), csv(GOOD), "csv")["rain.it"]
    assert (result.status, "Oslo" in str(result.message)) == ("error", False)


def test_a_mild_rule_warns(csv):
    rule = {"id": "it", "metric": "rowCount", "mustBe": 4, "severity": "warning"}
    assert results(contract(rule), csv(GOOD), "csv")["rain.it"].status == "warn"


def test_the_worst_result_is_the_overall_one():
    assert overall(["pass", "skip", "warn"]) == "warn"
    assert overall(["fail", "error", "pass"]) == "error"
    assert overall(["skip"]) == "skip"
    assert overall([]) == "unknown"
    assert not holds(None, {"mustBe": 0})


DEMO = [
    pytest.param(product.folder, entry.artifact.contract, entry, id=f"{product.name}/{entry.artifact.name}")
    for product in load_mesh().products
    for entry in load_product(product.folder).artifacts.values()
    if entry.artifact.contract and "properties" in entry.artifact.contract["schema"][0]
]


@pytest.mark.parametrize(("folder", "document", "entry"), DEMO)
def test_the_demo_keeps_its_contracts(folder: Path, document: dict[str, Any], entry: Any):
    found = results(document, entry.data.path, entry.data.format)
    assert {key: result.message for key, result in found.items() if result.status not in ("pass", "skip")} == {}
    written = [rule for rule in rules_of(document) if not rule.unmeasured]
    assert sum(result.status == "pass" for result in found.values()) == len(written)


def test_every_contract_of_the_demo_with_columns_is_measured():
    named = {contract["id"] for product in load_mesh().products for contract in contracts_of(product).values()
             if "properties" in contract["schema"][0]}  # fmt: skip
    assert {param.values[1]["id"] for param in DEMO} == named
    assert len(load_mesh().products) >= 14
