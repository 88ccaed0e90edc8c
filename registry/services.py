"""The verbs of the registry. Each takes the actor, runs in one transaction and records one event."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.text import slugify

from marketplace.accounts.models import Role, Team, User
from registry import events, gates, undoing
from registry.access import may_edit
from registry.models import (
    MESSAGE_LIMIT,
    SUMMARY_LIMIT,
    AccessMode,
    Deprecation,
    Domain,
    Lifecycle,
    Link,
    PortEdge,
    Product,
    Rel,
    Tag,
)
from registry.text import plain_text

TAG_LIMIT = 12
LINK_LIMIT = 20


@dataclass(frozen=True)
class LinkData:
    """A link to register."""

    rel: str
    url: str
    media_type: str = ""
    title: str = ""


@dataclass(frozen=True)
class PortData:
    """A port's contract reference to register."""

    direction: str
    port: str
    contract_id: str
    contract_version: str = ""


@dataclass(frozen=True)
class ProductData:
    """All that the registry takes of a product. Markup in the title and the summary is dropped."""

    domain: str
    name: str
    title: str
    summary: str
    type: str = ""
    tags: Sequence[str] = ()
    access_mode: str = AccessMode.ON_REQUEST
    links: Sequence[LinkData] = ()
    ports: Sequence[PortData] = field(default_factory=tuple)


class StaleRevisionError(ValidationError):
    """Somebody else changed the product since the person began to edit it."""


def create_domain(slug: str, title: str, *, parent: Domain | None = None, summary: str = "") -> Domain:
    """A domain below its parent. Raises ValidationError for a bad or taken slug."""
    domain = Domain(slug=slug, title=title, parent=parent, summary=summary)
    domain.path = f"{parent.path}/{slug}" if parent else slug
    domain.full_clean()
    domain.save()
    return domain


def tags_named(labels: Iterable[str]) -> list[Tag]:
    """The tags with these labels, made where they are new. Two or three queries."""
    wanted: dict[str, str] = {}
    for label in labels:
        slug = slugify(label)[:63].strip("-")
        if slug:
            wanted.setdefault(slug, plain_text(label)[:63])
    if len(wanted) > TAG_LIMIT:
        raise ValidationError({"tags": f"Use at most {TAG_LIMIT} tags; these are {len(wanted)}."})
    Tag.objects.bulk_create([Tag(slug=s, label=label) for s, label in wanted.items()], ignore_conflicts=True)
    return list(Tag.objects.filter(slug__in=wanted))


@transaction.atomic
def register(actor: User, owner: Team, data: ProductData) -> Product:
    """Writes a draft. Raises ValidationError, by field, and PermissionDenied where the actor is not of the team."""
    if not (actor.has_role(Role.ADMIN) or owner.members.filter(pk=actor.pk).exists()):
        raise PermissionDenied(f"You are not in the team {owner.name}.")
    product = Product(owner=owner)
    _fill(product, data)
    try:
        with transaction.atomic():
            product.save()
    except IntegrityError as error:  # somebody took the name between the check and here
        raise _taken(data) from error
    _attach(product, data.links, data.ports, tags_named(data.tags))
    events.record("product.drafted", product.urn, actor, title=product.title)
    return product


@transaction.atomic
def update(actor: User, product: Product, data: ProductData, *, revision: int) -> Product:
    """Changes a product whose address stays. `revision` is the one the person saw.

    Raises StaleRevisionError where it was changed meanwhile, ValidationError by field, PermissionDenied for outsiders.
    """
    _require_edit(actor, product)
    if (data.domain, data.name) != (product.domain.slug, product.name):
        raise ValidationError({"name": "The address of a registered product cannot change, since others link to it."})
    before = undoing.entry_of(product)
    _fill(product, data)
    fields = {f: getattr(product, f) for f in ("title", "summary", "type", "access_mode")}
    if not Product.objects.filter(pk=product.pk, revision=revision).update(
        **fields, revision=revision + 1, updated_at=Now()
    ):
        raise StaleRevisionError(
            "Somebody else changed this product while you were editing. "
            "Open it in another window to see their version; yours is still in the form."
        )
    product.revision = revision + 1
    _attach(product, data.links, data.ports, tags_named(data.tags))
    undoing.remember(product, "product.updated", {"entry": before})
    events.record("product.updated", product.urn, actor, changed=undoing.changed(before, undoing.entry_of(product)))
    return product


