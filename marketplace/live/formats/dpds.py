"""Data Product Descriptor Specification 1.0: https://dpds.opendatamesh.org

References inside the document are followed. What is in another document is named with its address and never fetched.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..view import (
    ArtifactView,
    InputPort,
    ManagementPort,
    NamedValue,
    ProductView,
    SchemaView,
    SlaRow,
    SupportChannel,
    Term,
    WebLink,
)
from .json_schema import columns, resolved
from .read import any_text, mail_or_web, mapping, mappings, others, stable_id, text, texts, web_url

NAME = "DPDS"
MAX_OBJECTIVES = 100

_MANAGEMENT = (
    ("discoveryPorts", "discovery"),
    ("observabilityPorts", "observability"),
    ("controlPorts", "control"),
)
_INFO_KNOWN = {
    *("id", "fullyQualifiedName", "entityType", "name", "version", "displayName", "description", "domain"),
    *("owner", "contactPoints"),
}
_PORT_KNOWN = {
    *("id", "fullyQualifiedName", "entityType", "name", "version", "displayName", "description", "promises"),
    *("expectations", "expectatctions", "obligations", "tags", "externalDocs", "componentGroup", "$ref", "mediaType"),
}


def matches(document: Any) -> bool:
    """Found by `dataProductDescriptor`."""
    return isinstance(document, dict) and "dataProductDescriptor" in document


def product(document: Any, base_url: str | None = None) -> ProductView:
    """The product view. Takes any document and never raises."""
    doc = mapping(document)
    info, interfaces = mapping(doc.get("info")), mapping(doc.get("interfaceComponents"))
    owner = mapping(info.get("owner"))
    ports = [resolved(entry, doc) | _outside(entry) for entry in mappings(interfaces.get("outputPorts"))]
    return ProductView(
        standard=" ".join(part for part in (NAME, text(doc.get("dataProductDescriptor"))) if part),
        id=text(info.get("fullyQualifiedName")) or text(info.get("id")),
        title=text(info.get("displayName")) or text(info.get("name")) or _last(info.get("fullyQualifiedName")),
        summary=text(info.get("description")),
        version=text(info.get("version")),
        domain=text(info.get("domain")),
        owner=text(owner.get("name")) or text(owner.get("id")),
        tags=texts(doc.get("tags")),
        artifacts=tuple(_artifact(port, index, doc, base_url) for index, port in enumerate(ports)),
        input_ports=tuple(_inputs(interfaces, doc)),
        management_ports=tuple(_management(interfaces, doc, base_url)),
        support=tuple(_support(info)),
        documentation=tuple(_docs(doc.get("externalDocs"), base_url)),
        sla=tuple(row for port in ports for row in _objectives(port, doc)),
        custom=tuple(_components(doc)) + others(info, _INFO_KNOWN),
        problems=tuple(_problems(info, interfaces, ports)),
    )


def _outside(entry: dict[str, Any]) -> dict[str, Any]:
    """A reference to another document stays visible beside what is said here."""
    reference = text(entry.get("$ref"))
    return {"$ref": reference} if reference and not reference.startswith("#") else {}


def _last(name: Any) -> str | None:
    """The product's or port's name in a `urn:dpds:…`, where the version may stand last."""
    parts = [part for part in (text(name) or "").split(":") if part]
    while parts and parts[-1].replace(".", "").isdigit():
        parts.pop()
    return parts[-1] if parts else None


def _artifact(port: dict[str, Any], index: int, doc: dict[str, Any], base_url: str | None) -> ArtifactView:
    promises = resolved(port.get("promises"), doc)
    api = resolved(promises.get("api"), doc)
    definition = mapping(api.get("definition"))
    reference = text(port.get("$ref"))
    name = (
        text(port.get("name")) or _last(port.get("fullyQualifiedName")) or _file_name(reference) or f"port {index + 1}"
    )
    version = text(port.get("version"))
    described = web_url(definition.get("$ref"), base_url) or web_url(reference, base_url)
    return ArtifactView(
        id=text(port.get("id")) or text(port.get("fullyQualifiedName")) or stable_id(base_url, index, name),
        name=name,
        title=text(port.get("displayName")),
        kind=text(promises.get("servicesType")) or text(promises.get("serviceType")) or text(api.get("specification")),
        format=" ".join(
            part for part in (text(api.get("specification")), text(api.get("specificationVersion"))) if part
        )
        or None,
        summary=text(port.get("description")),
        version=version,
        contract_id=text(port.get("fullyQualifiedName")),
        contract_version=version,
        tags=texts(port.get("tags")),
        policies=tuple(_terms(port, doc)),
        links={"describedby": described} if described else {},
        documentation=(*_docs(port.get("externalDocs"), base_url), *_docs(api.get("externalDocs"), base_url)),
        custom=tuple(_platform(promises)) + others(port, _PORT_KNOWN),
        schemas=tuple(_schemas(definition, doc)),
    )


def _file_name(reference: str | None) -> str | None:
    last = (reference or "").split("#")[0].rsplit("/", 1)[-1]
    return last.removesuffix(".json").removesuffix(".yaml") or None


def _platform(promises: dict[str, Any]) -> Iterator[NamedValue]:
    if platform := text(promises.get("platform")):
        yield NamedValue("platform", platform)
    if (policy := mapping(promises.get("deprecationPolicy"))) and (said := any_text(policy.get("definition"))):
        yield NamedValue("deprecation policy", said, text(policy.get("description")))


def _terms(port: dict[str, Any], doc: dict[str, Any]) -> Iterator[Term]:
    """Expectations (audience, usage) and obligations (terms, billing) of a port, in words."""
    for part in ("expectations", "expectatctions", "obligations"):  # the published example spells it the second way
        for name, value in resolved(port.get(part), doc).items():
            entry = resolved(value, doc)
            definition = mapping(entry.get("definition"))
            said = [f"{key.removeprefix('x-')}: {_plain(item)}" for key, item in definition.items() if key != "$ref"]
            parts = (text(entry.get("description")), *said, text(entry.get("definition")), text(value))
            if words := " · ".join(part for part in parts if part):
                yield Term(f"{name}: {words}", web_url(definition.get("$ref")))


def _plain(value: Any) -> str:
    return ", ".join(texts(value)) if isinstance(value, list) else any_text(value) or ""


def _objectives(port: dict[str, Any], doc: dict[str, Any]) -> Iterator[SlaRow]:
    """The values in a port's SLO definition, whose shape the standard leaves open."""
    slo = resolved(resolved(port.get("promises"), doc).get("slo"), doc)
    element = text(port.get("name"))
    found: list[tuple[str, str]] = []
    _flatten(mapping(slo.get("definition")), "", found, 0)
    for name, value in found[:MAX_OBJECTIVES]:
        yield SlaRow(property=name, value=value, element=element, description=text(slo.get("description")))


