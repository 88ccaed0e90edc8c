"""schema.org Dataset and Croissant, as JSON-LD in a file or in a web page: https://schema.org/Dataset,
https://github.com/ESIPFed/science-on-schema.org/blob/main/guides/Dataset.md
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..view import (
    ArtifactView,
    Column,
    Coverage,
    NamedValue,
    Person,
    Price,
    ProductView,
    SchemaView,
    SupportChannel,
    Team,
    Term,
    WebLink,
)
from . import croissant
from .catalogue import Entry, artifact_id, chosen
from .linked import last_part
from .places import Box, box, box_of
from .read import mail_or_web, others, text, web_url
from .things import Thing, Things, speaks_schema_org

NAME = "schema.org"

_PEOPLE = ("creator", "author", "contributor", "maintainer", "editor", "accountablePerson", "funder")
_KNOWN = {
    *("@id", "@type", "name", "headline", "alternateName", "description", "abstract", "identifier", "url", "sameAs"),
    *("version", "sdVersion", "datePublished", "dateCreated", "dateModified", "keywords", "license", "usageInfo"),
    *("conditionsOfAccess", "isAccessibleForFree", "publisher", "provider", "sourceOrganization", "contactPoint"),
    *("distribution", "recordSet", "temporalCoverage", "spatialCoverage", "spatial", "temporal", "inLanguage"),
    *("variableMeasured", "offers", "subjectOf", "mainEntityOfPage", "isBasedOn", "conformsTo", "dct:conformsTo"),
    *("prov:wasDerivedFrom", "dataset", "hasPart", "http://purl.org/dc/terms/conformsTo", *_PEOPLE),
}


def matches(document: Any) -> bool:
    """Found by a Dataset among its things, where schema.org is spoken, or with a name and without any context."""
    if speaks_schema_org(document):
        return bool(_datasets(Things(document)))
    alone = isinstance(document, dict) and "@context" not in document and document.get("@type") == "Dataset"
    return alone and "name" in document and "title" not in document


def product(document: Any, base_url: str | None = None) -> ProductView:
    """The dataset the address names, or the only one. Raises FetchError("is_catalogue") where it is not clear."""
    things = Things(document)
    datasets = _datasets(things)
    dataset = chosen([(_identifier(things, entry), entry) for entry in datasets], base_url)
    if dataset is None:
        return ProductView(standard=NAME, problems=("No schema.org Dataset is described here.",))
    return _dataset(things, dataset, (base_url or "").partition("#")[0] or None)


def datasets(document: Any, base_url: str | None = None) -> Iterator[Entry]:
    """Every dataset that the page or document is about."""
    things = Things(document)
    base = (base_url or "").partition("#")[0] or None
    for number, entry in enumerate(_datasets(things), 1):
        yield Entry(f"dataset {number}", _identifier(things, entry), _dataset(things, entry, base))


def _datasets(things: Things) -> list[Thing]:
    """The datasets at the top, and those that pages, lists and catalogues at the top are about; not parts of others."""
    found: list[Thing] = []
    seen: set[Any] = set()
    waiting = [(thing, 0) for thing in things.top]
    for thing, depth in waiting:
        identifier = thing.get("@id")
        key = identifier if isinstance(identifier, str) else id(thing)
        if key in seen:
            continue
        seen.add(key)
        kinds = things.types(thing)
        if "Dataset" in kinds and not any(kind.startswith("dcat:") or "/ns/dcat#" in kind for kind in kinds):
            found.append(thing)
        elif depth < 3:
            inner = things.things(thing, "mainEntity", "about", "dataset", "itemListElement", "item")
            waiting += [(entry, depth + 1) for entry in inner]
    parts = {part["@id"] for thing in found for part in things.things(thing, "hasPart", "isBasedOn") if _named(part)}
    whole = [thing for thing in found if not (_named(thing) and thing["@id"] in parts)]
    return whole or found


def _named(thing: Thing) -> bool:
    return isinstance(thing.get("@id"), str)


def _identifier(things: Things, dataset: Thing) -> str | None:
    for value in things.values(dataset, "identifier"):
        said = text(value)
        if isinstance(value, dict):
            said = next((found for key in ("value", "@id", "url") if (found := text(value.get(key)))), None)
        if said:
            return said
    own = text(dataset.get("@id"))
    return own if own and not own.startswith("_:") else things.text(dataset, "url")


def _dataset(things: Things, dataset: Thing, base: str | None) -> ProductView:
    identifier = _identifier(things, dataset)
    version = croissant.version(things, dataset)
    standard = f"Croissant {version}" if version else "Croissant" if "recordSet" in dataset else NAME
    title, summary = things.text(dataset, "name", "headline"), things.text(dataset, "description", "abstract")
    licenses = _licenses(things, dataset)
    access = things.text(dataset, "conditionsOfAccess") or _free(dataset)
    license_ = licenses[0] if licenses else None
    files = list(_files(things, dataset, identifier, license_, access, base))
    measured = tuple(_measured(things, dataset))
    if len(files) == 1 and measured and "recordSet" not in dataset:
        files = [replace(files[0], schemas=(SchemaView("variables measured", columns=measured),))]
        measured = ()
    custom = tuple(NamedValue("variable measured", column.name, column.description) for column in measured)
    people = tuple(_people(things, dataset))
    return ProductView(
        standard=standard,
        id=identifier,
        title=title,
        summary=summary,
        version=things.text(dataset, "version", "sdVersion"),
        owner=things.text(dataset, "accountablePerson"),
        publisher=things.text(dataset, "publisher", "provider", "sourceOrganization"),
        created=things.text(dataset, "datePublished", "dateCreated"),
        modified=things.text(dataset, "dateModified"),
        language=", ".join(things.texts(dataset, "inLanguage")) or None,
        tags=_tags(things, dataset),
        artifacts=(*files, *croissant.record_sets(things, dataset, identifier, license_)),
        team=Team(members=people) if people else None,
        support=tuple(_support(things, dataset)),
        price=_price(things, dataset),
        documentation=_web_links(things, dataset, base, "url", "sameAs", "subjectOf", "mainEntityOfPage", "citation"),
        license=license_,
        policies=(
            *licenses[1:],
            *(Term(said, web_url(said)) for said in things.texts(dataset, "conditionsOfAccess", "usageInfo")),
        ),
        coverage=_coverage(things, dataset),
        sources=_web_links(things, dataset, base, "isBasedOn", "prov:wasDerivedFrom"),
        custom=(*custom, *others(dataset, _KNOWN)),
        problems=tuple(
            f"The {what} is missing ({key})."
            for what, key, found in (("title", "name", title), ("description", "description", summary))
            if not found
        ),
    )


def _free(dataset: Thing) -> str | None:
    said = (text(dataset.get("isAccessibleForFree")) or "").lower().rpartition("/")[2]
    return {"true": "free of charge", "false": "not free of charge"}.get(said)


def _licenses(things: Things, thing: Thing) -> list[Term]:
    found = []
    for value in things.values(thing, "license"):
        said = things.label(value) if isinstance(value, dict) else text(value)
        address = next(things.addresses({"license": value}, "license"), None)
        if said:
            found.append(Term(said, web_url(address)))
    return found


def _tags(things: Things, dataset: Thing) -> tuple[str, ...]:
    """Keywords; a single text of several is taken apart at its commas, as schema.org has them."""
    given = things.texts(dataset, "keywords")
    if len(given) == 1:
        given = tuple(part.strip() for part in given[0].split(","))
    return tuple(dict.fromkeys(tag for tag in given if tag))


def _people(things: Things, dataset: Thing) -> Iterator[Person]:
    for role in _PEOPLE:
        for value in things.values(dataset, role):
            if not isinstance(value, dict):
                if said := text(value):
                    yield Person(name=said, role=role)
                continue
            # A Role stands between the dataset and the person, and repeats the property.
            inner = next(iter(things.things(value, role)), value)
            named = things.text(value, "roleName") if "Role" in things.types(value) else None
            if label := things.label(inner):
                yield Person(
                    name=label,
                    role=named or role,
                    date_in=things.text(value, "startDate"),
                    date_out=things.text(value, "endDate"),
                )


def _support(things: Things, dataset: Thing) -> Iterator[SupportChannel]:
    contacts = things.things(dataset, "contactPoint")
    for party in things.things(dataset, "publisher", "provider", "creator", "maintainer"):
        contacts += things.things(party, "contactPoint")
        contacts += [party] if "email" in party else []
    seen: set[str] = set()
    for contact in contacts:
        url = mail_or_web(things.text(contact, "email")) or mail_or_web(things.text(contact, "url"))
        if url and url not in seen:
            seen.add(url)
            yield SupportChannel(
                channel=things.text(contact, "name", "contactType"),
                url=url,
                description=things.text(contact, "telephone"),
            )


def _price(things: Things, dataset: Thing) -> Price | None:
    for offer in things.things(dataset, "offers"):
        price = Price(things.text(offer, "price"), things.text(offer, "priceCurrency"))
        if price.amount:
            return price
    return None


def _web_links(things: Things, thing: Thing, base: str | None, *names: str) -> tuple[WebLink, ...]:
    found: dict[str, WebLink] = {}
    for name in names:
        for value in things.values(thing, name):
            for address in things.addresses({name: value}, name):
                url = web_url(address, base if name in ("url", "subjectOf") else None)
                if url:
                    label = things.label(value) if isinstance(value, dict) else None
                    found.setdefault(url, WebLink(url, name, label if label != address else None))
    return tuple(found.values())


def _files(
    things: Things, dataset: Thing, product: str | None, license_: Term | None, access: str | None, base: str | None
) -> Iterator[ArtifactView]:
    for index, entry in enumerate(things.things(dataset, "distribution")):
        kinds = things.types(entry)
        links = {
            rel: url
            for rel, key in (("download", "contentUrl"), ("access", "url"))
            if (url := next((found for said in things.addresses(entry, key) if (found := web_url(said, base))), None))
        }
        identifier = text(entry.get("@id"))
        formats = things.texts(entry, "encodingFormat", "fileFormat")
        title = things.text(entry, "name")
        given = identifier if identifier and not identifier.startswith("_:") else None
        own = _licenses(things, entry)
        yield ArtifactView(
            id=artifact_id(product, given, index),
            name=title or (last_part(given) if given else None) or (formats[0] if formats else f"file {index + 1}"),
            title=title,
            kind="file set" if "FileSet" in kinds else "file" if "download" in links or "FileObject" in kinds else None,
            format=formats[0] if formats else None,
            summary=things.text(entry, "description"),
            updated=things.text(entry, "dateModified", "datePublished", "uploadDate"),
            license=own[0] if own else license_,
            access=access,
            links=links,
            custom=tuple(
                NamedValue(name, said)
                for name, key in (
                    ("size", "contentSize"),
                    ("files", "includes"),
                    ("in", "containedIn"),
                    ("sha256", "sha256"),
                    ("md5", "md5"),
                )
                if (said := ", ".join(things.texts(entry, key)))
            ),
        )


def _measured(things: Things, dataset: Thing) -> Iterator[Column]:
    """`variableMeasured`: the quantities in the data, as columns."""
    for value in things.values(dataset, "variableMeasured"):
        if not isinstance(value, dict):
            if name := text(value):
                yield Column(name=name, path=name)
            continue
        if name := things.label(value):
            unit = things.text(value, "unitText", "unitCode")
            yield Column(
                name=name,
                path=name,
                description=things.text(value, "description"),
                semantic_type=things.text(value, "propertyID"),
                options=tuple(
                    NamedValue(key, said)
                    for key, said in (
                        ("unit", unit),
                        ("minimum", things.text(value, "minValue")),
                        ("maximum", things.text(value, "maxValue")),
                    )
                    if said
                ),
            )


def _coverage(things: Things, dataset: Thing) -> Coverage:
    boxes: list[Box] = []
    places: list[str] = []
    for value in things.values(dataset, "spatialCoverage", "spatial"):
        if not isinstance(value, dict):
            said = text(value)
            found = box_of(said) if said else None
            boxes += [found] if found else []
            places += [said] if said and not found else []
            continue
        shapes = things.things(value, "geo") or [value]
        found_here = [found for shape in shapes if (found := _shape(things, shape))]
        boxes += found_here
        name = things.text(value, "name", "address", "description")
        places += [name] if name else []
    return Coverage(
        tuple(dict.fromkeys(boxes)),
        things.texts(dataset, "temporalCoverage", "temporal"),
        tuple(dict.fromkeys(places)),
    )


def _shape(things: Things, shape: Thing) -> Box | None:
    """A box around a GeoShape (latitude before longitude) or a point."""
    if "latitude" in shape and "longitude" in shape:
        latitude, longitude = things.text(shape, "latitude"), things.text(shape, "longitude")
        return box(longitude, latitude, longitude, latitude)
    written = things.text(shape, "box", "polygon", "line")
    numbers = written.replace(",", " ").split() if written else []
    try:
        latitudes, longitudes = [float(said) for said in numbers[::2]], [float(said) for said in numbers[1::2]]
    except ValueError:
        return None
    if not numbers or len(latitudes) != len(longitudes):
        return None
    return box(min(longitudes), min(latitudes), max(longitudes), max(latitudes))
