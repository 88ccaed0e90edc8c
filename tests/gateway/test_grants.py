"""A grant is good for one product, one purpose and a few minutes; every other token is refused and told why."""

import base64
import json
import time
from dataclasses import dataclass

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from gateway import grants

from .house import House
from .issuer import AUDIENCE, Issuer


@pytest.fixture
def issuer():
    grants.KEYS.forget()
    made = Issuer()
    yield made
    made.close()


@pytest.fixture
def house(folder, client_of, issuer):
    return House(folder, client_of, issuer.trust())


def get(house, headers):
    return house.client.get(house.rain, headers=headers)


def refused(answer, status, *words):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    for word in words:
        assert word in answer.json()["detail"], answer.text


def unsafe(claims, header, signature=b""):
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256"])
@pytest.mark.parametrize("wide", [True, False])
def test_a_valid_grant_opens_and_is_in_the_access_log(house, issuer, algorithm, wide):
    issuer.add("two", algorithm)
    scope = "consume" if wide else f"observe consume:{house.ids['rain']}"
    answer = get(house, issuer.bearer(scope, kid="two", agreement="a-1"))
    assert (answer.status_code, answer.text[:10]) == (200, "station,mm")
    [entry] = house.log()
    assert (entry["consumer"], entry["agreement"], entry["action"], entry["status"]) == ("ada", "a-1", "download", 200)
    assert entry["bytes"] == len(answer.content)


def test_without_a_token_nothing_is_given(house):
    refused(get(house, {}), 401, "consume:")
    assert house.log() == []  # it names nobody: counted, not stored
    assert house.client.get("/observe/metrics").json()["accesses"]["refused"] == 1


@dataclass(frozen=True)
class Minutes:
    """So many minutes from when the test runs, not from when it is collected."""

    number: int
    as_text: bool = False

    def value(self) -> int | str:
        at = int(time.time()) + self.number * 60
        return str(at) if self.as_text else at


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"iss": "https://evil.example"}, "issuer is not trusted"),
        ({"iss": None}, "issuer is not trusted"),
        ({"aud": "https://other.example"}, "another product"),
        ({"aud": None}, "lacks the claim aud"),
        ({"aud": [AUDIENCE + ".evil.example"]}, "another product"),
        ({"exp": Minutes(-2), "iat": Minutes(-10)}, "expired"),
        ({"exp": None}, "lacks the claim exp"),
        ({"iat": None}, "lacks the claim iat"),
        ({"nbf": Minutes(5)}, "not valid yet"),
        ({"iat": Minutes(5)}, "not valid yet"),
        ({"exp": Minutes(16)}, "longer than 15 minutes"),
        ({"exp": 10**30}, "longer than 15 minutes"),
        ({"exp": Minutes(9, as_text=True)}, "times are not numbers"),
        ({"exp": float("nan")}, "not valid"),
        ({"iat": float("-inf")}, "not valid"),
        ({"iat": "then"}, "not valid"),
        ({"sub": None}, "lacks the claim sub"),
        ({"sub": ""}, "subject"),
        ({"sub": "x" * 201}, "subject"),
        ({"scope": ["consume"]}, "scope"),
        ({"role": {"admin": True}}, "role"),
    ],
    ids=str,
)
def test_claims_that_are_refused(house, issuer, claims, words):
    given = {name: value.value() if isinstance(value, Minutes) else value for name, value in claims.items()}
    refused(get(house, issuer.bearer(**given)), 401, words)


@pytest.mark.parametrize(
    "scope", ["", "control", "consume:another", "consume:", "CONSUME", "consumer", "ingest", "consume*", "consume:*"]
)
def test_another_scope_is_not_enough(house, issuer, scope):
    answer = get(house, issuer.bearer(scope))
    refused(answer, 403, "scope")
    assert "insufficient_scope" in answer.headers["www-authenticate"]


def test_a_token_of_no_algorithm_is_refused(house, issuer):
    for algorithm in ("none", "None", "NONE", ""):
        token = unsafe(issuer.claims(), {"alg": algorithm, "typ": "JWT", "kid": "one"})
        refused(get(house, {"Authorization": f"Bearer {token}"}), 401)


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(house, issuer):
    import hashlib
    import hmac

    public = issuer.private["one"][1].public_key()
    encodings = [
        public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw),
        base64.urlsafe_b64encode(public.public_bytes_raw()).rstrip(b"="),
    ]
    for secret in encodings:
        unsigned = unsafe(issuer.claims(), {"alg": "HS256", "kid": "one"}).rpartition(".")[0]
        signature = hmac.new(secret, unsigned.encode(), hashlib.sha256).digest()
        token = unsigned + "." + base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
        refused(get(house, {"Authorization": f"Bearer {token}"}), 401, "EdDSA or ES256")


def test_a_key_is_only_taken_for_its_own_algorithm(house, issuer):
    issuer.add("two", "ES256")
    _, key = issuer.private["one"]
    token = jwt.encode(issuer.claims(), key, algorithm="EdDSA", headers={"kid": "two"})
    refused(get(house, {"Authorization": f"Bearer {token}"}), 401, "algorithm")


