"""Grants: who gets one for which gateway, and that anybody can check it against the published keys alone."""

import logging
import secrets
import time
from uuid import uuid4

import jwt
import pytest
from django.test import Client

from marketplace.accounts import keys, tokens
from marketplace.accounts.grants import NoSigningKeyError, sign_grant
from marketplace.publishing.grants import base_of
from registry import services

GATEWAY = "https://rain.example.org/daily"
JWKS = "/.well-known/jwks.json"


def new_key():
    return keys.SigningKey(secrets.token_bytes(32))


@pytest.fixture(autouse=True)
def signing_keys(settings):
    settings.SIGNING_KEYS = (new_key(), new_key())
    return settings.SIGNING_KEYS


@pytest.fixture
def rain(setup_product):
    """On request, of the producer's team, with a gateway."""
    return setup_product(links=[services.LinkData("discovery", f"{GATEWAY}/discover")])


@pytest.fixture
def open_rain(setup_product):
    """Open to everybody, of the producer's team, with a gateway."""
    return setup_product(
        "open-rain",
        access_mode="open",
        links=[services.LinkData("discovery", "https://rain.example.org/open/discover")],
    )


def checked(token, audience, **options):
    """The claims, as a gateway finds them that knows nothing but the address of the keys."""
    published = jwt.PyJWKSet.from_dict(Client().get(JWKS).json())
    key = published[jwt.get_unverified_header(token)["kid"]]
    required = ["exp", "iat", "aud", "iss", "sub", "jti", "scope"]
    return jwt.decode(
        token,
        key,
        algorithms=["EdDSA"],
        audience=audience,
        issuer="http://127.0.0.1:8000",
        options={"require": required, **options},
    )


def ask(client, product, scope="consume", **data):
    return client.post(
        f"/api/v1/products/{product.uuid}/grants/", {"scope": scope, **data}, content_type="application/json"
    )


# Signing


def test_a_grant_is_checked_with_the_published_keys_alone(db):
    begun = int(time.time())
    token = sign_grant("ada", GATEWAY, "consume:a control", role="analyst", agreement="a-1", product="urn:dp:x:y")
    claims = checked(token, GATEWAY)
    assert claims["sub"] == "ada" and claims["scope"] == "consume:a control"
    assert claims["role"] == "analyst" and claims["agreement"] == "a-1" and claims["product"] == "urn:dp:x:y"
    assert begun <= claims["iat"] <= begun + 5 and claims["exp"] - claims["iat"] == 600
    assert claims["jti"] != checked(sign_grant("ada", GATEWAY, "control"), GATEWAY)["jti"]
    assert "role" not in checked(sign_grant("ada", GATEWAY, "control"), GATEWAY)


def test_a_grant_is_for_one_gateway_and_unspoilt(db):
    token = sign_grant("ada", GATEWAY, "control")
    with pytest.raises(jwt.InvalidAudienceError):
        checked(token, "https://other.example.org")
    head, body, signature = token.split(".")
    with pytest.raises(jwt.InvalidSignatureError):
        checked(f"{head}.{body}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}", GATEWAY)


def test_the_first_key_signs_and_grants_of_the_one_before_stay_good(settings, signing_keys):
    before = sign_grant("ada", GATEWAY, "control")
    settings.SIGNING_KEYS = (new_key(), signing_keys[0])
    after = sign_grant("ada", GATEWAY, "control")
    assert jwt.get_unverified_header(before)["kid"] == signing_keys[0].kid
    assert jwt.get_unverified_header(after)["kid"] == settings.SIGNING_KEYS[0].kid
    assert checked(before, GATEWAY) and checked(after, GATEWAY)
    settings.SIGNING_KEYS = settings.SIGNING_KEYS[:1]
    assert checked(after, GATEWAY)
    with pytest.raises(KeyError):
        checked(before, GATEWAY)


@pytest.mark.parametrize("seconds", [0, -1, 901, 10**9])
def test_a_grant_lives_a_quarter_of_an_hour_at_most(seconds):
    assert sign_grant("ada", GATEWAY, "control", seconds=900)
    with pytest.raises(ValueError, match="from 1 to 900"):
        sign_grant("ada", GATEWAY, "control", seconds=seconds)


