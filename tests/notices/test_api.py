"""Follows, saved searches and the inbox over REST: one's own, idempotent, bounded."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from marketplace.accounts.models import User
from marketplace.notices import services
from marketplace.notices.models import Entry
from registry import services as registry
from registry.models import Domain, Event, Product

SetupProduct = Callable[..., Product]
SignIn = Callable[[User | None], Client]
JSON = "application/json"
FOLLOWS, SEARCHES, INBOX = "/api/v1/me/follows/", "/api/v1/me/saved-searches/", "/api/v1/me/inbox/"


def post(client: Client, path: str, body: Any) -> Any:
    return client.post(path, body, content_type=JSON)


def test_follows_are_made_listed_and_ended(
    setup_product: SetupProduct, precipitation: Domain, consumer: User, sign_in: SignIn
) -> None:
    setup_product()
    browser = sign_in(consumer)
    first = post(browser, FOLLOWS, {"subject": "urn:dp:precipitation:daily-rain"})
    again = post(browser, FOLLOWS, {"subject": "urn:dp:precipitation:daily-rain"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    post(browser, FOLLOWS, {"subject": "urn:domain:precipitation"})
    found = browser.get(FOLLOWS).json()
    assert [(row["subject"], row["title"]) for row in found["results"]] == [
        ("urn:domain:precipitation", "Precipitation"),
        ("urn:dp:precipitation:daily-rain", "Daily rain"),
    ]
    here = f"{FOLLOWS}{first.json()['uuid']}/"
    assert [browser.delete(here).status_code for _ in range(2)] == [204, 404]


@pytest.mark.parametrize(
    "subject",
    ["", "urn:dp:precipitation:no-such", "urn:dp:precipitation:secret", "urn:domain:", "nonsense", "urn:dp:::",
     "urn:domain:' OR 1=1", "x" * 5000, None, ["urn:domain:precipitation"], "urn:dp:a\x00:b"],
)  # fmt: skip
def test_what_is_not_there_is_not_followed(
    subject: Any, setup_product: SetupProduct, consumer: User, sign_in: SignIn
) -> None:
    setup_product("secret", published=False)
    answer = post(sign_in(consumer), FOLLOWS, {"subject": subject})
    assert answer.status_code == 400
    assert "subject" in answer.json()["errors"]


def test_searches_are_kept_renamed_and_deleted(consumer: User, sign_in: SignIn) -> None:
    browser = sign_in(consumer)
    first = post(browser, SEARCHES, {"query": "?q=rain&page=3", "name": "Rain"})
    again = post(browser, SEARCHES, {"query": "q=rain", "name": "Other"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert (first.json()["query"], first.json()["fresh"]) == ("q=rain", 0)
    here = f"{SEARCHES}{first.json()['uuid']}/"
    renamed = browser.patch(here, {"name": "Wet"}, content_type=JSON)
    assert (renamed.status_code, renamed.json()["name"]) == (200, "Wet")
    assert browser.get(SEARCHES).json()["results"] == [renamed.json()]
    assert [browser.delete(here).status_code for _ in range(2)] == [204, 404]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "query"),
        ({"query": ""}, "query"),
        ({"query": "page=2"}, "query"),
        ({"query": "type=nonsense"}, "query"),
        ({"query": "q=rain", "name": "x" * 121}, "name"),
        ({"query": "q=" + "rain" * 6000}, "query"),
    ],
)
def test_what_cannot_be_kept_is_said_by_field(body: Any, field: str, consumer: User, sign_in: SignIn) -> None:
    answer = post(sign_in(consumer), SEARCHES, body)
    assert answer.status_code == 400
    assert field in answer.json()["errors"]


def test_the_inbox_tells_and_is_marked_as_read(
    setup_product: SetupProduct, producer: User, consumer: User, sign_in: SignIn, deliver: Callable[[], None]
) -> None:
    product = setup_product()
    deliver()
    services.follow(consumer, product)
    registry.resume(producer, registry.pause(producer, product))
    deliver()
    browser = sign_in(consumer)
    newest, oldest = browser.get(INBOX).json()["results"]
    assert (oldest["type"], oldest["subject"], oldest["text"]) == ("product.paused", product.urn, "Daily rain: Paused")
    assert (oldest["count"], oldest["domain"], oldest["saved_search"], oldest["read"]) == (1, None, None, False)
    assert post(browser, f"{INBOX}read/", {"until": oldest["id"]}).json() == {"marked": 1}
    assert [row["id"] for row in browser.get(INBOX, {"unread": "true"}).json()["results"]] == [newest["id"]]
    assert post(browser, f"{INBOX}read/", {}).json() == {"marked": 1}
    assert browser.get(INBOX, {"unread": "true"}).json()["results"] == []
    for body in ({"until": -1}, {"until": 2**63}, {"until": "last"}):
        assert post(browser, f"{INBOX}read/", body).status_code == 400
    assert browser.get(INBOX, {"unread": "nonsense"}).status_code == 400


def test_only_ones_own_is_there(
    setup_product: SetupProduct, producer: User, consumer: User, admin: User, sign_in: SignIn
) -> None:
    product = setup_product()
    follow, search = services.follow(consumer, product), services.save_search(consumer, "q=rain")
    Entry.objects.create(user=consumer, event=Event.objects.latest("id"), title="Daily rain")
    mine = {
        "GET": [FOLLOWS, SEARCHES, INBOX],
        "POST": [FOLLOWS, SEARCHES, f"{INBOX}read/"],
        "PATCH": [f"{SEARCHES}{search.uuid}/"],
        "DELETE": [f"{FOLLOWS}{follow.uuid}/", f"{SEARCHES}{search.uuid}/"],
    }
    for method, paths in mine.items():
        for path in paths:
            assert Client().generic(method, path, "{}", content_type=JSON).status_code in (401, 403), path
    for other in (producer, admin):
        browser = sign_in(other)
        for path in mine["GET"]:
            assert browser.get(path).json()["results"] == []
        for method in ("PATCH", "DELETE"):
            for path in mine[method]:
                assert browser.generic(method, path, '{"name": "mine"}', content_type=JSON).status_code == 404, path
        assert post(browser, f"{INBOX}read/", {}).json() == {"marked": 0}


@pytest.mark.parametrize("path", [FOLLOWS, SEARCHES, INBOX])
def test_lists_cost_the_same_for_two_rows_and_for_eight(
    path: str, setup_product: SetupProduct, consumer: User, sign_in: SignIn
) -> None:
    browser = sign_in(consumer)

    def cost(numbers: range) -> int:
        for number in numbers:
            services.follow(consumer, setup_product(f"rain-{number}"))
            search = services.save_search(consumer, f"q=rain+{number}")
            event = Event.objects.filter(type="product.published").latest("id")
            Entry.objects.create(user=consumer, event=event, search=search, title="Rain")
        with CaptureQueriesContext(connection) as made:
            answer = browser.get(path)
        assert len(answer.json()["results"]) == numbers[-1] + 1
        assert answer.headers["Cache-Control"] == "no-store"
        return len(made)

    assert cost(range(2)) == cost(range(2, 8)) <= 4
