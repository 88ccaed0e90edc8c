"""The lifecycle over REST: deprecating with words, taking steps back, and giving products to other teams."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone

from marketplace.accounts.models import Team, User
from marketplace.accounts.services import create_team
from registry import services, transfers
from registry.models import Event, Product, Undo

SignIn = Callable[[User | None], Client]
SetupProduct = Callable[..., Product]


def send(client: Client, product: Product, verb: str, body: Any = None, method: str = "post") -> Any:
    return getattr(client, method)(
        f"/api/v1/products/{product.uuid}/{verb}/", body if body is not None else {}, content_type="application/json"
    )


@pytest.fixture
def receivers(outsider: User) -> Team:
    """The outsider's team."""
    return create_team("Receivers", members=(outsider,))


def test_a_deprecation_says_what_follows_when_and_why(
    setup_product: SetupProduct, sign_in: SignIn, producer: User, client: Client
) -> None:
    product, next_one = setup_product(), setup_product("new-rain")
    day = (timezone.localdate() + timedelta(days=90)).isoformat()
    said = {"successor": next_one.urn, "retires_on": day, "message": "A finer grid."}
    answer = send(sign_in(producer), product, "deprecate", said)
    assert (answer.status_code, answer.json()["deprecation"]) == (200, said)
    (row,) = client.get("/api/v1/products/", {"lifecycle": "deprecated"}).json()["results"]
    assert row["deprecation"] == said
    assert client.get(f"/api/v1/products/{next_one.uuid}/").json()["deprecation"] is None
    event = Event.objects.last()
    assert event is not None
    assert event.data == {"since": "published", **said}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"successor": "urn:dp:precipitation:nothing"}, "successor"),
        ({"successor": "urn:dp:precipitation:hidden"}, "successor"),
        ({"successor": "urn:dp:precipitation:daily-rain"}, "successor"),
        ({"successor": "not a urn \u0000"}, "successor"),
        ({"successor": ["urn"]}, "successor"),
        ({"retires_on": "2020-01-01"}, "retires_on"),
        ({"retires_on": "soon"}, "retires_on"),
        ({"message": "x" * 501}, "message"),
        ({"message": {"a": 1}}, "message"),
    ],
)
def test_bad_words_about_a_deprecation_are_refused_by_field(
    setup_product: SetupProduct, sign_in: SignIn, producer: User, body: dict[str, Any], field: str
) -> None:
    product = setup_product()
    setup_product("hidden", published=False)
    answer = send(sign_in(producer), product, "deprecate", body)
    assert answer.status_code == 400, answer.content
    assert list(answer.json()["errors"]) == [field]
    product.refresh_from_db()
    assert product.lifecycle == "published"


def test_a_list_costs_the_same_however_many_are_deprecated(
    setup_product: SetupProduct, client: Client, producer: User, django_assert_num_queries: Any
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    next_one = setup_product("next")
    services.deprecate(producer, setup_product("rain-0"), successor=next_one)
    with CaptureQueriesContext(connection) as one:
        client.get("/api/v1/products/")
    for number in range(1, 10):
        services.deprecate(producer, setup_product(f"rain-{number}"), successor=next_one)
    with django_assert_num_queries(len(one)):
        assert len(client.get("/api/v1/products/").json()["results"]) == 11


def test_a_step_is_taken_back_once_and_within_a_minute(
    setup_product: SetupProduct, sign_in: SignIn, producer: User
) -> None:
    product, client = setup_product(), sign_in(producer)
    send(client, product, "pause")
    answer = send(client, product, "undo")
    assert (answer.status_code, answer.json()["lifecycle"]) == (200, "published")
    again = send(client, product, "undo")
    assert again.status_code == 409
    assert "nothing left to undo" in again.json()["detail"]
    send(client, product, "pause")
    Undo.objects.update(at=F("at") - timedelta(seconds=61))
    assert send(client, product, "undo").status_code == 409


def test_a_product_is_offered_accepted_and_then_the_others(
    setup_product: SetupProduct, sign_in: SignIn, producer: User, outsider: User, receivers: Team
) -> None:
    draft = setup_product(published=False)
    offered = send(sign_in(producer), draft, "transfer", {"team": receivers.slug})
    assert (offered.status_code, offered.json()["team"]["slug"]) == (202, receivers.slug)
    accepted = send(sign_in(outsider), draft, "transfer/accept")
    assert (accepted.status_code, accepted.json()["owner"]["slug"]) == (200, receivers.slug)
    assert send(sign_in(outsider), draft, "transfer/accept").status_code == 409
    assert send(sign_in(producer), draft, "publish").status_code == 404, "a draft of others is not theirs to know of"


def test_an_offer_ends(setup_product: SetupProduct, sign_in: SignIn, producer: User, receivers: Team) -> None:
    product, client = setup_product(), sign_in(producer)
    send(client, product, "transfer", {"team": receivers.slug})
    assert send(client, product, "transfer", method="delete").status_code == 204
    assert send(client, product, "transfer", method="delete").status_code == 409


@pytest.mark.parametrize("named", ["no-such", "climate-data-office", "", None, ["receivers"]])
def test_teams_that_cannot_get_it_are_refused(
    setup_product: SetupProduct, sign_in: SignIn, producer: User, named: Any
) -> None:
    answer = send(sign_in(producer), setup_product(), "transfer", {"team": named})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["team"])


WHO = [None, "producer", "teammate", "admin", "outsider", "consumer", "steward"]
OWNERS = {"producer": 200, "teammate": 200, "admin": 200}


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize(
    ("verb", "method", "table"),
    [
        ("deprecate", "post", OWNERS),
        ("undo", "post", OWNERS),
        ("transfer", "post", {"producer": 202, "teammate": 202, "admin": 200}),
        ("transfer", "delete", {"producer": 204, "teammate": 204, "outsider": 204, "admin": 204}),
        ("transfer/accept", "post", {"outsider": 200, "admin": 200}),
    ],
)
def test_who_may(
    setup_product: SetupProduct,
    sign_in: SignIn,
    producer: User,
    receivers: Team,
    request: pytest.FixtureRequest,
    who: str | None,
    verb: str,
    method: str,
    table: dict[str, int],
) -> None:
    product = setup_product()
    transfers.transfer(producer, product, receivers)
    if verb == "undo":
        services.pause(producer, product)
    client = sign_in(request.getfixturevalue(who) if who else None)
    answer = send(client, product, verb, {"team": receivers.slug} if verb == "transfer" else None, method)
    refused = (401,) if who is None else (403,)
    assert answer.status_code in ((table[who],) if who in table else refused), answer.content