@pytest.mark.parametrize("scope", ["", " ", "a  b", " a", 'a"b', "a\nb", "a\\b", "ä"])
def test_a_scope_is_words(scope):
    with pytest.raises(ValueError, match="not a scope"):
        sign_grant("ada", GATEWAY, scope)


@pytest.mark.parametrize(("subject", "audience"), [("", GATEWAY), ("ada", ""), ("ada", "urn:x"), ("ada", "rain")])
def test_a_grant_needs_a_subject_and_a_gateway(subject, audience):
    with pytest.raises(ValueError, match="subject"):
        sign_grant(subject, audience, "control")


def test_without_a_key_it_is_said_what_to_set(settings, sign_in, producer, rain):
    settings.SIGNING_KEYS = ()
    with pytest.raises(NoSigningKeyError, match="SIGNING_KEY"):
        sign_grant("ada", GATEWAY, "control")
    answer = ask(sign_in(producer), rain, "control")
    assert answer.status_code == 503 and "SIGNING_KEY" in answer.json()["detail"]


# Who gets one

PERSONS = ["visitor", "consumer", "outsider", "steward", "producer", "teammate", "admin"]
OWN = {"producer", "teammate", "admin"}


@pytest.mark.parametrize("scope", ["control", "consume", "observe", "certify"])
@pytest.mark.parametrize("access", ["open", "on_request"])
@pytest.mark.parametrize("who", PERSONS)
def test_who_gets_which_grant(who, access, scope, request, sign_in, rain, open_rain):
    person = None if who == "visitor" else request.getfixturevalue(who)
    product = open_rain if access == "open" else rain
    answer = ask(sign_in(person), product, scope)
    if person is None:
        assert answer.status_code == 401
    elif who in OWN or (access == "open" and scope == "consume"):
        assert answer.status_code == 201, answer.content
        claims = checked(answer.json()["token"], answer.json()["audience"])
        assert (claims["sub"], claims["scope"], claims["product"]) == (who, scope, product.urn)
    else:
        assert answer.status_code == 403 and "Climate Data Office" in answer.json()["detail"]


def test_the_audience_is_the_base_of_the_discovery_link(sign_in, producer, rain):
    answer = ask(sign_in(producer), rain, "control")
    assert answer.json()["audience"] == GATEWAY
    assert answer.json()["expires_in"] == 600
    assert answer.headers["Cache-Control"] == "no-store"
    assert checked(answer.json()["token"], GATEWAY)


def test_consume_is_narrowed_to_an_artifact(sign_in, consumer, open_rain):
    answer = ask(sign_in(consumer), open_rain, artifact="0b9d4a3e-1111-4222-8333-444455556666")
    assert answer.json()["scope"] == "consume:0b9d4a3e-1111-4222-8333-444455556666"


def test_a_program_gets_a_grant_with_its_token(consumer, open_rain):
    client = Client(headers={"Authorization": f"Token {tokens.create_token(consumer, 'x', 30)[1]}"})
    assert checked(ask(client, open_rain).json()["token"], "https://rain.example.org/open")["sub"] == "consumer"


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "scope"),
        ({"scope": "ingest"}, "scope"),
        ({"scope": "consume control"}, "scope"),
        ({"scope": ["consume"]}, "scope"),
        ({"scope": "consume", "artifact": "a control"}, "artifact"),
        ({"scope": "consume", "artifact": "a\nb"}, "artifact"),
        ({"scope": "consume", "artifact": "x" * 201}, "artifact"),
        ({"scope": "consume", "artifact": "../x"}, "artifact"),
        ({"scope": "control", "artifact": "a"}, "artifact"),
        ([], "non_field_errors"),
    ],
)
def test_what_does_not_fit_is_refused_by_field(data, field, sign_in, producer, rain):
    answer = sign_in(producer).post(f"/api/v1/products/{rain.uuid}/grants/", data, content_type="application/json")
    assert answer.status_code == 400
    assert field in answer.json()["errors"]


