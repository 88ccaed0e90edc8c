"""Reads of everything that is listed, in pieces that stay small however many products there are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db import connection
from django.db.models import Count, F, Max, Prefetch, QuerySet, Sum

from marketplace.accounts.models import Team
from registry import queries
from registry.models import LISTED, Domain, Link, Product, Tag

BATCH = 200
SITEMAP_IDS = 10_000  # of one sitemap; the protocol allows 50,000 addresses


def _listed() -> QuerySet[Product]:
    """With links and tags; three queries however many."""
    return queries.listed().prefetch_related(Prefetch("links", Link.objects.order_by("id"))).order_by("pk")


def page(after: int, size: int) -> list[Product]:
    """Listed products with a greater id, in the order of ids. Three queries."""
    return list(_listed().filter(pk__gt=after)[:size])


def everything() -> Iterator[Product]:
    """All listed products, in batches. Between two batches no connection to the database is held, since a client may
    read as slowly as it likes; so what changes meanwhile may be seen or not."""
    after = 0
    while batch := page(after, BATCH):
        if not connection.in_atomic_block:
            connection.close()
        yield from batch
        after = batch[-1].pk


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
