"""What the templates of this room get: rows in their final shape, so that no template decides."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.core.paginator import Page
from django.http import HttpRequest
from django.urls import reverse

from marketplace.notices import asking, queries
from marketplace.notices.models import Entry, Follow, SavedSearch
from marketplace.notices.words import WORDS, detail
from registry.access import Visitor, person
from registry.models import Domain, Event, Product

OF_MANY = {
    "product.published": "published",
    "product.deprecated": "deprecated",
    "product.retired": "retired",
}
PRODUCT = re.compile(r"urn:dp:([a-z0-9-]+):([a-z0-9-]+)")
UNKNOWN = ("Something happened", "info")


@dataclass(frozen=True)
class FollowButton:
    """Follow, or stop: where the form goes. A visitor gets the address to sign in at instead."""

    url: str
    following: bool
    title: str
    sign_in_url: str = ""


@dataclass(frozen=True)
class SaveSearch:
    """The offer to keep the search that is shown; `saved` is set where it is kept already."""

    query: str
    name: str
    saved: SavedSearch | None
    sign_in_url: str = ""


@dataclass(frozen=True)
class Told:
    """An entry of the inbox, or an event, in words. `url` is empty where there is nothing to see any more.

    `next_url`: the page of what follows a deprecated product. `earlier`: what happened to the same product before, in
    short.
    """

    title: str
    url: str
    label: str
    icon: str
    detail: str
    when: datetime
    unread: bool = False
    next_url: str = ""
    earlier: str = ""


@dataclass(frozen=True)
class FollowRow:
    """What is followed, and the form that ends it."""

    title: str
    url: str
    kind: str
    since: datetime
    follow_url: str


def follow_url(target: Product | Domain) -> str:
    """Where the form goes that follows it, or stops."""
    if isinstance(target, Product):
        return reverse("notices:follow-product", args=[target.domain.slug, target.name])
    return reverse("notices:follow-domain", args=[target.slug])


def follow_button(visitor: Visitor, target: Product | Domain) -> FollowButton:
    """The button on the page of a product or a domain. No query for a visitor, one for a person."""
    user = person(visitor)
    if user is None:
        return FollowButton(follow_url(target), False, target.title, _sign_in(target.get_absolute_url()))
    return FollowButton(follow_url(target), queries.follow_of(user, target) is not None, target.title)


def save_search(visitor: Visitor, pairs: Iterable[tuple[str, str]]) -> SaveSearch | None:
    """The offer to save the search of a page, by its query string in pairs; None where it asks nothing.

    No query for a visitor, one for a person.
    """
    user, query = person(visitor), asking.spelled(pairs)
    if not query:
        return None
    if user is None:
        return SaveSearch(query, "", None, _sign_in(f"{reverse('catalogue:search')}?{query}"))
    return SaveSearch(query, asking.in_words(query), queries.saved_search(user, query))


def _sign_in(back: str) -> str:
    return f"{reverse('account_login')}?{urlencode({'next': back})}"


def told(entry: Entry) -> Told:
    """An entry, with its event, domain and search read."""
    label, icon = WORDS.get(entry.event.type, UNKNOWN)
    title, url, more = entry.title, address_of(entry.event.subject), detail(entry.event)
    products = f"{entry.count:,} data products"
    if entry.search is not None:
        title = title if entry.count == 1 else f"{products}, {title} among them"
        url = url if entry.count == 1 else entry.search.get_absolute_url()
        label, icon, more = f"New for your search “{entry.search.name}”", "search", ""
    elif entry.domain is not None and entry.count > 1:
        title, url, more = products, entry.domain.get_absolute_url(), f"{entry.title} among them"
        label = f"{OF_MANY.get(entry.event.type, 'changed').capitalize()} in {entry.domain.title}"
    elif entry.domain is not None:
        label = f"{label}, in {entry.domain.title}"
    gone = entry.event.type == "product.retired" and entry.count == 1
    next_url = _successor(entry.event, entry.count)
    return Told(title, "" if gone else url, label, icon, more, entry.created_at, entry.read_at is None, next_url)


def happened(event: Event, title: str, *, hidden: bool = False) -> Told:
    """An event of a product in words; `hidden`: its page is not for everybody any more."""
    label, icon = WORDS.get(event.type, UNKNOWN)
    url = "" if hidden else address_of(event.subject)
    return Told(title, url, label, icon, detail(event), event.time, next_url=_successor(event))


def address_of(urn: str) -> str:
    """The page of the product with this URN; empty for what is no product's."""
    found = PRODUCT.fullmatch(urn)
    return reverse("catalogue:product", args=found.groups()) if found else ""


def _successor(event: Event, count: int = 1) -> str:
    """The page of what follows a deprecated product; empty where its owner named nothing."""
    return address_of(str(event.data.get("successor"))) if event.type == "product.deprecated" and count == 1 else ""


def follow_row(follow: Follow) -> FollowRow:
    """A follow of `queries.follows`. No query."""
    target = follow.product or follow.domain
    assert target is not None  # the database sees to it
    kind = f"Data product in {target.domain.title}" if isinstance(target, Product) else "Domain"
    gone = isinstance(target, Product) and not target.is_listed
    url = "" if gone else target.get_absolute_url()
    return FollowRow(target.title, url, kind, follow.created_at, follow_url(target))


def search_url(search: SavedSearch) -> str:
    """The page of the answers."""
    return f"{reverse('catalogue:search')}?{search.query}"


@dataclass(frozen=True)
class SearchRow:
    """A saved search: what it asks in words, how much is new, and where its forms go."""

    id: str
    name: str
    asks: str
    url: str
    fresh: int
    rename_url: str
    delete_url: str


def search_row(search: SavedSearch) -> SearchRow:
    """A search of `queries.saved_searches`. No query."""
    return SearchRow(
        id=search.uuid.hex,
        name=search.name,
        asks=asking.in_words(search.query),
        url=search.get_absolute_url(),
        fresh=getattr(search, "fresh", 0),
        rename_url=reverse("notices:search-rename", args=[search.uuid]),
        delete_url=reverse("notices:search-delete", args=[search.uuid]),
    )


@dataclass(frozen=True)
class Pages:
    """Where one is in a long list."""

    number: int
    previous_url: str | None
    next_url: str | None


def page_of(page: Page) -> Pages:
    """For components/pagination.html."""
    previous = f"?page={page.previous_page_number()}" if page.has_previous() else None
    return Pages(page.number, previous, f"?page={page.next_page_number()}" if page.has_next() else None)


def header(request: HttpRequest) -> dict[str, Callable[[], str]]:
    """For every page, by the settings: `inbox_unread`, counted only where the header shows it. One query then."""

    def unread() -> str:
        user = getattr(request, "user", None)
        count = queries.unread_count(user) if user is not None and user.is_authenticated else 0
        return "" if not count else str(count) if count < queries.MOST_UNREAD else f"{queries.MOST_UNREAD - 1}+"

    return {"inbox_unread": unread}
