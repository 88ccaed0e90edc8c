"""DPDS, the other ODPS, STAC, Data Package, Data Contract Specification, OpenAPI and ODCS 2: what each says is kept."""

import socket
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.live.errors import FetchError
from marketplace.live.formats import (
    contract_of,
    datapackage,
    dcs,
    dpds,
    json_schema,
    lf_odps,
    odcs,
    odcs2,
    odps,
    openapi,
    recognise,
    stac,
)
from marketplace.live.formats.known import explanation
from marketplace.live.formats.validity import problems_of
from marketplace.live.view import ContractView, ProductView, from_json, to_json

words = str.split
MODULES = (stac, datapackage, dcs, dpds, lf_odps, openapi, odcs)
KEYS = words("""
type stac_version id title description extent spatial temporal bbox interval links rel href assets item_assets roles
providers name keywords license summaries table:columns cube:variables bands sci:doi resources path data schema fields
primaryKey foreignKeys reference constraints enum licenses sources contributors email version dataContractSpecification
info owner contact models definitions $ref items keys values servicelevels threshold quality specification terms
policies servers roles tags dataProductDescriptor fullyQualifiedName interfaceComponents outputPorts inputPorts promises
slo definition api expectations obligations contactPoints address internalComponents product details en fr productID
pricingPlans declarative SLA dataQuality dimensions dimension objective unit dataAccess outputPorttype accessURL x-files
dataHolder support useCases contract scope rights openapi swagger paths get responses 200 content application/json
properties required allOf oneOf security components securitySchemes parameters host variables dataset table columns
column isNullable stakeholders slaProperties slaDefaultColumn quantumName productDl templateName sourceSystem
""")
HREFS = ["javascript:alert(1)", "data:text/html,x", "//x", "http://[", "#/components", "#/definitions/a", "ftp://h/x"]
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from(HREFS)
junk = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=8)
    ),
    max_leaves=40,
)


def addresses(value: Any) -> list[str]:
    """Everything in a view that a page would make a link of."""
    if is_dataclass(value):
        found = [] if getattr(value, "url", None) is None else [str(getattr(value, "url", ""))]
        for field in fields(value):
            inner = getattr(value, field.name)
            found += list(inner.values()) if field.name == "links" and isinstance(inner, dict) else addresses(inner)
        return found
    if isinstance(value, tuple):
        return [url for inner in value for url in addresses(inner)]
    return []


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=junk, wrap=st.sampled_from(KEYS), base=st.sampled_from([None, "http://127.0.0.1:1/a/b.json"]))
def test_junk_gives_a_view_that_survives_the_cache_and_holds_no_dangerous_link(document: Any, wrap: str, base: Any):
    for tried in (document, {wrap: document}):
        for module in MODULES:
            view = module.product(tried, base)
            assert from_json(ProductView, to_json(view)) == view
            assert all(url.lower().startswith(("http://", "https://", "mailto:")) for url in addresses(view))
        for module in (dcs, odcs):
            seen = module.contract(tried)
            assert from_json(ContractView, to_json(seen)) == seen
        explanation(tried)


def collection() -> dict[str, Any]:
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": "rain",
        "title": "Rain",
        "description": "Rain by the hour.",
        "license": "CC-BY-4.0",
        "keywords": ["rain", "Not provided", "rain"],
        "providers": [
            {"name": "Weather House", "roles": ["producer", "licensor"]},
            {"name": "Cloud", "roles": ["host"]},
        ],
        "extent": {
            "spatial": {"bbox": [[-10, 40, 0, 5, 50, 100], [200, 95, 1, 2], "x"]},
            "temporal": {"interval": [["2020-01-01T00:00:00Z", None]]},
        },
        "links": [
            {"rel": "self", "href": "https://h.example/c"},
            {"rel": "license", "href": "license.html"},
            {"rel": "items", "href": "rain items", "type": "application/geo+json"},
            {"rel": "about", "href": "javascript:alert(1)"},
            {"rel": "derived_from", "href": "https://h.example/raw", "title": "raw"},
        ],
        "assets": {
            "table": {"href": "rain.parquet", "type": "application/x-parquet", "roles": ["data"], "file:size": 12},
            "store": {"href": "s3://bucket/rain", "roles": ["data"]},
            "picture": {"href": "rain.png", "roles": ["thumbnail"]},
        },
        "summaries": {"platform": ["gauge", "radar"], "instruments": ["Not Provided"]},
        "table:columns": [{"name": "mm", "type": "double", "description": "millimetres"}],
    }


