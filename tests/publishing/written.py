"""Catalogues as they are written."""

from typing import Any


def catalogue(datasets: list[Any]) -> dict[str, Any]:
    """A data.json of DCAT-US 1.1."""
    return {"conformsTo": "https://project-open-data.cio.gov/v1.1/schema", "dataset": datasets}


def dataset(number: int, **changes: Any) -> dict[str, Any]:
    """A sound entry of a data.json, unlike all others."""
    return {
        "@type": "dcat:Dataset",
        "title": f"Gauge {number}",
        "description": f"Water levels at gauge {number}. Every ten minutes.",
        "identifier": f"https://gauges.example/{number}",
        "accessLevel": "public",
        "keyword": ["rain", "Tide Gauges"],
        **changes,
    }
