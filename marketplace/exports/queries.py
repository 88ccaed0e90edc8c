"""Reads of everything that is listed, in pieces that stay small however many products there are."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, F, Max, Sum
from django.urls import reverse

from marketplace.accounts.models import Team
from marketplace.exports.facts import Facts, LinkFact, absolute
from registry.models import LISTED, Domain, Link, Product, Tag

BATCH = 200
SITEMAP_IDS = 10_000  # of one sitemap; the protocol allows 50,000 addresses
_COLUMNS = (
    *("pk", "name", "title", "summary", "type", "lifecycle", "access_mode", "published_at", "updated_at"),
    *("domain__slug", "domain__title", "owner__name", "owner__email"),
)


def page(after: int, size: int) -> list[tuple[int, Facts]]:
    """Ids and facts of listed products with a greater id, in the order of ids. Three queries.

    Read as rows: model objects would take three times as long, which thirty thousand of them make felt.
    """
    listed = Product.objects.filter(lifecycle__in=LISTED, pk__gt=after).order_by("pk")
    rows = list(listed.values_list(*_COLUMNS)[:size])
    ids = [row[0] for row in rows]
    tags: dict[int, list[str]] = defaultdict(list)
    for pk, label in Tag.objects.filter(products__in=ids).order_by("slug").values_list("products", "label"):
        tags[pk].append(label)
    links: dict[int, list[LinkFact]] = defaultdict(list)
    found = Link.objects.filter(product__in=ids).order_by("pk")
    for pk, *link in found.values_list("product_id", "rel", "url", "media_type", "title"):
        links[pk].append(LinkFact(*link))
    return [(row[0], _facts(row, tags[row[0]], links[row[0]])) for row in rows]


def _facts(row: tuple[Any, ...], tags: list[str], links: list[LinkFact]) -> Facts:
    _, name, title, summary, type_, lifecycle, access_mode, listed, changed, domain, domain_title, owner, email = row
    return Facts(
        urn=f"urn:dp:{domain}:{name}",
        name=name,
        title=title,
        summary=summary,
        page=absolute(reverse("catalogue:product", args=[domain, name])),
        domain=domain,
        domain_title=domain_title,
        domain_page=absolute(reverse("catalogue:domain", args=[domain])),
        owner=owner,
        owner_email=email,
        type=type_,
        lifecycle=lifecycle,
        access_mode=access_mode,
        tags=tuple(tags),
        links=tuple(links),
        listed=listed,
        changed=changed,
    )


def everything() -> Iterator[Facts]:
    """All listed products, in batches. Between two batches no connection to the database is held, since a client may
    read as slowly as it likes; so what changes meanwhile may be seen or not."""
    after = 0
    while batch := page(after, BATCH):
        if not connection.in_atomic_block:
            connection.close()
        yield from (facts for _, facts in batch)
        after = batch[-1][0]


def total() -> int:
    """How many products are listed. One query."""
    return Product.objects.filter(lifecycle__in=LISTED).count()


def fingerprint() -> str:
    """Changes whenever anything of what is listed changes, and with where we are. Four small queries."""
    listed = Product.objects.filter(lifecycle__in=LISTED)
    facts = [
        listed.aggregate(Count("id"), Sum("revision"), Max("updated_at"), Max("id"), Sum("id")),
        list(Team.objects.order_by("pk").values_list("pk", "name", "email")),
        list(Domain.objects.order_by("pk").values_list("pk", "slug", "title")),
        Tag.objects.aggregate(Max("id")),
        settings.PUBLIC_URL,
    ]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]


def sitemaps() -> list[tuple[int, datetime]]:
    """The sitemaps that have products: number, and when one of them last changed. One query."""
    rows = (
        Product.objects.filter(lifecycle__in=LISTED)
        .order_by()
        .annotate(number=F("id") / SITEMAP_IDS)
        .values("number")
        .annotate(changed=Max("updated_at"))
        .order_by("number")
    )
    return [(row["number"], row["changed"]) for row in rows]


def sitemap(number: int) -> list[tuple[str, str, datetime]]:
    """Domain, name and time of change of the listed products in this sitemap. One query."""
    first = number * SITEMAP_IDS
    rows = Product.objects.filter(lifecycle__in=LISTED, pk__gte=first, pk__lt=first + SITEMAP_IDS).order_by("pk")
    return list(rows.values_list("domain__slug", "name", "updated_at"))