STAC_API = "https://h.example/stac/collections"


def test_of_the_collections_that_a_stac_api_lists_the_address_names_one():
    listed = {"collections": [collection(), {**collection(), "id": "snow", "title": "Snow"}], "links": []}
    assert recognise(listed) is stac
    assert stac.product(listed, f"{STAC_API}#dataset=snow").title == "Snow"
    assert stac.product({"collections": [collection()]}, STAC_API).title == "Rain"
    relative = {**collection(), "id": "a", "links": [{"rel": "items", "href": "a/items"}]}
    found = stac.product({"collections": [relative, collection()]}, f"{STAC_API}#dataset=a")
    assert "https://h.example/stac/a/items" in [artifact.links.get("consume") for artifact in found.artifacts]
    for address in (STAC_API, f"{STAC_API}#dataset=sun"):
        with pytest.raises(FetchError) as caught:
            stac.product(listed, address)
        assert caught.value.kind == "is_catalogue"
        assert "#dataset=" in caught.value.advice
        assert "snow" in caught.value.advice


def test_a_stac_catalog_names_where_its_collections_are():
    catalog = {"stac_version": "1.0.0", "type": "Catalog", "id": "c", "description": "d"}
    child = {"rel": "child", "href": "./rain/collection.json"}
    for links, advised in (
        ([child, {"rel": "child", "href": "javascript:alert(1)"}], "https://h.example/stac/rain/collection.json"),
        ([child, {"rel": "data", "href": "/stac/collections"}], STAC_API),
        ([child] * 5, "and 2 more"),
        ([], "names none"),
        ("x", "names none"),
    ):
        document = {**catalog, "links": links}
        assert recognise(document) is stac
        with pytest.raises(FetchError) as caught:
            stac.product(document, "https://h.example/stac/catalog.json")
        assert caught.value.kind == "is_catalogue"
        assert advised in caught.value.advice
        assert "javascript" not in caught.value.advice


def test_a_stac_collection_keeps_its_coverage_license_assets_and_columns():
    assert recognise(collection()) is stac
    view = stac.product(collection(), "https://h.example/stac/rain.json")
    assert (view.standard, view.id, view.owner, view.publisher) == (
        "STAC Collection 1.1.0",
        "rain",
        "Weather House",
        "Cloud",
    )
    assert view.license is not None
    assert (view.license.text, view.license.url) == ("CC-BY-4.0", "https://h.example/stac/license.html")
    assert view.coverage.bboxes == ((-10.0, 40.0, 5.0, 50.0),)
    assert view.coverage.intervals == ("2020-01-01T00:00:00Z/..",)
    assert view.tags == ("rain",)
    assert [(artifact.name, artifact.links) for artifact in view.artifacts] == [
        ("items", {"consume": "https://h.example/stac/rain%20items"}),
        ("table", {"download": "https://h.example/stac/rain.parquet"}),
        ("store", {}),
    ]
    assert view.artifacts[0].schemas[0].columns[0].description == "millimetres"
    assert [value.value for value in view.artifacts[2].custom] == ["s3://bucket/rain"]
    assert [(link.type, link.url) for link in view.documentation] == [("thumbnail", "https://h.example/stac/rain.png")]
    assert [link.url for link in view.sources] == ["https://h.example/raw"]
    assert [(value.name, value.value) for value in view.custom] == [("platform", "gauge, radar")]
    assert view.problems == (
        "extent.spatial.bbox[1]: not west, south, east, north in degrees",
        "extent.spatial.bbox[2]: not west, south, east, north in degrees",
    )


