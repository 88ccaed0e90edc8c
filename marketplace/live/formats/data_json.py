"""DCAT-US catalogues: `data.json` of the Project Open Data schema 1.1 (and 1.0), and DCAT-US 3.0 as JSON.

Plain JSON with fixed names; its contexts are never needed. Sources: https://resources.data.gov/resources/dcat-us/,
https://github.com/DOI-DO/dcat-us.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..view import ArtifactView, Coverage, ProductView, SupportChannel, Term, WebLink
from .catalogue import Entry, artifact_id, chosen
from .places import Box, box_of
from .read import any_text, interval, mail_or_web, mapping, mappings, others, text, texts, web_url

NAME = "DCAT-US"

MAX_DEPTH = 12

_REQUIRED_1 = ("title", "description", "keyword", "modified", "publisher", "contactPoint", "identifier", "accessLevel")
_REQUIRED_3 = ("title", "description", "publisher", "contactPoint", "identifier")
_KNOWN = {
    *("@type", "@id", "title", "description", "keyword", "theme", "identifier", "publisher", "contactPoint", "license"),
    *("rights", "accessLevel", "accessRights", "spatial", "temporal", "modified", "issued", "accrualPeriodicity"),
    *("language", "landingPage", "references", "describedBy", "conformsTo", "distribution", "version", "page"),
    *("source", "wasDerivedFrom", "status", "rightsHolder", "webService", "accessURL"),
}


def matches(document: Any) -> bool:
    """Found by a catalogue's lists beside what DCAT-US says of itself; a bare list of datasets is version 1.0.

    JSON-LD that brings its own context is DCAT, and read as such.
    """
    if isinstance(document, list):
        return any("accessLevel" in entry and "title" in entry for entry in document[:50] if isinstance(entry, dict))
    if not isinstance(document, dict) or "@graph" in document or isinstance(document.get("@context"), dict):
        return False
    lists = any(isinstance(document.get(key), list) for key in ("dataset", "datasetSeries", "service", "catalog"))
    kind = text(document.get("@type")) or ""
    said = f"{any_text(document.get('conformsTo'))} {any_text(document.get('@context'))} {document.get('describedBy')}"
    ours = "project-open-data" in said or "dcat-us" in said.lower()
    if lists:
        return ours or kind.startswith(("dcat:", "Catalog"))
    alone = kind in ("dcat:Dataset", "Dataset") and "title" in document and "identifier" in document
    return alone and (ours or "accessLevel" in document or "@context" not in document)


def product(document: Any, base_url: str | None = None) -> ProductView:
    """The dataset the address names, or the only one. Raises FetchError("is_catalogue") where it is not clear."""
    catalogue = mapping(document)
    standard = f"{NAME} {'3.0' if _is_3(catalogue) else '1.1'}"
    datasets = list(_datasets(document, 0))
    known: dict[str, tuple[str | None, dict[str, Any]]] = {}
    for index, entry in enumerate(datasets):
        identifier = _identifier(entry)
        known.setdefault(identifier or f"\n{index}", (identifier, entry))
    dataset = chosen(list(known.values()), base_url)
    if dataset is None:
        return ProductView(
            standard=standard,
            id=text(catalogue.get("@id")),
            title=text(catalogue.get("title")),
            summary=text(catalogue.get("description")),
            publisher=_publisher(catalogue.get("publisher")),
            problems=("The catalogue describes no dataset.",),
        )
    return _dataset(dataset, standard, (base_url or "").partition("#")[0] or None)


def datasets(document: Any, base_url: str | None = None) -> Iterator[Entry]:
    """Every dataset that the catalogue describes, and what stands among them and is none."""
    catalogue = mapping(document)
    standard = f"{NAME} {'3.0' if _is_3(catalogue) else '1.1'}"
    base = (base_url or "").partition("#")[0] or None
    top = document if isinstance(document, list) else catalogue.get("dataset")
    listed = [(f"dataset[{number}]", entry) for number, entry in enumerate(top if isinstance(top, list) else [])]
    known = {id(entry) for _, entry in listed}
    deeper = [entry for entry in _datasets(document, 0) if id(entry) not in known]
    listed += [(f"dataset {len(listed) + number}", entry) for number, entry in enumerate(deeper, 1)]
    for place, entry in listed:
        if isinstance(entry, dict):
            yield Entry(place, _identifier(entry), _dataset(entry, standard, base))
        else:
            yield Entry(place, None, None)


def _is_3(catalogue: dict[str, Any]) -> bool:
    said = any_text(catalogue.get("conformsTo")) or ""
    kind = text(catalogue.get("@type")) or ""
    return "project-open-data" not in said and ("3.0" in said or kind in ("Catalog", "Dataset"))


def _datasets(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    """Every dataset of a catalogue: listed, in catalogues within it, in series, and served by its services."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, list):
        yield from (entry for entry in value if isinstance(entry, dict))
        return
    doc = mapping(value)
    if text(doc.get("@type")) in ("Dataset", "dcat:Dataset"):
        yield doc
        return
    yield from mappings(doc.get("dataset"))
    for inner in mappings(doc.get("catalog")):
        yield from _datasets({"@type": "Catalog", **inner}, depth + 1)
    for series in mappings(doc.get("datasetSeries")):
        for key in ("seriesMember", "first", "last"):
            yield from mappings(series.get(key))
    for service in mappings(doc.get("service")):
        yield from mappings(service.get("servesDataset"))


