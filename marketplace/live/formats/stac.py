"""STAC Collection 1.0 and 1.1 (and the older 0.x): https://github.com/radiantearth/stac-spec

Of the collections that a STAC API lists (`/collections`) the address names one, as in any catalogue; a STAC Catalog
names the addresses of its collections.

Assets and the list of items become artifacts; an asset that only describes or pictures the collection becomes
documentation. The table, datacube, version and scientific extensions are read where they are used.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..errors import FetchError
from ..view import ArtifactView, Column, Coverage, NamedValue, Person, ProductView, SchemaView, Team, Term, WebLink
from .catalogue import SHOWN, Entry, chosen
from .read import any_text, bbox, flag, interval, mapping, mappings, others, stable_id, text, texts, web_url

NAME = "STAC Collection"
MAX_ARTIFACTS = 500

_KNOWN = {
    *("type", "stac_version", "stac_extensions", "id", "title", "description", "keywords", "license", "providers"),
    *("extent", "links", "assets", "item_assets", "summaries", "created", "updated", "version", "deprecated"),
    *("table:columns", "cube:variables", "cube:dimensions", "bands", "sci:doi", "sci:citation", "sci:publications"),
}
_ABOUT_ROLES = {"metadata", "thumbnail", "overview", "browse", "documentation"}
_ABOUT_RELATIONS = {"about", "via", "describedby", "documentation", "cite-as", "alternate", "canonical", "example"}
_NOT_SAID = {"not provided", "not-provided"}


def matches(document: Any) -> bool:
    """Found by `stac_version` with the type Collection or Catalog; before 1.0 a collection had an extent and no type.

    A list of collections is found by the first that is one.
    """
    if not isinstance(document, dict):
        return False
    return _is_collection(document) or _is_catalog(document) or bool(_listed(document))


def _is_collection(doc: dict[str, Any]) -> bool:
    if "stac_version" not in doc:
        return False
    return doc.get("type") == "Collection" or ("type" not in doc and "extent" in doc)


def _is_catalog(doc: dict[str, Any]) -> bool:
    return "stac_version" in doc and doc.get("type") == "Catalog"


def _listed(doc: dict[str, Any]) -> list[dict[str, Any]]:
    """The collections of an answer to `/collections`."""
    if "stac_version" in doc:
        return []
    entries = list(mappings(doc.get("collections")))
    return entries if any(_is_collection(entry) for entry in entries[:50]) else []


def product(document: Any, base_url: str | None = None) -> ProductView:
    """The product view; "not provided" counts as not said.

    Raises FetchError("is_catalogue") for a Catalog, and for a list of collections where the address names none.
    """
    doc = mapping(document)
    if _is_catalog(doc):
        raise _catalog(doc, base_url)
    if listed := _listed(doc):
        doc = mapping(chosen([(text(entry.get("id")), entry) for entry in listed], base_url))
        base_url = (base_url or "").partition("#")[0] or None
    return _collection(doc, base_url)


def datasets(document: Any, base_url: str | None = None) -> Iterator[Entry]:
    """Every collection of an answer to `/collections`."""
    base = (base_url or "").partition("#")[0] or None
    for number, entry in enumerate(_listed(mapping(document))):
        yield Entry(f"collections[{number}]", text(entry.get("id")), _collection(entry, base))


def listed_at(document: Any, base_url: str | None = None) -> str | None:
    """Where a STAC API lists its collections; None for any other document."""
    doc = mapping(document)
    found = _linked(list(mappings(doc.get("links"))), {"data"}, base_url) if _is_catalog(doc) else iter(())
    return next((link.url for link in found), None)


def members_of(document: Any, base_url: str | None = None) -> tuple[str, ...]:
    """The addresses of the catalogs and collections that a Catalog names, each once; none for any other document."""
    doc = mapping(document)
    found = _linked(list(mappings(doc.get("links"))), {"child"}, base_url) if _is_catalog(doc) else iter(())
    return tuple(dict.fromkeys(link.url for link in found))


def _catalog(doc: dict[str, Any], base_url: str | None) -> FetchError:
    links = list(mappings(doc.get("links")))
    children = [link.url for link in _linked(links, {"child"}, base_url)]
    lists = [link.url for link in _linked(links, {"data"}, base_url)]
    if lists:
        advice = f"Its collections are listed at {lists[0]}. Add #dataset=<identifier> to that address to choose one."
    elif children:
        more = f", and {len(children) - SHOWN:,} more" if len(children) > SHOWN else ""
        advice = f"Point the link at one of them: {', '.join(children[:SHOWN])}{more}."
    else:
        advice = "Point the link at a STAC Collection; this catalog names none that can be reached."
    return FetchError(
        "is_catalogue", f"This is a STAC Catalog: it names {len(children):,} catalogs or collections.", advice
    )


def _collection(doc: dict[str, Any], base_url: str | None) -> ProductView:
    providers = tuple(_providers(doc))
    links = list(mappings(doc.get("links")))
    deprecated = flag(doc.get("deprecated"))
    return ProductView(
        standard=" ".join(part for part in (NAME, text(doc.get("stac_version"))) if part),
        id=text(doc.get("id")),
        title=text(doc.get("title")) or text(doc.get("id")),
        summary=text(doc.get("description")),
        version=text(doc.get("version")),
        status="deprecated" if deprecated else None,
        type="collection",
        owner=_provider_with(providers, "producer", "licensor", "processor", "host"),
        publisher=_provider_with(providers, "host", "licensor"),
        created=text(doc.get("created")),
        modified=text(doc.get("updated")),
        tags=tuple(dict.fromkeys(said for said in texts(doc.get("keywords")) if said.lower() not in _NOT_SAID)),
        artifacts=tuple(_artifacts(doc, base_url)),
        team=Team(members=providers) if providers else None,
        documentation=tuple(dict.fromkeys(_documentation(doc, base_url))),
        license=_license(doc.get("license"), links, base_url),
        coverage=_coverage(mapping(doc.get("extent"))),
        sources=tuple(_linked(links, {"derived_from"}, base_url)),
        custom=_custom(doc),
        problems=tuple(_problems(doc)),
    )


def _providers(doc: dict[str, Any]) -> Iterator[Person]:
    for entry in mappings(doc.get("providers")):
        if name := text(entry.get("name")):
            roles = ", ".join(texts(entry.get("roles")))
            yield Person(name=name, role=roles or None, description=text(entry.get("description")))


def _provider_with(providers: tuple[Person, ...], *roles: str) -> str | None:
    for role in roles:
        for person in providers:
            if person.role and role in person.role.split(", "):
                return person.name
    return None


def _license(value: Any, links: list[dict[str, Any]], base_url: str | None) -> Term | None:
    url = next((link.url for link in _linked(links, {"license"}, base_url)), None)
    said = text(value)
    if said is None or said.lower() in _NOT_SAID:
        return Term("the license is at this address", url) if url else None
    return Term(said, url)


def _linked(links: list[dict[str, Any]], relations: set[str], base_url: str | None) -> Iterator[WebLink]:
    for link in links:
        rel = text(link.get("rel"))
        if rel in relations and (url := _address(link.get("href"), base_url)):
            yield WebLink(url, rel, text(link.get("title")))


def _address(value: Any, base_url: str | None) -> str | None:
    """Catalogues write blanks in addresses; a browser would mend them alike."""
    written = text(value)
    return web_url(written.replace(" ", "%20"), base_url) if written else None


def _documentation(doc: dict[str, Any], base_url: str | None) -> Iterator[WebLink]:
    yield from _linked(list(mappings(doc.get("links"))), _ABOUT_RELATIONS, base_url)
    for asset in mapping(doc.get("assets")).values():
        roles = set(texts(mapping(asset).get("roles")))
        if roles & _ABOUT_ROLES and (url := _address(mapping(asset).get("href"), base_url)):
            yield WebLink(url, ", ".join(sorted(roles)), text(asset.get("title")) or text(asset.get("description")))
    doi = text(doc.get("sci:doi"))
    if doi and (url := web_url(f"https://doi.org/{doi}")):
        yield WebLink(url, "cite-as", text(doc.get("sci:citation")))


def _artifacts(doc: dict[str, Any], base_url: str | None) -> Iterator[ArtifactView]:
    identity = text(doc.get("id")) or base_url
    schemas = tuple(_schemas(doc))
    for link in mappings(doc.get("links")):
        if text(link.get("rel")) == "items" and (url := _address(link.get("href"), base_url)):
            yield ArtifactView(
                id=stable_id(identity, "items", url),
                name="items",
                title=text(link.get("title")) or "Items of the collection",
                kind="api" if schemas else "collection",
                format=text(link.get("type")),
                links={"consume": url},
                schemas=schemas,
            )
            schemas = ()
    for index, (key, asset) in enumerate(mapping(doc.get("assets")).items()):
        if index >= MAX_ARTIFACTS:
            return
        entry = mapping(asset)
        if entry and not set(texts(entry.get("roles"))) & _ABOUT_ROLES:
            yield _asset(entry, key, stable_id(identity, "asset", key), base_url, schemas)
            schemas = ()
    for key, asset in list(mapping(doc.get("item_assets")).items())[:MAX_ARTIFACTS]:
        if isinstance(asset, dict):
            yield _asset(asset, key, stable_id(identity, "item asset", key), base_url, (), kind="asset of each item")


def _asset(
    entry: dict[str, Any],
    key: str,
    identifier: str,
    base_url: str | None,
    schemas: tuple[SchemaView, ...],
    kind: str | None = None,
) -> ArtifactView:
    href = text(entry.get("href"))
    url = _address(href, base_url)
    elsewhere = (NamedValue("address", href),) if href and not url else ()  # s3:, ftp: and the like are no web links
    known = {"href", "title", "description", "type", "roles", "updated"}
    return ArtifactView(
        id=identifier,
        name=key,
        title=text(entry.get("title")),
        kind=kind or ("table" if schemas else "file"),
        format=text(entry.get("type")),
        summary=text(entry.get("description")),
        updated=text(entry.get("updated")),
        tags=texts(entry.get("roles")),
        links={"download": url} if url else {},
        custom=elsewhere + others(entry, known),
        schemas=schemas,
    )


def _schemas(doc: dict[str, Any]) -> Iterator[SchemaView]:
    """Columns by the table extension, variables by the datacube extension, and bands."""
    columns = tuple(
        Column(name=name, path=name, physical_type=text(entry.get("type")), description=text(entry.get("description")))
        for entry in mappings(doc.get("table:columns"))
        if (name := text(entry.get("name")))
    )
    if columns:
        yield SchemaView("columns", logical_type="table", columns=columns)
    for part, words in (("cube:variables", "variables"), ("cube:dimensions", "dimensions")):
        found = tuple(_cube_column(str(name), mapping(entry)) for name, entry in mapping(doc.get(part)).items())
        if found:
            yield SchemaView(words, logical_type="data cube", columns=found)
    summaries = mapping(doc.get("summaries"))
    for key in ("bands", "eo:bands", "raster:bands"):
        bands = list(mappings(doc.get(key) if key in doc else summaries.get(key)))
        if bands:
            yield SchemaView("bands", columns=tuple(_band(entry, number) for number, entry in enumerate(bands, 1)))
            return


def _cube_column(name: str, entry: dict[str, Any]) -> Column:
    known = {"type", "description", "data_type"}
    return Column(
        name=name,
        path=name,
        logical_type=text(entry.get("type")),
        physical_type=text(entry.get("data_type")),
        description=text(entry.get("description")),
        options=others(entry, known),
    )


def _band(entry: dict[str, Any], number: int) -> Column:
    name = text(entry.get("name")) or f"band {number}"
    return Column(
        name=name,
        path=name,
        business_name=text(entry.get("common_name")) or text(entry.get("eo:common_name")),
        physical_type=text(entry.get("data_type")),
        description=text(entry.get("description")),
        options=others(entry, {"name", "common_name", "eo:common_name", "data_type", "description"}),
    )


def _coverage(extent: dict[str, Any]) -> Coverage:
    boxes = mapping(extent.get("spatial")).get("bbox")
    intervals = mapping(extent.get("temporal")).get("interval")
    return Coverage(
        bboxes=tuple(dict.fromkeys(place for box in _list(boxes) if (place := bbox(box)))),
        intervals=tuple(
            found
            for pair in _list(intervals)
            if isinstance(pair, list) and len(pair) == 2 and (found := interval(pair[0], pair[1]))
        ),
    )


def _custom(doc: dict[str, Any]) -> tuple[NamedValue, ...]:
    summaries = tuple(
        NamedValue(str(key), said)
        for key, value in mapping(doc.get("summaries")).items()
        if (said := _summary(value)) is not None
    )
    return summaries + others(doc, _KNOWN)


def _summary(value: Any) -> str | None:
    """A list of values with commas; what says nothing is left out."""
    if isinstance(value, list) and all(not isinstance(entry, (dict, list)) for entry in value):
        said = dict.fromkeys(entry for entry in texts(value) if entry.lower() not in _NOT_SAID)
        return ", ".join(said) or None
    return any_text(value)


def _problems(doc: dict[str, Any]) -> Iterator[str]:
    for key in ("id", "description", "license", "extent", "links"):
        if doc.get(key) in (None, "", {}):
            yield f"{key}: a collection has to have it"
    for number, box in enumerate(_list(mapping(mapping(doc.get("extent")).get("spatial")).get("bbox"))):
        if bbox(box) is None:
            yield f"extent.spatial.bbox[{number}]: not west, south, east, north in degrees"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
