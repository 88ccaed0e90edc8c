"""What the consumer's dashboard shows, in its final shape."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.urls import reverse

from marketplace.accounts.models import User
from marketplace.catalogue.live_parts import Polling
from marketplace.catalogue.queries import domain_tree
from marketplace.catalogue.tiles import asked_tiles
from marketplace.dashboards import switch
from marketplace.notices import asking, queries, recent
from marketplace.notices import contexts as notices
from marketplace.notices.contexts import SearchRow, Told
from marketplace.notices.models import Follow
from registry import queries as registry
from registry.models import Domain, Product

SHOWN = 12  # products one follows; the others are on the page of follows
CHANGES = 10  # products that changed
EVENTS = 100  # of these products, looked through for what changed
POLLS = 5  # what says nothing by then says so


@dataclass(frozen=True)
class Asked:
    """A search of lately: what it asks in words, and its address."""

    words: str
    url: str


@dataclass(frozen=True)
class DomainRow:
    """A domain one follows, with how many products are new in it."""

    title: str
    url: str
    fresh: int


@dataclass(frozen=True)
class _Known:
    """What a person follows and opened: `products` are those of either that they may see, by id."""

    follows: Sequence[Follow]
    opened: Sequence[int]
    products: dict[int, Product]

    @property
    def followed(self) -> list[Product]:
        """Of the products one follows, those that are shown."""
        ids = [follow.product_id for follow in self.follows if follow.product_id]
        return [self.products[pk] for pk in ids if pk in self.products]

    @property
    def looked_at(self) -> list[Product]:
        """Opened lately and not followed, the last first."""
        followed = {product.pk for product in self.followed}
        return [self.products[pk] for pk in self.opened if pk in self.products and pk not in followed]

    @property
    def domains(self) -> list[Domain]:
        """The domains one follows."""
        return [follow.domain for follow in self.follows if follow.domain]


def _known(user: User) -> _Known:
    """Three queries, and one round trip to Redis."""
    follows, opened = list(queries.follows(user)), recent.opened_by(user)
    ids = {*opened, *(follow.product_id for follow in follows if follow.product_id)}
    return _Known(follows, opened, {product.pk: product for product in registry.visible_to(user).filter(pk__in=ids)})


def dashboard(user: User, since: datetime, polling: Polling) -> dict[str, Any]:
    """The page. Ten queries at most, however much one follows; products that are not fresh are asked meanwhile."""
    known = _known(user)
    searches = [notices.search_row(search) for search in queries.saved_searches(user)]
    asked = [Asked(asking.in_words(query), f"{reverse('catalogue:search')}?{query}") for query in recent.asked_by(user)]
    changes = _changes(user, known, since)
    fresh = queries.new_in(known.domains, since)
    domains = [DomainRow(row.title, row.get_absolute_url(), fresh[row.pk]) for row in known.domains]
    return {
        "sides": switch.sides(user, "consumer"),
        "sentence": _sentence(known, searches, changes, domains),
        "since": since,
        "newcomer": not (known.follows or searches),
        "changes": changes,
        "domains": sorted(domains, key=lambda row: (-row.fresh, row.title)),
        "searches": sorted(searches, key=lambda row: -row.fresh),
        "asked": asked,
        **_health(known, polling),
    }


def health(user: User, polling: Polling) -> dict[str, Any]:
    """The products of the page, as they have answered by now. Five queries."""
    return _health(_known(user), polling)


def _health(known: _Known, polling: Polling) -> dict[str, Any]:
    followed, opened = known.followed[:SHOWN], known.looked_at
    rows = [*followed, *opened]
    shown, waiting = asked_tiles(rows, domain_tree() if rows else [])
    again = Polling(reverse("dashboards:consumer-health"), polling.asked)
    poll = waiting and polling.asked < POLLS
    return {
        "followed": shown[: len(followed)],
        "opened": shown[len(followed) :],
        "more": len(known.followed) - len(followed),
        "poll_url": again.next_url if poll else None,
        "poll_ms": again.delay_ms,
    }


def _changes(user: User, known: _Known, since: datetime) -> list[Told]:
    """One row a product, the last changed first: what happened last, and in short what happened before."""
    titles = {follow.product.urn: follow.product.title for follow in known.follows if follow.product}
    seen = {product.urn: product.title for product in known.products.values()}
    by_urn: dict[str, list[Told]] = {}
    for event in queries.happened({*titles, *seen}, since, user, EVENTS):
        if event.subject in seen or event.type == "product.retired":
            row = notices.happened(event, {**titles, **seen}[event.subject], hidden=event.subject not in seen)
            by_urn.setdefault(event.subject, []).append(row)
    return [_together(rows) for rows in list(by_urn.values())[:CHANGES]]


def _together(rows: Sequence[Told]) -> Told:
    before = [row.label for row in rows[1:]]
    counted = [f"{label.lower()} ({before.count(label)} times)" if before.count(label) > 1 else label.lower()
               for label in dict.fromkeys(before)]  # fmt: skip
    return replace(rows[0], earlier=", ".join(counted))


def _sentence(
    known: _Known, searches: Sequence[SearchRow], changes: Sequence[Told], domains: Sequence[DomainRow]
) -> str:
    """The whole page in one line."""
    if not (known.follows or searches):
        return "Follow what you rely on, and this page tells you how it is doing and what changed."
    follows = [_counted(len(known.followed), "data product"), _counted(len(known.domains), "domain")]
    named = " and ".join(part for part in follows if part)
    said = [f"You follow {named}" if named else "You follow nothing yet"]
    if changes:
        said.append(f"{_counted(len(changes), 'product')}{' or more' if len(changes) == CHANGES else ''} changed")
    if new := sum(row.fresh for row in domains):
        said.append(f"{new:,} new in your domains")
    if fresh := sum(row.fresh for row in searches):
        said.append(f"{fresh:,} new for your searches")
    return "; ".join(said if len(said) > 1 else [*said, "nothing changed since your last visit"]) + "."


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}" if number else ""
