"""The OpenAPI 3.1 description of a gateway, built from the wire models."""

import json
from functools import lru_cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway import protocol as wire
from gateway.http import Representation
from gateway.openapi_consuming import consume_paths, control_paths, ingest_paths
from gateway.openapi_observing import observing_paths
from gateway.openapi_parts import CONTRACT, ID, LIMIT, ODCS, ODPS, VERSION, get, ref

_MODELS: tuple[type[BaseModel], ...] = (
    wire.Index, wire.ArtifactList, wire.Artifact, wire.Sample, wire.Health, wire.Metrics, wire.Problem,
    wire.ObservabilityResults, wire.SubscriptionOffer, wire.Subscription, wire.SubscriptionRequest,
    wire.ThresholdRequest, wire.DeadLetters,
    wire.CertificationStatus, wire.CertificationReport, wire.PublishRequest, wire.Published,
    wire.Pause, wire.Configure, wire.ControlStatus, wire.Query, wire.QueryResult, wire.FolderListing, wire.OrderRequest,
    wire.Order, wire.IngestResult,
)  # fmt: skip


def _paths() -> dict[str, Any]:
    json_, yaml = wire.MEDIA_JSON, wire.MEDIA_YAML
    health = get("State of the product, checked now", {wire.MEDIA_HEALTH: ref(wire.Health)})
    health["get"]["responses"]["503"] = {
        "description": "The product fails",
        "content": {wire.MEDIA_HEALTH: {"schema": ref(wire.Health)}},
    }
    return {
        "/discover": get("What this product is, and links to all else", {json_: ref(wire.Index)}),
        "/discover/openapi.json": get("This description", {wire.MEDIA_OPENAPI: {"type": "object"}}),
        "/discover/metadata": get("The ODPS document", {json_: ODPS, yaml: ODPS}),
        "/discover/artifacts": get("What can be consumed", {json_: ref(wire.ArtifactList)}),
        "/discover/artifact/{id}/metadata": get(
            "One artifact with its contract", {json_: ref(wire.Artifact)}, ID, errors=(404,)
        ),
        "/discover/artifact/{id}/sample": get(
            "The first rows of an artifact. Needs a grant as consuming does, unless the artifact is open.",
            {json_: ref(wire.Sample)},
            ID,
            LIMIT,
            errors=(400, 401, 403, 404, 422, 429, 503),
        ),
        "/discover/contracts/{contractId}": get(
            "An ODCS document", {json_: ODCS, yaml: ODCS}, CONTRACT, VERSION, errors=(404,)
        ),
        "/observe/health": health,
        "/observe/lineage": get(
            "OpenLineage events from the ports", {json_: {"type": "array", "items": {"type": "object"}}}
        ),
        "/observe/metrics": get(
            "Use, latency, volume, freshness",
            {json_: ref(wire.Metrics), wire.MEDIA_PROMETHEUS: {"type": "string"}},
        ),
        **observing_paths(),
        **control_paths(),
        **consume_paths(),
        **ingest_paths(),
    }


def openapi(base: str = "") -> bytes:
    """The description as JSON text; `base` is where the gateway is reached, empty for "here"."""
    return _template().replace(_BASE, json.dumps(base or "/", ensure_ascii=False).encode(), 1)


@lru_cache(maxsize=4)
def description(base: str) -> Representation:
    """The description ready to send. Few are kept: 100 KB each, and hardly ever asked for."""
    return Representation(openapi(base), wire.MEDIA_OPENAPI)


_BASE = b'"base-address-goes-here"'


@lru_cache
def _template() -> bytes:
    """The description with a mark where the address goes: all gateways of a process share it. Takes about 30 ms."""
    _, definitions = models_json_schema(
        [(model, "serialization") for model in _MODELS], ref_template="#/components/schemas/{model}"
    )
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Data product gateway",
            "version": wire.PROTOCOL_VERSION,
            "description": "Version 1 of the gateway protocol: what a data product says about itself, live.",
        },
        "servers": [{"url": json.loads(_BASE)}],
        "paths": _paths(),
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {"grant": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }
    return json.dumps(document, indent=1, ensure_ascii=False).encode()
