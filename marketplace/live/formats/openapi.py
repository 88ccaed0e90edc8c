"""OpenAPI 3.0, 3.1 and 3.2, and Swagger 2.0: https://spec.openapis.org

An interface description seen as a product: what can be read (GET, else the first method of a path) becomes an artifact
with the columns of its answer. References to other documents are left out and never fetched.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..view import ArtifactView, NamedValue, ProductView, SchemaView, SupportChannel, Term, WebLink
from .json_schema import columns, resolved
from .read import flag, mail_or_web, mapping, mappings, others, stable_id, text, texts, web_url

NAME = "OpenAPI"
MAX_ARTIFACTS = 200
MAX_COLUMNS = 5000

_METHODS = ("get", "query", "post", "put", "patch", "delete", "head", "options", "trace")
_KNOWN = {
    *("openapi", "swagger", "info", "servers", "paths", "components", "tags", "externalDocs", "security", "host"),
    *("basePath", "schemes", "definitions", "parameters", "responses", "securityDefinitions", "webhooks", "consumes"),
    *("produces", "jsonSchemaDialect", "$self"),
}
_INFO_KNOWN = {"title", "summary", "description", "termsOfService", "contact", "license", "version"}


def matches(document: Any) -> bool:
    """Found by `openapi` or `swagger` beside the info or the paths."""
    if not isinstance(document, dict):
        return False
    return ("openapi" in document or "swagger" in document) and ("info" in document or "paths" in document)


def product(document: Any, base_url: str | None = None) -> ProductView:
    """The product view. Takes any document and never raises."""
    doc = mapping(document)
    info = mapping(doc.get("info"))
    contact, license_part = mapping(info.get("contact")), mapping(info.get("license"))
    name = text(license_part.get("name")) or text(license_part.get("identifier"))
    terms = text(info.get("termsOfService"))
    version = text(doc.get("openapi")) or text(doc.get("swagger"))
    servers = tuple(_servers(doc, base_url))
    operations = list(_operations(doc))
    return ProductView(
        standard=" ".join(part for part in ("OpenAPI" if "openapi" in doc else "Swagger", version) if part),
        id=text(info.get("x-api-id")) or text(doc.get("$self")),
        title=text(info.get("title")),
        summary=text(info.get("summary")) or text(info.get("description")),
        purpose=text(info.get("description")),
        version=text(info.get("version")),
        type="API",
        owner=text(contact.get("name")),
        tags=tuple(dict.fromkeys(said for entry in mappings(doc.get("tags")) if (said := text(entry.get("name"))))),
        artifacts=tuple(_artifacts(operations, doc, servers)),
        support=tuple(_support(contact)),
        documentation=tuple(_docs(doc, base_url)),
        license=Term(name, web_url(license_part.get("url"), base_url)) if name else None,
        policies=(Term("terms of service" if web_url(terms) else terms, web_url(terms)),) if terms else (),
        custom=tuple(NamedValue("server", url) for url in servers) + others(info, _INFO_KNOWN) + others(doc, _KNOWN),
        problems=tuple(_problems(info, doc, len(operations))),
    )


def _servers(doc: dict[str, Any], base_url: str | None) -> Iterator[str]:
    """The addresses of the interface; blanks in braces take their default."""
    for server in mappings(doc.get("servers")):
        url = text(server.get("url")) or ""
        for name, variable in mapping(server.get("variables")).items():
            url = url.replace(f"{{{name}}}", text(mapping(variable).get("default")) or f"{{{name}}}")
        if found := web_url(url, base_url):
            yield found.rstrip("/")
    if "openapi" in doc and not doc.get("servers") and (found := web_url("/", base_url)):
        yield found.rstrip("/")  # the default of the standard
    if host := text(doc.get("host")):
        scheme = next(iter(texts(doc.get("schemes"))), "https")
        if found := web_url(f"{scheme}://{host}{text(doc.get('basePath')) or ''}"):
            yield found.rstrip("/")


def _operations(doc: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """One operation a path: the one that reads, else the first there is."""
    for path, value in mapping(doc.get("paths")).items():
        item = resolved(value, doc)
        method = next((method for method in _METHODS if isinstance(item.get(method), dict)), None)
        if method:
            yield str(path), method, item[method]


def _artifacts(
    operations: list[tuple[str, str, dict[str, Any]]], doc: dict[str, Any], servers: tuple[str, ...]
) -> Iterator[ArtifactView]:
    left = MAX_COLUMNS
    for path, method, entry in operations[:MAX_ARTIFACTS]:
        found = _artifact(path, method, entry, doc, servers, left)
        left -= sum(len(schema.columns) for schema in found.schemas)
        yield found


def _artifact(
    path: str, method: str, entry: dict[str, Any], doc: dict[str, Any], servers: tuple[str, ...], most: int
) -> ArtifactView:
    media_type, schema = _answer(entry, doc)
    found = columns(schema, doc, most)
    url = web_url(f"{servers[0]}{path}") if servers and path.startswith("/") and "{" not in path else None
    documented = web_url(mapping(entry.get("externalDocs")).get("url"))
    return ArtifactView(
        id=text(entry.get("operationId")) or stable_id(text(mapping(doc.get("info")).get("title")), method, path),
        name=f"{method.upper()} {path}",
        title=text(entry.get("summary")),
        kind="api",
        format=media_type,
        summary=text(entry.get("description")),
        deprecated=flag(entry.get("deprecated")) or False,
        tags=texts(entry.get("tags")),
        access=_access(entry, doc),
        links={"consume": url} if url and method == "get" else {},
        documentation=(WebLink(documented, "documentation"),) if documented else (),
        custom=tuple(_parameters(entry, doc)),
        schemas=(SchemaView("answer", logical_type=text(resolved(schema, doc).get("type")), columns=found),)
        if found
        else (),
    )


def _answer(entry: dict[str, Any], doc: dict[str, Any]) -> tuple[str | None, Any]:
    """Media type and schema of the good answer, JSON where there is a choice."""
    responses = mapping(entry.get("responses"))
    good = next((key for key in responses if str(key).startswith(("2", "default"))), None)
    response = resolved(responses.get(good), doc) if good is not None else {}
    content = mapping(response.get("content"))
    media_type = next((key for key in content if "json" in key), next(iter(content), None))
    if media_type is not None:
        return text(media_type), mapping(content[media_type]).get("schema")
    produces = texts(entry.get("produces")) or texts(doc.get("produces"))
    return next(iter(produces), None), response.get("schema")


def _access(entry: dict[str, Any], doc: dict[str, Any]) -> str | None:
    """How to sign in, such as "oauth2 or apiKey"; "no sign-in" where the document says that none is needed."""
    wanted = entry.get("security", doc.get("security"))
    if not isinstance(wanted, list):
        return None
    schemes = mapping(mapping(doc.get("components")).get("securitySchemes")) or mapping(doc.get("securityDefinitions"))
    choices = []
    for requirement in mappings(wanted):
        kinds = [text(resolved(schemes.get(name), doc).get("type")) or str(name) for name in requirement]
        choices.append(" and ".join(kinds) or "no sign-in")
    return " or ".join(dict.fromkeys(choices)) or "no sign-in"


def _parameters(entry: dict[str, Any], doc: dict[str, Any]) -> Iterator[NamedValue]:
    for value in mappings(entry.get("parameters")):
        parameter = resolved(value, doc)
        if name := text(parameter.get("name")):
            place = text(parameter.get("in")) or "parameter"
            needed = ", required" if flag(parameter.get("required")) else ""
            yield NamedValue(f"{place} parameter", f"{name}{needed}", text(parameter.get("description")))


def _support(contact: dict[str, Any]) -> Iterator[SupportChannel]:
    for key in ("email", "url"):
        if url := mail_or_web(contact.get(key)):
            yield SupportChannel(channel=text(contact.get("name")), url=url)


def _docs(doc: dict[str, Any], base_url: str | None) -> Iterator[WebLink]:
    docs = mapping(doc.get("externalDocs"))
    if url := web_url(docs.get("url"), base_url):
        yield WebLink(url, "documentation", text(docs.get("description")))


def _problems(info: dict[str, Any], doc: dict[str, Any], count: int) -> Iterator[str]:
    for key in ("title", "version"):
        if not text(info.get(key)):
            yield f"info.{key}: an OpenAPI document has to have it"
    if not mapping(doc.get("paths")) and not mapping(doc.get("webhooks")):
        yield "paths: none is described"
    if count > MAX_ARTIFACTS:
        yield f"paths: {count - MAX_ARTIFACTS} more than the {MAX_ARTIFACTS} shown here"
