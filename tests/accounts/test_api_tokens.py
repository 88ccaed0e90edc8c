"""API tokens: hashed, expiring, revocable keys with which a program acts as a person over the REST API."""

import logging
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.utils import timezone

from marketplace.accounts import tokens
from marketplace.accounts.models import ApiToken
from registry.models import Event
from tests.conftest import make_user

PAGE = "/accounts/tokens/"
DOMAINS = "/api/v1/domains/"


def with_token(text):
    return Client(headers={"Authorization": f"Token {text}"})


def add_domain(client, slug="wind", **extra):
    return client.post(DOMAINS, {"slug": slug, "title": "Wind"}, content_type="application/json", **extra)


def made(client, name="nightly import", days=90):
    """What the page answers to the form, and the token in it."""
    answer = client.post(PAGE, {"name": name, "days": days})
    return answer, answer.context["text"]


# The API


@pytest.mark.parametrize(
    ("who", "status"),
    [(None, 401), ("consumer", 403), ("producer", 403), ("outsider", 403), ("steward", 201), ("admin", 201)],
)
def test_a_token_may_do_what_its_person_may(who, status, request, db):
    client = Client() if who is None else with_token(tokens.create_token(request.getfixturevalue(who), "x", 30)[1])
    assert add_domain(client).status_code == status


def test_a_token_reads_the_drafts_of_its_team_and_no_others(setup_product, teammate, outsider):
    draft = setup_product("secret-rain", published=False)
    for person, status in ((teammate, 200), (outsider, 404)):
        client = with_token(tokens.create_token(person, "x", 30)[1])
        assert client.get(f"/api/v1/products/{draft.uuid}/").status_code == status


def test_a_token_needs_no_csrf_token_and_a_session_does(steward):
    text = tokens.create_token(steward, "x", 30)[1]
    program = Client(enforce_csrf_checks=True, headers={"Authorization": f"Token {text}"})
    assert add_domain(program).status_code == 201
    page = Client(enforce_csrf_checks=True)
    page.force_login(steward)
    assert add_domain(page, "waves").status_code == 403


def test_the_token_decides_where_a_session_comes_along(steward, consumer):
    client = with_token(tokens.create_token(consumer, "x", 30)[1])
    client.force_login(steward)
    assert add_domain(client).status_code == 403


@pytest.mark.parametrize(
    "header",
    [
        "Token",
        "Token a b",
        "Token dmm_0123456789abcdef",
        "Token \u00fc",
        "Token " + "x" * 5000,
        "Token \x00",
        "token x",
    ],
)
def test_a_wrong_token_is_refused_with_what_to_do(header, db):
    answer = Client(headers={"Authorization": header}).get(DOMAINS)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Token"
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert "/accounts/tokens/" in answer.json()["detail"]


def test_other_schemes_are_not_taken_for_tokens(db):
    assert Client(headers={"Authorization": "Bearer x"}).get(DOMAINS).status_code == 200


def test_an_expired_token_says_so(steward):
    token, text = tokens.create_token(steward, "x", 30)
    client = with_token(text)
    assert client.get(DOMAINS).status_code == 200
    ApiToken.objects.filter(pk=token.pk).update(expiry=timezone.now() - timedelta(seconds=1))
    answer = client.get(DOMAINS)
    assert answer.status_code == 401 and "expired" in answer.json()["detail"]


def test_a_revoked_token_works_no_more(steward):
    token, text = tokens.create_token(steward, "x", 30)
    tokens.revoke_token(steward, token)
    assert with_token(text).get(DOMAINS).status_code == 401


def test_the_token_of_a_closed_account_works_no_more(steward):
    text = tokens.create_token(steward, "x", 30)[1]
    steward.is_active = False
    steward.save()
    assert with_token(text).get(DOMAINS).status_code == 401


def test_tokens_of_demo_accounts_work_only_while_the_demo_is_on_and_from_nearby(db, settings):
    client = with_token(tokens.create_token(make_user("visitor", is_demo=True), "x", 30)[1])
    assert client.get(DOMAINS).status_code == 200
    assert client.get(DOMAINS, REMOTE_ADDR="203.0.113.7").status_code == 401
    settings.DEMO = False
    answer = client.get(DOMAINS)
    assert answer.status_code == 401 and "demo" in answer.json()["detail"]


def test_last_use_is_noted_once_a_minute(consumer, django_assert_num_queries):
    token, text = tokens.create_token(consumer, "x", 30)
    client = with_token(text)
    client.get("/api/v1/schema/")
    token.refresh_from_db()
    first = token.last_used
    assert first is not None
    client.get("/api/v1/schema/")
    token.refresh_from_db()
    assert token.last_used == first
    ApiToken.objects.update(last_used=first - timedelta(minutes=2))
    client.get("/api/v1/schema/")
    token.refresh_from_db()
    assert token.last_used >= first


def test_wrong_tokens_are_counted_in_the_log_without_the_token(db, caplog):
    client = with_token("dmm_do-not-write-me-down")
    with caplog.at_level(logging.WARNING):
        for _ in range(12):
            client.get(DOMAINS)
    lines = [record.getMessage() for record in caplog.records if "API token refused" in record.getMessage()]
    assert len(lines) == 2
    assert "'refused': 1," in lines[0] and "'refused': 10," in lines[1] and "127.0.0.1" in lines[0]
    assert "write-me-down" not in caplog.text