def publish(actor: User, product: Product) -> Product:
    """Lists a draft; ends a pause. Raises ValidationError where the lifecycle does not allow it, or under `checklist`
    where something that has to be there is missing; PermissionDenied for outsiders.
    """
    if product.lifecycle == Lifecycle.PAUSED:  # it was published before, and is no news
        return resume(actor, product)
    return _move(actor, product, Lifecycle.PUBLISHED, "product.published", stamps={"published_at": Now()})


def pause(actor: User, product: Product) -> Product:
    """Says that the product is not to be consumed for now; it stays listed. Raises as publish does."""
    return _move(actor, product, Lifecycle.PAUSED, "product.paused")


def resume(actor: User, product: Product) -> Product:
    """Ends a pause. Raises as publish does."""
    return _move(actor, product, Lifecycle.PUBLISHED, "product.resumed")


@transaction.atomic
def deprecate(
    actor: User,
    product: Product,
    *,
    successor: Product | None = None,
    retires_on: date | None = None,
    message: str = "",
) -> Product:
    """Says that the product will go: what follows it, when it goes, and a few words. It stays listed.

    The event carries all three. Raises ValidationError by field for a successor that is not listed, a day that is over
    or a message that is too long; else as publish does.
    """
    _require_edit(actor, product)
    message = " ".join(plain_text(message).split())
    _check_deprecation(product, successor, retires_on, message)
    said = {
        "successor": successor.urn if successor else None,
        "retires_on": retires_on.isoformat() if retires_on else None,
        "message": message,
    }

    def attach() -> None:
        Deprecation.objects.update_or_create(
            product=product, defaults={"successor": successor, "retires_on": retires_on, "message": message}
        )

    return _move(actor, product, Lifecycle.DEPRECATED, "product.deprecated", also=attach, said=said)


def _check_deprecation(product: Product, successor: Product | None, retires_on: date | None, message: str) -> None:
    problems: dict[str, str] = {}
    if successor is not None and successor.pk == product.pk:
        problems["successor"] = "A product cannot follow itself; name another one, or none."
    elif successor is not None and not successor.is_listed:
        problems["successor"] = "The successor has to be a product that everybody can see; publish it first."
    if retires_on is not None and retires_on < timezone.localdate():
        problems["retires_on"] = "This day is over; give today or a later day, or none."
    if len(message) > MESSAGE_LIMIT:
        problems["message"] = f"The message has {len(message):,} characters; at most {MESSAGE_LIMIT} are kept."
    if problems:
        raise ValidationError(problems)


def retire(actor: User, product: Product) -> Product:
    """Takes a deprecated product out of every list; its address stays taken. Raises as publish does."""
    return _move(actor, product, Lifecycle.RETIRED, "product.retired")


@transaction.atomic
def undo(actor: User, product: Product) -> Product:
    """Takes back the last pause, deprecation, retirement or update, within a minute and while nothing else changed.

    Recorded as `product.updated`, whose data say what was undone. Raises ValidationError where it is too late,
    PermissionDenied for outsiders.
    """
    _require_edit(actor, product)
    record = undoing.open_for(product.pk)
    entry = record.before.get("entry") if record else None
    changed = undoing.changed(undoing.entry_of(record.product), entry) if record and entry else ["lifecycle"]
    # The row decides: of two who undo at once, and of an undo beside a change, only one finds the revision it saw.
    taken = record is not None and Product.objects.filter(pk=product.pk, revision=record.revision).update(
        **undoing.columns(record), revision=F("revision") + 1, updated_at=Now()
    )
    if record is None or not taken:
        raise ValidationError(
            f"There is nothing left to undo: a step can be taken back for {undoing.SECONDS} seconds, "
            "and only while nobody changed the product since."
        )
    product.refresh_from_db()
    if entry:
        links, ports = [LinkData(*row) for row in entry["links"]], [PortData(*row) for row in entry["ports"]]
        _attach(product, links, ports, Tag.objects.filter(slug__in=entry["tags"]))
    elif record.event_type == "product.deprecated":
        Deprecation.objects.filter(product=product).delete()
    record.delete()
    events.record("product.updated", product.urn, actor, changed=changed, undid=record.event_type)
    return product


VERBS: dict[str, Callable[[User, Product], Product]] = {
    "publish": publish,
    "pause": pause,
    "resume": resume,
    "deprecate": deprecate,
    "retire": retire,
}


