"""From the event log to inboxes: what happens to what a person follows. A subscriber of the log."""

from collections import defaultdict
from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet

from marketplace.notices.matching import enqueue_matching
from marketplace.notices.models import Entry, Follow, NewProduct, SavedSearch
from marketplace.notices.words import WORDS
from registry import events, queries
from registry.models import Domain, Event, Lifecycle, Product

SUBSCRIBER = "notices"
# Of a domain people are told what comes and what goes; of a product, all that has words.
OF_DOMAINS = {"product.published", "product.deprecated", "product.retired"}


def deliver(batch: Sequence[Event]) -> None:
    """Writes an entry for everybody who follows what the events are about, except who did it.

    What many products of one domain share is one entry. Six queries however many events and followers.
    """
    products = queries.by_urns(event.subject for event in batch)
    told = [
        (event, product) for event in batch if (product := products.get(event.subject)) and _is_public(event, product)
    ]
    if not told:
        return
    entries = _of_products(told)
    entries += _of_domains(told, {(entry.user_id, entry.event_id) for entry in entries})
    Entry.objects.bulk_create(entries, ignore_conflicts=True)
    _put_aside(told)


def _is_public(event: Event, product: Product) -> bool:
    """Whether everybody may know: what is listed, and that something is not any more."""
    return product.is_listed or (product.lifecycle == Lifecycle.RETIRED and event.type == "product.retired")


def _of_products(told: Sequence[tuple[Event, Product]]) -> list[Entry]:
    followers: dict[int, list[Follow]] = defaultdict(list)
    for follow in _active(Follow.objects.filter(product__in={product.pk for _, product in told})):
        followers[follow.product_id or 0].append(follow)
    return [
        Entry(user_id=follow.user_id, event=event, title=product.title)
        for event, product in told
        for follow in followers[product.pk]
        if _concerns(event, follow)
    ]


def _of_domains(told: Sequence[tuple[Event, Product]], known: set[tuple[int, int]]) -> list[Entry]:
    """One entry for each person, domain and kind of event; `known` is what they are told anyway."""
    slugs = {slug for _, product in told for slug in product.domain.path.split("/")}
    followers: dict[str, list[Follow]] = defaultdict(list)
    for follow in _active(Follow.objects.filter(domain__slug__in=slugs).select_related("domain")):
        assert follow.domain is not None
        followers[follow.domain.slug].append(follow)
    found: dict[tuple[int, int, str], Entry] = {}
    for event, product in told:
        if event.type not in OF_DOMAINS:
            continue
        for user_id, domain in _nearest(event, product, followers).items():
            if (user_id, event.pk) in known:
                continue
            entry = found.setdefault((user_id, domain.pk, event.type), Entry(user_id=user_id, domain=domain, count=0))
            entry.event, entry.title = event, product.title
            entry.count += 1
    return list(found.values())


def _nearest(event: Event, product: Product, followers: dict[str, list[Follow]]) -> dict[int, Domain]:
    """By person that the event concerns, the domain they follow that is the nearest above the product."""
    found: dict[int, Domain] = {}
    for slug in product.domain.path.split("/"):
        for follow in followers[slug]:
            if _concerns(event, follow):
                assert follow.domain is not None
                found[follow.user_id] = follow.domain
    return found


def _concerns(event: Event, follow: Follow) -> bool:
    """Not who did it, and not who began to follow afterwards."""
    return follow.user.username != event.actor and follow.created_at <= event.time


def _active(follows: QuerySet[Follow]) -> QuerySet[Follow]:
    return follows.filter(user__is_active=True).select_related("user")


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
