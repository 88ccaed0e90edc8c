"""Bitol Open Data Contract Standard, 3.x and (by odcs2) 2.x: https://github.com/bitol-io/open-data-contract-standard"""

from __future__ import annotations

from typing import Any

from ..view import (
    Column,
    ContractView,
    NamedValue,
    ProductView,
    Role,
    SchemaView,
    Server,
    SlaRow,
)
from . import odcs2
from .bitol import beyond, description_of, price_of, support_of, team_of, version_of
from .from_contract import product_from
from .quality import beyond as quality_beyond
from .quality import rules
from .read import (
    any_text,
    flag,
    mapping,
    mappings,
    named_values,
    other_links,
    others,
    rest,
    text,
    texts,
    web_links,
    whole,
)
from .validity import problems_of

NAME = "ODCS"
MAX_COLUMN_DEPTH = 16

_SERVER_OWN_FIELDS = {"server", "type", "environment", "description", "customProperties"}
_SLA_READ = {"property", "value", "valueExt", "unit", "element", "driver", "description", "schedule"}
_ROLE_READ = {"role", "access", "description", "firstLevelApprovers", "secondLevelApprovers"}

# What is read into a field of its own; the rest is kept as it is written, so that nothing gets lost.
_READ = {
    *("apiVersion", "kind", "id", "name", "version", "status", "domain", "tenant", "dataProduct", "description"),
    *("contractCreatedTs", "tags", "schema", "quality", "slaProperties", "servers", "team", "support", "roles"),
    *("price", "authoritativeDefinitions", "customProperties", "slaDefaultElement"),
    *odcs2.READ,
}
_SCHEMA_READ = {
    *("name", "businessName", "physicalName", "logicalType", "physicalType", "description", "deprecated"),
    *("dataGranularityDescription", "tags", "properties", "quality", "relationships", "authoritativeDefinitions"),
    *("customProperties",),
}
_COLUMN_READ = {
    *("name", "businessName", "logicalType", "physicalType", "physicalName", "description", "required"),
    *("unique", "primaryKey", "primaryKeyPosition", "partitioned", "criticalDataElement", "deprecated"),
    *("classification", "semanticType", "logicalTypeOptions", "examples", "enum", "tags", "relationships"),
    *("transformDescription", "transformLogic", "transformSourceObjects", "quality", "authoritativeDefinitions"),
    *("customProperties", "properties", "items", "map"),
}


def matches(document: Any) -> bool:
    """Found by `kind`; version 2, which had other kinds too, also by its own names."""
    return isinstance(document, dict) and (document.get("kind") == "DataContract" or odcs2.matches(document))


def contract(document: Any) -> ContractView:
    """The contract view. Takes any document and never raises; what is not said, or not readable, stays unsaid."""
    doc = mapping(document)
    old = "dataset" in doc and "schema" not in doc
    problems = () if old else problems_of(doc, "ODCS 3")
    doc = odcs2.upgraded(doc) if old else doc
    purpose, limitations, usage = description_of(doc)
    return ContractView(
        standard=version_of(NAME, doc),
        id=text(doc.get("id")),
        name=text(doc.get("name")),
        version=text(doc.get("version")),
        status=text(doc.get("status")),
        domain=text(doc.get("domain")),
        tenant=text(doc.get("tenant")),
        data_product=text(doc.get("dataProduct")),
        purpose=purpose,
        limitations=limitations,
        usage=usage,
        created=text(doc.get("contractCreatedTs")),
        tags=texts(doc.get("tags")),
        schemas=tuple(_schema(entry) for entry in mappings(doc.get("schema"))),
        quality=rules(doc.get("quality")),
        sla=tuple(row for entry in mappings(doc.get("slaProperties")) if (row := _sla(entry))),
        servers=tuple(_server(entry) for entry in mappings(doc.get("servers"))),
        team=team_of(doc.get("team")),
        support=support_of(doc.get("support")),
        roles=tuple(_role(entry, name) for entry in mappings(doc.get("roles")) if (name := text(entry.get("role")))),
        price=price_of(doc.get("price")),
        documentation=web_links(doc.get("authoritativeDefinitions"))
        + web_links(mapping(doc.get("description")).get("authoritativeDefinitions")),
        custom=named_values(doc.get("customProperties"))
        + others(doc, _READ)
        + beyond(doc)
        + quality_beyond(doc.get("quality"))
        + rest("slaProperties", doc.get("slaProperties"), _SLA_READ)
        + rest("roles", doc.get("roles"), _ROLE_READ),
        problems=problems,
    )


def product(document: Any, base_url: str | None = None) -> ProductView:
    """A contract on its own, seen as a product with one artifact: all a bare contract says about its product."""
    return product_from(contract(document))


def _schema(entry: dict[str, Any]) -> SchemaView:
    columns: list[Column] = []
    for column in mappings(entry.get("properties")):
        _add_column(columns, column, prefix="", depth=0)
    return SchemaView(
        name=text(entry.get("name")) or text(entry.get("physicalName")) or "unnamed",
        business_name=text(entry.get("businessName")),
        physical_name=text(entry.get("physicalName")),
        logical_type=text(entry.get("logicalType")),
        physical_type=text(entry.get("physicalType")),
        description=text(entry.get("description")),
        granularity=text(entry.get("dataGranularityDescription")),
        deprecated=flag(entry.get("deprecated")) or False,
        tags=texts(entry.get("tags")),
        columns=tuple(columns),
        quality=rules(entry.get("quality")),
        references=_references(entry),
        documentation=web_links(entry.get("authoritativeDefinitions")),
        custom=named_values(entry.get("customProperties")) + others(entry, _SCHEMA_READ) + _beyond(entry),
    )


