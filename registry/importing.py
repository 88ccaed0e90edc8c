"""Many products at once: whole batches in few statements, rows that are as they were left alone."""

import json
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from marketplace.accounts.models import Team
from registry import events
from registry.models import SUMMARY_LIMIT, AccessMode, Domain, Lifecycle, Link, Product, Rel, Tag
from registry.services import LINK_LIMIT, TAG_LIMIT
from registry.text import cut, plain_text

BATCH = 500
KNOWN = {"domain", "name", "title", "summary", "tags", "owner", "links", "type", "access_mode"}
WEB = ("http://", "https://")


class LineError(ValueError):
    """A line that cannot be taken; the message says why and what to change."""


@dataclass(frozen=True)
class Entry:
    """One line, checked: `domain` is the path of slugs from the root, `tags` maps slug to label."""

    domain: tuple[str, ...]
    name: str
    title: str
    summary: str
    owner: str
    tags: dict[str, str]
    links: tuple[tuple[str, str, str], ...]
    type: str
    access_mode: str

    @property
    def address(self) -> tuple[str, str]:
        """Domain slug and name: what is unique."""
        return self.domain[-1], self.name

    @property
    def urn(self) -> str:
        """The address as events carry it."""
        return f"urn:dp:{self.domain[-1]}:{self.name}"


