"""Bitol Open Data Product Standard 1.x (and the 0.9 drafts): https://github.com/bitol-io/open-data-product-standard"""

from __future__ import annotations

from typing import Any

from ..view import ArtifactsView, ArtifactView, Coverage, InputPort, ManagementPort, NamedValue, ProductView, Term
from .bitol import beyond, description_of, owner_of, price_of, support_of, team_of, version_of
from .places import box_of
from .read import flag, mappings, named_values, other_links, others, rest, text, texts, web_links, web_url
from .validity import problems_of

NAME = "ODPS"

_BEFORE = ("v1.0.0", "v0.9.0")
# What is read into a field of its own; the rest is kept as it is written, so that nothing gets lost.
_READ = {
    *("apiVersion", "kind", "id", "name", "version", "status", "type", "domain", "tenant", "description", "tags"),
    *("productCreatedTs", "outputPorts", "inputPorts", "managementPorts", "team", "support", "price"),
    *("authoritativeDefinitions", "customProperties"),
}
_PORT_READ = {
    *("id", "name", "version", "type", "description", "contractId", "deprecated", "tags", "inputContracts"),
    *("authoritativeDefinitions", "customProperties"),
}


def matches(document: Any) -> bool:
    """Found by `kind`; the other standard of the same acronym has a `product` root and no kind."""
    return isinstance(document, dict) and document.get("kind") == "DataProduct"


def product(document: Any, base_url: str | None = None) -> ProductView:
    """The product view. Takes any document and never raises; what is not said, or not readable, stays unsaid."""
    doc = document if isinstance(document, dict) else {}
    purpose, limitations, usage = description_of(doc)
    team = team_of(doc.get("team"))
    custom = named_values(doc.get("customProperties"))
    said = {value.name.lower(): value for value in custom}
    return ProductView(
        standard=version_of(NAME, doc),
        id=text(doc.get("id")),
        title=_value(said, "title") or text(doc.get("name")),
        summary=_value(said, "summary") or purpose,
        purpose=purpose,
        limitations=limitations,
        usage=usage,
        version=text(doc.get("version")),
        status=text(doc.get("status")),
        type=text(doc.get("type")),
        domain=text(doc.get("domain")),
        tenant=text(doc.get("tenant")),
        owner=owner_of(team),
        created=text(doc.get("productCreatedTs")),
        tags=texts(doc.get("tags")),
        artifacts=artifacts(doc, base_url).artifacts,
        input_ports=tuple(
            InputPort(name, text(port.get("contractId")), text(port.get("version")))
            for port in mappings(doc.get("inputPorts"))
            if (name := text(port.get("name")))
        ),
        management_ports=tuple(
            ManagementPort(
                name=name,
                content=text(port.get("content")),
                type=text(port.get("type")),
                url=web_url(port.get("url"), base_url),
                description=text(port.get("description")),
            )
            for port in mappings(doc.get("managementPorts"))
            if (name := text(port.get("name")))
        ),
        team=team,
        support=support_of(doc.get("support")),
        price=price_of(doc.get("price")),
        documentation=web_links(doc.get("authoritativeDefinitions")),
        coverage=_coverage(doc),
        license=_term(_value(said, "license")),
        update_frequency=_value(said, "updatefrequency"),
        custom=custom
        + others(doc, _READ)
        + beyond(doc)
        + rest("inputPorts", doc.get("inputPorts"), {"name", "contractId", "version"})
        + rest("managementPorts", doc.get("managementPorts"), {"name", "content", "type", "url", "description"}),
        problems=problems_of(doc, "ODPS 1.1.0" if text(doc.get("apiVersion")) not in _BEFORE else "ODPS 1.0.0"),
    )


def _coverage(doc: dict[str, Any]) -> Coverage:
    """By the custom properties spatialCoverage (a box, a geometry, or a name; or a list of them) and temporalCoverage
    ("start/end", or a list), for which the standard has no field."""
    said = {str(entry.get("property")).lower(): entry.get("value") for entry in mappings(doc.get("customProperties"))}
    where, when = said.get("spatialcoverage"), said.get("temporalcoverage")
    places = where if isinstance(where, list) and not box_of(where) else [where]
    boxes = [box_of(place) for place in places]
    return Coverage(
        bboxes=tuple(box for box in boxes if box),
        intervals=texts(when),
        places=tuple(name for place, box in zip(places, boxes, strict=True) if not box for name in texts(place)),
    )


def artifacts(document: Any, base_url: str | None = None) -> ArtifactsView:
    """The output ports as artifacts. A port without an id is known by its name and version."""
    doc = document if isinstance(document, dict) else {}
    found = []
    for port in mappings(doc.get("outputPorts")):
        name = text(port.get("name"))
        if name is None:
            continue
        version = text(port.get("version"))
        custom = named_values(port.get("customProperties"))
        said = {value.name.lower(): value for value in custom}
        found.append(
            ArtifactView(
                id=text(port.get("id")) or (f"{name}@{version}" if version else name),
                name=name,
                title=_value(said, "title"),
                kind=_value(said, "kind") or text(port.get("type")),
                format=_value(said, "format"),
                summary=text(port.get("description")),
                version=version,
                contract_id=text(port.get("contractId")),
                contract_version=version,
                deprecated=flag(port.get("deprecated")) or False,
                tags=texts(port.get("tags")),
                license=_term(_value(said, "license")),
                access=_value(said, "accessrights"),
                documentation=web_links(port.get("authoritativeDefinitions")),
                input_contracts=tuple(
                    "@".join(part for part in (contract_id, text(entry.get("version"))) if part)
                    for entry in mappings(port.get("inputContracts"))
                    if (contract_id := text(entry.get("id")))
                ),
                custom=custom
                + others(port, _PORT_READ)
                + rest("inputContracts", port.get("inputContracts"), {"id", "version"})
                + rest("customProperties", port.get("customProperties"), {"property", "value", "description"})
                + other_links(port.get("authoritativeDefinitions")),
            )
        )
    return ArtifactsView(tuple(found))


def _value(said: dict[str, NamedValue], name: str) -> str | None:
    found = said.get(name)
    return found.value or None if found else None


def _term(written: str | None) -> Term | None:
    return Term(written, web_url(written)) if written else None