def test_artifacts_without_an_id_keep_the_same_one_at_every_reading():
    first, second = (stac.product(collection(), "https://h.example/x") for _ in range(2))
    assert [artifact.id for artifact in first.artifacts] == [artifact.id for artifact in second.artifacts]
    assert len({artifact.id for artifact in first.artifacts}) == 3


def test_a_data_package_keeps_its_tables_licences_and_people():
    document = {
        "name": "air",
        "title": "Air",
        "licenses": [{"name": "ODC-BY-1.0", "path": "https://o.example/by"}, {"name": "extra"}],
        "contributors": [
            {"title": "Ada", "roles": ["author", "maintainer"], "email": "ada@h.example"},
            {"title": "House", "role": "publisher"},
        ],
        "sources": [{"title": "Stations", "path": "https://s.example/"}, {"title": "Diary"}],
        "resources": [
            {
                "name": "hours",
                "path": "data/hours of air.csv",
                "bytes": 12,
                "schema": {
                    "primaryKey": ["station", "hour"],
                    "foreignKeys": [{"fields": "station", "reference": {"resource": "stations", "fields": "id"}}],
                    "fields": [
                        {"name": "station", "type": "string", "constraints": {"required": True, "enum": ["a", "b"]}},
                        {"name": "hour", "type": "datetime", "rdfType": "http://r.example/hour"},
                        {"name": "pm10", "title": "Dust", "type": "number", "constraints": {"minimum": 0}},
                    ],
                },
            },
            {"name": "parts", "path": ["a.csv", "b.csv"]},
            {"name": "inline", "data": [{"a": 1}]},
            {"name": "nothing"},
        ],
        "region": "north",
    }
    assert recognise(document) is datapackage
    view = datapackage.product(document, "https://h.example/air/datapackage.json")
    assert (view.owner, view.publisher) == ("Ada", "House")
    assert [channel.url for channel in view.support] == ["mailto:ada@h.example"]
    assert view.license is not None
    assert (view.license.text, view.policies[0].text) == ("ODC-BY-1.0", "extra")
    assert [(value.name, value.value) for value in view.custom] == [("source", "Diary"), ("region", "north")]
    hours, parts, inline, nothing = view.artifacts
    assert hours.links == {"download": "https://h.example/air/data/hours%20of%20air.csv"}
    assert (hours.kind, hours.format) == ("table", "csv")
    (table,) = hours.schemas
    assert [(c.name, c.primary_key_position, c.required) for c in table.columns] == [
        ("station", 1, True),
        ("hour", 2, None),
        ("pm10", None, None),
    ]
    assert [value.value for value in table.columns[0].enum] == ["a", "b"]
    assert (table.columns[1].semantic_type, table.columns[2].business_name) == ("http://r.example/hour", "Dust")
    assert table.references == ("station → stations.id",)
    assert parts.custom[0].value == "a.csv, b.csv"
    assert inline.custom[0].value == '[{"a": 1}]'
    assert nothing.links == {}
    assert view.problems == ("resources[3]: neither a path nor data",)


def test_what_lists_resources_for_another_standard_is_no_data_package():
    assert not datapackage.matches({"resources": [{"package_id": "1", "url": "http://x/", "schema": "x", "path": "y"}]})
    assert not datapackage.matches({"@context": "http://schema.org/", "resources": [{"path": "x"}]})
    assert not datapackage.matches({"resources": [{"title": "x"}]})


