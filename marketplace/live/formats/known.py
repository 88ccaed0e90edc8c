"""Documents that are something known and still no description of one data product: what they are, and what to do."""

from __future__ import annotations

from typing import Any

from .read import text

_ODPS_PARTS = ("pricingPlans", "SLA", "dataQuality", "dataAccess", "dataHolder", "productStrategy")


def explanation(document: Any) -> tuple[str, str] | None:
    """What the document is and what to do, as two sentences; None where it is unknown. Never raises."""
    if not isinstance(document, dict):
        return None
    if "openResourceDiscovery" in document:
        return (
            "The document is Open Resource Discovery (ORD), which describes a whole system with many resources.",
            "Point the link at the descriptor of one data product, or at one of the definitions the document lists.",
        )
    if any("openlineage" in said.lower() for said in _schema_urls(document)):
        return (
            "The document is an OpenLineage event or facet, which tells of one run of a job.",
            "It belongs to the product's lineage. Point the link at the product's own descriptor.",
        )
    if "dataProductSpecification" in document:
        return (
            "The document is a Data Product Specification, which is not read here: Bitol ODPS succeeded it.",
            "Write the product as ODPS, with apiVersion: v1.1.0 and kind: DataProduct.",
        )
    if (text(document.get("fullyQualifiedName")) or "").startswith("urn:dpds:") or "datastoreapi" in document:
        return (
            "The document is one component of a DPDS descriptor, not the descriptor.",
            "Point the link at the document that has dataProductDescriptor at its top.",
        )
    if document.get("type") == "Feature" and "stac_version" in document:
        return (
            "The document is a STAC Item, one entry of a collection.",
            "Point the link at the collection, which the item's links name as rel: collection.",
        )
    if "product" not in document and any(part in document for part in _ODPS_PARTS):
        found = next(part for part in _ODPS_PARTS if part in document)
        return (
            f"The document is a part of an opendataproducts.org ODPS document ({found}), without the product itself.",
            "Point the link at the document that has product at its top.",
        )
    if "apiVersion" in document and (kind := text(document.get("kind"))):
        return (
            f"kind is {kind[:60]!r}, which is neither a Bitol data product nor a data contract.",
            "An ODPS document has kind: DataProduct, an ODCS contract has kind: DataContract.",
        )
    if "apiVersion" in document or ("kind" not in document and "schema" in document and "status" in document):
        return (
            "kind is missing, so that it is not said whether the document is a data product or a data contract.",
            "An ODPS document has kind: DataProduct, an ODCS contract has kind: DataContract.",
        )
    return None


def _schema_urls(document: dict[str, Any]) -> list[str]:
    """`_schemaURL` of the document, and of facets one or two levels below."""
    found = [text(document.get("_schemaURL")) or "", text(document.get("schemaURL")) or ""]
    for value in document.values():
        if isinstance(value, dict):
            found.append(text(value.get("_schemaURL")) or "")
            found += [text(inner.get("_schemaURL")) or "" for inner in value.values() if isinstance(inner, dict)]
    return found
