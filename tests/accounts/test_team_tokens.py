"""The token of a team: made by a member, bound to the team's products, and independent of who made it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from marketplace.accounts import queries, scope, tokens
from marketplace.accounts.models import ApiToken, Membership, Team, User
from marketplace.accounts.services import create_team, service_account
from registry.models import Domain, Event, Product
from tests.conftest import make_user

SetupProduct = Callable[..., Product]
SignIn = Callable[[User | None], Client]
PAGE = "/accounts/tokens/"
PRODUCTS = "/api/v1/products/"


def with_token(text: str) -> Client:
    return Client(headers={"Authorization": f"Token {text}"})


def send(client: Client, path: str, body: Any = None, method: str = "post") -> Any:
    return getattr(client, method)(path, body if body is not None else {}, content_type="application/json")


def entry(name: str = "river-levels", **more: Any) -> dict[str, Any]:
    return {"domain": "precipitation", "name": name, "title": "River levels", "summary": "Gauges, hourly.", **more}


@pytest.fixture
def text(producer: User, team: Team) -> str:
    """The token of the producer's team."""
    return tokens.create_token(producer, "gauges", 90, team)[1]


@pytest.fixture
def program(text: str) -> Client:
    """A program of the team."""
    return with_token(text)


@pytest.fixture
def others(outsider: User) -> Team:
    """The outsider's team."""
    return create_team("Others", members=(outsider,))


# What it may do


def test_it_keeps_the_products_of_its_team(program: Client, team: Team, precipitation: Domain):
    made = send(program, PRODUCTS, entry())
    assert made.status_code == 201, made.content
    product = Product.objects.get()
    assert product.owner == team
    base = f"{PRODUCTS}{product.uuid}/"
    assert send(program, base, {"title": "Levels", "revision": 1}, "patch").json()["title"] == "Levels"
    for verb, state in (("publish", "published"), ("pause", "paused"), ("undo", "published"), ("pause", "paused"),
                        ("resume", "published"), ("deprecate", "deprecated"), ("retire", "retired")):  # fmt: skip
        answer = send(program, f"{base}{verb}/")
        assert (answer.status_code, answer.json()["lifecycle"]) == (200, state), verb
    batch = send(program, f"{PRODUCTS}batch/", {"products": [entry("a"), entry("b", owner=team.slug)]}).json()
    assert (batch["created"], batch["refused"]) == (2, 0)
    assert set(Product.objects.values_list("owner", flat=True)) == {team.pk}


def test_its_doings_stand_in_the_log_under_the_name_of_the_service_account(program: Client, precipitation: Domain):
    send(program, PRODUCTS, entry())
    event = Event.objects.get(type="product.drafted")
    assert event.actor == "team:climate-data-office"


def test_it_reaches_nothing_of_other_teams(program: Client, others: Team, outsider: User, setup_product: SetupProduct):
    product = setup_product("theirs")
    Product.objects.filter(pk=product.pk).update(owner=others)
    draft = setup_product("hidden", published=False)
    Product.objects.filter(pk=draft.pk).update(owner=others)
    assert send(program, f"{PRODUCTS}{product.uuid}/pause/").status_code == 403
    assert send(program, f"{PRODUCTS}{product.uuid}/", {"title": "x", "revision": 2}, "patch").status_code == 403
    assert program.get(f"{PRODUCTS}{draft.uuid}/").status_code == 404
    rows = send(program, f"{PRODUCTS}batch/", {"products": [entry("theirs"), entry("hidden"), entry(owner="others")]})
    assert rows.json()["refused"] == 3
    assert send(program, PRODUCTS, entry(owner=others.slug)).status_code == 400