@transaction.atomic
def _move(
    actor: User,
    product: Product,
    to: str,
    event: str,
    *,
    stamps: dict[str, Any] | None = None,
    also: Callable[[], None] | None = None,
    said: dict[str, Any] | None = None,
) -> Product:
    """`stamps` are further columns, `also` writes beside the product, `said` goes into the event."""
    _require_edit(actor, product)
    since = product.lifecycle
    if since == Lifecycle.DRAFT and to == Lifecycle.PUBLISHED:
        gates.require_publishable(actor, product)
    allowed = product.may_become(to) and (event != "product.resumed" or since == Lifecycle.PAUSED)
    # The row decides: of two clicks at once only the first finds it in the state that was seen.
    moved = allowed and Product.objects.filter(pk=product.pk, lifecycle=since).update(
        lifecycle=to, revision=F("revision") + 1, updated_at=Now(), **(stamps or {})
    )
    if not moved:
        raise ValidationError(f"A product that is {since} cannot become {to}; reload the page to see its state now.")
    product.refresh_from_db(fields=["lifecycle", "revision", "updated_at", "published_at"])
    if also is not None:
        also()
    if event in undoing.MOVES:
        undoing.remember(product, event, {"lifecycle": str(since)})
    events.record(event, product.urn, actor, since=str(since), **(said or {}))
    return product


def _require_edit(actor: User, product: Product) -> None:
    if not may_edit(actor, product):
        raise PermissionDenied(f"Only {product.owner.name} may change this product.")


def _taken(data: ProductData) -> ValidationError:
    return ValidationError(
        {"name": f"The domain {data.domain} already has a product named {data.name}. Choose another name."}
    )


def _fill(product: Product, data: ProductData) -> None:
    """Checks the data and sets the product's own columns. Raises ValidationError by field."""
    problems: dict[str, Any] = {}
    domain = Domain.objects.filter(slug=data.domain).first()
    if domain is None:
        problems["domain"] = (
            f"There is no domain {data.domain!r}. Choose one of the list." if data.domain else "Choose a domain."
        )
    else:
        product.domain = domain
    product.name, product.type, product.access_mode = data.name, data.type, data.access_mode
    product.title = plain_text(data.title)
    product.summary = plain_text(data.summary)
    if len(product.summary) > SUMMARY_LIMIT:
        problems["summary"] = (
            f"The summary has {len(product.summary):,} characters; two short paragraphs, at most {SUMMARY_LIMIT:,}, "
            "are enough. Everything longer belongs in the product's own documents, which are shown live."
        )
    try:
        product.clean_fields(exclude=["domain", "owner", *problems])
    except ValidationError as error:
        problems.update(error.message_dict)
    if domain is not None and Product.objects.filter(domain=domain, name=data.name).exclude(pk=product.pk).exists():
        problems.update(_taken(data).message_dict)
    if len(data.links) > LINK_LIMIT:
        problems["links"] = f"Use at most {LINK_LIMIT} links; these are {len(data.links)}."
    for link in data.links:
        try:
            Link(rel=link.rel, url=link.url, media_type=link.media_type, title=link.title).clean_fields(
                exclude=["product"]
            )
        except ValidationError:
            problems["links"] = (
                f"{link.rel} {link.url[:200]!r} is not a link: it needs a relation of {', '.join(Rel.values)} "
                "and an address with https:// or http://."
            )
        else:
            if not link.url.lower().startswith(("http://", "https://")):
                problems["links"] = f"{link.url[:200]!r} is not a web address; use https:// or http://."
    if problems:
        raise ValidationError(problems)


def _attach(product: Product, links: Sequence[LinkData], ports: Sequence[PortData], tags: Iterable[Tag]) -> None:
    product.tags.set(tags)
    product.links.all().delete()
    Link.objects.bulk_create(
        [
            Link(
                product=product,
                rel=x.rel,
                url=x.url,
                media_type=" ".join(x.media_type.split()),
                title=plain_text(x.title),
            )
            for x in links
        ],
        ignore_conflicts=True,
    )
    product.port_edges.all().delete()
    PortEdge.objects.bulk_create(
        [
            PortEdge(
                product=product,
                direction=x.direction,
                port=x.port[:120],
                contract_id=x.contract_id[:200],
                contract_version=x.contract_version[:40],
            )
            for x in ports
        ],
        ignore_conflicts=True,
    )
