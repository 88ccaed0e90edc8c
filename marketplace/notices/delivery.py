"""From the event log to inboxes: what happens to what a person follows. A subscriber of the log."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from marketplace.notices.matching import enqueue_matching
from marketplace.notices.models import Entry, Follow, NewProduct, SavedSearch
from marketplace.notices.words import WORDS
from registry import events, queries
from registry.models import Domain, Event, Lifecycle, Product

SUBSCRIBER = "notices"
ROWS = 5000  # entries written in one statement
# Of a domain people are told what comes and what goes; of a product, all that has words.
OF_DOMAINS = {"product.published", "product.deprecated", "product.retired"}


def deliver(batch: Sequence[Event]) -> None:
    """Writes an entry for everybody who follows what the events are about, except who did it.

    What many products of one domain share is one entry. Seven queries however many events and followers.
    """
    products = queries.by_urns(event.subject for event in batch)
    told = [
        (event, product) for event in batch if (product := products.get(event.subject)) and _is_public(event, product)
    ]
    if not told:
        return
    entries = _of_products(told)
    entries += _of_domains(told, {(entry.user_id, entry.event_id) for entry in entries})
    Entry.objects.bulk_create(entries, batch_size=ROWS, ignore_conflicts=True)
    _put_aside(told)


def _is_public(event: Event, product: Product) -> bool:
    """Whether everybody may know: what is listed, and that something is not any more."""
    return product.is_listed or (product.lifecycle == Lifecycle.RETIRED and event.type == "product.retired")


class _Follower(NamedTuple):
    """Somebody who follows `target`, the id of a product or of a domain."""

    user_id: int
    username: str
    since: datetime
    target: int

    def is_told(self, event: Event) -> bool:
        """Not who did it, and not who began to follow afterwards."""
        return self.username != event.actor and self.since <= event.time


def _followers(target: str, ids: Iterable[int]) -> dict[int, list[_Follower]]:
    """By the id of what they follow; `target` is product or domain. One query, no objects: there may be many."""
    found = Follow.objects.filter(user__is_active=True, **{f"{target}__in": list(ids)}).order_by()
    by_target: dict[int, list[_Follower]] = defaultdict(list)
    for row in found.values_list("user_id", "user__username", "created_at", f"{target}_id"):
        by_target[row[3]].append(_Follower(*row))
    return by_target


def _of_products(told: Sequence[tuple[Event, Product]]) -> list[Entry]:
    followers = _followers("product", {product.pk for _, product in told})
    return [
        Entry(user_id=follower.user_id, event=event, title=product.title)
        for event, product in told
        for follower in followers[product.pk]
        if follower.is_told(event)
    ]


def _of_domains(told: Sequence[tuple[Event, Product]], known: set[tuple[int, int]]) -> list[Entry]:
    """One entry for each person, domain and kind of event; `known` is what they are told anyway."""
    slugs = {slug for _, product in told for slug in product.domain.path.split("/")}
    ids = dict(Domain.objects.filter(slug__in=slugs).values_list("slug", "pk"))
    followers = _followers("domain", ids.values())
    found: dict[tuple[int, int, str], Entry] = {}
    for event, product in told:
        if event.type not in OF_DOMAINS:
            continue
        # By person the domain that is the nearest above the product: a later one replaces those above it.
        nearest = {
            follower.user_id: follower
            for slug in product.domain.path.split("/")
            for follower in followers[ids[slug]]
            if follower.is_told(event)
        }
        for user_id, follower in nearest.items():
            if (user_id, event.pk) in known:
                continue
            key = (user_id, follower.target, event.type)
            entry = found.get(key)
            if entry is None:
                entry = found[key] = Entry(user_id=user_id, domain_id=follower.target, count=0)
            entry.event, entry.title = event, product.title
            entry.count += 1
    return list(found.values())


def _put_aside(told: Sequence[tuple[Event, Product]]) -> None:
    """Keeps what is new until its vector is made; nothing where nobody has saved a search."""
    fresh = {product.pk: event for event, product in told if _is_new(event)}
    if fresh and SavedSearch.objects.exists():
        NewProduct.objects.bulk_create(
            [NewProduct(product_id=pk, event=event) for pk, event in fresh.items()], ignore_conflicts=True
        )
        transaction.on_commit(enqueue_matching, robust=True)


def _is_new(event: Event) -> bool:
    return event.type == "product.published" and event.data.get("since") != Lifecycle.PAUSED


def subscribe() -> None:
    """Called once, when the app is ready."""
    events.subscribe(SUBSCRIBER, set(WORDS), deliver)
