"""Putting a product: registered where it is new, changed where it differs, left alone where it is as wanted.

Done again it changes nothing, so that a program may send the same list after a lost connection.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.text import slugify

from marketplace.accounts.models import Team, User
from marketplace.accounts.queries import teams_of
from marketplace.accounts.services import home_team
from registry import access, queries, services
from registry.models import Domain, Lifecycle, Product
from registry.services import ProductData
from registry.text import plain_text

Result = Literal["created", "updated", "unchanged"]


@dataclass(frozen=True, slots=True)
class Put:
    """What was done. `changes` maps a field to its value before and after; `published` where this listed it."""

    product: Product
    result: Result
    published: bool = False
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)


@transaction.atomic
def put(
    actor: User,
    address: tuple[str, str],
    data_from: Callable[[Product | None], ProductData],
    *,
    owner: str = "",
    publish: bool = True,
    dry_run: bool = False,
) -> Put:
    """Registers the product at `address` (domain slug and name), or changes what differs; all of it or nothing.

    `data_from` gets the product that is there, or None, and says what is wanted. `owner` is the slug of the team that a
    new product is to belong to, the actor's first where empty; it moves none that is there. A draft is published where
    `publish` says so; no other step of the lifecycle is taken. `dry_run` takes all of it back. Two programs that put
    into the same domain wait for each other. Raises ValidationError by field and PermissionDenied. Some 10 queries
    where nothing changes, some 30 for a new product.
    """
    done = _put(actor, address, data_from, owner, publish)
    if dry_run:
        transaction.set_rollback(True)
    return done


def _put(
    actor: User,
    address: tuple[str, str],
    data_from: Callable[[Product | None], ProductData],
    owner: str,
    publish: bool,
) -> Put:
    domain, name = address
    # Of two programs that send the same product at once, the second finds what the first has written.
    Domain.objects.select_for_update(no_key=True).filter(slug=domain).first()
    product = queries.by_address(domain, name)
    if product is None:
        product = services.register(actor, _team(actor, owner), data_from(None))
        if publish:
            product = services.publish(actor, product)
        return Put(product, "created", published=publish)
    _require_put(actor, product, owner)
    data = data_from(product)
    changes = differences(product, data)
    if changes:
        product = services.update(actor, product, data, revision=product.revision)
    listing = publish and product.lifecycle == Lifecycle.DRAFT
    if listing:
        product = services.publish(actor, product)
        changes["lifecycle"] = (str(Lifecycle.DRAFT), str(Lifecycle.PUBLISHED))
    return Put(product, "updated" if changes else "unchanged", published=listing, changes=changes)


def _team(actor: User, slug: str) -> Team:
    if not slug:
        actor.refresh_from_db(fields=["roles"])  # a product that was taken back had perhaps set them
        return home_team(actor)
    mine = {team.slug: team for team in teams_of(actor)}
    if slug not in mine:
        raise ValidationError(
            {"owner": f"You are not in a team {slug!r}. Your teams: {', '.join(mine) or 'none yet'}."}
        )
    return mine[slug]


def _require_put(actor: User, product: Product, owner: str) -> None:
    domain, name = product.domain.slug, product.name
    if not access.may_edit(actor, product):
        if product.is_listed:
            raise PermissionDenied(
                f"{product.urn} belongs to {product.owner.name}, and you are not in that team. Choose another name."
            )
        # Whose a draft is, is theirs to say.
        raise ValidationError({"name": f"The domain {domain} already has a product named {name}. Choose another name."})
    if product.lifecycle == Lifecycle.RETIRED:
        raise ValidationError({"name": f"{product.urn} was retired; its address stays taken. Choose another name."})
    if owner and product.owner.slug != owner:
        raise ValidationError(
            {"owner": f"{product.urn} belongs to the team {product.owner.slug}; this does not give it to another."}
        )


def differences(product: Product, data: ProductData) -> dict[str, tuple[Any, Any]]:
    """What would change, by field: the value before and after, as the registry keeps them. Reads tags, links, ports."""
    before = {
        "title": product.title,
        "summary": product.summary,
        "type": product.type,
        "access_mode": product.access_mode,
        "tags": sorted(tag.slug for tag in product.tags.all()),
        "links": sorted((x.rel, x.url, x.media_type, x.title) for x in product.links.all()),
        "ports": sorted((x.direction, x.port, x.contract_id, x.contract_version) for x in product.port_edges.all()),
    }
    # The first of two that the database takes for the same is the one that is kept.
    links = {(x.rel, x.url): (" ".join(x.media_type.split()), plain_text(x.title)) for x in reversed(data.links)}
    ports = {(x.direction, x.port[:120], x.contract_id[:200]): x.contract_version[:40] for x in reversed(data.ports)}
    after = {
        "title": plain_text(data.title),
        "summary": plain_text(data.summary),
        "type": data.type,
        "access_mode": data.access_mode,
        "tags": sorted({slug for tag in data.tags if (slug := slugify(tag)[:63].strip("-"))}),
        "links": sorted((*key, *rest) for key, rest in links.items()),
        "ports": sorted((*key, version) for key, version in ports.items()),
    }
    return {key: (before[key], after[key]) for key in after if before[key] != after[key]}
