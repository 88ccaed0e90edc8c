"""Every read of what a person follows, keeps and was told."""

from collections.abc import Iterable
from datetime import datetime
from functools import reduce
from operator import or_

from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from marketplace.accounts.models import User
from marketplace.notices.models import Entry, Follow, SavedSearch
from marketplace.notices.words import WORDS
from registry import feed
from registry import queries as registry
from registry.models import LISTED, Domain, Event, Product

MOST_UNREAD = 100  # counted no further: "99+"
NEW = 1000  # new products in the domains of one person, counted no further


def follow_of(user: User, target: Product | Domain) -> Follow | None:
    """The person's follow of this, if there is one. One query."""
    wanted = {"product": target} if isinstance(target, Product) else {"domain": target}
    return Follow.objects.filter(user=user, **wanted).first()


def followed_product(user: User, domain: str, name: str) -> Product | None:
    """The product at this address where the person follows it, in any lifecycle. One query."""
    found = Follow.objects.filter(user=user, product__domain__slug=domain, product__name=name)
    follow = found.select_related("product__domain").first()
    return follow.product if follow else None


def follows(user: User) -> QuerySet[Follow]:
    """What a person follows, last followed first, with products, owners and domains. One query."""
    return Follow.objects.filter(user=user).select_related("product__domain", "product__owner", "domain")


def saved_searches(user: User) -> QuerySet[SavedSearch]:
    """A person's searches by name, each with `fresh`: products that fit and were published since it was opened."""
    new = Sum("entries__count", filter=Q(entries__created_at__gt=F("opened_at")))
    return SavedSearch.objects.filter(user=user).annotate(fresh=Coalesce(new, 0)).order_by("name", "pk")


def saved_search(user: User, query: str) -> SavedSearch | None:
    """The person's search of this normalised query string. One query."""
    return SavedSearch.objects.filter(user=user, query=query).first()


def inbox(user: User, *, unread: bool = False) -> QuerySet[Entry]:
    """What a person was told, newest first, with events, domains and searches. One query."""
    found = Entry.objects.filter(user=user).select_related("event", "domain", "search")
    return found.filter(read_at=None) if unread else found


def happened(urns: Iterable[str], since: datetime, but_by: User, most: int) -> list[Event]:
    """What happened to these products since then and people are told, newest first; without what one did oneself.

    Nothing of before a product was published. One query, on the index of subjects.
    """
    found = Event.objects.filter(feed.public(), subject__in=list(urns), type__in=list(WORDS), time__gt=since)
    return list(found.exclude(actor=but_by.username).order_by("-pk")[:most])


def new_in(domains: Iterable[Domain], since: datetime) -> dict[int, int]:
    """How many listed products were published since then in each of the domains and below it, by id; at most NEW.

    One query, none without domains.
    """
    asked = list(domains)
    if not asked:
        return {}
    inside = reduce(or_, (registry.in_domain(domain.path) for domain in asked))
    fresh = Product.objects.filter(inside, lifecycle__in=LISTED, published_at__gt=since).order_by()
    paths = [f"{path}/" for path in fresh.values_list("domain__path", flat=True)[:NEW]]
    return {domain.pk: sum(path.startswith(f"{domain.path}/") for path in paths) for domain in asked}


def unread_count(user: User) -> int:
    """How many entries a person has not read; MOST_UNREAD at most. One query on a partial index."""
    return Entry.objects.filter(user=user, read_at=None).order_by()[:MOST_UNREAD].count()