DCS: dict[str, Any] = {
    "dataContractSpecification": "1.1.0",
    "id": "air",
    "info": {"title": "Air", "version": "2.0.0", "owner": "Team Air", "contact": {"email": "air@h.example"}},
    "terms": {"usage": "u", "limitations": "l", "billing": "free", "noticePeriod": "P3M"},
    "servers": {"prod": {"type": "s3", "location": "s3://b/x", "roles": [{"name": "reader"}]}},
    "definitions": {"station": {"type": "string", "pii": True, "description": "where"}},
    "models": {
        "hours": {
            "type": "table",
            "primaryKey": ["station"],
            "fields": {
                "station": {"$ref": "#/definitions/station", "required": True, "description": "which"},
                "gone": {"$ref": "https://elsewhere.example/x", "type": "int"},
                "place": {"type": "struct", "fields": {"lat": {"type": "double"}}},
                "parts": {"type": "array", "items": {"type": "struct", "fields": {"no": {"type": "int"}}}},
            },
            "quality": [{"type": "sql", "query": "SELECT 1", "mustBeLessThan": 3}],
        }
    },
    "servicelevels": {"latency": {"threshold": "25h", "description": "d"}, "odd": "soon"},
}


def test_a_data_contract_specification_is_a_contract_with_its_definitions_followed():
    assert recognise(DCS) is dcs
    seen = contract_of(DCS)
    assert seen is not None
    assert seen.standard == "Data Contract Specification 1.1.0"
    (model,) = seen.schemas
    assert [(c.path, c.logical_type, c.depth) for c in model.columns] == [
        ("station", "string", 0),
        ("gone", "int", 0),
        ("place", "struct", 0),
        ("place.lat", "double", 1),
        ("parts", "array", 0),
        ("parts[].no", "int", 1),
    ]
    station = model.columns[0]
    assert (station.required, station.primary_key, station.description) == (True, True, "which")
    assert [(value.name, value.value) for value in station.options] == [("pii", "true")]
    assert model.quality[0].text == "the result of the query must be less than 3"
    assert [row.text for row in seen.sla] == ["latency: 25h", "odd: soon"]
    assert [(role.role, role.access) for role in seen.roles] == [("reader", "prod")]
    assert seen.support[0].url == "mailto:air@h.example"
    assert [term.text for term in seen.policies] == ["notice period: P3M"]
    product = dcs.product(DCS)
    assert (product.owner, product.title) == ("Team Air", "Air")
    assert [(a.name, a.contract_id, a.contract_version) for a in product.artifacts] == [("hours", "air", "2.0.0")]