def test_drafts_of_others_are_not_there(setup_product, sign_in, outsider, producer, admin):
    draft = setup_product(
        "draft", published=False, access_mode="open", links=[services.LinkData("discovery", f"{GATEWAY}/discover")]
    )
    assert ask(sign_in(outsider), draft).status_code == 404
    assert ask(sign_in(producer), draft).status_code == 201
    assert ask(sign_in(admin), draft).status_code == 201
    draft.uuid = uuid4()
    assert ask(sign_in(producer), draft).status_code == 404


def test_a_paused_product_is_consumed_by_its_owners_alone(sign_in, consumer, producer, open_rain):
    services.pause(producer, open_rain)
    answer = ask(sign_in(consumer), open_rain)
    assert answer.status_code == 403 and "paused" in answer.json()["detail"]
    assert ask(sign_in(producer), open_rain, "control").status_code == 201


@pytest.mark.parametrize(
    "links",
    [
        [],
        [services.LinkData("discovery", "https://rain.example.org/product.yaml")],
        [services.LinkData("documentation", "https://rain.example.org/discover")],
    ],
)
def test_a_product_without_a_gateway_says_what_to_register(links, setup_product, sign_in, producer):
    answer = ask(sign_in(producer), setup_product(links=links), "control")
    assert answer.status_code == 409 and "/discover" in answer.json()["detail"]


@pytest.mark.parametrize("spelling", [GATEWAY, "HTTPS://RAIN.example.org:443/daily"])
def test_registering_the_gateway_of_others_gives_no_grant_for_it(spelling, sign_in, outsider, admin, rain):
    from marketplace.accounts.services import home_team

    theirs = services.register(
        outsider,
        home_team(outsider),
        services.ProductData(
            domain="precipitation",
            name="taken-rain",
            title="Rain",
            summary="Rain.",
            access_mode="open",
            links=[services.LinkData("discovery", f"{spelling}/discover")],
        ),
    )
    answer = ask(sign_in(outsider), theirs, "control")
    assert answer.status_code == 409 and "another team" in answer.json()["detail"]
    assert ask(sign_in(admin), theirs, "control").status_code == 201
    services.publish(outsider, theirs)
    assert ask(sign_in(outsider), theirs, "control").status_code == 409, "the first to be listed has the claim"


def test_nobody_is_cut_off_by_a_later_claim_or_a_hidden_draft(sign_in, producer, outsider, rain):
    from marketplace.accounts.services import home_team

    team = home_team(outsider)
    for name in ("draft-rain", "later-rain"):
        link = services.LinkData("discovery", f"{GATEWAY}/discover")
        data = services.ProductData(domain="precipitation", name=name, title="Rain", summary="Rain.", links=[link])
        claim = services.register(outsider, team, data)
    services.publish(outsider, claim)
    assert ask(sign_in(producer), rain, "control").status_code == 201


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://example.org/discover", "https://example.org"),
        ("https://example.org/a/b/discover/", "https://example.org/a/b"),
        ("HTTPS://Example.ORG:443/discover?x=1#y", "https://example.org"),
        ("http://example.org:80/discover", "http://example.org"),
        ("http://127.0.0.1:8101/discover", "http://127.0.0.1:8101"),
        ("http://[::1]:8101/discover", "http://[::1]:8101"),
        ("https://user:password@example.org/discover", None),
        ("https://example.org/rediscover", None),
        ("https://example.org/", None),
        ("ftp://example.org/discover", None),
        ("https:///discover", None),
        ("https://example.org:x/discover", None),
        ("https://[::1/discover", None),
    ],
)
def test_the_base_of_a_gateway(url, base):
    assert base_of(url) == base


def test_neither_keys_nor_grants_are_in_the_log(sign_in, producer, rain, signing_keys, caplog):
    with caplog.at_level(logging.DEBUG):
        token = ask(sign_in(producer), rain, "control").json()["token"]
    assert "grant signed" in caplog.text and GATEWAY in caplog.text
    assert token not in caplog.text and token.rpartition(".")[2] not in caplog.text
    for key in signing_keys:
        assert key.seed.hex() not in caplog.text
        assert repr(key) == "SigningKey()"
