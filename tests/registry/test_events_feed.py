"""GET /api/v1/events: who may read what of the log, and following it without missing or repeating anything."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.accounts import tokens
from marketplace.accounts.models import Team, User
from marketplace.accounts.services import create_team
from registry import events, feed, services, transfers
from registry.models import Domain, Event, Product
from registry.services import LinkData, ProductData
from tests.conftest import make_user

SetupProduct = Callable[..., Product]
SignIn = Callable[[User | None], Client]
FEED = "/api/v1/events"


def read(client: Client, **query: Any) -> Any:
    answer = client.get(FEED, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def types(client: Client, **query: Any) -> list[str]:
    return [event["type"] for event in read(client, **query)["results"]]


@pytest.fixture
def others_draft(outsider: User, precipitation: Domain) -> Product:
    """A draft of another team."""
    team = create_team("Others", members=(outsider,))
    return services.register(outsider, team, ProductData("precipitation", "secret", "Secret", "Not for others yet."))


@pytest.fixture
def life(setup_product: SetupProduct, producer: User, outsider: User, others_draft: Product) -> Product:
    """A product that was changed as a draft, published, paused, offered and followed; beside it others' things."""
    product = setup_product(published=False)
    data = ProductData("precipitation", product.name, "Renamed", product.summary)
    services.update(producer, product, data, revision=1)
    services.publish(producer, product)
    services.pause(producer, product)
    transfers.transfer(producer, product, others_draft.owner)
    tokens.create_token(producer, "nightly", 30)
    with transaction.atomic():
        events.record("subscription.created", product.urn, outsider)
        events.record("goal.created", "urn:goal:safety", outsider, title="Safety")
        events.record("policy.changed", "urn:policy:checklist", None)
    return product


PUBLIC = ["product.published", "product.paused", "goal.created"]
TEAM = [
    "product.drafted", "product.updated", "product.published", "product.paused", "product.transfer_offered",
]  # fmt: skip


@pytest.mark.parametrize(
    ("who", "expected", "with_actor"),
    [
        (None, PUBLIC, set()),
        ("consumer", PUBLIC, set()),
        ("teammate", [*TEAM, "goal.created"], {"producer"}),
        ("producer", [*TEAM, "token.created", "goal.created"], {"producer"}),
        (
            "outsider",
            ["product.drafted", "product.published", "product.paused", "subscription.created", "goal.created"],
            {"outsider"},
        ),
        (
            "steward",
            ["product.published", "product.paused", "product.transfer_offered", "goal.created", "policy.changed"],
            {"producer", "outsider", ""},
        ),
        (
            "admin",
            ["product.drafted", *TEAM, "token.created", "subscription.created", "goal.created", "policy.changed"],
            {"producer", "outsider", ""},
        ),
    ],
)
def test_who_reads_what(who, expected, with_actor, life: Product, sign_in: SignIn, request: pytest.FixtureRequest):
    found = read(sign_in(request.getfixturevalue(who) if who else None))["results"]
    assert [event["type"] for event in found] == expected
    assert {event["actor"] for event in found if "actor" in event} == with_actor
    if not with_actor:
        assert "producer" not in json.dumps(found)


def test_what_a_draft_was_before_stays_with_its_team_when_it_is_published(life: Product, client: Client):
    assert types(client, subject=life.urn) == ["product.published", "product.paused"]


def test_a_retirement_is_told_to_all_who_follow(life: Product, producer: User, client: Client):
    services.deprecate(producer, life, message="Take the other.")
    services.retire(producer, life)
    found = read(client, subject=life.urn)["results"]
    assert [event["type"] for event in found][-2:] == ["product.deprecated", "product.retired"]
    assert found[-2]["data"]["message"] == "Take the other."


def test_a_team_that_gets_a_product_reads_its_past_and_the_one_before_what_it_did_itself(
    life: Product, outsider: User, teammate: User, sign_in: SignIn
):
    transfers.accept(outsider, life)
    now = read(sign_in(outsider), subject=life.urn)["results"]
    assert {"product.drafted", "product.transfer_offered"} <= {event["type"] for event in now}
    before = read(sign_in(teammate), subject=life.urn)["results"]
    assert [event["type"] for event in before] == ["product.published", "product.paused", "product.transferred"]
    assert not any("actor" in event for event in before)


def test_who_gets_the_name_of_a_person_who_left_reads_nothing_of_theirs(life: Product, outsider: User, sign_in: SignIn):
    outsider.delete()
    assert types(sign_in(make_user("outsider"))) == PUBLIC


def test_events_are_cloud_events(life: Product, client: Client, settings: Any):
    event = read(client)["results"][0]
    row = Event.objects.get(type="product.published")
    assert event == {
        "specversion": "1.0",
        "id": str(row.pk),
        "source": settings.PUBLIC_URL,
        "type": "product.published",
        "subject": life.urn,
        "time": row.time.isoformat(),
        "datacontenttype": "application/json",
        "data": {"since": "draft"},
    }


def test_a_page_is_one_query(life: Product, producer: User, client: Client, django_assert_num_queries: Any):
    text = tokens.create_token(producer, "reader", 30)[1]
    headers = {"Authorization": f"Token {text}"}
    client.get(FEED, headers=headers)  # notes the use of the token
    with django_assert_num_queries(1):
        client.get(FEED)
    with django_assert_num_queries(2):
        client.get(FEED, headers=headers)


# Following