def _flatten(values: dict[str, Any], group: str, found: list[tuple[str, str]], depth: int) -> None:
    for key, value in values.items():
        name = key.removeprefix("x-")
        if isinstance(value, dict) and depth < 4:
            _flatten(value, name, found, depth + 1)
        elif key != "$ref" and (said := any_text(value)) is not None:
            found.append((name if name not in [known for known, _ in found] else f"{group} {name}", said))
        if len(found) >= MAX_OBJECTIVES:
            return


def _schemas(definition: dict[str, Any], doc: dict[str, Any]) -> Iterator[SchemaView]:
    """Tables of a Data Store API whose definition is a JSON Schema in this document."""
    for entry in mappings(mapping(definition.get("schema")).get("tables")):
        table = resolved(entry.get("definition"), doc)
        name = text(entry.get("name")) or text(table.get("name")) or "unnamed"
        yield SchemaView(
            name=name,
            business_name=text(table.get("title")) or text(table.get("displayName")),
            physical_name=text(table.get("physicalName")),
            logical_type="table",
            description=text(entry.get("description")) or text(table.get("description")),
            columns=columns(table, doc),
        )


def _inputs(interfaces: dict[str, Any], doc: dict[str, Any]) -> Iterator[InputPort]:
    for entry in mappings(interfaces.get("inputPorts")):
        port = resolved(entry, doc)
        source = text(port.get("fullyQualifiedName"))
        name = text(port.get("name")) or _last(source) or _file_name(text(entry.get("$ref")))
        if name:
            yield InputPort(name, source, text(port.get("version")))


def _management(interfaces: dict[str, Any], doc: dict[str, Any], base_url: str | None) -> Iterator[ManagementPort]:
    for key, content in _MANAGEMENT:
        for entry in mappings(interfaces.get(key)):
            port = resolved(entry, doc)
            api = resolved(resolved(port.get("promises"), doc).get("api"), doc)
            name = (
                text(port.get("name")) or _last(port.get("fullyQualifiedName")) or _file_name(text(entry.get("$ref")))
            )
            yield ManagementPort(
                name=name or content,
                content=content,
                type=text(api.get("specification")),
                url=web_url(mapping(api.get("definition")).get("$ref"), base_url),
                description=text(port.get("description")),
            )


def _support(info: dict[str, Any]) -> Iterator[SupportChannel]:
    for entry in mappings(info.get("contactPoints")):
        address = text(entry.get("address"))
        url = mail_or_web(address)
        said = " · ".join(part for part in (text(entry.get("description")), None if url else address) if part)
        yield SupportChannel(
            channel=text(entry.get("name")), url=url, description=said or None, tool=text(entry.get("channel"))
        )
    owner = mapping(info.get("owner"))
    if url := mail_or_web(owner.get("id")):
        yield SupportChannel(channel=text(owner.get("name")), url=url, description="owner")


def _docs(value: Any, base_url: str | None) -> Iterator[WebLink]:
    for entry in mappings(value):
        if url := web_url(entry.get("$href"), base_url) or web_url(entry.get("$ref"), base_url):
            yield WebLink(url, text(entry.get("mediaType")), text(entry.get("description")))


def _components(doc: dict[str, Any]) -> Iterator[NamedValue]:
    """What runs inside the product, by name; the details are in the original."""
    for key, value in mapping(doc.get("internalComponents")).items():
        named = [resolved(entry, doc) | entry for entry in mappings(value)]
        names = [text(entry.get("name")) or _file_name(text(entry.get("$ref"))) for entry in named]
        if said := ", ".join(name for name in names if name):
            yield NamedValue(str(key), said)


def _problems(info: dict[str, Any], interfaces: dict[str, Any], ports: list[dict[str, Any]]) -> Iterator[str]:
    for key in ("fullyQualifiedName", "name", "version", "domain", "owner"):
        if not info.get(key):
            yield f"info.{key}: a descriptor has to have it"
    if "outputPorts" not in interfaces:
        yield "interfaceComponents.outputPorts: a descriptor has to have it"
    for index, port in enumerate(ports):
        if reference := text(port.get("$ref")):
            yield f"interfaceComponents.outputPorts[{index}]: is in another document ({reference[:200]}), not read here"
        if "expectatctions" in port:
            yield f"interfaceComponents.outputPorts[{index}].expectatctions: spelled expectations in the standard"
