"""Products over REST: who sees what, what may be changed, and what a list costs."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from marketplace.accounts.models import Team, User
from registry import services
from registry.models import Domain, Lifecycle, Product

LIST = "/api/v1/products/"
SignIn = Callable[[User | None], Client]
SetupProduct = Callable[..., Product]


def names(client: Client, **query: Any) -> list[str]:
    answer = client.get(LIST, query)
    assert answer.status_code == 200, answer.content
    return [row["name"] for row in answer.json()["results"]]


def test_a_list_shows_what_is_registered(client: Client, setup_product: SetupProduct) -> None:
    setup_product(
        "daily-rain", tags=["Rain gauges"], links=[services.LinkData("discovery", "https://rain.example.org/discover")]
    )
    (row,) = client.get(LIST).json()["results"]
    assert row["urn"] == "urn:dp:precipitation:daily-rain"
    assert row["domain_path"] == "climate/precipitation"
    assert row["tags"] == ["rain-gauges"]
    assert row["owner"]["name"] == "Climate Data Office"
    assert row["links"] == [
        {"rel": "discovery", "url": "https://rain.example.org/discover", "media_type": "", "title": ""}
    ]
    assert row["url"].endswith("/products/precipitation/daily-rain/")
    assert client.get(row["url"]).status_code == 200


def test_drafts_are_there_for_their_team_only(
    setup_product: SetupProduct, sign_in: SignIn, teammate: User, outsider: User, admin: User
) -> None:
    draft = setup_product("secret-rain", published=False)
    address = f"{LIST}{draft.uuid}/"
    for person, sees in ((None, False), (outsider, False), (teammate, True)):
        client = sign_in(person)
        assert (client.get(address).status_code == 200) is sees
        assert ("secret-rain" in names(client)) is sees
    assert sign_in(admin).get(address).status_code == 200
    assert sign_in(None).get(address).headers["Content-Type"].startswith("application/problem+json")


def test_retired_products_are_gone_from_the_list(setup_product: SetupProduct, producer: User, client: Client) -> None:
    product = setup_product("old-rain")
    services.retire(producer, services.deprecate(producer, product))
    assert names(client) == []


def test_a_domain_takes_in_what_is_below_it(setup_product: SetupProduct, client: Client, climate: Domain) -> None:
    services.create_domain("flood", "Flood", parent=climate)
    setup_product("daily-rain")
    setup_product("river-levels", domain="flood")
    assert names(client, domain="climate") == ["daily-rain", "river-levels"]
    assert names(client, domain="flood") == ["river-levels"]


def test_an_unknown_domain_is_said_to_be_unknown(client: Client, climate: Domain) -> None:
    answer = client.get(LIST, {"domain": "no-such"})
    assert answer.status_code == 400
    assert "domain" in answer.json()["errors"]


def test_filters_and_ordering(setup_product: SetupProduct, client: Client, producer: User) -> None:
    setup_product("b-rain", tags=["rain", "daily"], type="aggregate", access_mode="open")
    setup_product("a-rain", tags=["rain"])
    services.pause(producer, setup_product("c-rain"))
    assert names(client, tag="rain") == ["a-rain", "b-rain"]
    assert names(client, tag=["rain", "daily"]) == ["b-rain"]
    assert names(client, name="b-rain") == ["b-rain"]
    assert names(client, name="b-rain", domain="climate") == ["b-rain"]
    assert names(client, name="b") == []
    assert names(client, type="aggregate") == ["b-rain"]
    assert names(client, access_mode="on_request") == ["a-rain", "c-rain"]
    assert names(client, lifecycle="paused") == ["c-rain"]
    assert names(client, ordering="-name") == ["c-rain", "b-rain", "a-rain"]


def test_a_list_costs_the_same_for_ten_rows_and_for_twenty(setup_product: SetupProduct, client: Client) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(LIST)
        return len(queries)

    link = [services.LinkData("discovery", "https://rain.example.org/discover")]
    for number in range(10):
        setup_product(f"rain-{number}", tags=[f"tag-{number}"], links=link)
    ten = cost()
    for number in range(10, 20):
        setup_product(f"rain-{number}", tags=[f"tag-{number}"], links=link)
    assert len(names(client)) == 20
    assert cost() == ten


NEW = {
    "domain": "precipitation",
    "name": "hourly-rain",
    "title": "Hourly rain",
    "summary": "Rain of every hour.",
    "tags": ["Rain"],
}


def test_registering_changing_and_publishing(
    sign_in: SignIn, producer: User, team: Team, precipitation: Domain
) -> None:
    client = sign_in(producer)
    link = {"rel": "discovery", "url": "https://rain.example.org/discover"}
    answer = client.post(LIST, {**NEW, "owner": team.slug, "links": [link]}, content_type="application/json")
    assert answer.status_code == 201, answer.content
    draft = answer.json()
    assert (draft["lifecycle"], draft["revision"], draft["tags"]) == ("draft", 1, ["rain"])
    address = f"{LIST}{draft['uuid']}/"

    changed = client.patch(
        address, {"revision": 1, "title": "Rain by the hour"}, content_type="application/json"
    ).json()
    assert (changed["title"], changed["summary"], changed["revision"]) == ("Rain by the hour", "Rain of every hour.", 2)
    assert changed["links"][0]["url"] == link["url"]
    assert changed["tags"] == ["rain"]

    assert client.post(f"{address}publish/").json()["lifecycle"] == Lifecycle.PUBLISHED
    assert names(Client()) == ["hourly-rain"]


def test_a_change_to_an_older_revision_is_refused_and_changes_nothing(
    setup_product: SetupProduct, sign_in: SignIn, producer: User
) -> None:
    product = setup_product("daily-rain")
    client = sign_in(producer)
    address = f"{LIST}{product.uuid}/"
    now = client.get(address).json()["revision"]
    assert (
        client.patch(address, {"revision": now, "title": "First"}, content_type="application/json").status_code == 200
    )
    answer = client.patch(address, {"revision": now, "title": "Second"}, content_type="application/json")
    assert answer.status_code == 409
    assert "Somebody else changed" in answer.json()["detail"]
    assert client.get(address).json()["title"] == "First"


def test_the_lifecycle_moves_by_its_verbs_and_refuses_the_wrong_step(
    setup_product: SetupProduct, sign_in: SignIn, producer: User
) -> None:
    product = setup_product("daily-rain")
    client = sign_in(producer)
    address = f"{LIST}{product.uuid}/"
    for verb, state in (
        ("pause", "paused"),
        ("resume", "published"),
        ("deprecate", "deprecated"),
        ("retire", "retired"),
    ):
        answer = client.post(f"{address}{verb}/", content_type="application/json")
        assert (answer.status_code, answer.json()["lifecycle"]) == (200, state)
    refused = client.post(f"{address}publish/")
    assert refused.status_code == 409
    assert "cannot become" in refused.json()["detail"]
    assert refused.headers["Content-Type"].startswith("application/problem+json")


@pytest.mark.parametrize("verb", ["publish", "pause", "resume", "deprecate", "retire"])
def test_only_the_owner_moves_a_product(
    setup_product: SetupProduct, sign_in: SignIn, outsider: User, verb: str
) -> None:
    address = f"{LIST}{setup_product('daily-rain').uuid}/"
    assert sign_in(None).post(f"{address}{verb}/").status_code in (401, 403)
    assert sign_in(outsider).post(f"{address}{verb}/", content_type="application/json").status_code == 403
    assert sign_in(outsider).get(f"{address}{verb}/").status_code == 405
    assert Product.objects.get().lifecycle == Lifecycle.PUBLISHED


def test_outsiders_cannot_change_a_product(setup_product: SetupProduct, sign_in: SignIn, outsider: User) -> None:
    product = setup_product("daily-rain")
    body = {"revision": product.revision, "title": "Mine now"}
    for person in (None, outsider):
        answer = sign_in(person).patch(f"{LIST}{product.uuid}/", body, content_type="application/json")
        assert answer.status_code in (401, 403)
    product.refresh_from_db()
    assert product.title == "Daily rain"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"domain": "no-such"}, "domain"),
        ({"name": "Not A Slug"}, "name"),
        ({"summary": ""}, "summary"),
        ({"summary": "x" * 100_000}, "summary"),
        ({"tags": [f"tag {n}" for n in range(40)]}, "tags"),
        ({"links": [{"rel": "discovery", "url": "javascript:alert(1)"}]}, "links"),
        ({"links": [{"rel": "no-such", "url": "https://example.org/"}]}, "links"),
        ({"owner": "somebody-else"}, "owner"),
        ({"title": "nul \x00 inside"}, "title"),
    ],
)
def test_bad_input_is_refused_by_field_and_leaves_nothing(
    sign_in: SignIn, outsider: User, precipitation: Domain, change: dict[str, Any], field: str
) -> None:
    answer = sign_in(outsider).post(LIST, {**NEW, **change}, content_type="application/json")
    assert answer.status_code == 400, answer.content
    assert field in answer.json()["errors"]
    assert not Product.objects.exists()
    assert not Team.objects.exists()


def test_a_taken_address_is_refused(setup_product: SetupProduct, sign_in: SignIn, outsider: User) -> None:
    setup_product("hourly-rain")
    answer = sign_in(outsider).post(LIST, NEW, content_type="application/json")
    assert answer.status_code == 400
    assert "already has a product" in str(answer.json()["errors"]["name"])


@pytest.mark.parametrize("body", ["{", "[]", "null", '"text"'])
def test_what_is_no_json_object_is_a_problem_document(sign_in: SignIn, outsider: User, body: str) -> None:
    answer = sign_in(outsider).post(LIST, body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("application/problem+json")