def _identifier(dataset: dict[str, Any]) -> str | None:
    given = dataset.get("identifier")
    inner = given.get("@id", given.get("notation")) if isinstance(given, dict) else given
    return text(inner) or text(dataset.get("@id"))


def _dataset(dataset: dict[str, Any], standard: str, base: str | None) -> ProductView:
    identifier = _identifier(dataset)
    access = text(dataset.get("accessLevel")) or _label(dataset.get("accessRights"))
    license_ = _term(dataset.get("license"))
    policies = [Term(f"access level: {access}")] if access and "accessLevel" in dataset else []
    policies += [term for key in ("accessRights", "rights") if (term := _term(dataset.get(key)))]
    return ProductView(
        standard=standard,
        id=identifier,
        title=text(dataset.get("title")),
        summary=text(dataset.get("description")),
        version=text(dataset.get("version")),
        status=_label(dataset.get("status")),
        owner=_publisher(dataset.get("rightsHolder")),
        publisher=_publisher(dataset.get("publisher")),
        created=text(dataset.get("issued")),
        modified=text(dataset.get("modified")),
        update_frequency=_label(dataset.get("accrualPeriodicity")),
        language=", ".join(texts(dataset.get("language"))) or None,
        tags=tuple(dict.fromkeys((*texts(dataset.get("keyword")), *_labels(dataset.get("theme"))))),
        artifacts=tuple(_artifacts(dataset, identifier, license_, access, base)),
        support=tuple(_contact(contact) for contact in mappings(dataset.get("contactPoint"))),
        documentation=tuple(_documents(dataset, base)),
        license=license_,
        policies=tuple(policies),
        coverage=_coverage(dataset),
        sources=tuple(
            WebLink(url, key)
            for key in ("source", "wasDerivedFrom")
            for entry in _list(dataset.get(key))
            if (url := web_url(_address(entry), base))
        ),
        custom=others(dataset, _KNOWN),
        problems=tuple(_problems(dataset, standard)),
    )


def _problems(dataset: dict[str, Any], standard: str) -> Iterator[str]:
    name = _identifier(dataset) or text(dataset.get("title")) or "without identifier"
    for key in _REQUIRED_3 if standard.endswith("3.0") else _REQUIRED_1:
        if dataset.get(key) in (None, "", [], {}):
            yield f"Dataset {name}: {key} is missing, which {standard} requires."
    for key in ("title", "description"):
        if key in dataset and dataset[key] is not None and not isinstance(dataset[key], str):
            yield f"Dataset {name}: {key} has to be a text."
    given = dataset.get("identifier")
    if given is not None and not isinstance(given, (str, dict)):
        yield f"Dataset {name}: identifier has to be a text."
    if isinstance(given, dict) and not _identifier(dataset):
        yield f"Dataset {name}: identifier is an object without @id or notation."


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _address(value: Any) -> str | None:
    if isinstance(value, dict):
        return text(value.get("@id")) or text(value.get("url")) or text(value.get("accessURL"))
    return text(value)


