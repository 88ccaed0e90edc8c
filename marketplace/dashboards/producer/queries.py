"""Reads of the producer's dashboard that no room below offers."""

from collections.abc import Iterable, Sequence
from datetime import date

from django.db.models import Count

from marketplace.accounts.models import User
from marketplace.live.drift.noticing import EVENT
from marketplace.notices.models import Follow
from registry.models import Event, Lifecycle, Product

# What the own team's history on the dashboard tells: what happened to the product, not what the team did itself.
HAPPENED = (
    EVENT,
    "certification.passed",
    "certification.failed",
    "certification.attested",
    "certification.expired",
    "health.degraded",
    "health.recovered",
    "slo.breached",
    "slo.restored",
)
EVENTS = 20


def own(user: User) -> list[Product]:
    """The products of a person's teams but retired ones, by title, with domain and owner. One query."""
    found = Product.objects.filter(owner__in=user.teams.all()).exclude(lifecycle=Lifecycle.RETIRED)
    return list(found.select_related("domain", "owner").order_by("title", "pk"))


def domains_of(products: Iterable[Product]) -> list[str]:
    """Slugs of the domains that the listed ones are in, which must be prefetched. No query.

    Drafts do not count: anybody makes one in any domain, and would read what people ask there.
    """
    return sorted({product.domain.slug for product in products if product.is_listed})


def followers(products: Sequence[int]) -> dict[int, int]:
    """How many people follow each of these products; those that nobody follows are left out. One query."""
    rows = Follow.objects.filter(product__in=products).order_by().values_list("product").annotate(Count("pk"))
    return dict(rows)


def happened(urns: Iterable[str], since: date, limit: int = EVENTS) -> list[Event]:
    """Drift, certification, health and service levels of these products since that day, newest first. One query."""
    found = Event.objects.filter(subject__in=list(urns), type__in=HAPPENED, time__date__gte=since)
    return list(found.order_by("-pk")[:limit])
