"""Descriptors are found by content and read into the one view; junk in them hides nothing else and raises nothing."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.live.errors import FetchError
from marketplace.live.formats import gateway_index, odcs, odps, recognise
from marketplace.live.formats.quality import rule_text
from marketplace.live.formats.read import text, web_url
from marketplace.live.parsing import parse
from marketplace.live.view import (
    ArtifactsView,
    ContractView,
    HealthView,
    IndexView,
    MetricsView,
    ProductView,
    SampleView,
    from_json,
    to_dict,
    to_json,
)

words = str.split

ODPS_KEYS = words("""
apiVersion kind id name version status domain tenant type description purpose limitations usage tags outputPorts
inputPorts managementPorts support team members price customProperties property value authoritativeDefinitions url
contractId inputContracts channel role username dateIn dateOut sbom
""")
ODCS_KEYS = words("""
schema properties items map key physicalType logicalType required unique primaryKey quality rule metric mustBe
mustBeBetween arguments validValues slaProperties unit valueExt servers server roles relationships from to examples
enum logicalTypeOptions format classification
""")
WIRE_KEYS = words("""
protocolVersion links rel href artifacts columns rows checks
observedValue observedUnit policies license hasMore
""")

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["DataProduct", "javascript:alert(1)", "http://127.0.0.1/", "mailto:a@b", "${X:-1}", "http://["])
)
junk = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(ODPS_KEYS + ODCS_KEYS + WIRE_KEYS) | st.text(max_size=5), inner, max_size=8)
    ),
    max_leaves=40,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(junk, junk)
def test_no_document_however_strange_makes_reading_fail(document: Any, value: Any):
    base = "http://127.0.0.1:8100/discover"
    if isinstance(document, dict):
        document = {**document, "outputPorts": value, "schema": value, "team": value, "checks": value}
    for view in (
        odps.product(document, base),
        odcs.product(document, base),
        odcs.contract(document),
        gateway_index.index(document, base),
        gateway_index.product(document, base),
        gateway_index.artifacts(document, base),
        gateway_index.sample(document),
        gateway_index.health(document),
        gateway_index.metrics(document),
    ):
        assert from_json(type(view), to_json(view)) == view
        json.dumps(to_dict(view), allow_nan=False)


@settings(deadline=None)
@given(junk)
def test_recognition_finds_a_format_or_says_that_there_is_none(document: Any):
    try:
        assert recognise(document).matches(document)
    except FetchError as error:
        assert error.kind == "unknown_format"
        assert error.advice


def test_links_that_are_not_http_are_no_links():
    for bad in (
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "vbscript:x",
        " java\nscript:x",
        "http://a b",
        "http://u:p@h/",
        7,
        None,
    ):
        assert web_url(bad) is None
    assert web_url("/x?y=1", "http://127.0.0.1:1/a/b") == "http://127.0.0.1:1/x?y=1"
    assert web_url("//evil.example/x", "http://127.0.0.1:1/a") == "http://evil.example/x"


def test_very_long_text_is_cut_and_says_so():
    assert "characters in the document" in (text("a" * 50_000) or "")


def documents(folder: Path) -> list[Path]:
    found = sorted(folder.glob("*.y*ml"))
    assert found
    return found


def test_every_published_odps_example_gives_a_product(shared_data):
    for path in documents(shared_data / "descriptors" / "odps"):
        document = parse(path.read_bytes())
        assert recognise(document) is odps
        view = odps.product(document)
        assert view.title, path.name
        assert len(view.artifacts) == len([p for p in document["outputPorts"] if p.get("name")]), path.name
        assert len(view.input_ports) == len(document.get("inputPorts") or []), path.name


def test_the_customer_product_is_read_whole(shared_data):
    path = shared_data / "descriptors" / "odps" / "docs__examples__customer-data-product.odps.yaml"
    view = odps.product(parse(path.read_bytes()))
    assert (view.standard, view.title, view.domain, view.status) == (
        "ODPS v0.9.0",
        "Customer Data Product",
        "seller",
        "draft",
    )
    assert (view.tenant, view.purpose, view.tags) == ("RetailCorp", "Enterprise view of a customer.", ("customer",))
    assert view.version is None
    raw = [artifact for artifact in view.artifacts if artifact.name == "rawtransactions"]
    assert [artifact.id for artifact in raw] == ["rawtransactions@1.0.0", "rawtransactions@2.0.0"]
    assert raw[1].input_contracts[0] == "dbb7b1eb-7628-436e-8914-2a00638ba6db@2.0.0"
    assert raw[1].documentation[0].url == "https://mydata/dictionary"
    assert raw[1].custom[0].value == "2.0.0"
    assert view.input_ports[0].contract_id == "dbb7b1eb-7628-436e-8914-2a00638ba6db"


def names_below(properties: Any) -> int:
    """Columns of an ODCS schema counted in another way than the reader counts them."""
    count = 0
    for entry in properties or []:
        count += 1 + names_below(entry.get("properties"))
        items = entry.get("items")
        if isinstance(items, dict):
            count += names_below(items["properties"]) if items.get("properties") else names_below([items])
        if isinstance(entry.get("map"), dict):
            count += names_below([entry["map"][key] for key in ("key", "value") if key in entry["map"]])
    return count


def test_every_published_odcs_example_gives_a_contract_with_all_its_columns(shared_data):
    for path in documents(shared_data / "descriptors" / "odcs"):
        document = parse(path.read_bytes())
        assert recognise(document) is odcs
        view = odcs.contract(document)
        assert view.id == document["id"], path.name
        assert view.version == document["version"], path.name
        assert len(view.schemas) == len(document.get("schema") or []), path.name
        assert view.column_count == sum(
            names_below(entry.get("properties")) for entry in document.get("schema") or []
        ), path.name
        assert len(view.sla) == len(document.get("slaProperties") or []), path.name
        assert len(view.servers) == len(document.get("servers") or []), path.name
        assert len(view.support) == len(document.get("support") or []), path.name
        assert len(view.roles) == len(document.get("roles") or []), path.name


def test_invalid_contracts_are_read_as_far_as_they_go(shared_data):
    for path in documents(shared_data / "descriptors" / "odcs-invalid"):
        document = parse(path.read_bytes())
        odcs.contract(document)
        try:
            assert recognise(document) is odcs
        except FetchError as error:
            assert "invalid-kind" in path.name or "missing-required" in path.name, (path.name, error.message)


CONTRACT = {
    "apiVersion": "v3.2.0",
    "kind": "DataContract",
    "id": "air",
    "name": "Air quality",
    "version": "1.0.0",
    "description": {"purpose": "p", "limitations": "l", "usage": "u"},
    "schema": [
        {
            "name": "measurements",
            "physicalType": "table",
            "quality": [{"metric": "rowCount", "mustBeGreaterThan": 100, "unit": "rows"}],
            "properties": [
                {
                    "name": "UniqueID",
                    "businessName": "Identifier",
                    "logicalType": "integer",
                    "physicalType": "bigint",
                    "required": True,
                    "unique": True,
                    "primaryKey": True,
                    "primaryKeyPosition": 1,
                    "classification": "public",
                    "examples": [179772, 179785],
                    "quality": [
                        {"metric": "nullValues", "mustBe": 0, "description": "no gaps"},
                        {"type": "sql", "query": "SELECT min(UniqueID)", "mustBeGreaterOrEqualTo": 100000},
                    ],
                },
                {
                    "name": "DataValue",
                    "logicalType": "number",
                    "quality": [{"metric": "invalidValues", "mustBe": 0, "arguments": {"validRange": [0, 500]}}],
                },
                {
                    "name": "place",
                    "logicalType": "object",
                    "properties": [
                        {"name": "lat"},
                        {"name": "tags", "logicalType": "array", "items": {"logicalType": "string"}},
                    ],
                },
            ],
        }
    ],
    "slaProperties": [
        {"property": "latency", "value": 4, "unit": "d", "element": "measurements.DataValue", "driver": "operational"}
    ],
    "servers": [{"server": "prod", "type": "postgres", "host": "db", "port": 5432, "environment": "prod"}],
    "price": {"priceAmount": 9.95, "priceCurrency": "USD", "priceUnit": "megabyte"},
    "team": [{"username": "ada", "role": "Owner", "dateIn": "2022-08-02"}],
    "roles": [{"role": "reader", "access": "read", "firstLevelApprovers": "lead"}],
}


def test_a_contract_is_read_into_rows_people_understand():
    view = odcs.contract(CONTRACT)
    (schema,) = view.schemas
    first = schema.columns[0]
    assert (first.name, first.business_name, first.logical_type, first.physical_type) == (
        "UniqueID",
        "Identifier",
        "integer",
        "bigint",
    )
    assert (first.required, first.unique, first.primary_key, first.classification) == (True, True, True, "public")
    assert first.examples == ("179772", "179785")
    assert [rule.text for rule in first.quality] == [
        "null values must be 0",
        "the result of the query must be at least 100000",
    ]
    assert schema.columns[1].required is None
    assert schema.columns[1].quality[0].text == "invalid values (validRange: 0, 500) must be 0"
    assert [(c.path, c.depth) for c in schema.columns[2:]] == [
        ("place", 0),
        ("place.lat", 1),
        ("place.tags", 1),
        ("place.tags[].item", 2),
    ]
    assert schema.quality[0].text == "row count must be greater than 100"
    assert (view.sla[0].text, view.sla[0].element) == ("latency: 4 d", "measurements.DataValue")
    assert [(s.name, s.value) for s in view.servers[0].settings] == [("host", "db"), ("port", "5432")]
    assert view.price is not None
    assert view.price.text == "9.95 USD per megabyte"
    assert view.team is not None
    assert view.team.members[0].label == "ada"
    assert view.roles[0].approvers == ("lead",)
    assert view.rule_count == 4


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"rule": "nullCheck"}, "no null values"),
        (
            {"metric": "duplicateValues", "mustBeLessThan": 1, "unit": "percent"},
            "duplicate values must be less than 1 %",
        ),
        ({"metric": "rowCount", "mustBeBetween": [100, 200]}, "row count must be between 100 and 200"),
        ({"rule": "invalidValues", "validValues": ["a", "b"]}, "no invalid values (valid: a, b)"),
        ({"type": "text", "description": "Looks right."}, "Looks right."),
        ({"type": "custom", "engine": "soda", "implementation": "type: x"}, "type: x"),
        ({"mustBeBetween": [1]}, "a rule the contract does not spell out"),
        ({}, "a rule the contract does not spell out"),
    ],
)
def test_quality_rules_become_sentences(rule, said):
    assert rule_text(rule) == said


def test_a_gateways_answers_are_read():
    base = "http://127.0.0.1:8100/discover"
    document = {
        "protocolVersion": "1",
        "id": "x",
        "name": "rain",
        "title": "Rain",
        "links": [
            {"rel": "metadata", "href": "/discover/metadata"},
            {"rel": "contract", "href": "contracts/a?version=1"},
            {"rel": "contract", "href": "contracts/a?version=2"},
            {"rel": "health", "href": "javascript:alert(1)"},
            {"rel": "odd"},
            7,
        ],
    }
    assert recognise(document) is gateway_index
    index = gateway_index.index(document, base)
    assert index.url("metadata") == "http://127.0.0.1:8100/discover/metadata"
    assert index.urls("contract") == (
        "http://127.0.0.1:8100/contracts/a?version=1",
        "http://127.0.0.1:8100/contracts/a?version=2",
    )
    assert index.url("health") is None
    sample = gateway_index.sample(
        {"columns": ["a", "b"], "rows": [[1, None], ["x"], [1, 2, 3], {"b": 5}, 9], "hasMore": True}
    )
    assert sample == SampleView(("a", "b"), (("1", None), ("x", None), ("1", "2"), (None, "5"), ("9", None)), True)
    assert len(gateway_index.sample({"columns": ["a"], "rows": [[1]] * 500}).rows) == 100
    health = gateway_index.health(
        {"status": "UP", "checks": {"age": [{"status": "warn", "observedValue": 3, "observedUnit": "d"}]}}
    )
    assert (health.status, health.checks[0].value, health.checks[0].status) == ("pass", "3 d", "warn")
    assert gateway_index.metrics({"requests": {"total": 7}, "latencyMs": {"p95": 1.5}}).value("latencyMs.p95") == "1.5"


def test_views_say_nothing_where_the_document_says_nothing():
    assert replace(odps.product({"kind": "DataProduct"}), problems=()) == ProductView(standard="ODPS")
    assert replace(odcs.contract({"kind": "DataContract"}), problems=()) == ContractView(standard="ODCS")
    assert gateway_index.health({}) == HealthView()
    assert gateway_index.metrics({}) == MetricsView()
    assert gateway_index.artifacts({}, "") == ArtifactsView()
    assert gateway_index.index({}, "") == IndexView(standard="Gateway protocol")