@pytest.mark.parametrize(
    ("path", "body", "method"),
    [
        ("products/{uuid}/transfer/", {"team": "others"}, "post"),
        ("products/{uuid}/transfer/", None, "delete"),
        ("products/{uuid}/transfer/accept/", None, "post"),
        ("products/{uuid}/grants/", {"scope": "control"}, "post"),
        ("domains/", {"slug": "wind", "title": "Wind"}, "post"),
    ],
)
def test_it_does_no_more_than_keep_products(
    path: str, body: Any, method: str, program: Client, others: Team, setup_product: SetupProduct
):
    product = setup_product()
    answer = send(program, "/api/v1/" + path.format(uuid=product.uuid), body, method)
    assert answer.status_code == 403
    assert "token of a person" in answer.json()["detail"]
    product.refresh_from_db()
    assert product.owner.slug == "climate-data-office"


def names_below(patterns: Any) -> set[str]:
    found: set[str] = set()
    for pattern in patterns:
        found |= names_below(pattern.url_patterns) if hasattr(pattern, "url_patterns") else {pattern.name}
    return found


def test_the_scope_names_addresses_that_are_there():
    assert names_below(get_resolver().url_patterns) >= scope.WRITING
    assert scope.allows("anything", "GET")
    assert not scope.allows("anything", "POST")


def test_it_says_for_whom_it_acts(program: Client, producer: User, team: Team):
    me = program.get("/api/v1/me/").json()
    assert (me["acts_for"], [team["slug"] for team in me["teams"]]) == (team.slug, [team.slug])
    assert me["username"] == "team:climate-data-office"
    own = with_token(tokens.create_token(producer, "x", 30)[1]).get("/api/v1/me/").json()
    assert own["acts_for"] is None


# Who may make, see and revoke it


@pytest.mark.parametrize(
    ("who", "makes", "revokes"),
    [
        ("producer", True, True),
        ("teammate", True, True),
        ("outsider", False, False),
        ("consumer", False, False),
        ("steward", False, False),
        ("admin", False, True),
    ],
)
def test_who_makes_and_revokes(
    who: str, makes: bool, revokes: bool, team: Team, text: str, sign_in: SignIn, request: pytest.FixtureRequest
):
    person = request.getfixturevalue(who)
    client = sign_in(person)
    assert ("gauges" in client.get(PAGE).content.decode()) is revokes
    answer = client.post(PAGE, {"name": "second", "days": 30, "team": team.slug})
    if makes:
        assert answer.status_code == 200
        assert f"made by {who}" in answer.content.decode()
    else:
        # Without teams there is no such choice, so the token is the person's own.
        assert not ApiToken.objects.filter(name="second", user__service_of=team).exists()
        with pytest.raises(PermissionDenied):
            tokens.create_token(person, "third", 30, team)
    token = ApiToken.objects.get(name="gauges")
    answer = client.post(f"{PAGE}{token.uuid}/revoke/")
    assert answer.status_code == (302 if revokes else 404)
    assert with_token(text).get(PRODUCTS).status_code == (401 if revokes else 200)
    if not revokes:
        with pytest.raises(PermissionDenied):
            tokens.revoke_token(person, token)


def test_it_survives_who_made_it(text: str, producer: User, teammate: User, team: Team, precipitation: Domain):
    Membership.objects.filter(user=producer).delete()
    assert send(with_token(text), PRODUCTS, entry()).status_code == 201
    producer.is_active = False
    producer.save()
    assert send(with_token(text), PRODUCTS, entry("second")).status_code == 201
    producer.delete()
    assert send(with_token(text), PRODUCTS, entry("third")).status_code == 201
    tokens.revoke_token(teammate, ApiToken.objects.get())
    assert send(with_token(text), PRODUCTS, entry("fourth")).status_code == 401


def test_who_left_the_team_has_no_hand_on_it_any_more(producer: User, text: str, sign_in: SignIn):
    Membership.objects.filter(user=producer).delete()
    assert "gauges" not in sign_in(producer).get(PAGE).content.decode()
    assert sign_in(producer).post(f"{PAGE}{ApiToken.objects.get().uuid}/revoke/").status_code == 404


