"""What happened to what one follows comes to one's inbox, once, in words, and to nobody else's."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from marketplace.accounts.models import Team, User
from marketplace.notices import cleaning, delivery, queries, services
from marketplace.notices.models import Entry
from registry import events
from registry import services as registry
from registry.models import Domain, Event, Product

SetupProduct = Callable[..., Product]
SignIn = Callable[[User | None], Client]
Deliver = Callable[[], None]
Read = Callable[[User], list[str]]


def test_a_follower_is_told_what_happened_in_words(
    setup_product: SetupProduct, producer: User, consumer: User, outsider: User, deliver: Deliver, told: Read
) -> None:
    product, successor = setup_product(), setup_product("hourly-rain")
    deliver()
    services.follow(consumer, product)
    registry.pause(producer, product)
    registry.resume(producer, product)
    registry.deprecate(producer, product, successor=successor, message="The gauges are replaced.")
    deliver()
    assert told(consumer) == [
        "Daily rain: Deprecated · The gauges are replaced. · followed by urn:dp:precipitation:hourly-rain",
        "Daily rain: Resumed",
        "Daily rain: Paused",
    ]
    assert told(outsider) == []


def test_what_follows_a_deprecated_product_is_one_click_away(
    setup_product: SetupProduct, producer: User, consumer: User, sign_in: SignIn, deliver: Deliver
) -> None:
    product, successor = setup_product(), setup_product("hourly-rain")
    services.follow(consumer, product)
    registry.deprecate(producer, product, successor=successor)
    deliver()
    for path in ("/inbox/", "/dashboard/"):
        body = sign_in(consumer).get(path).content.decode()
        assert '<a href="/products/precipitation/hourly-rain/">See what follows it' in body


def test_who_did_it_is_not_told_and_who_stopped_following_neither(
    setup_product: SetupProduct, producer: User, consumer: User, deliver: Deliver, told: Read
) -> None:
    product = setup_product()
    for person in (producer, consumer):
        services.follow(person, product)
    services.unfollow(consumer, product)
    registry.pause(producer, product)
    deliver()
    assert told(producer) == told(consumer) == []


def test_a_domain_tells_what_comes_and_goes_below_it_and_many_at_once(
    setup_product: SetupProduct, producer: User, climate: Domain, consumer: User, deliver: Deliver, told: Read
) -> None:
    services.follow(consumer, climate)
    first = setup_product("daily-rain")
    deliver()
    assert told(consumer) == ["Daily rain: Published in the marketplace, in Climate"]
    registry.pause(producer, first)
    for name in ("hourly-rain", "monthly-rain", "old-rain"):
        setup_product(name)
    deliver()
    assert told(consumer)[0] == "3 data products: Published in Climate · Old rain among them"
    assert len(told(consumer)) == 2


def test_the_nearest_domain_and_the_product_itself_come_first(
    setup_product: SetupProduct,
    producer: User,
    climate: Domain,
    precipitation: Domain,
    consumer: User,
    deliver: Deliver,
    told: Read,
) -> None:
    for domain in (climate, precipitation):
        services.follow(consumer, domain)
    product = setup_product()
    services.follow(consumer, product)
    deliver()
    registry.deprecate(producer, product)
    deliver()
    assert told(consumer) == ["Daily rain: Deprecated", "Daily rain: Published in the marketplace, in Precipitation"]


def test_drafts_stay_unknown_and_a_retirement_is_told(
    setup_product: SetupProduct, producer: User, precipitation: Domain, consumer: User, deliver: Deliver, told: Read
) -> None:
    services.follow(consumer, precipitation)
    setup_product("secret-rain", published=False)
    product = setup_product()
    registry.retire(producer, registry.deprecate(producer, product))
    deliver()
    assert told(consumer) == ["Daily rain: Retired, in Precipitation"]


def test_the_same_events_again_tell_nothing_twice(
    setup_product: SetupProduct, producer: User, precipitation: Domain, consumer: User, deliver: Deliver, told: Read
) -> None:
    product = setup_product()
    for target in (product, precipitation):
        services.follow(consumer, target)
    registry.pause(producer, product)
    deliver()
    before = told(consumer)
    delivery.deliver(list(Event.objects.filter(type__in=["product.published", "product.paused"])))
    assert told(consumer) == before != []


def test_telling_costs_the_same_for_few_and_for_many(
    setup_product: SetupProduct,
    producer: User,
    precipitation: Domain,
    consumer: User,
    outsider: User,
    steward: User,
    deliver: Deliver,
) -> None:
    products = [setup_product(f"rain-{number}") for number in range(6)]
    deliver()

    def cost(people: list[User], changed: list[Product]) -> int:
        for product in changed:
            for person in people:
                services.follow(person, product)
            registry.pause(producer, product)
        batch = list(Event.objects.filter(type="product.paused").order_by("-id")[: len(changed)])
        with CaptureQueriesContext(connection) as made:
            delivery.deliver(batch)
        return len(made)

    assert cost([consumer], products[:1]) == cost([consumer, outsider, steward], products[1:]) <= 7


@pytest.mark.parametrize(
    ("type", "data", "said"),
    [
        (
            "contract.drifted",
            {"contract": "rain", "version_before": "1.0.0", "version_after": "1.1.0", "counts": {"major": 2}},
            "Daily rain: Contract changed · rain 1.0.0 to 1.1.0: 2 breaking changes",
        ),
        ("health.degraded", {}, "Daily rain: Health got worse"),
        ("slo.breached", {"summary": 7, "message": ["not", "text"]}, "Daily rain: Service level objective missed"),
        ("product.deprecated", {"retires_on": None, "successor": {}}, "Daily rain: Deprecated"),
    ],
)
def test_every_kind_of_event_has_words_whatever_its_data(
    type: str,
    data: dict[str, Any],
    said: str,
    setup_product: SetupProduct,
    consumer: User,
    deliver: Deliver,
    told: Read,
) -> None:
    product = setup_product()
    deliver()
    services.follow(consumer, product)
    events.record(type, product.urn, None, **data)
    deliver()
    assert told(consumer) == [said]


def test_the_page_counts_marks_and_shows_only_ones_own(
    setup_product: SetupProduct,
    producer: User,
    consumer: User,
    outsider: User,
    sign_in: SignIn,
    deliver: Deliver,
    words: Callable[[bytes], str],
) -> None:
    product = setup_product()
    browser = sign_in(consumer)
    assert "Nothing has happened yet" in browser.get("/inbox/").content.decode()
    services.follow(consumer, product)
    registry.pause(producer, product)
    deliver()
    assert "Inbox: 1 unread" in words(browser.get("/").content)
    page = browser.get("/inbox/")
    assert "New: Daily rain Paused" in words(page.content)
    registry.resume(producer, product)
    deliver()  # arrives while the page is looked at, and stays new
    assert "Daily rain" not in words(sign_in(outsider).get("/inbox/").content)
    sign_in(outsider).post("/inbox/read/")
    assert queries.unread_count(consumer) == 2
    assert browser.post("/inbox/read/", {"until": page.context["newest"]}).headers["Location"] == "/inbox/"
    assert queries.unread_count(consumer) == 1
    browser.post("/inbox/read/")
    assert "Inbox: " not in words(browser.get("/").content)


@pytest.mark.parametrize("until", ["", "-1", "1e9", "9" * 400, "\x00", "٣", "0"])
def test_an_odd_mark_is_no_fault(until: str, consumer: User, sign_in: SignIn) -> None:
    assert sign_in(consumer).post("/inbox/read/", {"until": until}).status_code == 302


@pytest.mark.parametrize("path", ["/inbox/", "/follows/", "/saved-searches/", "/dashboard/", "/dashboard/health/"])
def test_pages_of_ones_own_are_for_those_who_signed_in(path: str, client: Client, db: None) -> None:
    assert client.get(path).headers["Location"].startswith("/accounts/login/?next=")


def test_hostile_titles_are_shown_and_not_obeyed(
    setup_product: SetupProduct, producer: User, consumer: User, sign_in: SignIn, deliver: Deliver
) -> None:
    product = setup_product()
    Product.objects.filter(pk=product.pk).update(title="<img src=x onerror=alert(1)>")
    services.follow(consumer, product)
    registry.deprecate(producer, product, message="'\"><script>alert(1)</script> end")
    deliver()
    for path in ("/inbox/", "/follows/", "/dashboard/", product.get_absolute_url()):
        body = sign_in(consumer).get(path).content.decode()
        assert "&lt;img src=x" in body
        assert "<img src=x" not in body and "<script>alert" not in body


def test_inboxes_keep_the_last_entries_of_each_person(
    setup_product: SetupProduct,
    consumer: User,
    outsider: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    setup_product()
    made = [Event.objects.create(type="product.paused", subject="urn:dp:precipitation:daily-rain") for _ in range(5)]
    for person in (consumer, outsider):
        Entry.objects.bulk_create(Entry(user=person, event=event) for event in made[: 5 if person == consumer else 2])
    old = Entry.objects.filter(user=outsider).order_by("id")[:1]
    Entry.objects.filter(pk__in=old).update(created_at=timezone.now() - cleaning.STAY - timedelta(days=1))
    monkeypatch.setattr(cleaning, "ENTRIES", 3)
    cleaning.clean()
    assert list(queries.inbox(consumer).values_list("event_id", flat=True)) == [event.pk for event in made[:1:-1]]
    assert queries.inbox(outsider).count() == 1


def test_a_person_who_left_is_told_nothing(
    setup_product: SetupProduct, producer: User, team: Team, consumer: User, deliver: Deliver, told: Read
) -> None:
    product = setup_product()
    services.follow(consumer, product)
    consumer.is_active = False
    consumer.save()
    registry.pause(producer, product)
    deliver()
    assert told(consumer) == []
