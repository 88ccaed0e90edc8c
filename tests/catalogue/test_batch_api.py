"""Many products in one request: whole or refused one by one, the same again changes nothing, and nobody gets further
than with single requests.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.accounts.models import Role, Team, User
from marketplace.accounts.services import create_team
from marketplace.catalogue.batch_api import MOST
from registry import services
from registry.models import SUMMARY_LIMIT, Domain, Event, Lifecycle, Product
from tests.conftest import make_user

BATCH = "/api/v1/products/batch/"
SignIn = Callable[[User | None], Client]
SetupProduct = Callable[..., Product]


def rain(name: str = "daily-rain", **more: Any) -> dict[str, Any]:
    return {
        "domain": "precipitation",
        "name": name,
        "title": name.replace("-", " ").capitalize(),
        "summary": f"What fell at the stations of {name}, each day.",
        "links": [{"rel": "discovery", "url": f"https://rain.example.org/{name}/discover"}],
        **more,
    }


def send(client: Client, products: list[Any], **options: Any) -> dict[str, Any]:
    answer = client.post(BATCH, {"products": products, **options}, content_type="application/json")
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def outcomes(answer: dict[str, Any]) -> list[str]:
    return [row["result"] for row in answer["results"]]


@pytest.fixture
def client_of_producer(sign_in: SignIn, producer: User, team: Team, precipitation: Domain) -> Client:
    return sign_in(producer)


def test_new_products_are_published_and_sent_again_nothing_happens(client_of_producer: Client, team: Team) -> None:
    sent = [rain("daily-rain", tags=["Rain", "daily"], type="aggregate", access_mode="open"), rain("hourly-rain")]
    answer = send(client_of_producer, sent)
    assert outcomes(answer) == ["created", "created"]
    first = answer["results"][0]
    assert first["urn"] == "urn:dp:precipitation:daily-rain"
    assert first["lifecycle"] == "published"
    assert client_of_producer.get(first["url"]).status_code == 200
    assert set(Product.objects.values_list("lifecycle", "owner__slug")) == {("published", team.slug)}
    events, rows = Event.objects.count(), list(Product.objects.order_by("id").values())
    again = send(client_of_producer, sent)
    assert outcomes(again) == ["unchanged", "unchanged"]
    assert Event.objects.count() == events
    assert list(Product.objects.order_by("id").values()) == rows


def test_what_differs_is_changed_and_told_and_what_is_left_out_stays(client_of_producer: Client) -> None:
    send(client_of_producer, [rain(tags=["rain"], type="aggregate")])
    (row,) = send(client_of_producer, [rain(summary="New words.", tags=["rain", "gauges"])])["results"]
    assert row["result"] == "updated"
    assert {change["field"]: change["after"] for change in row["changes"]} == {
        "summary": "New words.",
        "tags": ["gauges", "rain"],
    }
    product = Product.objects.get()
    assert (product.summary, product.type, product.links.count()) == ("New words.", "aggregate", 1)


def test_a_broken_item_is_refused_with_reasons_and_keeps_no_other_back(
    client_of_producer: Client, setup_product: SetupProduct
) -> None:
    broken = [
        rain("a", domain="nowhere"),
        rain("b", summary="x" * (SUMMARY_LIMIT + 1)),
        rain("c", summary=""),
        rain("d", summary="<b></b>"),
        rain("e", owner="no-team-of-mine"),
        rain("f", links=[{"rel": "discovery", "url": "javascript:alert(1)"}]),
        rain("g", links=[{"rel": "friend", "url": "https://example.org"}]),
        rain("h", tags=[f"tag {number}" for number in range(13)]),
        rain("i", sumary="a slip"),
        rain("Not_A_Slug"),
        "no object",
        None,
        {},
        rain("j", title="nul \x00"),
        rain("k", links="https://example.org"),
    ]
    answer = send(client_of_producer, [rain("first"), *broken, rain("last"), rain("first", title="Twice")])
    assert outcomes(answer) == ["created", *["refused"] * len(broken), "created", "refused"]
    fields = [set(row["errors"]) for row in answer["results"] if row["result"] == "refused"]
    expected = [
        {"domain"}, {"summary"}, {"summary"}, {"summary"}, {"owner"}, {"links"}, {"links"}, {"tags"}, {"sumary"},
        {"name"}, {"non_field_errors"}, {"non_field_errors"}, {"domain", "name", "title", "summary"}, {"title"},
        {"links"}, {"name"},
    ]  # fmt: skip
    assert fields == expected
    for row in answer["results"]:
        assert all(isinstance(text, str) and text for texts in row["errors"].values() for text in texts), row
    assert set(Product.objects.values_list("name", "title")) == {("first", "First"), ("last", "Last")}


def test_a_dry_run_says_the_same_and_does_nothing(
    client_of_producer: Client, setup_product: SetupProduct, sign_in: SignIn, consumer: User
) -> None:
    setup_product("daily-rain")
    sent = [rain("daily-rain"), rain("hourly-rain"), rain("x", domain="nowhere")]
    state = (Event.objects.count(), list(Product.objects.values()))
    dry = send(client_of_producer, sent, dry_run=True)
    assert (Event.objects.count(), list(Product.objects.values())) == state
    wet = send(client_of_producer, sent)
    assert outcomes(dry) == ["updated", "created", "refused"]
    assert [row["changes"] for row in dry["results"]] == [row["changes"] for row in wet["results"]]
    assert dry["dry_run"] is True
    assert outcomes(dry) == outcomes(wet)
    send(sign_in(consumer), [rain("snow")], dry_run=True)
    assert not consumer.teams.exists()


def test_drafts_stay_drafts_where_that_is_asked_and_are_published_by_the_next(client_of_producer: Client) -> None:
    assert send(client_of_producer, [rain()], publish=False)["results"][0]["lifecycle"] == "draft"
    assert outcomes(send(client_of_producer, [rain()], publish=False)) == ["unchanged"]
    (row,) = send(client_of_producer, [rain()])["results"]
    assert (row["result"], row["lifecycle"]) == ("updated", "published")
    assert row["changes"] == [{"field": "lifecycle", "before": "draft", "after": "published"}]
    assert Event.objects.filter(type="product.published").count() == 1


def test_no_other_step_of_the_lifecycle_is_taken(
    client_of_producer: Client, setup_product: SetupProduct, producer: User
) -> None:
    services.pause(producer, setup_product("paused"))
    services.deprecate(producer, setup_product("going"))
    services.retire(producer, services.deprecate(producer, setup_product("gone")))
    answer = send(client_of_producer, [rain("paused"), rain("going"), rain("gone")])
    assert outcomes(answer) == ["updated", "updated", "refused"]
    assert [row["lifecycle"] for row in answer["results"]] == ["paused", "deprecated", None]
    assert Product.objects.get(name="gone").lifecycle == Lifecycle.RETIRED


@pytest.mark.parametrize(
    ("who", "may"), [("producer", True), ("teammate", True), ("admin", True), ("outsider", False), ("consumer", False)]
)
def test_only_the_team_and_administrators_change_a_product(
    who: str, may: bool, setup_product: SetupProduct, sign_in: SignIn, request: pytest.FixtureRequest
) -> None:
    setup_product("daily-rain")
    setup_product("secret-rain", published=False)
    client = sign_in(request.getfixturevalue(who))
    public, hidden = send(client, [rain("daily-rain"), rain("secret-rain")])["results"]
    assert (public["result"] == "updated", hidden["result"] == "updated") == (may, may)
    if not may:
        assert "Climate Data Office" in str(public["errors"])
        assert "Climate" not in str(hidden["errors"])  # whose a draft is, is theirs to say
        assert Product.objects.get(name="secret-rain").lifecycle == Lifecycle.DRAFT


def test_visitors_are_sent_to_sign_in(client: Client, precipitation: Domain) -> None:
    assert client.post(BATCH, {"products": [rain()]}, content_type="application/json").status_code == 401


def test_a_product_does_not_change_hands(
    client_of_producer: Client, producer: User, setup_product: SetupProduct
) -> None:
    create_team("Second Team", members=(producer,))
    setup_product("daily-rain")
    assert outcomes(send(client_of_producer, [rain(owner="second-team"), rain("b", owner="second-team")])) == [
        "refused",
        "created",
    ]
    assert dict(Product.objects.values_list("name", "owner__slug")) == {
        "daily-rain": "climate-data-office",
        "b": "second-team",
    }


def test_a_first_product_that_is_refused_leaves_a_person_whole(
    sign_in: SignIn, consumer: User, precipitation: Domain
) -> None:
    answer = send(sign_in(consumer), [rain("x", links=[{"rel": "source", "url": "nothing"}]), rain("y")])
    assert outcomes(answer) == ["refused", "created"]
    consumer.refresh_from_db()
    assert consumer.has_role(Role.PRODUCER)
    assert consumer.teams.count() == 1


@pytest.mark.parametrize("body", [{}, {"products": []}, {"products": {}}, {"products": [1] * (MOST + 1)}, [], "x"])
def test_a_request_that_is_no_batch_is_refused_as_a_whole(client_of_producer: Client, body: Any) -> None:
    answer = client_of_producer.post(BATCH, body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("application/problem+json")


@pytest.mark.django_db(transaction=True)
def test_the_same_products_sent_by_two_at_once_are_there_once(precipitation: Domain, sign_in: SignIn) -> None:
    person = make_user("robot", Role.PRODUCER)
    create_team("Robots", members=(person,))
    clients = [sign_in(person) for _ in range(4)]
    sent = [rain(f"rain-{number}") for number in range(5)]

    def run(client: Client) -> dict[str, Any]:
        try:
            return send(client, sent)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(clients)) as pool:
        answers = list(pool.map(run, clients))
    assert Product.objects.count() == len(sent)
    assert sum(answer["created"] for answer in answers) == len(sent)
    assert sum(answer["refused"] for answer in answers) == 0
    assert Event.objects.filter(type="product.published").count() == len(sent)


@pytest.mark.django_db(transaction=True)
def test_many_products_wake_each_subscriber_once(client_of_producer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[str] = []
    monkeypatch.setattr("registry.tasks.enqueue_delivery", woken.append)
    send(client_of_producer, [rain(f"rain-{number}") for number in range(5)] + [rain("x", domain="nowhere")])
    assert Product.objects.count() == 5
    assert "search" in woken
    assert len(woken) == len(set(woken))
    send(client_of_producer, [rain("dry")], dry_run=True)
    assert len(woken) == len(set(woken))  # what was taken back is nobody's to hear of


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


FIELDS = ["domain", "name", "title", "summary", "type", "tags", "access_mode", "links", "owner"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.sampled_from(FIELDS), value=anything)
def test_whatever_stands_in_a_field_is_taken_or_refused_and_then_stays(
    client_of_producer: Client, key: str, value: Any
) -> None:
    item = rain("odd") | {key: value}
    first = send(client_of_producer, [item])["results"][0]
    second = send(client_of_producer, [item])["results"][0]
    if first["result"] == "refused":
        assert first["errors"]
        assert second["result"] == "refused"
    else:
        assert second["result"] == "unchanged", second
