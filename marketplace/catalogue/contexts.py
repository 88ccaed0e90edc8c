"""What the templates of lists and of the product page get: rows in their final shape, so that no template decides."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.urls import reverse

from registry.models import Deprecation, Domain, Lifecycle, Link, Product, Rel

TITLE_OF_REL: dict[str, str] = dict(Rel.choices)


@dataclass(frozen=True)
class Titled:
    """A name that leads somewhere."""

    title: str
    url: str
    count: int | None = None
    summary: str = ""
    depth: int = 0


@dataclass(frozen=True)
class Example:
    """A question to try."""

    text: str
    url: str


@dataclass(frozen=True)
class Action:
    """A link that does something."""

    label: str
    url: str


@dataclass(frozen=True)
class Notice:
    """A message in the page: `tone` is info, good, warn or bad."""

    tone: str
    text: str
    advice: str = ""
    action_label: str = ""
    action_url: str = ""


@dataclass(frozen=True)
class Empty:
    """What an empty place says: what would be here and how to get it."""

    title: str
    text: str
    actions: Sequence[Action] = ()


@dataclass(frozen=True)
class Option:
    """One value of a facet; the address sets it, or takes it away where it is active."""

    label: str
    count: int | None
    url: str
    active: bool


@dataclass(frozen=True)
class Facet:
    """A filter with its values."""

    name: str
    label: str
    options: Sequence[Option]


@dataclass(frozen=True)
class Chip:
    """A filter that is set, and the address of the list without it."""

    label: str
    remove_url: str


@dataclass(frozen=True)
class Page:
    """Where one is in a long list."""

    number: int
    previous_url: str | None
    next_url: str | None


@dataclass(frozen=True)
class DomainContext:
    """The head of a domain's page."""

    title: str
    summary: str
    path: Sequence[Titled]
    children: Sequence[Titled]


@dataclass(frozen=True)
class Segment:
    """A piece of text, marked where it matches the question."""

    text: str
    match: bool


@dataclass(frozen=True)
class Tile:
    """A product in a list. `state` is live, slow, down or unknown; segments carry marked words of the question."""

    title: str
    url: str
    domain_path: str
    summary: str
    type_label: str
    access_label: str
    state: str = "unknown"
    latency_ms: int | None = None
    tags: Sequence[str] = ()
    why: Sequence[str] = ()
    title_segments: Sequence[Segment] = ()
    summary_segments: Sequence[Segment] = ()
    state_word: str = ""


@dataclass(frozen=True)
class LinkContext:
    """A registered link."""

    rel: str
    label: str
    url: str
    media_type: str


@dataclass(frozen=True)
class Owner:
    """Who answers for the product."""

    name: str
    email: str


@dataclass(frozen=True)
class Section:
    """A part of the product page that arrives by itself, from `url`."""

    id: str
    title: str
    url: str


@dataclass(frozen=True)
class ProductContext:
    """The head of the product page: all of it registered, nothing fetched."""

    title: str
    urn: str
    url: str
    breadcrumbs: Sequence[Titled]
    type_label: str
    lifecycle: str
    lifecycle_label: str
    paragraphs: Sequence[str]
    tags: Sequence[Titled]
    owner: Owner
    access_label: str
    links: Sequence[LinkContext]
    updated_at: datetime
    edit_url: str | None
    manage_url: str | None
    usage_url: str | None
    notices: Sequence[Notice] = field(default_factory=tuple)


def domain_titles(domains: Iterable[Domain]) -> dict[str, str]:
    """Slug to title."""
    return {domain.slug: domain.title for domain in domains}


def domain_path(domain: Domain, titles: dict[str, str]) -> str:
    """The titles from the root down, like "Climate / Precipitation"."""
    return " / ".join(titles.get(slug, slug) for slug in domain.path.split("/"))


def titled(domain: Domain) -> Titled:
    """A domain of `queries.domains_with_counts`."""
    return Titled(
        title=domain.title,
        url=domain.get_absolute_url(),
        count=getattr(domain, "count", None),
        summary=domain.summary,
        depth=domain.path.count("/"),
    )


def lifecycle_notices(product: Product) -> tuple[Notice, ...]:
    """What a visitor has to know about the state of the entry."""
    match product.lifecycle:
        case Lifecycle.DRAFT:
            return (Notice("info", "This is a draft.", "Only your team sees it. Publish it when it is ready."),)
        case Lifecycle.PAUSED:
            return (
                Notice(
                    "warn",
                    "This product is paused.",
                    "The owner asks not to use it for now. What follows still describes it.",
                ),
            )
        case Lifecycle.DEPRECATED:
            return (_deprecated(getattr(product, "deprecation", None)),)
        case Lifecycle.RETIRED:
            return (Notice("bad", "This product is retired.", "Only your team still sees this page."),)
    return ()


def _deprecated(said: Deprecation | None) -> Notice:
    """What the owner says of it: the day, a message, and what to use instead."""
    day = said.retires_on if said else None
    end = f" and will be retired on {day.day} {day:%B %Y}" if day else ""
    text = f"This product is deprecated{end}."
    successor = said.listed_successor if said else None
    advice = "Do not build anything new on it."
    if said and said.message:
        advice = f"{advice} Its owner says: {said.message}"
    elif successor is None:
        advice = f"{advice} Ask the owner what follows it."
    if successor is None:
        return Notice("warn", text, advice)
    return Notice("warn", text, advice, f"Use {successor.title} instead", successor.get_absolute_url())


def link_context(link: Link) -> LinkContext:
    """A registered link; its title where it has one, else what its relation is called."""
    return LinkContext(link.rel, link.title or TITLE_OF_REL.get(link.rel, link.rel), link.url, link.media_type)


def product_context(product: Product, ancestors: Sequence[Domain], *, may_edit: bool) -> ProductContext:
    """The product with domain, owner, tags and links prefetched. No queries."""
    browse = reverse("catalogue:browse")
    return ProductContext(
        title=product.title,
        urn=product.urn,
        url=product.get_absolute_url(),
        breadcrumbs=[Titled(d.title, d.get_absolute_url()) for d in (*ancestors, product.domain)],
        type_label=product.get_type_display(),
        lifecycle=product.lifecycle,
        lifecycle_label=product.get_lifecycle_display(),
        paragraphs=product.paragraphs,
        tags=[Titled(tag.label, f"{browse}?tag={tag.slug}") for tag in product.tags.all()],
        owner=Owner(product.owner.name, product.owner.email),
        access_label=product.get_access_mode_display(),
        links=[link_context(link) for link in product.links.all()],
        updated_at=product.updated_at,
        edit_url=edit_url(product) if may_edit else None,
        manage_url=reverse("publishing:manage", args=[product.domain.slug, product.name]) if may_edit else None,
        usage_url=usage_url(product) if may_edit else None,
        notices=lifecycle_notices(product),
    )


def edit_url(product: Product) -> str:
    """Where the owner changes the entry."""
    return reverse("publishing:edit", args=[product.domain.slug, product.name])


def usage_url(product: Product) -> str:
    """Where the owner sees how it is found and used."""
    return reverse("dashboards:producer-product", args=[product.domain.slug, product.name])