def _add_column(columns: list[Column], entry: dict[str, Any], prefix: str, depth: int, name: str | None = None) -> None:
    """The column and, after it, those nested in it (`properties`, `items`, `map`)."""
    name = text(entry.get("name")) or text(entry.get("id")) or name or "unnamed"
    path = f"{prefix}{name}"
    columns.append(_column(entry, name, path, depth))
    if depth >= MAX_COLUMN_DEPTH:
        return
    for child in mappings(entry.get("properties")):
        _add_column(columns, child, f"{path}.", depth + 1)
    items = mapping(entry.get("items"))
    if items.get("properties"):
        for child in mappings(items.get("properties")):
            _add_column(columns, child, f"{path}[].", depth + 1)
    elif items:
        _add_column(columns, items, f"{path}[].", depth + 1, "item")
    for part, child in mapping(entry.get("map")).items():
        if part in ("key", "value") and isinstance(child, dict):
            _add_column(columns, child, f"{path}.", depth + 1, part)


def _column(entry: dict[str, Any], name: str, path: str, depth: int) -> Column:
    options = mapping(entry.get("logicalTypeOptions"))
    return Column(
        name=name,
        path=path,
        depth=depth,
        business_name=text(entry.get("businessName")),
        logical_type=text(entry.get("logicalType")),
        physical_type=text(entry.get("physicalType")),
        physical_name=text(entry.get("physicalName")),
        description=text(entry.get("description")),
        required=flag(entry.get("required")),
        unique=flag(entry.get("unique")),
        primary_key=flag(entry.get("primaryKey")) or False,
        primary_key_position=whole(entry.get("primaryKeyPosition")),
        partitioned=flag(entry.get("partitioned")) or False,
        critical=flag(entry.get("criticalDataElement")) or False,
        deprecated=flag(entry.get("deprecated")) or False,
        classification=text(entry.get("classification")),
        semantic_type=text(entry.get("semanticType")),
        format=text(options.get("format")),
        options=tuple(NamedValue(key, any_text(value) or "") for key, value in options.items() if key != "format"),
        examples=tuple(found for example in _list(entry.get("examples")) if (found := any_text(example)) is not None),
        enum=tuple(_enum(value) for value in _list(entry.get("enum")) if value is not None),
        tags=texts(entry.get("tags")),
        references=_references(entry),
        transform=_transform(entry),
        quality=rules(entry.get("quality")),
        documentation=web_links(entry.get("authoritativeDefinitions")),
        custom=named_values(entry.get("customProperties"))
        + others(entry, _COLUMN_READ)
        + _beyond(entry)
        + rest("enum", entry.get("enum"), {"value", "label", "description"})
        # Items that are objects have columns; of what they are themselves there is no column.
        + (rest("items", entry.get("items"), {"properties"}) if mapping(entry.get("items")).get("properties") else ()),
    )


def _beyond(entry: dict[str, Any]) -> tuple[NamedValue, ...]:
    """What the parts of a schema or column say beyond what is read of them, by place."""
    return (
        quality_beyond(entry.get("quality"))
        + rest("relationships", entry.get("relationships"), {"type", "from", "to"})
        + rest("customProperties", entry.get("customProperties"), {"property", "value", "description"})
        + other_links(entry.get("authoritativeDefinitions"))
    )


def _transform(entry: dict[str, Any]) -> str | None:
    """What the transformation is in words, its logic, and from which objects; one text."""
    parts = (text(entry.get("transformDescription")), text(entry.get("transformLogic")))
    sources = ", ".join(texts(entry.get("transformSourceObjects")))
    return " · ".join(part for part in (*parts, f"from {sources}" if sources else None) if part) or None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _enum(value: Any) -> NamedValue:
    if isinstance(value, dict):
        written = any_text(value.get("value")) or ""
        return NamedValue(text(value.get("label")) or written, written, text(value.get("description")))
    written = any_text(value) or ""
    return NamedValue(written, written)


def _references(entry: dict[str, Any]) -> tuple[str, ...]:
    """Relationships as written: "orders.customer_id → customers.id"; the kind where it is not the usual foreignKey."""
    found = []
    for relation in mappings(entry.get("relationships")):
        source, target = ", ".join(texts(relation.get("from"))), ", ".join(texts(relation.get("to")))
        kind = text(relation.get("type"))
        if target:
            said = f"{source} → {target}" if source else target
            found.append(f"{said} ({kind})" if kind and kind != "foreignKey" else said)
    return tuple(found)


def _sla(entry: dict[str, Any]) -> SlaRow | None:
    name = text(entry.get("property"))
    if name is None:
        return None
    value, upper = any_text(entry.get("value")), any_text(entry.get("valueExt"))
    return SlaRow(
        property=name,
        value=f"{value} to {upper}" if value and upper else value,
        unit=text(entry.get("unit")),
        element=text(entry.get("element")),
        driver=text(entry.get("driver")),
        description=text(entry.get("description")),
        schedule=text(entry.get("schedule")),
    )


def _server(entry: dict[str, Any]) -> Server:
    settings = tuple(
        NamedValue(key, any_text(value) or "")
        for key, value in entry.items()
        if key not in _SERVER_OWN_FIELDS and value is not None
    )
    return Server(
        name=text(entry.get("server")) or text(entry.get("id")),
        type=text(entry.get("type")),
        environment=text(entry.get("environment")),
        description=text(entry.get("description")),
        settings=settings + named_values(entry.get("customProperties")),
    )


def _role(entry: dict[str, Any], name: str) -> Role:
    approvers = (text(entry.get("firstLevelApprovers")), text(entry.get("secondLevelApprovers")))
    return Role(
        role=name,
        access=text(entry.get("access")),
        description=text(entry.get("description")),
        approvers=tuple(approver for approver in approvers if approver),
    )
