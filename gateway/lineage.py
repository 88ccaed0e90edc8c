"""OpenLineage events from the ODPS ports: what this product is made from and what it gives.

https://openlineage.io/spec/2-0-2/OpenLineage.json. A dataset is named by its contract id, in the namespace `odcs`: that
is the one name that the product which offers a port and the product which reads it both know, so events of many
gateways join into one graph. Each output port is a job. The last change of its data counts as the end of a run.
"""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from gateway.product import PortArtifact, Product
from gateway.protocol import PROTOCOL_VERSION

PRODUCER = f"urn:data-product-gateway:{PROTOCOL_VERSION}"
SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/"
FACETS = "https://openlineage.io/spec/facets/"
NAMESPACE = "odcs"


def lineage(product: Product) -> bytes:
    """All events as a JSON array, as OpenLineage's batch endpoints take it: for each output port a DatasetEvent, a
    JobEvent, and a RunEvent where the time of the last change is known. The same as long as files are."""
    odps = product.odps.content
    changed = max((document.stamp[0] for document in product.documents if document.stamp), default=0)
    described = datetime.fromtimestamp(changed / 1e9, UTC)
    events: list[dict[str, Any]] = []
    for entry in product.artifacts.values():
        own, inputs = _output(product, entry), _inputs(odps, entry.artifact.port)
        job = {"namespace": address(odps), "name": entry.artifact.name, "facets": _job_facets(odps, entry)}
        events.append(_event("DatasetEvent", described, dataset=own))
        events.append(_event("JobEvent", described, job=job, inputs=inputs, outputs=[own]))
        updated = entry.artifact.updated
        if updated is not None:
            run = {"runId": str(uuid5(NAMESPACE_URL, f"{entry.artifact.id}#{updated.isoformat()}"))}
            ended = {"eventType": "COMPLETE", "run": run, "job": job, "inputs": inputs, "outputs": [own]}
            events.append(_event("RunEvent", updated, **ended))
    return json.dumps(events, ensure_ascii=False).encode()


def address(odps: dict[str, Any]) -> str:
    """The product's address in a mesh, `urn:dp:<domain>:<name>`."""
    return f"urn:dp:{odps.get('domain') or 'none'}:{odps.get('name') or odps['id']}"


def _event(kind: str, when: datetime, **parts: Any) -> dict[str, Any]:
    return {"eventTime": when.isoformat(), "producer": PRODUCER, "schemaURL": f"{SCHEMA}{kind}", **parts}


def _facet(version: str, name: str, **parts: Any) -> dict[str, Any]:
    return {"_producer": PRODUCER, "_schemaURL": f"{FACETS}{version}/{name}.json#/$defs/{name}", **parts}


def _version(version: str) -> dict[str, Any]:
    return _facet("1-0-1", "DatasetVersionDatasetFacet", datasetVersion=version)


def _output(product: Product, entry: PortArtifact) -> dict[str, Any]:
    artifact, odps = entry.artifact, product.odps.content
    facets: dict[str, Any] = {}
    fields = _fields(artifact.contract or {})
    if fields:
        facets["schema"] = _facet("1-2-0", "SchemaDatasetFacet", fields=fields)
    if artifact.summary:
        facets["documentation"] = _facet("1-1-0", "DocumentationDatasetFacet", description=artifact.summary)
    if artifact.version:
        facets["version"] = _version(artifact.version)
    owner = (odps.get("team") or {}).get("name") if isinstance(odps.get("team"), dict) else None
    if owner:
        facets["ownership"] = _facet("1-0-1", "OwnershipDatasetFacet", owners=[{"name": owner, "type": "OWNER"}])
    if artifact.contract_id is None:
        return {"namespace": address(odps), "name": artifact.name, "facets": facets}
    port = {"namespace": address(odps), "name": artifact.name, "type": "OUTPUT_PORT"}
    facets["symlinks"] = _facet("1-0-1", "SymlinksDatasetFacet", identifiers=[port])
    return {"namespace": NAMESPACE, "name": artifact.contract_id, "facets": facets}


def _fields(contract: dict[str, Any]) -> list[dict[str, str]]:
    """The columns of a contract's tables; `table.column` where there are several tables."""
    schema = contract.get("schema") or []
    fields = []
    for table in schema:
        for column in table.get("properties") or []:
            name = f"{table['name']}.{column['name']}" if len(schema) > 1 else column["name"]
            field = {"name": name, "type": column.get("physicalType") or column.get("logicalType")}
            fields.append({k: v for k, v in {**field, "description": column.get("description")}.items() if v})
    return fields


def _inputs(odps: dict[str, Any], port: dict[str, Any]) -> list[dict[str, Any]]:
    """What an output port is made from: the contracts it names itself, else all input ports of the product."""
    named = port.get("inputContracts") or []
    found = [(NAMESPACE, contract["id"], contract.get("version")) for contract in named]
    if not found:
        for each in odps.get("inputPorts") or []:
            known = each.get("contractId")
            found.append((NAMESPACE if known else address(odps), known or each["name"], each.get("version")))
    return [
        {"namespace": space, "name": name} | ({"facets": {"version": _version(version)}} if version else {})
        for space, name, version in dict.fromkeys(found)
    ]


def _job_facets(odps: dict[str, Any], entry: PortArtifact) -> dict[str, Any]:
    description = f"Makes the output port {entry.artifact.name} of {odps.get('name') or odps['id']}."
    return {"documentation": _facet("1-1-0", "DocumentationJobFacet", description=description)}