@dataclass
class Outcome:
    """What an import did. `refused` holds (line number, reason)."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)

    @property
    def read(self) -> int:
        """Lines that were looked at."""
        return self.created + self.updated + self.unchanged + len(self.refused)


def read_line(line: str, *, truncate: bool = False) -> Entry:
    """Checks one line of JSON. Raises LineError. No queries.

    `truncate` cuts a long summary at the last sentence that fits, where it would be refused otherwise.
    """
    try:
        given = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise LineError(f"is not JSON: {error}") from error
    if not isinstance(given, dict):
        raise LineError('is not a JSON object like {"domain": …, "name": …}')
    if unknown := set(given) - KNOWN:
        raise LineError(
            f"has unknown fields: {', '.join(sorted(map(str, unknown))[:5])}; known are {', '.join(sorted(KNOWN))}"
        )
    domain = tuple(part.strip() for part in _text(given, "domain").split("/"))
    name = _text(given, "name")
    for slug in (*domain, name):
        _check_slug(slug)
    title, summary = plain_text(_text(given, "title")), plain_text(_text(given, "summary"))
    if not title or len(title) > 140:
        raise LineError(f"title has {len(title)} characters; it needs 1 to 140")
    if len(summary) > SUMMARY_LIMIT:
        if not truncate:
            raise LineError(f"summary has {len(summary):,} characters, {SUMMARY_LIMIT:,} are allowed (--truncate cuts)")
        summary = cut(summary, SUMMARY_LIMIT)
    if not summary:
        raise LineError("summary is empty; say in two or three sentences what the product is")
    owner = _text(given, "owner")
    if not slugify(owner) or len(owner) > 120:
        raise LineError("owner needs 1 to 120 characters with at least one letter or digit")
    return Entry(
        domain=domain,
        name=name,
        title=title,
        summary=summary,
        owner=owner,
        tags=_tags(given),
        links=_links(given),
        type=_choice(given, "type", Product._meta.get_field("type").choices or [], ""),
        access_mode=_choice(given, "access_mode", AccessMode.choices, AccessMode.ON_REQUEST),
    )


def _text(given: dict[str, Any], key: str) -> str:
    value = given.get(key)
    if not isinstance(value, str) or not value.strip():
        raise LineError(f"{key} is missing or not text")
    return value.strip()


def _check_slug(slug: str) -> None:
    if not slug:
        raise LineError(
            "'' is not an address: domain is a slug, or slugs with one / between, like climate/precipitation"
        )
    if len(slug) > 63:
        raise LineError(f"{slug[:80]!r} has {len(slug)} characters; at most 63 are allowed")
    try:
        Domain._meta.get_field("slug").run_validators(slug)
    except ValidationError as error:
        raise LineError(f"{slug!r} is not an address: {' '.join(error.messages)}") from error


def _tags(given: dict[str, Any]) -> dict[str, str]:
    labels = given.get("tags") or []
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise LineError("tags is not a list of words")
    found: dict[str, str] = {}
    for label in labels:
        if slug := slugify(label)[:63].strip("-"):
            found.setdefault(slug, plain_text(label)[:63])
    if len(found) > TAG_LIMIT:
        raise LineError(f"has {len(found)} tags; at most {TAG_LIMIT} are allowed")
    return found


def _links(given: dict[str, Any]) -> tuple[tuple[str, str, str], ...]:
    rows = given.get("links") or []
    if not isinstance(rows, list) or len(rows) > LINK_LIMIT:
        raise LineError(f"links is not a list of at most {LINK_LIMIT}")
    found: dict[tuple[str, str], tuple[str, str, str]] = {}
    for row in rows:
        if not isinstance(row, dict) or row.get("rel") not in Rel.values:
            raise LineError(f"a link needs rel (one of {', '.join(Rel.values)}), url and media_type")
        url, media_type = row.get("url"), row.get("media_type") or ""
        if not isinstance(url, str) or not url.lower().startswith(WEB) or not isinstance(media_type, str):
            raise LineError(f"{str(url)[:100]!r} is not a web address; use https:// or http://")
        link = Link(rel=row["rel"], url=url, media_type=media_type)
        try:
            link.clean_fields(exclude=["product"])
        except ValidationError as error:
            raise LineError(f"the link {url[:100]!r} does not fit: {' '.join(error.messages)}") from error
        found.setdefault((row["rel"], url), (row["rel"], url, media_type))
    return tuple(found.values())


def _choice(given: dict[str, Any], key: str, choices: Iterable[tuple[str, Any]], default: str) -> str:
    value = given.get(key) or default
    values = [choice for choice, _ in choices]
    if value != default and value not in values:
        raise LineError(f"{key} is {str(value)[:60]!r}; it must be one of {', '.join(values)}")
    return str(value)


def import_lines(lines: Iterable[str], *, truncate: bool = False, batch: int = BATCH) -> Generator[Outcome, None, None]:
    """Imports line by line of JSON; yields the running outcome after each batch, which is one transaction.

    New products are published at once; known ones (same domain and name) are updated where they differ. Stopped half
    way, it may be run again: what is there already is unchanged. About 20 queries a batch.
    """
    outcome = Outcome()
    numbered = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    while chunk := list(islice(numbered, batch)):
        entries: dict[tuple[str, str], tuple[int, Entry]] = {}
        for number, line in chunk:
            try:
                entry = read_line(line, truncate=truncate)
                if entry.address in entries:
                    raise LineError(f"names {entry.urn} again, which line {entries[entry.address][0]} has")
                entries[entry.address] = (number, entry)
            except LineError as error:
                outcome.refused.append((number, str(error)))
        _write(list(entries.values()), outcome)
        yield outcome


@transaction.atomic
def _write(numbered: Sequence[tuple[int, Entry]], outcome: Outcome) -> None:
    domains, misplaced = _domains([entry for _, entry in numbered])
    entries = []
    for number, entry in numbered:
        if reason := misplaced.get(entry.domain):
            outcome.refused.append((number, reason))
        else:
            entries.append(entry)
    teams, tags = _teams(entries), _tag_rows(entries)
    known = {
        (product.domain.slug, product.name): product
        for product in Product.objects.filter(
            domain__slug__in={entry.domain[-1] for entry in entries}, name__in=[entry.name for entry in entries]
        )
        .select_related("domain")
        .prefetch_related("tags", "links")
        .select_for_update(of=("self",))  # an edit meanwhile would be lost otherwise
    }
    fresh, changed = [], []
    for entry in entries:
        product = known.get(entry.address)
        if product is None:
            fresh.append(entry)
        elif not _same(product, entry, teams):
            changed.append((product, entry))
    outcome.unchanged += len(entries) - len(fresh) - len(changed)
    outcome.created += len(fresh)
    outcome.updated += len(changed)
    if not (fresh or changed):
        return
    made = Product.objects.bulk_create(
        [
            Product(
                domain=domains[entry.domain],
                name=entry.name,
                lifecycle=Lifecycle.PUBLISHED,
                published_at=timezone.now(),
                **_columns(entry, teams),
            )
            for entry in fresh
        ]
    )
    for product, entry in changed:
        for column, value in _columns(entry, teams).items():
            setattr(product, column, value)
        product.revision += 1
        product.updated_at = timezone.now()
    if changed:
        columns = ["title", "summary", "owner", "type", "access_mode", "revision", "updated_at"]
        Product.objects.bulk_update([product for product, _ in changed], columns)
    _attach([*zip(made, fresh, strict=True), *changed], [product for product, _ in changed], tags)
    events.record_many(
        [events.NewEvent("product.published", entry.urn, {"imported": True}) for entry in fresh]
        + [events.NewEvent("product.updated", entry.urn, {"imported": True}) for _, entry in changed],
        None,
    )


def _columns(entry: Entry, teams: dict[str, Team]) -> dict[str, Any]:
    return {
        "title": entry.title,
        "summary": entry.summary,
        "type": entry.type,
        "access_mode": entry.access_mode,
        "owner": teams[slugify(entry.owner)[:63]],
    }


def _same(product: Product, entry: Entry, teams: dict[str, Team]) -> bool:
    columns = _columns(entry, teams)
    return (
        product.owner_id == columns.pop("owner").pk
        and all(getattr(product, column) == value for column, value in columns.items())
        and {tag.slug for tag in product.tags.all()} == set(entry.tags)
        and {(link.rel, link.url, link.media_type) for link in product.links.all()} == set(entry.links)
    )


def _attach(pairs: Sequence[tuple[Product, Entry]], changed: Sequence[Product], tags: dict[str, Tag]) -> None:
    if changed:
        Product.tags.through.objects.filter(product__in=changed).delete()
        Link.objects.filter(product__in=changed).delete()
    Product.tags.through.objects.bulk_create(
        [Product.tags.through(product=product, tag=tags[slug]) for product, entry in pairs for slug in entry.tags]
    )
    Link.objects.bulk_create(
        [
            Link(product=product, rel=rel, url=url, media_type=kind)
            for product, entry in pairs
            for rel, url, kind in entry.links
        ]
    )


def _domains(entries: Sequence[Entry]) -> tuple[dict[tuple[str, ...], Domain], dict[tuple[str, ...], str]]:
    """The domains at the entries' paths, made where they are new, and reasons for paths that cannot be."""
    paths = list(dict.fromkeys(entry.domain for entry in entries))
    known = {row.slug: row for row in Domain.objects.filter(slug__in={slug for path in paths for slug in path})}
    found: dict[tuple[str, ...], Domain] = {}
    misplaced: dict[tuple[str, ...], str] = {}
    for path in paths:
        parent: Domain | None = None
        for depth, slug in enumerate(path, 1):
            wanted = "/".join(path[:depth])
            domain = known.get(slug)
            if domain is None:
                if len(wanted) > 400:
                    misplaced[path] = f"the domain path has {len(wanted)} characters; at most 400 are allowed"
                    break
                title = slug.replace("-", " ").capitalize()
                domain = known[slug] = Domain.objects.create(slug=slug, parent=parent, path=wanted, title=title)
            elif domain.path != wanted and len(path) > 1:
                misplaced[path] = (
                    f"the domain {slug} is at {domain.path} already, not at {wanted}; a slug is unique in the mesh"
                )
                break
            parent = domain
        else:
            found[path] = known[path[-1]]
    return found, misplaced


def _teams(entries: Sequence[Entry]) -> dict[str, Team]:
    names: dict[str, str] = {}
    for entry in entries:
        names.setdefault(slugify(entry.owner)[:63], entry.owner)
    Team.objects.bulk_create([Team(slug=slug, name=name) for slug, name in names.items()], ignore_conflicts=True)
    return {team.slug: team for team in Team.objects.filter(slug__in=names)}


def _tag_rows(entries: Sequence[Entry]) -> dict[str, Tag]:
    labels = {slug: label for entry in entries for slug, label in entry.tags.items()}
    Tag.objects.bulk_create([Tag(slug=slug, label=label) for slug, label in labels.items()], ignore_conflicts=True)
    return {tag.slug: tag for tag in Tag.objects.filter(slug__in=labels)}