def followed(limit: int = 100, types: Sequence[str] = ()) -> list[int]:
    """The ids of all that a visitor reads page by page, in the order they come."""
    found: list[int] = []
    after, more = 0, True
    while more:
        page = feed.page(None, after=after, limit=limit, types=types)
        assert page.next > after or not page.more, "each page leads on"
        found += [seen.event.id for seen in page.events]
        after, more = page.next, page.more
    return found


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    log=st.lists(
        st.sampled_from(["product.published", "product.paused", "access.requested", "goal.changed"]), max_size=30
    ),
    limit=st.integers(1, 5),
    window=st.integers(1, 7),
)
def test_pages_of_any_size_give_each_visible_event_once_and_in_order(db, log: list[str], limit: int, window: int):
    with transaction.atomic():
        for number, kind in enumerate(log):
            events.record(kind, f"urn:dp:rain:p{number % 3}", None)
        rows = list(Event.objects.order_by("id"))
        listed: set[str] = set()
        expected = []
        for row in rows:
            if row.type == "product.published":
                listed.add(row.subject)
            if row.type == "goal.changed" or (row.type.startswith("product.") and row.subject in listed):
                expected.append(row.id)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(feed, "WINDOW", window)
            assert followed(limit) == expected
            assert followed(limit, ["product.paused"]) == [
                row.id for row in rows if row.id in expected and row.type == "product.paused"
            ]
        transaction.set_rollback(True)


def test_many_hidden_events_are_passed_over_in_windows(life: Product, client: Client, monkeypatch: Any):
    monkeypatch.setattr(feed, "WINDOW", 3)
    first = read(client)
    assert (first["results"], first["more"]) == ([], True)
    assert len(followed()) == len(PUBLIC)


@pytest.mark.django_db(transaction=True)
def test_who_follows_while_others_write_misses_nothing():
    def write(writer: int) -> None:
        for number in range(10):
            with transaction.atomic(), connection.cursor() as cursor:
                events.record("goal.changed", f"urn:goal:{writer}", None, number=number)
                cursor.execute("SELECT pg_sleep(%s)", [0.004 * (writer % 2)])  # its id is drawn, and not seen yet
        connection.close()

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, writer) for writer in range(4)]
        seen: list[tuple[str, int]] = []
        after, over = 0, False
        while not over:
            over = all(writer.done() for writer in writers)  # what is read after this is the rest
            found = feed.page(None, after=after, limit=3)
            while found.events:
                seen += [(each.event.subject, each.event.data["number"]) for each in found.events]
                found = feed.page(None, after=found.next, limit=3)
            after = found.next
        for writer in writers:
            writer.result()
    assert sorted(seen) == sorted((f"urn:goal:{writer}", number) for writer in range(4) for number in range(10))


def test_at_the_end_it_waits_where_it_is(life: Product, producer: User, client: Client):
    end = read(client, after="latest")
    assert (end["results"], end["more"]) == ([], False)
    assert read(client, after=end["next"]) == end
    services.resume(producer, life)
    assert types(client, after=end["next"]) == ["product.resumed"]


def test_where_to_read_on_stands_in_the_header(life: Product, client: Client):
    query: dict[str, Any] = {"limit": 1, "type": ["product.published", "product.paused"], "subject": life.urn}
    answer = client.get(FEED, query)
    address, rel = answer.headers["Link"].split(";")
    assert rel.strip() == 'rel="next"'
    following = client.get(address.strip("<>")).json()
    assert [event["type"] for event in following["results"]] == ["product.paused"]


def test_a_line_for_each_event(life: Product, client: Client):
    for query, accept in (({"format": "ndjson"}, "*/*"), ({}, "application/x-ndjson")):
        answer = client.get(FEED, query, headers={"Accept": accept})
        assert answer.headers["Content-Type"] == "application/x-ndjson"
        assert [json.loads(line)["type"] for line in answer.content.splitlines()] == PUBLIC


def test_what_was_read_already_is_not_sent_again(life: Product, producer: User, client: Client, sign_in: SignIn):
    answer = client.get(FEED)
    assert answer.headers["Cache-Control"] == f"public, max-age={5}"
    again = client.get(FEED, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == answer.headers["ETag"]
    services.resume(producer, life)
    assert client.get(FEED, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 200
    own = sign_in(producer).get(FEED)
    assert own.headers["Cache-Control"] == "private, no-cache"
    assert {"Authorization", "Cookie"} <= {name.strip() for name in own.headers["Vary"].split(",")}


@pytest.mark.parametrize(
    "query",
    [
        {"after": "-1"},
        {"after": "x"},
        {"after": "9" * 19},
        {"after": "1\u0660"},
        {"limit": 0},
        {"limit": 501},
        {"limit": "many"},
        {"type": "x" * 61},
        {"type": ["x"] * 51},
        {"subject": "x" * 141},
        {"subject": "a\x00b"},
        {"type": "a\x00b"},
    ],
)
def test_what_cannot_be_asked_is_refused_by_field(db: None, client: Client, query: dict[str, Any]):
    answer = client.get(FEED, query)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == list(query)


@pytest.mark.parametrize("query", [{"after": "9" * 18}, {"type": "no.such"}, {"subject": "urn:dp:no:such"}])
def test_what_is_not_there_is_an_empty_page(life: Product, client: Client, query: dict[str, str]):
    assert read(client, **query)["results"] == []


def test_it_is_read_only(db: None, client: Client):
    assert client.post(FEED, {}).status_code in (401, 403, 405)
    assert client.get("/api/v1/events/").status_code == 404


def test_links_of_hidden_products_are_in_no_page(setup_product: SetupProduct, client: Client, team: Team):
    setup_product("hidden", published=False, links=[LinkData("discovery", "https://hidden.example.org/discover")])
    assert "hidden" not in client.get(FEED).content.decode()
