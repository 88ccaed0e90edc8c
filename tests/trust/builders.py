"""Products as the live window sees them, made from documents as producers write them."""

from dataclasses import replace
from typing import Any

from marketplace.live.explore import PARTS, not_offered
from marketplace.live.formats import odcs, odps
from marketplace.live.state import LiveProduct, Part, product_unavailable
from marketplace.live.view import ContractListView, HealthView
from marketplace.trust.entry import Entry

ENTRY = Entry(
    domain="precipitation",
    domain_title="Precipitation",
    name="daily-rain",
    title="Daily rain",
    summary="What fell at each of four hundred stations, measured every morning at seven, since 1990.",
    owner="Climate Data Office",
    type="source-aligned",
    access_mode="open",
    tags=("rain", "daily", "stations"),
)

CONTRACT: dict[str, Any] = {
    "apiVersion": "v3.2.0",
    "kind": "DataContract",
    "id": "daily-rain",
    "version": "1.0.0",
    "status": "active",
    "servers": [{"server": "lake", "type": "s3", "location": "s3://rain/daily", "format": "parquet"}],
    "slaProperties": [{"property": "frequency", "value": 1, "unit": "d"}],
    "schema": [
        {
            "name": "rain",
            "logicalType": "object",
            "properties": [
                {
                    "name": "station",
                    "logicalType": "string",
                    "description": "Number of the station.",
                    "classification": "public",
                },
                {
                    "name": "mm",
                    "logicalType": "number",
                    "description": "Millimetres of the day.",
                    "classification": "public",
                    "quality": [{"type": "library", "metric": "nullValues", "mustBe": 0}],
                },
            ],
        }
    ],
}

WHOLE: dict[str, Any] = {
    "apiVersion": "v1.1.0",
    "kind": "DataProduct",
    "id": "6f1c1f0e-0000-4000-8000-000000000001",
    "name": "daily-rain",
    "version": "1.0.0",
    "status": "active",
    "domain": "precipitation",
    "type": "sourceAligned",
    "description": {"purpose": "Rain by day.", "usage": "Sum over days.", "limitations": "No snow."},
    "inputPorts": [{"name": "gauges", "version": "1.0.0", "contractId": "gauges"}],
    "outputPorts": [
        {
            "name": "daily",
            "description": "One row for each station and day.",
            "version": "1.0.0",
            "type": "table",
            "contractId": "daily-rain",
            "customProperties": [{"property": "accessRights", "value": "open"}],
        }
    ],
    "support": [{"channel": "#rain", "url": "https://chat.example/rain", "tool": "slack"}],
    "team": {
        "name": "Rain",
        "members": [
            {"username": "jo@example.org", "name": "Jo Doe", "role": "Data product owner"},
            {"username": "mo@example.org", "name": "Mo Roe", "role": "Data steward"},
        ],
    },
    "authoritativeDefinitions": [
        {"type": "dataSharingAgreement", "url": "https://example.org/agreement"},
        {"type": "policy", "url": "https://example.org/access", "description": "Data access policy"},
    ],
    "customProperties": [{"property": "license", "value": "CC-BY-4.0"}],
}


def without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    """The document without these top-level fields."""
    return {name: value for name, value in document.items() if name not in names}


def seen(
    product: dict[str, Any] | None = WHOLE, *contracts: dict[str, Any], state: Any = "live", health: bool = True
) -> LiveProduct:
    """A product that answered with these documents; its list of contracts is complete."""
    offered = Part("health", "live", HealthView("pass")) if health else _never("health")
    return replace(
        product_unavailable(1),
        index=Part("index", state),
        metadata=_never("metadata") if product is None else Part("metadata", state, odps.product(product)),
        artifacts=_never("artifacts"),
        contract_list=Part("contracts", "live", ContractListView()),
        contracts=tuple(Part(f"contract:{n}", state, odcs.contract(one)) for n, one in enumerate(contracts)),
        health=offered,
        metrics=_never("metrics"),
    )


def silent(state: Any = "down", *, waiting: bool = False) -> LiveProduct:
    """A product that was not seen within the day."""
    index, metadata, artifacts, contracts = (Part(name, state, waiting=waiting) for name in PARTS[:4])
    found = product_unavailable(1)
    return replace(found, index=index, metadata=metadata, artifacts=artifacts, contract_list=contracts)


def _never(name: str) -> Part:
    return Part(name, "never", problem=not_offered(name))
