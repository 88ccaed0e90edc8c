"""Small gateways on the hostile server: well-behaved by default, each answer replaceable."""

from __future__ import annotations

from typing import Any

from .hostile import Server, answer

ODPS: dict[str, Any] = {
    "apiVersion": "v1.1.0",
    "kind": "DataProduct",
    "id": "rain-1",
    "name": "daily-rain",
    "version": "1.2.0",
    "status": "active",
    "domain": "Precipitation",
    "type": "sourceAligned",
    "tags": ["Rain", "daily"],
    "description": {"purpose": "Rain of each day. At three stations. Since 1990. And a fourth sentence."},
    "team": {"name": "Rain team", "members": [{"username": "ada", "name": "Ada", "role": "Data Product Owner"}]},
    "inputPorts": [{"name": "raw", "contractId": "raw-rain", "version": "1.0.0"}],
    "outputPorts": [
        {"id": "rain", "name": "rain", "type": "tables", "version": "1.0.0", "contractId": "c-rain"},
        {"id": "guide", "name": "guide", "type": "document"},
    ],
    "authoritativeDefinitions": [{"type": "documentation", "url": "https://docs.example/rain"}],
}

CONTRACT: dict[str, Any] = {
    "apiVersion": "v3.2.0",
    "kind": "DataContract",
    "id": "c-rain",
    "name": "Rain contract",
    "version": "1.0.0",
    "status": "active",
    "domain": "Precipitation",
    "schema": [{"name": "rain", "properties": [{"name": "station", "logicalType": "string", "required": True}]}],
}

INDEX: dict[str, Any] = {
    "protocolVersion": "1",
    "id": "rain-1",
    "name": "daily-rain",
    "title": "Daily rain",
    "summary": "Rain of each day. At three stations. Since 1990. And a fourth sentence.",
    "links": [
        {"rel": "self", "href": "/discover"},
        {"rel": "metadata", "href": "/discover/metadata"},
        {"rel": "artifacts", "href": "/discover/artifacts"},
        {"rel": "contract", "href": "/discover/contracts/c-rain"},
        {"rel": "health", "href": "/observe/health"},
        {"rel": "metrics", "href": "/observe/metrics"},
    ],
}

ARTIFACTS: dict[str, Any] = {
    "productId": "rain-1",
    "artifacts": [
        {
            "id": "rain",
            "name": "rain",
            "title": "Rain",
            "kind": "table",
            "contractId": "c-rain",
            "contractVersion": "1.0.0",
            "links": [
                {"rel": "sample", "href": "/discover/artifact/rain/sample"},
                {"rel": "contract", "href": "/discover/contracts/c-rain"},
            ],
        },
        {"id": "guide", "name": "guide", "kind": "document"},
    ],
}

SAMPLE: dict[str, Any] = {
    "artifactId": "rain",
    "columns": ["station", "mm"],
    "rows": [["Paris", 3.5]],
    "hasMore": False,
}


def gateway(server: Server, **replaced: Any) -> str:
    """Routes of a whole gateway; `replaced` by name: a handler each. Returns the discovery URL."""
    routes: dict[str, Any] = {
        "index": ("/discover", answer(INDEX)),
        "metadata": ("/discover/metadata", answer(ODPS)),
        "artifacts": ("/discover/artifacts", answer(ARTIFACTS)),
        "contract": ("/discover/contracts/c-rain", answer(CONTRACT)),
        "sample": ("/discover/artifact/rain/sample", answer(SAMPLE)),
        "health": ("/observe/health", answer({"status": "pass"}, content_type="application/health+json")),
        "metrics": ("/observe/metrics", answer({"requests": {"total": 3}})),
    }
    for name, (path, handler) in routes.items():
        server.route(path, replaced.get(name, handler))
    return server.url("/discover")
