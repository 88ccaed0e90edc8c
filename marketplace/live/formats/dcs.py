"""Data Contract Specification 0.9 to 1.2: https://github.com/datacontract/datacontract-specification"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..view import (
    ArtifactView,
    Column,
    ContractView,
    NamedValue,
    Person,
    Price,
    ProductView,
    QualityRule,
    Role,
    SchemaView,
    Server,
    SlaRow,
    SupportChannel,
    Team,
    Term,
    WebLink,
)
from .from_contract import product_from
from .json_schema import resolved
from .quality import rules
from .read import any_text, flag, mail_or_web, mapping, mappings, others, stable_id, text, texts, web_url

NAME = "Data Contract Specification"
MAX_DEPTH = 16
MAX_COLUMNS = 10_000

_KNOWN = {
    *("dataContractSpecification", "id", "info", "servers", "terms", "models", "definitions", "servicelevels"),
    *("quality", "tags", "links", "examples"),
}
_FIELD_KNOWN = {
    *("type", "title", "description", "required", "unique", "primary", "primaryKey", "references", "format"),
    *("classification", "tags", "examples", "example", "enum", "quality", "fields", "items", "keys", "values"),
    *("links", "$ref", "deprecated"),
}
_OPTIONS = {
    *("minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("precision", "scale", "pii", "lineage", "config"),
}


def matches(document: Any) -> bool:
    """Found by `dataContractSpecification`."""
    return isinstance(document, dict) and "dataContractSpecification" in document


def contract(document: Any) -> ContractView:
    """The contract view. Takes any document and never raises; definitions are followed inside the document only."""
    doc = mapping(document)
    info, terms = mapping(doc.get("info")), mapping(doc.get("terms"))
    owner = text(info.get("owner"))
    servers = list(_named(doc.get("servers")))
    billing = text(terms.get("billing"))
    return ContractView(
        standard=" ".join(part for part in (NAME, text(doc.get("dataContractSpecification"))) if part),
        id=text(doc.get("id")),
        name=text(info.get("title")),
        version=text(info.get("version")),
        status=text(info.get("status")),
        purpose=text(info.get("description")),
        limitations=text(terms.get("limitations")),
        usage=text(terms.get("usage")),
        tags=texts(doc.get("tags")),
        schemas=tuple(_model(name, entry, doc) for name, entry in _named(doc.get("models"))),
        quality=_quality(doc.get("quality")),
        sla=tuple(_service_levels(mapping(doc.get("servicelevels")))),
        servers=tuple(_server(name, entry) for name, entry in servers),
        team=Team(members=(Person(name=owner, role="owner"),)) if owner else None,
        support=tuple(_support(info)),
        roles=tuple(
            Role(role=role, access=name, description=text(entry.get("description")))
            for name, server in servers
            for entry in mappings(server.get("roles"))
            if (role := text(entry.get("name")))
        ),
        price=Price(unit=billing) if billing else None,
        documentation=tuple(_links(doc.get("links"))),
        custom=_left_over(doc, info, terms),
        policies=tuple(_policies(terms)),
        problems=tuple(_problems(doc)),
    )


def product(document: Any, base_url: str | None = None) -> ProductView:
    """The contract seen as a product: each model is an artifact under this contract."""
    seen = contract(document)
    artifacts = tuple(
        ArtifactView(
            id=stable_id(seen.id or base_url, "model", schema.name),
            name=schema.name,
            title=schema.business_name,
            kind=schema.logical_type,
            summary=schema.description,
            version=seen.version,
            contract_id=seen.id,
            contract_version=seen.version,
            tags=schema.tags,
        )
        for schema in seen.schemas
    )
    return product_from(seen, artifacts)


def _named(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, entry in mapping(value).items():
        if isinstance(entry, dict):
            yield str(name), entry


def _model(name: str, entry: dict[str, Any], root: dict[str, Any]) -> SchemaView:
    columns: list[Column] = []
    keys = texts(entry.get("primaryKey")) if isinstance(entry.get("primaryKey"), list) else ()
    for field, value in mapping(entry.get("fields")).items():
        _add_field(columns, str(field), value, root, "", 0, keys)
    samples = entry.get("examples") if isinstance(entry.get("examples"), list) else []
    return SchemaView(
        name=name,
        business_name=text(entry.get("title")),
        logical_type=text(entry.get("type")),
        description=text(entry.get("description")),
        tags=texts(entry.get("tags")),
        columns=tuple(columns),
        quality=_quality(entry.get("quality")),
        custom=tuple(NamedValue("example", said) for item in (samples or []) if (said := any_text(item))),
    )


def _add_field(
    columns: list[Column], name: str, value: Any, root: Any, prefix: str, depth: int, keys: tuple[str, ...]
) -> None:
    """The field and, after it, those nested in it (`fields`, `items`, `keys`, `values`)."""
    if len(columns) >= MAX_COLUMNS:
        return
    entry = resolved(value, root)
    path = f"{prefix}{name}"
    columns.append(_column(entry, name, path, depth, keys if depth == 0 else ()))
    if depth >= MAX_DEPTH:
        return
    for child, inner in mapping(entry.get("fields")).items():
        _add_field(columns, str(child), inner, root, f"{path}.", depth + 1, ())
    items = resolved(entry.get("items"), root)
    if mapping(items.get("fields")):
        for child, inner in mapping(items.get("fields")).items():
            _add_field(columns, str(child), inner, root, f"{path}[].", depth + 1, ())
    elif items:
        _add_field(columns, "item", items, root, f"{path}[].", depth + 1, ())
    for part in ("keys", "values"):
        if inner := mapping(entry.get(part)):
            _add_field(columns, part, inner, root, f"{path}.", depth + 1, ())


def _column(entry: dict[str, Any], name: str, path: str, depth: int, keys: tuple[str, ...]) -> Column:
    physical = mapping(entry.get("config"))
    primary = flag(entry.get("primaryKey")) or flag(entry.get("primary")) or name in keys
    examples = entry.get("examples") if isinstance(entry.get("examples"), list) else [entry.get("example")]
    choices = entry.get("enum") if isinstance(entry.get("enum"), list) else []
    return Column(
        name=name,
        path=path,
        depth=depth,
        business_name=text(entry.get("title")),
        logical_type=text(entry.get("type")),
        physical_type=next((said for key in physical if key.endswith("Type") and (said := text(physical[key]))), None),
        description=text(entry.get("description")),
        required=flag(entry.get("required")),
        unique=flag(entry.get("unique")),
        primary_key=bool(primary),
        primary_key_position=keys.index(name) + 1 if name in keys else None,
        deprecated=flag(entry.get("deprecated")) or False,
        classification=text(entry.get("classification")),
        format=text(entry.get("format")),
        options=tuple(
            NamedValue(key, said) for key in entry if key in _OPTIONS and (said := any_text(entry[key])) is not None
        ),
        examples=tuple(said for item in (examples or []) if (said := any_text(item)) is not None),
        enum=tuple(NamedValue(said, said) for item in (choices or []) if (said := any_text(item)) is not None),
        tags=texts(entry.get("tags")),
        references=texts(entry.get("references")),
        quality=_quality(entry.get("quality")),
        documentation=tuple(_links(entry.get("links"))),
        custom=others(entry, _FIELD_KNOWN | _OPTIONS),
    )


def _quality(value: Any) -> tuple[QualityRule, ...]:
    """Rules as a list; before 1.1 one object, with the checks of a tool as text."""
    if isinstance(value, dict) and "specification" in value:
        engine, checks = text(value.get("type")), any_text(value.get("specification"))
        return (QualityRule(text=f"checks of {engine or 'a tool'}", type=engine, engine=engine, query=checks),)
    return rules(value)


def _service_levels(levels: dict[str, Any]) -> Iterator[SlaRow]:
    """Each level has values of its own; the first that is said becomes the value, the others stay in words."""
    values = ("percentage", "threshold", "period", "interval", "time", "cron", "value")
    for name, value in levels.items():
        entry = mapping(value)
        main = next((key for key in values if text(entry.get(key))), None)
        rest = [
            f"{key}: {said}"
            for key, item in entry.items()
            if key not in (main, "description", "cron", "timestampField") and (said := any_text(item))
        ]
        description = " · ".join(part for part in (text(entry.get("description")), *rest) if part)
        yield SlaRow(
            property=str(name),
            value=text(entry.get(main)) if main else any_text(value) if not entry else None,
            element=text(entry.get("timestampField")) or text(entry.get("processedTimestampField")),
            description=description or None,
            schedule=text(entry.get("cron")),
        )


def _server(name: str, entry: dict[str, Any]) -> Server:
    known = {"type", "environment", "description", "roles"}
    return Server(
        name=name,
        type=text(entry.get("type")),
        environment=text(entry.get("environment")),
        description=text(entry.get("description")),
        settings=others(entry, known),
    )


def _support(info: dict[str, Any]) -> Iterator[SupportChannel]:
    contact = mapping(info.get("contact"))
    name = text(contact.get("name"))
    addresses = [found for key in ("url", "email") if (found := mail_or_web(contact.get(key)))]
    for address in addresses:
        yield SupportChannel(channel=name, url=address)
    if name and not addresses:
        yield SupportChannel(channel=name)


def _policies(terms: dict[str, Any]) -> Iterator[Term]:
    for entry in mappings(terms.get("policies")):
        parts = (text(entry.get("name")), text(entry.get("description")))
        url = web_url(entry.get("url"))
        if said := ": ".join(part for part in parts if part) or url:
            yield Term(said, url)
    if notice := text(terms.get("noticePeriod")):
        yield Term(f"notice period: {notice}")


def _links(value: Any) -> Iterator[WebLink]:
    for name, address in mapping(value).items():
        if url := web_url(address):
            yield WebLink(url, str(name))


def _left_over(doc: dict[str, Any], info: dict[str, Any], terms: dict[str, Any]) -> tuple[NamedValue, ...]:
    return (
        others(doc, _KNOWN)
        + others(info, {"title", "version", "status", "description", "owner", "contact"})
        + others(terms, {"usage", "limitations", "policies", "billing", "noticePeriod"})
    )


def _problems(doc: dict[str, Any]) -> Iterator[str]:
    if not text(doc.get("id")):
        yield "id: a contract has to have it"
    for key in ("title", "version"):
        if not text(mapping(doc.get("info")).get(key)):
            yield f"info.{key}: a contract has to have it"