def test_an_expired_one_says_so(program: Client, text: str):
    ApiToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    answer = program.get(PRODUCTS)
    assert answer.status_code == 401 and "expired" in answer.json()["detail"]


def test_its_last_use_is_noted(program: Client):
    assert ApiToken.objects.get().last_used is None
    program.get(PRODUCTS)
    assert ApiToken.objects.get().last_used is not None


def test_making_and_revoking_are_events_of_the_person_for_the_team(
    producer: User, teammate: User, team: Team, text: str
):
    tokens.revoke_token(teammate, ApiToken.objects.get())
    made, revoked = Event.objects.filter(type__startswith="token.")
    assert (made.type, made.actor, revoked.type, revoked.actor) == (
        "token.created", "producer", "token.revoked", "teammate",
    )  # fmt: skip
    assert made.data["team"] == revoked.data["team"] == team.slug
    assert text[12:] not in str(made.data)


def test_the_team_reads_in_the_feed_what_was_done_with_its_tokens(
    text: str, teammate: User, outsider: User, sign_in: SignIn
):
    for person, expected in ((teammate, ["token.created"]), (outsider, [])):
        found = sign_in(person).get("/api/v1/events").json()["results"]
        assert [event["type"] for event in found] == expected


def test_names_are_used_once_in_a_team_and_there_is_a_limit(producer: User, teammate: User, team: Team, text: str):
    with pytest.raises(ValidationError, match="of this name"):
        tokens.create_token(teammate, "gauges", 30, team)
    assert tokens.create_token(producer, "gauges", 30)
    for number in range(tokens.TOKENS_PER_TEAM - 1):
        tokens.create_token(teammate, f"x{number}", 30, team)
    with pytest.raises(ValidationError, match="Climate Data Office has 20 tokens"):
        tokens.create_token(producer, "one more", 30, team)
    assert User.objects.filter(service_of=team).count() == 1


@pytest.mark.parametrize("value", ["others", "team:climate-data-office", "x" * 500, "a\x00b"])
def test_a_team_that_is_not_ones_own_is_refused_beside_the_field(
    value: str, producer: User, team: Team, others: Team, sign_in: SignIn
):
    answer = sign_in(producer).post(PAGE, {"name": "x", "days": 30, "team": value})
    assert answer.status_code == 422
    assert "Choose yourself, or a team that you are in." in answer.content.decode()
    assert not ApiToken.objects.exists()


# The account behind it


def test_the_service_account_is_no_person(team: Team, text: str, producer: User, teammate: User, client: Client):
    account = service_account(team)
    assert not account.has_usable_password()
    assert set(queries.people_in(team)) == {producer, teammate}
    client.force_login(account)
    assert client.get(PAGE).status_code == 302, "a session of it is none"
    account.set_password("demo")
    account.save()
    client.post("/accounts/login/", {"login": account.username, "password": "demo"})
    assert client.get(PAGE).status_code == 302


def test_nobody_can_sign_up_under_its_name(client: Client, db: None, settings: Any):
    settings.OPEN_SIGNUP = True
    said = {"username": "team:climate-data-office", "email": "a@example.org", "password1": "kZ8-rain-fell",
            "password2": "kZ8-rain-fell"}  # fmt: skip
    assert client.post("/accounts/signup/", said).status_code == 200
    assert not User.objects.exists()
    client.post("/accounts/signup/", {**said, "username": "climate"})
    assert User.objects.get().username == "climate", "the form was complete but for the name"


def test_one_made_by_a_demo_account_works_as_that_does(db: None, settings: Any):
    person = make_user("visitor", is_demo=True)
    program = with_token(tokens.create_token(person, "x", 30, create_team("Demo", members=(person,)))[1])
    assert program.get(PRODUCTS).status_code == 200
    assert program.get(PRODUCTS, REMOTE_ADDR="203.0.113.7").status_code == 401
    person.delete()
    settings.DEMO = False
    assert program.get(PRODUCTS).status_code == 401
