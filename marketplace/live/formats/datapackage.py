"""Frictionless Data Package 1 and 2, with Table Schema: https://datapackage.org and https://specs.frictionlessdata.io"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..view import (
    ArtifactView,
    Column,
    NamedValue,
    Person,
    ProductView,
    SchemaView,
    SupportChannel,
    Team,
    Term,
    WebLink,
)
from .read import any_text, flag, mail_or_web, mapping, mappings, others, stable_id, text, texts, web_url

NAME = "Data Package"

_KNOWN = {
    *("name", "id", "title", "description", "version", "created", "keywords", "licenses", "license", "sources"),
    *("contributors", "author", "maintainers", "resources", "homepage", "profile", "$schema", "image"),
}
_RESOURCE_KNOWN = {
    *("name", "title", "description", "path", "url", "data", "schema", "format", "mediatype", "licenses", "sources"),
    *("profile", "$schema", "type", "homepage"),
}
_FIELD_KNOWN = {"name", "type", "format", "title", "description", "example", "constraints", "rdfType", "categories"}
_OWNER_ROLES = ("owner", "maintainer", "publisher", "author", "wrangler")


def matches(document: Any) -> bool:
    """Found by its schema, or by a list of resources of which one has a path, inline data or a (legacy) url."""
    if not isinstance(document, dict) or "@context" in document:
        return False
    resources = document.get("resources")
    if not isinstance(resources, list):
        return False
    schema, profile = text(document.get("$schema")) or "", text(document.get("profile")) or ""
    if "datapackage" in schema or "data-package" in profile:
        return True
    # CKAN lists resources as well; they have package_id and always a url.
    own = [entry for entry in resources if isinstance(entry, dict) and "package_id" not in entry]
    return any("path" in entry or "data" in entry or ("url" in entry and "schema" in entry) for entry in own)


def product(document: Any, base_url: str | None = None) -> ProductView:
    """The product view. Takes any document and never raises; what no key of the standard covers becomes custom."""
    doc = mapping(document)
    people = tuple(_people(doc))
    homepage = web_url(doc.get("homepage"))
    licenses = tuple(_licenses(doc, base_url))
    return ProductView(
        standard=f"{NAME} {'2' if 'datapackage.org' in (text(doc.get('$schema')) or '') else '1'}",
        id=text(doc.get("id")) or text(doc.get("name")),
        title=text(doc.get("title")) or text(doc.get("name")),
        summary=text(doc.get("description")),
        version=text(doc.get("version")),
        type=text(doc.get("profile")),
        owner=_owner(people),
        publisher=next((person.name for person in people if "publisher" in (person.role or "")), None),
        created=text(doc.get("created")),
        tags=texts(doc.get("keywords")) if isinstance(doc.get("keywords"), list) else (),
        artifacts=tuple(_artifacts(doc, base_url)),
        team=Team(members=people) if people else None,
        support=tuple(_support(doc)),
        documentation=(WebLink(homepage, "homepage"),) if homepage else (),
        license=licenses[0] if licenses else None,
        policies=licenses[1:],
        sources=tuple(_sources(doc, base_url)),
        custom=_unlinked_sources(doc, base_url) + others(doc, _KNOWN),
        problems=tuple(_problems(doc)),
    )


def _people(doc: dict[str, Any]) -> Iterator[Person]:
    for key, role in (("contributors", None), ("author", "author"), ("maintainers", "maintainer")):
        value = doc.get(key)
        for entry in mappings(value) if not isinstance(value, str) else ({"title": value},):
            name = text(entry.get("title")) or text(entry.get("name"))
            if name:
                roles = ", ".join(texts(entry.get("roles")) or texts(entry.get("role"))) or role
                yield Person(name=name, role=roles, description=text(entry.get("organization")))


def _owner(people: tuple[Person, ...]) -> str | None:
    for role in _OWNER_ROLES:
        for person in people:
            if person.role and role in person.role.split(", "):
                return person.name
    return None


def _support(doc: dict[str, Any]) -> Iterator[SupportChannel]:
    for key in ("contributors", "author", "maintainers"):
        for entry in mappings(doc.get(key)):
            if address := mail_or_web(entry.get("email")):
                yield SupportChannel(channel=text(entry.get("title")) or text(entry.get("name")), url=address)


def _licenses(doc: dict[str, Any], base_url: str | None) -> Iterator[Term]:
    for entry in mappings(doc.get("licenses")):
        url = web_url(entry.get("path"), base_url) or web_url(entry.get("url"), base_url)
        if said := text(entry.get("title")) or text(entry.get("name")) or text(entry.get("type")) or url:
            yield Term(said, url)
    if said := text(doc.get("license")):
        yield Term(said, web_url(said))


def _source_url(entry: dict[str, Any], base_url: str | None) -> str | None:
    return next((url for key in ("path", "web", "url", "link") if (url := web_url(entry.get(key), base_url))), None)


def _sources(doc: dict[str, Any], base_url: str | None) -> Iterator[WebLink]:
    for entry in mappings(doc.get("sources")):
        if url := _source_url(entry, base_url):
            yield WebLink(url, "source", text(entry.get("title")) or text(entry.get("name")))


def _unlinked_sources(doc: dict[str, Any], base_url: str | None) -> tuple[NamedValue, ...]:
    return tuple(
        NamedValue("source", said, any_text({key: value for key, value in entry.items() if value}))
        for entry in mappings(doc.get("sources"))
        if not _source_url(entry, base_url) and (said := text(entry.get("title")) or text(entry.get("name")))
    )


def _artifacts(doc: dict[str, Any], base_url: str | None) -> Iterator[ArtifactView]:
    identity = text(doc.get("id")) or text(doc.get("name")) or base_url
    for index, entry in enumerate(mappings(doc.get("resources"))):
        path = texts(entry.get("path")) or texts(entry.get("url"))
        name = text(entry.get("name")) or (path[0].rsplit("/", 1)[-1] if path else None) or f"resource {index + 1}"
        schema = entry.get("schema")
        url = web_url(path[0].replace(" ", "%20"), base_url) if path else None
        licenses = tuple(_licenses(entry, base_url))
        unlinked = (NamedValue("path", ", ".join(path)),) if path and (not url or len(path) > 1) else ()
        inline = (NamedValue("data", any_text(entry.get("data")) or ""),) if entry.get("data") else ()
        yield ArtifactView(
            id=stable_id(identity, index, name),
            name=name,
            title=text(entry.get("title")),
            kind="table" if isinstance(schema, dict) or "tabular" in (text(entry.get("profile")) or "") else "file",
            format=text(entry.get("format")) or text(entry.get("mediatype")) or _suffix(path),
            summary=text(entry.get("description")),
            license=licenses[0] if licenses else None,
            policies=licenses[1:],
            links={"download": url} if url else {},
            documentation=tuple(_sources(entry, base_url)) + _schema_link(schema, base_url),
            custom=unlinked + inline + others(entry, _RESOURCE_KNOWN),
            schemas=(_table(schema, name),) if isinstance(schema, dict) else (),
        )


def _suffix(path: tuple[str, ...]) -> str | None:
    last = path[0].rsplit("/", 1)[-1] if path else ""
    return last.rsplit(".", 1)[-1].lower() if "." in last else None


def _schema_link(schema: Any, base_url: str | None) -> tuple[WebLink, ...]:
    """A schema given as an address is named, never fetched."""
    url = web_url(schema, base_url) if isinstance(schema, str) else None
    return (WebLink(url, "schema"),) if url else ()


def _table(schema: dict[str, Any], name: str) -> SchemaView:
    keys = texts(schema.get("primaryKey"))
    columns = tuple(
        _column(entry, field, keys) for entry in mappings(schema.get("fields")) if (field := text(entry.get("name")))
    )
    references = []
    for entry in mappings(schema.get("foreignKeys")):
        target = mapping(entry.get("reference"))
        there = ", ".join(texts(target.get("fields")))
        table = text(target.get("resource"))
        references.append(f"{', '.join(texts(entry.get('fields')))} → {f'{table}.' if table else ''}{there}")
    known = {"fields", "primaryKey", "foreignKeys"}
    return SchemaView(
        name=name, logical_type="table", columns=columns, references=tuple(references), custom=others(schema, known)
    )


def _column(entry: dict[str, Any], name: str, keys: tuple[str, ...]) -> Column:
    constraints = mapping(entry.get("constraints"))
    enum = constraints.get("enum")
    categories = entry.get("categories")
    values = enum if isinstance(enum, list) else categories if isinstance(categories, list) else []
    example = any_text(entry.get("example"))
    return Column(
        name=name,
        path=name,
        business_name=text(entry.get("title")),
        logical_type=text(entry.get("type")),
        description=text(entry.get("description")),
        required=flag(constraints.get("required")),
        unique=flag(constraints.get("unique")),
        primary_key=name in keys,
        primary_key_position=keys.index(name) + 1 if name in keys else None,
        semantic_type=text(entry.get("rdfType")),
        format=text(entry.get("format")),
        options=others(constraints, {"required", "unique", "enum"}),
        examples=(example,) if example else (),
        enum=tuple(_enum(value) for value in values if value is not None),
        custom=others(entry, _FIELD_KNOWN),
    )


def _enum(value: Any) -> NamedValue:
    if isinstance(value, dict):
        written = any_text(value.get("value")) or ""
        return NamedValue(text(value.get("label")) or written, written)
    written = any_text(value) or ""
    return NamedValue(written, written)


def _problems(doc: dict[str, Any]) -> Iterator[str]:
    if not any(True for _ in mappings(doc.get("resources"))):
        yield "resources: a data package has to have at least one"
    for number, entry in enumerate(mappings(doc.get("resources"))):
        if not any(key in entry for key in ("path", "data", "url")):
            yield f"resources[{number}]: neither a path nor data"
        if not text(entry.get("name")):
            yield f"resources[{number}].name: a resource has to have a name"