def test_the_schema_knows_the_scheme(client, db):
    schema = client.get("/api/v1/schema/", headers={"Accept": "application/json"}).json()
    scheme = schema["components"]["securitySchemes"]["apiToken"]
    assert scheme["in"] == "header" and scheme["name"] == "Authorization"
    assert {"apiToken": []} in schema["paths"]["/api/v1/products/"]["post"]["security"]


# What is kept


def test_only_a_hash_is_stored(consumer):
    token, text = tokens.create_token(consumer, "x", 30)
    assert text.startswith("dmm_") and len(text) >= 64
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(t)::text FROM accounts_apitoken t")
        ((row,),) = cursor.fetchall()
    assert text not in row and text[20:] not in row and token.digest in row
    assert token.digest not in str(token) and token.digest not in repr(token)


def test_making_and_revoking_are_events_without_the_token(consumer):
    token, text = tokens.create_token(consumer, "nightly", 365)
    tokens.revoke_token(consumer, ApiToken.objects.get(uuid=token.uuid))
    first, second = Event.objects.filter(type__startswith="token.")
    assert (first.type, second.type) == ("token.created", "token.revoked")
    assert first.subject == second.subject == f"urn:token:{token.uuid}"
    assert first.actor == "consumer"
    assert first.data["name"] == "nightly" and text.startswith(first.data["prefix"])
    assert text[12:] not in str(first.data) and token.digest not in str(first.data)


def test_a_token_whose_event_cannot_be_written_is_not_made(consumer, monkeypatch):
    def broken(*_args, **_more):
        raise RuntimeError("no log")

    monkeypatch.setattr("registry.events.record", broken)
    with pytest.raises(RuntimeError, match="no log"):
        tokens.create_token(consumer, "x", 30)
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(
    ("name", "days", "field"), [("", 30, "name"), ("  ", 30, "name"), ("x" * 81, 30, "name"), ("x", 31, "days")]
)
def test_names_and_lifetimes_are_checked(consumer, name, days, field):
    with pytest.raises(ValidationError) as caught:
        tokens.create_token(consumer, name, days)
    assert field in caught.value.message_dict


def test_a_name_is_used_once_and_there_is_a_limit(consumer, outsider):
    tokens.create_token(consumer, "x", 30)
    tokens.create_token(outsider, "x", 30)
    with pytest.raises(ValidationError, match="of this name"):
        tokens.create_token(consumer, "x", 30)
    for number in range(tokens.TOKENS_PER_PERSON - 1):
        tokens.create_token(consumer, f"x{number}", 30)
    with pytest.raises(ValidationError, match="Revoke one"):
        tokens.create_token(consumer, "one more", 30)


# The page


def test_visitors_are_asked_to_sign_in(client, consumer):
    token = tokens.create_token(consumer, "x", 30)[0]
    for answer in (client.get(PAGE), client.post(PAGE, {}), client.post(f"{PAGE}{token.uuid}/revoke/")):
        assert answer.status_code == 302 and "/accounts/login/" in answer.url


def test_a_new_token_is_shown_once_and_works(sign_in, steward):
    client = sign_in(steward)
    answer, text = made(client, days=365)
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    assert text in answer.content.decode() and 'data-copy="#token"' in answer.content.decode()
    token = ApiToken.objects.get()
    assert timedelta(days=364) < token.expiry - timezone.now() <= timedelta(days=365)
    again = client.get(PAGE).content.decode()
    assert text not in again and token.prefix in again and "nightly import" in again and "never" in again
    assert add_domain(with_token(text)).status_code == 201


def test_a_token_is_in_no_session_and_no_cookie(sign_in, steward):
    client = sign_in(steward)
    _, text = made(client)
    assert text not in str(dict(client.session.items()))
    assert text not in str(client.cookies)


def test_one_lists_and_revokes_only_ones_own(sign_in, consumer, outsider):
    token, text = tokens.create_token(consumer, "mine alone", 30)
    other = sign_in(outsider)
    assert "mine alone" not in other.get(PAGE).content.decode()
    assert other.post(f"{PAGE}{token.uuid}/revoke/").status_code == 404
    assert with_token(text).get(DOMAINS).status_code == 200
    own = sign_in(consumer)
    assert own.get(f"{PAGE}{token.uuid}/revoke/").status_code == 405
    answer = own.post(f"{PAGE}{token.uuid}/revoke/", follow=True)
    assert "mine alone is revoked" in answer.content.decode()
    assert with_token(text).get(DOMAINS).status_code == 401


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"name": "", "days": 30}, "Give it a name"),
        ({"name": "x", "days": 10000}, "Choose one of the lifetimes"),
        ({"name": "x"}, "This field is required"),
        ({"name": "taken", "days": 30}, "of this name"),
        ({"name": "x\x00y", "days": 30}, "Null characters"),
    ],
)
def test_what_does_not_fit_is_said_beside_the_field(sign_in, consumer, data, message):
    tokens.create_token(consumer, "taken", 30)
    answer = sign_in(consumer).post(PAGE, data)
    assert answer.status_code == 422
    assert message in answer.content.decode()
    assert ApiToken.objects.count() == 1


def test_a_name_is_shown_as_text(sign_in, consumer):
    answer, _ = made(sign_in(consumer), name="<script>alert(1)</script>")
    assert b"<script>alert(1)" not in answer.content
