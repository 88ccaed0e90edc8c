"""Contracts to change, written as ODCS."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from marketplace.live.formats import contract_of
from marketplace.live.view import ContractView

RAIN: dict[str, Any] = {
    "apiVersion": "v3.2.0",
    "kind": "DataContract",
    "id": "daily-rain",
    "name": "Daily rain",
    "version": "1.4.2",
    "status": "active",
    "domain": "precipitation",
    "tags": ["rain", "daily"],
    "description": {"purpose": "Rain of each day.", "limitations": "Three stations.", "usage": "Sum it."},
    "schema": [
        {
            "name": "rain",
            "physicalName": "rain_v1",
            "physicalType": "table",
            "description": "One table.",
            "properties": [
                {
                    "name": "station",
                    "logicalType": "string",
                    "physicalType": "VARCHAR(10)",
                    "required": True,
                    "primaryKey": True,
                    "primaryKeyPosition": 1,
                    "description": "Number of the station.",
                    "classification": "public",
                    "examples": ["S-1"],
                    "logicalTypeOptions": {"maxLength": 10, "pattern": "^S-"},
                    "enum": ["S-1", "S-2", "S-3"],
                },
                {
                    "name": "mm",
                    "logicalType": "number",
                    "physicalType": "DECIMAL(6,2)",
                    "description": "Millimetres of rain.",
                    "logicalTypeOptions": {"minimum": 0, "maximum": 500},
                    "quality": [{"name": "no-gaps", "metric": "nullValues", "mustBe": 0, "type": "library"}],
                },
                {"name": "day", "logicalType": "date", "logicalTypeOptions": {"format": "yyyy-MM-dd"}, "unique": True},
                {
                    "name": "place",
                    "logicalType": "object",
                    "properties": [
                        {"name": "city", "logicalType": "string"},
                        {"name": "points", "logicalType": "array", "items": {"logicalType": "number"}},
                    ],
                },
            ],
            "quality": [{"name": "rows", "metric": "rowCount", "mustBeGreaterThan": 0, "type": "library"}],
        },
        {"name": "stations", "properties": [{"name": "station", "logicalType": "string"}]},
    ],
    "servers": [
        {"server": "lake", "type": "s3", "environment": "prod", "location": "s3://rain/*", "description": "All."},
        {
            "server": "db",
            "type": "postgres",
            "host": "db.example",
            "port": 5432,
            "database": "rain",
            "schema": "public",
        },
    ],
    "roles": [{"role": "reader", "access": "read", "description": "Anybody."}],
    "slaProperties": [{"property": "latency", "value": 4, "unit": "d", "description": "Four days."}],
    "team": {"name": "Rain team", "members": [{"username": "ada"}]},
    "support": [{"channel": "#rain", "url": "https://chat.example/rain"}],
    "price": {"priceAmount": 1, "priceCurrency": "EUR", "priceUnit": "download"},
    "customProperties": [{"property": "colour", "value": "blue"}],
}


def rain() -> dict[str, Any]:
    """A contract of one's own to edit."""
    return deepcopy(RAIN)


def view(document: dict[str, Any]) -> ContractView:
    """The document as the window reads it."""
    found = contract_of(document)
    assert found is not None
    return found


def columns(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The columns of the table `rain`, by name."""
    return {column["name"]: column for column in document["schema"][0]["properties"]}