def test_a_forged_or_changed_token_is_refused(house, issuer):
    forger = Issuer()
    try:
        forged = jwt.encode(issuer.claims(), forger.private["one"][1], algorithm="EdDSA", headers={"kid": "one"})
    finally:
        forger.close()
    refused(get(house, {"Authorization": f"Bearer {forged}"}), 401, "signature")
    head, _, signature = issuer.token().split(".")
    body = base64.urlsafe_b64encode(json.dumps(issuer.claims(sub="eve")).encode()).rstrip(b"=").decode()
    refused(get(house, {"Authorization": f"Bearer {head}.{body}.{signature}"}), 401, "signature")


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "Bearer x.y.z", "Bearer ...",
                                    "Bearer " + "a" * 9000, "Bearer é", "token"])  # fmt: skip
def test_what_is_no_token_is_refused(house, header):
    refused(get(house, {"Authorization": header.encode("latin-1")}), 401)


def test_a_header_that_points_to_a_key_elsewhere_is_not_followed(house, issuer):
    evil = Issuer()
    try:
        algorithm, key = evil.private["one"]
        headers = {"kid": "evil", "jku": evil.jwks_url, "jwk": evil.jwks()[0]}
        token = jwt.encode(issuer.claims(), key, algorithm=algorithm, headers=headers)
        refused(get(house, {"Authorization": f"Bearer {token}"}), 401, "no such key")
        assert evil.fetches == 0
    finally:
        evil.close()


def test_keys_are_asked_for_once_and_unknown_ones_do_not_hammer_the_issuer(house, issuer):
    for _ in range(3):
        assert get(house, issuer.bearer()).status_code == 200
    assert issuer.fetches == 1
    for number in range(5):
        token = jwt.encode(issuer.claims(), issuer.private["one"][1], algorithm="EdDSA", headers={"kid": f"k{number}"})
        refused(get(house, {"Authorization": f"Bearer {token}"}), 401, "no such key")
    assert issuer.fetches == 1  # asked a moment ago: the next question must wait


def test_a_rotated_key_is_found_and_the_old_one_is_no_longer_taken(house, issuer, monkeypatch):
    monkeypatch.setattr(grants, "REFETCH_SECONDS", 0.0)
    old = issuer.bearer()
    assert get(house, old).status_code == 200
    del issuer.private["one"]
    issuer.add("new", "ES256")
    assert get(house, issuer.bearer(kid="new")).status_code == 200
    refused(get(house, old), 401, "no such key")


def test_when_the_issuer_is_away_known_keys_are_used_and_unknown_is_503(folder, client_of, issuer, monkeypatch):
    house = House(folder, client_of, issuer.trust())
    issuer.status = 500
    answer = get(house, issuer.bearer())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    issuer.status = 200
    monkeypatch.setattr(grants, "REFETCH_SECONDS", 0.0)
    assert get(house, issuer.bearer()).status_code == 200
    issuer.status = 500
    monkeypatch.setattr(grants, "KEYS_FRESH_SECONDS", 0.0)
    assert get(house, issuer.bearer()).status_code == 200
    monkeypatch.setattr(grants, "KEYS_KEPT_SECONDS", 0.0)
    assert get(house, issuer.bearer()).status_code == 503


def test_a_gateway_that_trusts_nobody_says_what_to_configure(folder, client_of, issuer):
    house = House(folder, client_of, {})
    for headers in ({}, issuer.bearer()):
        refused(get(house, headers), 401, "gateway.yaml", "trust", "audience")


def test_an_open_artifact_needs_nothing_and_still_refuses_a_bad_token(folder, client_of, issuer):
    house = House(folder, client_of, {**issuer.trust(), "artifacts": {"rain": {"access": "open"}}})
    assert get(house, {}).status_code == 200
    assert house.log()[0]["consumer"] == "anonymous"
    refused(get(house, issuer.bearer(aud="https://other.example")), 401)


def test_the_base_url_is_the_audience_when_nothing_else_is_said(folder, client_of, issuer):
    house = House(folder, client_of, {"trust": issuer.trust()["trust"]})
    client = client_of(folder, base_url=AUDIENCE + "/")
    assert client.get(house.rain, headers=issuer.bearer()).status_code == 200
    answer = client.get(house.rain, headers={**issuer.bearer(aud="http://testserver"), "Host": "testserver"})
    refused(answer, 401, "another product")


def test_an_edit_of_gateway_yaml_counts_at_the_next_request(house, issuer):
    from .conftest import write

    assert get(house, {}).status_code == 401
    write(house.folder / "gateway.yaml", {**house.config, "artifacts": {"rain": {"access": "open"}}})
    assert get(house, {}).status_code == 200
    (house.folder / "gateway.yaml").write_text("artifacts:\n  rain:\n    acess: open\n")
    assert get(house, {}).status_code == 200
    health = house.client.get("/observe/health").json()
    assert "gateway.yaml: line 3: artifacts.rain.acess" in health["output"]
