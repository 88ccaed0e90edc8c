"""CKAN `package_show` (and a bare package): https://docs.ckan.org/en/latest/api/#ckan.logic.action.get.package_show"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..view import ArtifactView, Coverage, NamedValue, Person, ProductView, SupportChannel, Team, Term, WebLink
from .catalogue import Entry, artifact_id, chosen
from .places import box_of
from .read import any_text, flag, interval, mail_or_web, mapping, mappings, others, text, web_url

NAME = "CKAN"

_KNOWN = {
    *("id", "name", "title", "notes", "version", "state", "type", "tags", "groups", "organization", "author", "url"),
    *("author_email", "maintainer", "maintainer_email", "license_id", "license_title", "license_url", "resources"),
    *("metadata_created", "metadata_modified", "private", "isopen", "extras", "num_resources", "num_tags", "owner_org"),
    *("creator_user_id", "revision_id", "relationships_as_subject", "relationships_as_object", "license", "language"),
    *("frequency", "spatial", "temporal_start", "temporal_end"),
}
_RESOURCE_KNOWN = {
    *("id", "name", "title", "description", "url", "format", "mimetype", "last_modified", "metadata_modified", "size"),
    *("created", "package_id", "position", "resource_type", "url_type", "state", "revision_id", "license", "hash"),
    *("cache_last_updated", "cache_url", "mimetype_inner", "datastore_active", "webstore_url", "tracking_summary"),
}


def matches(document: Any) -> bool:
    """Found by CKAN's envelope around packages, or by a package's resources that say their package."""
    return bool(_packages(document))


def _packages(document: Any) -> list[dict[str, Any]]:
    doc = mapping(document)
    if "success" in doc and ("result" in doc or "help" in doc):
        result = doc.get("result")
        listed = mapping(result).get("results", result)  # package_search lists its packages in results
        found = [entry for entry in mappings(listed) if _is_package(entry)]
        return found if isinstance(listed, list) else [entry for entry in [mapping(result)] if _is_package(entry)]
    own = [resource for resource in mappings(doc.get("resources")) if "package_id" in resource]
    return [doc] if _is_package(doc) and (own or "license_title" in doc or "owner_org" in doc) else []


def _is_package(entry: dict[str, Any]) -> bool:
    return "name" in entry and isinstance(entry.get("resources"), list)


def product(document: Any, base_url: str | None = None) -> ProductView:
    """The package; of a list the one the address names. Raises FetchError("is_catalogue") where it is not clear."""
    package = chosen([(text(entry.get("name")), entry) for entry in _packages(document)], base_url)
    if package is None:
        return ProductView(standard=NAME, problems=("No CKAN package is described here.",))
    return _package(package, (base_url or "").partition("#")[0] or None)


def datasets(document: Any, base_url: str | None = None) -> Iterator[Entry]:
    """Every package of the list."""
    base = (base_url or "").partition("#")[0] or None
    for number, package in enumerate(_packages(document)):
        yield Entry(f"package {number + 1}", text(package.get("name")), _package(package, base))


def _package(package: dict[str, Any], base: str | None) -> ProductView:
    extras = {key: entry.get("value") for entry in mappings(package.get("extras")) if (key := text(entry.get("key")))}

    def said(*names: str) -> str | None:
        """A field of the package, or one of its extras, where extensions and harvesters put them."""
        for name in names:
            if found := text(package.get(name)) or text(extras.get(name)):
                return found
        return None

    identifier = text(package.get("id")) or text(package.get("name"))
    organization = mapping(package.get("organization"))
    license_text = said("license_title", "license_id", "license")
    license_url = web_url(package.get("license_url")) or web_url(license_text)
    license_ = Term(license_text, license_url) if license_text else None
    people = tuple(_people(package))
    page = web_url(package.get("url"), base)
    start, end = said("temporal_start", "temporal-extent-begin"), said("temporal_end", "temporal-extent-end")
    written = package.get("spatial") or extras.get("spatial")
    box = box_of(written)
    place = said("spatial-text", "spatial_text") or (None if box else text(written))
    when = interval(start, end) or said("temporal", "temporal_coverage")
    return ProductView(
        standard=NAME,
        id=identifier,
        title=text(package.get("title")) or text(package.get("name")),
        summary=text(package.get("notes")),
        version=text(package.get("version")),
        status=text(package.get("state")),
        type=text(package.get("type")),
        domain=next((_name(group) for group in mappings(package.get("groups"))), None),
        owner=text(package.get("maintainer")),
        publisher=_name(organization) or said("publisher_name"),
        created=text(package.get("metadata_created")),
        modified=text(package.get("metadata_modified")),
        update_frequency=said("frequency", "accrualPeriodicity", "update_frequency"),
        language=said("language"),
        tags=tuple(name for tag in _list(package.get("tags")) if (name := _tag(tag))),
        artifacts=tuple(_resources(package, identifier, license_, base)),
        team=Team(members=people) if people else None,
        support=tuple(_support(package)),
        documentation=(WebLink(page, "url"),) if page else (),
        license=license_,
        policies=tuple(_policies(package, said("access_rights", "accessLevel"))),
        coverage=Coverage((box,) if box else (), (when,) if when else (), (place,) if place else ()),
        custom=(
            *(NamedValue(key, found) for key, value in extras.items() if (found := any_text(value)) is not None),
            *others(package, _KNOWN),
        ),
        problems=() if text(package.get("title")) else ("The title is missing (title); shown is the name.",),
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _tag(value: Any) -> str | None:
    if isinstance(value, dict):
        return text(value.get("display_name")) or text(value.get("name"))
    return text(value)


def _name(entry: dict[str, Any]) -> str | None:
    return text(entry.get("title")) or text(entry.get("display_name")) or text(entry.get("name"))


def _people(package: dict[str, Any]) -> Iterator[Person]:
    for role in ("author", "maintainer"):
        if name := text(package.get(role)):
            yield Person(name=name, role=role)


def _support(package: dict[str, Any]) -> Iterator[SupportChannel]:
    for role in ("maintainer", "author"):
        if url := mail_or_web(package.get(f"{role}_email")):
            yield SupportChannel(channel=text(package.get(role)) or role, url=url)


def _policies(package: dict[str, Any], access: str | None) -> Iterator[Term]:
    if access:
        yield Term(access, web_url(access))
    if flag(package.get("private")):
        yield Term("private: only members of the organization see it")


def _resources(
    package: dict[str, Any], product: str | None, license_: Term | None, base: str | None
) -> Iterator[ArtifactView]:
    for index, entry in enumerate(mappings(package.get("resources"))):
        url = web_url(entry.get("url"), base)
        title, format_ = text(entry.get("name")) or text(entry.get("title")), text(entry.get("format"))
        kind = text(entry.get("resource_type"))
        api = (kind or format_ or "").lower() in ("api", "service", "wms", "wfs", "rest", "sparql")
        size = text(entry.get("size"))
        yield ArtifactView(
            id=artifact_id(product, text(entry.get("id")), index),
            name=title or format_ or f"resource {index + 1}",
            title=title,
            kind="API" if api else kind or ("file" if url else None),
            format=text(entry.get("mimetype")) or format_,
            summary=text(entry.get("description")),
            updated=text(entry.get("last_modified")) or text(entry.get("metadata_modified")),
            license=license_,
            links={"service" if api else "download": url} if url else {},
            custom=(
                *((NamedValue("size in bytes", size),) if size else ()),
                *others(entry, _RESOURCE_KNOWN),
            ),
        )