def test_references_that_go_round_or_grow_end(monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: Any) -> None:
        raise AssertionError("a descriptor caused a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    wide = {f"f{number}": {"$ref": "#/definitions/a"} for number in range(40)}
    document = {
        "dataContractSpecification": "1",
        "definitions": {"a": {"fields": wide}, "b": {"$ref": "#/definitions/b"}},
        "models": {"m": {"fields": {**wide, "x": {"$ref": "#/definitions/b"}, "y": {"$ref": "http://127.0.0.2/"}}}},
    }
    assert len(dcs.contract(document).schemas[0].columns) == dcs.MAX_COLUMNS
    schema = {"properties": {f"f{number}": {"$ref": "#/a"} for number in range(40)}}
    assert len(json_schema.columns({"$ref": "#/a"}, {"a": schema})) == json_schema.MAX_COLUMNS
    remote = json_schema.columns({"properties": {"z": {"$ref": "http://127.0.0.2/s.json"}}}, {})
    assert [(column.name, column.references) for column in remote] == [("z", ("http://127.0.0.2/s.json",))]


def test_a_dpds_descriptor_keeps_ports_promises_and_what_is_elsewhere():
    document = {
        "dataProductDescriptor": "1.0.0",
        "info": {
            "fullyQualifiedName": "urn:dpds:h.example:dataproducts:trips:1",
            "version": "1.2.3",
            "domain": "transport",
            "owner": {"id": "jo@h.example"},
        },
        "interfaceComponents": {
            "inputPorts": [{"fullyQualifiedName": "urn:dpds:h.example:dataproducts:tms:1:outputports:raw"}],
            "outputPorts": [
                {
                    "name": "events",
                    "version": "1.0.0",
                    "promises": {
                        "platform": "cloud",
                        "servicesType": "streaming-services",
                        "api": {
                            "specification": "datastoreapi",
                            "definition": {
                                "schema": {
                                    "tables": [{"name": "t", "definition": {"properties": {"id": {"type": "integer"}}}}]
                                }
                            },
                        },
                        "slo": {"$ref": "#/components/slo"},
                    },
                    "obligations": {"terms": {"description": "Be kind"}},
                },
                {"description": "d", "$ref": "ports/status.json"},
            ],
            "observabilityPorts": [{"name": "health"}],
        },
        "components": {"slo": {"definition": {"x-operational": {"availability": "0.99"}, "x-age": "5m"}}},
    }
    assert recognise(document) is dpds
    view = dpds.product(document, "https://h.example/d/trips.json")
    assert (view.title, view.owner, view.domain) == ("trips", "jo@h.example", "transport")
    events, status = view.artifacts
    assert (events.kind, events.schemas[0].columns[0].name) == ("streaming-services", "id")
    assert [term.text for term in events.policies] == ["terms: Be kind"]
    assert (status.name, status.summary) == ("status", "d")
    assert status.links == {"describedby": "https://h.example/d/ports/status.json"}
    assert [row.text for row in view.sla] == ["availability: 0.99", "age: 5m"]
    assert [port.name for port in view.input_ports] == ["raw"]
    assert [(port.name, port.content) for port in view.management_ports] == [("health", "observability")]
    assert view.problems[-1].startswith("interfaceComponents.outputPorts[1]: is in another document")


LF: dict[str, Any] = {
    "schema": "https://opendataproducts.org/v4.1/schema/odps.yaml",
    "product": {
        "details": {
            "fr": {"name": "Ville"},
            "en": {"name": "City", "productID": "c1", "visibility": "public", "status": "draft", "type": "dataset"},
        },
        "contract": {"id": "k1", "contractVersion": "2.0.0", "contractURL": "https://h.example/k1"},
        "dataAccess": {
            "api": {"outputPorttype": "API", "accessURL": "https://h.example/api", "specsURL": "h.example/spec"},
            "file": {"name": {"en": "All"}, "outputPorttype": "file", "format": "CSV"},
        },
        "SLA": {"premium": {"dimensions": [{"dimension": "uptime", "objective": 99, "unit": "percent"}]}},
        "dataQuality": {"declarative": [{"dimension": "accuracy", "objective": 98, "unit": "percentage"}]},
        "pricingPlans": {
            "declarative": {
                "en": [
                    {
                        "name": "Basic",
                        "price": 5,
                        "priceCurrency": "EUR",
                        "billingDuration": "month",
                        "SLA": {"$ref": "#/SLA/premium"},
                        "access": {"$ref": "#/dataAccess/none"},
                    }
                ]
            }
        },
        "license": {"en": {"scope": {"definition": "Use it.", "rights": ["Display"], "geographicalArea": ["EU"]}}},
        "dataHolder": {"en": {"legalName": "City Ltd", "email": "c@h.example"}},
    },
}


def test_the_other_odps_is_told_apart_and_keeps_plans_access_and_licence():
    assert recognise(LF) is lf_odps
    assert not odps.matches(LF)
    assert not lf_odps.matches({**LF, "kind": "DataProduct"})
    view = lf_odps.product(LF)
    assert (view.standard, view.title, view.language) == ("ODPS of opendataproducts.org 4.1", "City", "en")
    api, file = view.artifacts
    assert (api.name, api.kind, api.contract_id, api.contract_version) == ("api", "API", "k1", "2.0.0")
    assert api.links == {"consume": "https://h.example/api", "contract": "https://h.example/k1"}
    assert [(value.name, value.value) for value in api.custom] == [("specsURL", "h.example/spec")]
    assert (file.title, file.format) == ("All", "CSV")
    assert [(row.text, row.element) for row in view.sla] == [("uptime: 99 percent", "premium")]
    assert [rule.text for rule in view.quality] == ["accuracy: 98 %"]
    assert view.price is not None
    assert view.price.text == "5 EUR per month"
    assert view.license is not None
    assert (view.license.text, view.policies[0].text) == ("Use it.", "rights: Display")
    assert view.coverage.places == ("EU",)
    assert (view.publisher, view.support[0].url) == ("City Ltd", "mailto:c@h.example")
    assert view.problems == ("product.pricingPlans[0].access: #/dataAccess/none is not in the document",)


def test_version_2_of_the_other_odps_gives_an_artifact_for_each_file():
    document = {
        "product": {
            "en": {
                "name": "Power",
                "productID": "p",
                "visibility": "public",
                "status": "x",
                "type": "y",
                "version": "",
            },
            "ar": {"name": "استهلاك"},
            "pricingPlans": {"en": [{"name": "Free", "price": "0.00", "priceCurrency": "AED", "unit": "Open-data"}]},
            "dataAccess": {
                "interface": {
                    "outputPorttype": "URL",
                    "authenticationMethod": "None",
                    "x-files": ["https://h.example/a b.csv", "https://h.example/c.csv", "ftp://h.example/d.csv"],
                }
            },
            "license": {"scope": {"definition": "Free.", "exclusive": False}},
            "dataHolder": {"legalName": "House", "URL": "https://h.example/"},
        }
    }
    assert recognise(document) is lf_odps
    view = lf_odps.product(document)
    assert (view.standard, view.title, view.version) == ("ODPS of opendataproducts.org 2.x", "Power", None)
    assert [artifact.links for artifact in view.artifacts] == [
        {"download": "https://h.example/a%20b.csv"},
        {"download": "https://h.example/c.csv"},
    ]
    assert view.artifacts[0].custom[0].value == "ftp://h.example/d.csv"
    assert [plan.price.text for plan in view.prices if plan.price] == ["0.00 AED per Open-data"]
    assert [term.text for term in view.policies] == ["exclusive: no"]
    assert (view.license.text if view.license else None, view.publisher, view.problems) == ("Free.", "House", ())


def test_an_openapi_document_offers_what_can_be_read():
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Air API", "version": "1", "license": {"name": "MIT"}, "contact": {"email": "a@h.example"}},
        "servers": [{"url": "https://{region}.h.example/v1/", "variables": {"region": {"default": "eu"}}}],
        "security": [{"key": []}],
        "components": {
            "securitySchemes": {"key": {"type": "apiKey"}},
            "schemas": {
                "Hour": {
                    "allOf": [{"$ref": "#/components/schemas/Base"}, {"properties": {"pm10": {"type": "number"}}}]
                },
                "Base": {"required": ["id"], "properties": {"id": {"type": "string"}}},
            },
        },
        "paths": {
            "/hours": {
                "get": {
                    "summary": "Hours",
                    "parameters": [{"name": "from", "in": "query", "required": True}],
                    "responses": {
                        "200": {
                            "content": {
                                "application/json": {
                                    "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Hour"}}
                                }
                            }
                        }
                    },
                },
                "post": {},
            },
            "/hours/{id}": {"get": {"security": [], "responses": {}}},
            "/orders": {"post": {"deprecated": True}},
        },
    }
    assert recognise(document) is openapi
    view = openapi.product(document)
    hours, one, orders = view.artifacts
    assert hours.links == {"consume": "https://eu.h.example/v1/hours"}
    assert [(c.name, c.required) for c in hours.schemas[0].columns] == [("id", True), ("pm10", False)]
    assert (hours.access, one.access, one.links) == ("apiKey", "no sign-in", {})
    assert [value.value for value in hours.custom] == ["from, required"]
    assert (orders.name, orders.deprecated, orders.links) == ("POST /orders", True, {})


