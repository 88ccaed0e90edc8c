"""Every read of what a person follows, keeps and was told."""

from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from marketplace.accounts.models import User
from marketplace.notices.models import Entry, Follow, SavedSearch
from registry.models import Domain, Product

MOST_UNREAD = 100  # counted no further: "99+"


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
    return SavedSearch.objects.filter(user=user).annotate(fresh=Coalesce(new, 0))


def saved_search(user: User, query: str) -> SavedSearch | None:
    """The person's search of this normalised query string. One query."""
    return SavedSearch.objects.filter(user=user, query=query).first()


def inbox(user: User, *, unread: bool = False) -> QuerySet[Entry]:
    """What a person was told, newest first, with events, domains and searches. One query."""
    found = Entry.objects.filter(user=user).select_related("event", "domain", "search")
    return found.filter(read_at=None) if unread else found


def unread_count(user: User) -> int:
    """How many entries a person has not read; MOST_UNREAD at most. One query on a partial index."""
    return Entry.objects.filter(user=user, read_at=None).order_by()[:MOST_UNREAD].count()