def _label(value: Any) -> str | None:
    """A text, or what an object is called."""
    if isinstance(value, list):
        return next((said for entry in value if (said := _label(entry))), None)
    if isinstance(value, dict):
        names = ("prefLabel", "title", "name", "label", "fn", "altLabel", "notation", "@id")
        return next((said for key in names if (said := text(value.get(key)))), None)
    return text(value)


def _labels(value: Any) -> tuple[str, ...]:
    return tuple(said for entry in _list(value) if (said := _label(entry)))


def _term(value: Any) -> Term | None:
    said = _label(value)
    return Term(said, web_url(_address(value if not isinstance(value, list) else value[0]))) if said else None


def _publisher(value: Any) -> str | None:
    return next((said for entry in mappings(value) if (said := _label(entry))), None) or text(value)


def _contact(contact: dict[str, Any]) -> SupportChannel:
    return SupportChannel(
        channel=text(contact.get("fn")) or text(contact.get("organization-name")),
        url=mail_or_web(contact.get("hasEmail")) or mail_or_web(contact.get("hasURL")),
        description=text(contact.get("tel")) or text(contact.get("hasTelephone")),
    )


def _documents(dataset: dict[str, Any], base: str | None) -> Iterator[WebLink]:
    seen: set[str] = set()
    for key in ("landingPage", "page", "references", "describedBy", "conformsTo"):
        for entry in _list(dataset.get(key)):
            url = web_url(_address(entry), base)
            if url and url not in seen:
                seen.add(url)
                yield WebLink(url, key, _label(entry) if isinstance(entry, dict) else None)


def _artifacts(
    dataset: dict[str, Any], product: str | None, license_: Term | None, access: str | None, base: str | None
) -> Iterator[ArtifactView]:
    entries = list(mappings(dataset.get("distribution")))
    # Version 1.0 writes a single access point on the dataset itself.
    entries = entries or [{key: dataset[key] for key in ("accessURL", "webService", "format") if dataset.get(key)}]
    for index, entry in enumerate(entries):
        links = {
            rel: url
            for rel, key in (
                ("download", "downloadURL"),
                ("access", "accessURL"),
                ("service", "webService"),
                ("schema", "describedBy"),
            )
            if (url := web_url(_address(next(iter(_list(entry.get(key))), None)), base))
        }
        for service in mappings(entry.get("accessService")):
            if url := web_url(_address(next(iter(_list(service.get("endpointURL"))), None)), base):
                links.setdefault("service", url)
        title, media_type = text(entry.get("title")), _label(entry.get("mediaType"))
        format_ = _label(entry.get("format"))
        if not (entry and (links or title or media_type or format_)):
            continue
        api = "service" in links or (format_ or "").lower() == "api"
        yield ArtifactView(
            id=artifact_id(product, text(entry.get("identifier")) or text(entry.get("@id")), index),
            name=title or format_ or media_type or next(iter(links.values())),
            title=title,
            kind="API" if api and "download" not in links else "file" if "download" in links else None,
            format=media_type or format_,
            summary=text(entry.get("description")),
            updated=text(entry.get("modified")) or text(entry.get("issued")),
            license=_term(entry.get("license")) or license_,
            access=_label(entry.get("accessRights")) or access,
            links=links,
            documentation=tuple(_documents({key: entry.get(key) for key in ("page", "conformsTo")}, base)),
        )


def _coverage(dataset: dict[str, Any]) -> Coverage:
    boxes: list[Box] = []
    places: list[str] = []
    intervals: list[str] = []
    spatial = dataset.get("spatial")
    for value in spatial if isinstance(spatial, list) and not box_of(spatial) else [spatial]:
        inner = mapping(value)
        tried = (value, inner.get("bbox"), inner.get("geometry"), inner.get("centroid"))
        found = next((box for geometry in tried if (box := box_of(geometry))), None)
        if found:
            boxes.append(found)
        name = _label(value) if inner or not found else None
        places += [name] if name else []
    for value in _list(dataset.get("temporal")):
        period = mapping(value)
        said = interval(period.get("startDate"), period.get("endDate")) if period else text(value)
        intervals += [said] if said else []
    return Coverage(tuple(boxes), tuple(intervals), tuple(places))