ODCS_2: dict[str, Any] = {
    "kind": "virtualDataset",
    "templateVersion": "2.2.2",
    "quantumName": "my quantum",
    "datasetDomain": "seller",
    "datasetName": "views",
    "uuid": "u-1",
    "version": "1.1.0",
    "status": "current",
    "description": {"purpose": "p"},
    "productDl": "dl@h.example",
    "productSlackChannel": "#help",
    "sourceSystem": "bigQuery",
    "database": "db",
    "password": "s3cret-in-the-contract",
    "dataset": [
        {
            "table": "tbl",
            "dataGranularity": "by day",
            "columns": [
                {"column": "id", "isPrimaryKey": True, "isNullable": False, "partitionStatus": True, "isUnique": True},
                {"column": "note", "isNullable": True, "sampleValues": ["x"], "criticalDataElementStatus": True},
            ],
            "quality": [
                {"code": "c1", "toolName": "tool", "description": "fine", "scheduleCronExpression": "0 20 * * *"}
            ],
        }
    ],
    "stakeholders": [{"username": "ceo", "role": "Owner", "dateIn": "2022-01-01", "dateOut": "2022-10-01"}],
    "slaDefaultColumn": "tbl.id",
    "slaProperties": [
        {"property": "latency", "value": 4, "unit": "d"},
        {"property": "x", "value": 1, "column": "tbl.note"},
    ],
}


