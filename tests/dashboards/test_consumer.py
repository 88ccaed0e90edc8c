"""The consumer's dashboard: what it says first, what changed since the last visit, and what it costs."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import strip_tags

from marketplace.accounts.models import Team, User
from marketplace.live import cache
from marketplace.notices import recent, services
from marketplace.notices.models import Entry, Visit
from registry import services as registry
from registry.models import Domain, Event, Product

SetupProduct = Callable[..., Product]
SignIn = Callable[[User | None], Client]


@pytest.fixture(autouse=True)
def no_memory_between_tests() -> None:
    cache._redis_at.cache_clear()


def words(answer: Any) -> str:
    return " ".join(strip_tags(answer.content.decode()).split())


def titles(rows: Any) -> list[str]:
    return [row.title for row in rows]


def test_a_newcomer_is_told_how_to_begin(consumer: User, sign_in: SignIn) -> None:
    page = words(sign_in(consumer).get("/dashboard/"))
    assert "Follow what you rely on" in page
    assert "How to begin" in page
    assert "What you publish" not in page


def test_it_says_what_one_follows_and_what_changed_since_the_last_visit(
    setup_product: SetupProduct, producer: User, climate: Domain, consumer: User, sign_in: SignIn
) -> None:
    product = setup_product()
    for target in (product, climate):
        services.follow(consumer, target)
    registry.pause(producer, product)
    browser = sign_in(consumer)
    first = browser.get("/dashboard/")
    said = "You follow 1 data product and 1 domain; 1 product changed; 1 new in your domains."
    assert first.context["sentence"] == said
    (change,) = first.context["changes"]
    assert (change.title, change.label, change.earlier) == ("Daily rain", "Paused", "published in the marketplace")
    assert [(row.title, row.fresh) for row in first.context["domains"]] == [("Climate", 1)]
    assert titles(browser.get("/dashboard/").context["changes"]) == titles(first.context["changes"]), "same visit"


def test_a_later_visit_tells_only_what_is_newer(
    setup_product: SetupProduct, producer: User, consumer: User, sign_in: SignIn
) -> None:
    product = setup_product()
    services.follow(consumer, product)
    browser = sign_in(consumer)
    Visit.objects.create(user=consumer)
    page = browser.get("/dashboard/")
    assert page.context["changes"] == []
    assert page.context["sentence"] == "You follow 1 data product; nothing changed since your last visit."
    registry.pause(producer, product)
    assert [row.label for row in browser.get("/dashboard/").context["changes"]] == ["Paused"]


def test_who_comes_back_soon_is_still_in_the_same_visit(consumer: User) -> None:
    first = services.visit(consumer)
    assert timezone.now() - first >= services.FIRST
    assert services.visit(consumer) == first
    before = timezone.now() - services.PAUSE - timedelta(seconds=1)
    Visit.objects.update(seen_at=before)
    assert [services.visit(consumer) for _ in range(2)] == [before, before]


def test_what_one_did_oneself_and_hidden_products_are_not_news(
    setup_product: SetupProduct, producer: User, outsider: User, consumer: User, sign_in: SignIn
) -> None:
    product, gone = setup_product(), setup_product("old-rain")
    for person in (producer, consumer):
        for target in (product, gone):
            services.follow(person, target)
    registry.pause(producer, product)
    registry.retire(producer, registry.deprecate(producer, gone))
    assert sign_in(producer).get("/dashboard/").context["changes"] == []
    changes = sign_in(consumer).get("/dashboard/").context["changes"]
    assert [(row.title, row.label, row.url) for row in changes[:1]] == [("Old rain", "Retired", "")]
    assert "Deprecated" not in [row.label for row in changes], "of a hidden product only its end"
    assert titles(sign_in(consumer).get("/dashboard/").context["followed"]) == ["Daily rain"]


def test_what_happened_to_a_draft_is_no_news_to_others(
    setup_product: SetupProduct, producer: User, consumer: User, sign_in: SignIn
) -> None:
    draft = setup_product(published=False)
    Event.objects.create(type="slo.breached", subject=draft.urn)
    services.follow(consumer, registry.publish(producer, draft))
    (change,) = sign_in(consumer).get("/dashboard/").context["changes"]
    assert (change.label, change.earlier) == ("Published in the marketplace", "")


def test_what_one_opened_and_searched_for_is_there_until_it_is_forgotten(
    setup_product: SetupProduct, consumer: User, outsider: User, sign_in: SignIn
) -> None:
    opened, followed = setup_product("opened-rain"), setup_product("followed-rain")
    browser = sign_in(consumer)
    services.follow(consumer, followed)
    for product in (opened, followed, opened):
        browser.get(product.get_absolute_url())
    browser.get("/search/?q=rain&access=on_request&page=1")
    browser.get("/search/?q=<b>wind")
    page = browser.get("/dashboard/")
    assert titles(page.context["opened"]) == ["Opened rain"]
    assert [row.url for row in page.context["asked"]] == [
        "/search/?q=%3Cb%3Ewind",
        "/search/?q=rain&access=on_request",
    ]
    assert sign_in(outsider).get("/dashboard/").context["opened"] == []
    assert browser.post("/dashboard/forget/").status_code == 302
    again = browser.get("/dashboard/")
    assert again.context["opened"] == again.context["asked"] == []
    assert browser.get("/dashboard/forget/").status_code == 405


def test_the_list_of_what_was_opened_is_bounded_and_in_order(consumer: User) -> None:
    for number in [*range(40), 35]:
        recent.opened(consumer, number)
    assert recent.opened_by(consumer) == [35, 39, 38, 37, 36, 34, 33, 32, 31, 30, 29, 28]
    assert len(recent.opened_by(consumer)) == recent.MOST


def test_drafts_one_opened_are_shown_while_one_may_see_them(
    setup_product: SetupProduct, producer: User, team: Team, sign_in: SignIn
) -> None:
    draft = setup_product(published=False)
    browser = sign_in(producer)
    browser.get(draft.get_absolute_url())
    assert titles(browser.get("/dashboard/").context["opened"]) == ["Daily rain"]
    team.members.remove(producer)
    assert browser.get("/dashboard/").context["opened"] == []


def test_without_redis_the_page_is_there_without_what_was_opened(
    setup_product: SetupProduct, consumer: User, sign_in: SignIn, settings: Any
) -> None:
    product = setup_product()
    services.follow(consumer, product)
    browser = sign_in(consumer)
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    assert browser.get(product.get_absolute_url()).status_code == 200
    page = browser.get("/dashboard/")
    assert titles(page.context["followed"]) == ["Daily rain"]
    assert "could not be forgotten" in words(browser.post("/dashboard/forget/", follow=True))


def test_who_publishes_too_may_switch(producer: User, team: Team, sign_in: SignIn) -> None:
    sides = sign_in(producer).get("/dashboard/").context["sides"]
    assert [(side.url, side.current) for side in sides] == [("/dashboard/", True), ("/dashboard/producer/", False)]


def test_it_asks_again_until_products_have_answered_and_not_for_ever(
    setup_product: SetupProduct, consumer: User, sign_in: SignIn
) -> None:
    services.follow(consumer, setup_product())
    browser = sign_in(consumer)
    assert browser.get("/dashboard/").context["poll_url"] == "/dashboard/health/?n=1"
    assert browser.get("/dashboard/health/?n=99").context["poll_url"] is None
    assert "<html" not in browser.get("/dashboard/health/?n=1").content.decode()


def test_it_costs_the_same_for_one_and_for_many(
    setup_product: SetupProduct, consumer: User, sign_in: SignIn, climate: Domain
) -> None:
    browser = sign_in(consumer)

    def cost(numbers: range) -> int:
        for number in numbers:
            product = setup_product(f"rain-{number}", tags=[f"tag-{number}"])
            services.follow(consumer, product)
            services.follow(consumer, registry.create_domain(f"domain-{number}", "Some", parent=climate))
            search = services.save_search(consumer, f"q=rain+{number}")
            event = Event.objects.filter(type="product.published").latest("id")
            Entry.objects.create(user=consumer, event=event, search=search, title="Rain", count=2)
            recent.opened(consumer, product.pk)
        with CaptureQueriesContext(connection) as made:
            page = browser.get("/dashboard/")
        assert len(page.context["followed"]) == numbers[-1] + 1
        assert {row.fresh for row in page.context["searches"]} == {2}
        return len(made)

    cost(range(1))  # the first visit also makes its row
    assert cost(range(1, 2)) == cost(range(2, 9)) <= 18