def test_version_2_of_odcs_is_read_like_version_3_and_gives_no_password_away():
    assert odcs2.matches(ODCS_2)
    assert recognise(ODCS_2) is odcs
    view = odcs.contract(ODCS_2)
    assert (view.standard, view.id, view.domain, view.data_product) == ("ODCS v2.2.2", "u-1", "seller", "my quantum")
    (table,) = view.schemas
    assert (table.name, table.granularity) == ("tbl", "by day")
    first, second = table.columns
    assert (first.name, first.required, first.primary_key, first.partitioned, first.unique) == (
        "id",
        True,
        True,
        True,
        True,
    )
    assert (second.required, second.examples, second.critical) == (False, ("x",), True)
    assert (table.quality[0].name, table.quality[0].engine, table.quality[0].schedule) == ("c1", "tool", "0 20 * * *")
    assert [(row.text, row.element) for row in view.sla] == [("latency: 4 d", "tbl.id"), ("x: 1", "tbl.note")]
    assert [channel.channel for channel in view.support] == ["dl@h.example", "#help"]
    assert view.team is not None
    assert view.team.members[0].date_out == "2022-10-01"
    assert [(server.type, server.settings[0].value) for server in view.servers] == [("bigQuery", "db")]
    assert b"s3cret" not in to_json(view)


def test_a_broken_contract_says_where_and_still_gives_its_view():
    broken = {
        "apiVersion": "v3.2.0",
        "kind": "DataContract",
        "id": "x",
        "version": "1",
        "status": "active",
        "servers": [{"server": "s", "type": "abacus"}],
        "schema": [{"name": "t", "properties": [{"name": "a"}]}],
    }
    view = odcs.contract(broken)
    assert [schema.name for schema in view.schemas] == ["t"]
    assert len(view.problems) == 1
    assert view.problems[0].startswith("servers[0].type: 'abacus' is not one of")
    assert odcs.product(broken).problems == view.problems
    assert odcs.contract({**broken, "servers": []}).problems == ()


def test_a_huge_document_is_not_checked_and_says_so():
    (problem,) = problems_of({"kind": "DataContract", "id": "x" * 300_000}, "ODCS 3")
    assert "was not checked" in problem


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"openResourceDiscovery": "1.9"}, "Open Resource Discovery"),
        (
            {"run": {}, "eventType": "START", "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json"},
            "OpenLineage",
        ),
        ({"fullyQualifiedName": "urn:dpds:x:applications:y", "name": "y"}, "one component of a DPDS"),
        ({"stac_version": "1.0.0", "type": "Feature"}, "STAC Item"),
        ({"pricingPlans": {}}, "pricingPlans"),
        ({"apiVersion": "v3.2.0", "kind": "DataModel"}, "'DataModel'"),
        ({"apiVersion": "v3.2.0", "id": "x"}, "kind is missing"),
    ],
)
def test_what_is_known_and_no_product_is_named(document: dict[str, Any], said: str):
    with pytest.raises(FetchError) as error:
        recognise(document)
    assert error.value.kind == "unknown_format"
    assert said in error.value.message
    assert error.value.advice
