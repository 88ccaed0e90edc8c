"""Any two contracts compared: given as text, from a file or by address, on the page and over REST."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace import uploads
from marketplace.accounts.models import User
from marketplace.live.drift import given as pairs
from marketplace.live.drift.given import Given
from tests.live.hostile import Server, answer, hang, redirect

from .contracts import RAIN

API = "/api/v1/contract-changes/"
PAGE = "/contract-changes/"
SignIn = Callable[[User | None], Any]


def newer() -> dict[str, Any]:
    """A column less, and a version that says so too softly."""
    document = copy.deepcopy(RAIN)
    document["version"] = "1.5.0"
    document["schema"][0]["properties"] = [p for p in RAIN["schema"][0]["properties"] if p["name"] != "day"]
    return document


OLD, NEW = yaml.safe_dump(RAIN), json.dumps(newer())


def compared(before: Given, after: Given) -> pairs.Answer:
    """What a worker makes of the two, done here."""
    token = pairs.begin(before, after)
    assert pairs.look(token).state == "waiting"
    pairs.run(token)
    return pairs.look(token)


def problem_of(given: Given) -> str:
    found = compared(given, Given(text=NEW))
    assert found.state == "failed" and found.compared
    assert found.compared.after.problem is None, "the other one is told as what it is"
    assert found.compared.after.version == "1.5.0"
    assert found.compared.before.problem
    return f"{found.compared.before.problem.message} {found.compared.before.problem.advice}"


def test_two_texts_are_compared():
    found = compared(Given(text=OLD), Given(text=NEW)).compared
    assert found
    assert (found.before.version, found.after.version, found.before.name) == ("1.4.2", "1.5.0", "Daily rain")
    assert (found.level, found.suggested, found.bump) == ("major", "2.0.0", "too_small")
    assert [(change.kind, change.column) for change in found.changes] == [("column.removed", "day")]
    assert found.counts == {"major": 1, "minor": 0, "patch": 0}


def test_the_same_contract_in_another_syntax_has_no_changes():
    found = compared(Given(text=OLD), Given(text=json.dumps(RAIN, indent=3))).compared
    assert found and found.changes == () and found.level is None
    assert found.before.fingerprint == found.after.fingerprint


def test_addresses_are_asked_through_the_door(server: Server):
    url = server.route("/old.yaml", answer(OLD, content_type="application/yaml"))
    moved = server.route("/moved", redirect(server.route("/new.json", answer(NEW))))
    found = compared(Given(url=url), Given(url=moved)).compared
    assert found and found.level == "major"
    assert found.before.url == url


@pytest.fixture
def canary():
    """A server on the network that may not be asked."""
    started = Server(host="127.0.0.2").start()
    yield started
    assert started.connections == 0
    started.stop()


def test_no_address_leads_where_the_marketplace_may_not_go(server: Server, canary: Server):
    direct = canary.route("/contract", answer(NEW))
    led = server.route("/led", redirect(direct))
    for url in (direct, led):
        assert "not" in problem_of(Given(url=url))


def test_what_an_address_answers_wrongly_is_told(server: Server, monkeypatch: pytest.MonkeyPatch):
    assert "web page" in problem_of(Given(url=server.route("/page", answer("<html>", content_type="text/html"))))
    assert "404" in problem_of(Given(url=server.url("/nothing")))
    monkeypatch.setattr("marketplace.live.originals.DEADLINE_SECONDS", 0.3)
    assert "too long" in problem_of(Given(url=server.route("/hangs", hang)))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        ("just words", "plain text"),
        ("{", "broken"),
        ("[" * 5_000, "nested"),
        ("a: &a [x,x]\nb: &b [*a,*a]\n" + "".join(f"c{n}: &c{n} [*b,*b]\n" for n in range(3)) + "k: 1", "none of"),
        ("&a [*a]", "alias"),
        ("kind: DataContract\x00", "NUL"),
        ('{"kind": "DataProduct", "apiVersion": "v1.0.0", "id": "x"}', "no data contract"),
        ("<contract/>", "XML"),
    ],
)
def test_what_is_no_contract_is_told_so(text: str, word: str):
    assert word in problem_of(Given(text=text))


def test_an_alias_bomb_is_not_unfolded():
    bomb = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    assert "values" in problem_of(Given(text=bomb))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(max_size=200)
    | st.recursive(
        st.none() | st.text(max_size=8) | st.integers() | st.booleans(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(list(RAIN)), inner, max_size=8),
        max_leaves=20,
    ).map(lambda value: json.dumps({**RAIN, **value} if isinstance(value, dict) else value))
)
def test_whatever_is_given_there_is_an_answer(text: str):
    found = compared(Given(text=OLD), Given(text=text.encode("utf-8", "replace").decode()))
    assert found.state in ("done", "failed")
    assert found.compared
    assert found.compared.after.problem is None or found.compared.after.problem.kind != "internal"


def test_many_changes_are_cut_and_counted():
    wide = copy.deepcopy(RAIN)
    wide["schema"][0]["properties"] = [{"name": f"c{n}", "logicalType": "string"} for n in range(1_500)]
    found = compared(Given(text=OLD), Given(text=json.dumps(wide))).compared
    assert found and len(found.changes) == pairs.MAX_CHANGES
    assert found.left_out > 400
    assert sum((found.counts or {}).values()) == len(found.changes) + found.left_out


def test_what_was_given_is_kept_only_while_it_is_small(monkeypatch: pytest.MonkeyPatch):
    assert compared(Given(text=OLD), Given(text=NEW)).given == (Given(text=OLD), Given(text=NEW))
    monkeypatch.setattr(pairs, "MAX_KEPT", 10)
    found = compared(Given(text=OLD), Given(text=NEW))
    assert found.state == "done" and found.given == (Given(), Given())


# REST


def post(client: Client, body: Any) -> Any:
    return client.post(API, body, content_type="application/json")


def test_programs_ask_and_read_until_it_is_there(sign_in: SignIn, consumer: User, client: Client):
    begun = post(sign_in(consumer), {"before": {"text": OLD}, "after": {"text": NEW}})
    assert (begun.status_code, begun.json()["state"], begun.headers["Location"]) == (
        202, "waiting", begun.json()["address"],
    )  # fmt: skip
    assert client.get(begun.json()["address"]).json()["poll_after_ms"] == 250
    pairs.run(begun.json()["token"])
    found = client.get(begun.json()["address"]).json()
    assert (found["state"], found["poll_after_ms"], found["level"], found["suggested_version"], found["bump"]) == (
        "done", None, "major", "2.0.0", "too_small",
    )  # fmt: skip
    assert found["before"]["version"] == "1.4.2"
    assert [change["kind"] for change in found["changes"]] == ["column.removed"]
    other = post(sign_in(consumer), {"before": {"text": OLD}, "after": {"text": OLD.replace("One table", "A table")}})
    pairs.run(other.json()["token"])
    assert len(client.get(other.json()["address"]).json()["changes"]) == 1
    assert client.get(other.json()["address"], {"breaking": "true"}).json()["changes"] == []


TEXT = {"text": NEW}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "before"),
        ({"before": TEXT}, "after"),
        ({"before": {}, "after": TEXT}, "before"),
        ({"before": {**TEXT, "url": "https://a.example"}, "after": TEXT}, "before"),
        ({"before": {"text": ""}, "after": TEXT}, "before"),
        ({"before": {"text": "x" * 1_000_001}, "after": TEXT}, "before"),
        ({"before": {"text": "\u00fc" * 600_000}, "after": TEXT}, "before"),
        ({"before": {"url": "javascript:alert(1)"}, "after": TEXT}, "before"),
        ({"before": {"url": "http://u:p@a.example/"}, "after": TEXT}, "before"),
        ({"before": {"url": "http://a.example:6379/"}, "after": TEXT}, "before"),
        ({"before": [], "after": TEXT}, "before"),
        ({"before": TEXT, "after": "x"}, "after"),
    ],
)
def test_what_cannot_be_compared_is_refused_by_field(sign_in: SignIn, consumer: User, body: Any, field: str):
    answer = post(sign_in(consumer), body)
    assert answer.status_code == 400, answer.content
    assert field in answer.json()["errors"]


def test_a_contract_of_a_megabyte_is_taken_and_a_larger_body_is_not(sign_in: SignIn, consumer: User):
    client = sign_in(consumer)
    large = OLD + "# " + "\n" * (1_000_000 - len(OLD) - 2)
    assert post(client, {"before": {"text": large}, "after": {"text": large}}).status_code == 202
    assert post(client, {"before": {"text": "x" * 5_300_000}, "after": TEXT}).status_code == 413
    elsewhere = client.post("/api/v1/products/", {"title": "x" * 600_000}, content_type="application/json")
    assert elsewhere.status_code == 413


def test_who_may_and_how_often(sign_in: SignIn, consumer: User, client: Client, monkeypatch: pytest.MonkeyPatch):
    body = {"before": TEXT, "after": TEXT}
    assert post(client, body).status_code == 401
    monkeypatch.setattr("marketplace.catalogue.given_contracts_api.A_MINUTE", 2)
    signed_in = sign_in(consumer)
    assert [post(signed_in, body).status_code for _ in range(3)] == [202, 202, 429]
    assert int(post(signed_in, body).headers["Retry-After"]) > 0
    assert signed_in.post(PAGE, {"before_text": OLD, "after_text": NEW}).status_code == 429


@pytest.mark.parametrize("token", ["x", "A" * 24, "..%2f..", "\u00e4" * 24])
def test_an_unknown_comparison_is_not_found(client: Client, db: None, token: str):
    assert client.get(f"{API}{token}").status_code == 404
    assert client.get(f"{PAGE}{token}/").status_code == 404


def test_without_redis_it_says_so(sign_in: SignIn, consumer: User, settings: Any):
    client = sign_in(consumer)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert post(client, {"before": TEXT, "after": TEXT}).status_code == 503
    answer = client.post(PAGE, {"before_text": OLD, "after_text": NEW})
    assert answer.status_code == 503
    assert "Nothing can be compared right now" in answer.content.decode()
    assert client.get(f"{API}{'A' * 24}").status_code == 503
    assert client.get(f"{PAGE}{'A' * 24}/").status_code == 200


# The page


def test_people_paste_two_contracts_and_see_what_changed(sign_in: SignIn, consumer: User, client: Client):
    signed_in = sign_in(consumer)
    assert signed_in.get(PAGE).status_code == 200
    answer = signed_in.post(PAGE, {"before_text": OLD, "after_file": SimpleUploadedFile("new.json", NEW.encode())})
    assert answer.status_code == 302
    waiting = signed_in.get(answer.url).content.decode()
    assert f'hx-get="{answer.url}?n=1"' in waiting and "Load the page again" in waiting
    pairs.run(answer.url.split("/")[-2])
    shown = signed_in.get(answer.url).content.decode()
    assert "Daily rain 1.4.2 to Daily rain 1.5.0" in shown
    assert "1 breaking change" in shown and "too small" in shown
    assert "apiVersion: v3.2.0" in shown, "what was pasted is still in the form"
    fragment = signed_in.get(answer.url, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment and "1 breaking change" in fragment and "hx-get" not in fragment
    visitor = client.get(answer.url).content.decode()
    assert "1 breaking change" in visitor and "<textarea" not in visitor


def test_a_product_s_contract_is_filled_in(sign_in: SignIn, consumer: User):
    page = sign_in(consumer).get(PAGE, {"before": 'https://rain.example.org/c"><script>'}).content.decode()
    assert "https://rain.example.org/c&quot;&gt;&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({}, "Give one of the three"),
        ({"before_text": "  \n", "after_text": NEW}, "Give one of the three"),
        ({"before_text": OLD, "before_url": "https://a.example", "after_text": NEW}, "Give one of the three"),
        ({"before_url": "ftp://a.example", "after_text": NEW}, "http://"),
        ({"before_text": "a\x00b", "after_text": NEW}, "Null characters"),
        ({"before_file": SimpleUploadedFile("x", b"\xff\xfe\xff"), "after_text": NEW}, "UTF-8"),
        ({"before_file": SimpleUploadedFile("x", b"x" * 1_000_001), "after_text": NEW}, "1,000,000 bytes"),
    ],
)
def test_what_does_not_fit_is_said_beside_the_field(sign_in: SignIn, consumer: User, said: Any, message: str):
    answer = sign_in(consumer).post(PAGE, said)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert message in page
    if "before_text" in said and "\x00" not in said["before_text"]:
        assert page.count("<textarea") == 2


def test_a_file_that_is_far_too_large_is_not_read(sign_in: SignIn, consumer: User):
    client = sign_in(consumer)
    large = SimpleUploadedFile("x", b"x" * uploads.MOST)
    answer = client.post(PAGE, {"before_file": large, "after_text": NEW})
    assert answer.status_code == 413
    assert "3072 kB" in answer.content.decode()


def test_visitors_are_asked_to_sign_in(client: Client, db: None):
    answers: list[Any] = [client.get(PAGE), client.post(PAGE, {})]
    for found in answers:
        assert found.status_code == 302 and "/accounts/login/" in found.url


def test_script_in_a_contract_is_text(sign_in: SignIn, consumer: User):
    bad = copy.deepcopy(newer())
    bad["name"] = "<script>alert(1)</script>"
    bad["schema"][0]["properties"][0]["description"] = "<img src=x onerror=alert(1)>"
    token = pairs.begin(Given(text=OLD), Given(text=json.dumps(bad)))
    pairs.run(token)
    shown = sign_in(consumer).get(f"{PAGE}{token}/").content.decode()
    assert "&lt;script&gt;alert(1)" in shown
    assert "<script>alert(1)" not in shown and "<img src=x" not in shown


@pytest.mark.django_db(transaction=True)
def test_a_worker_takes_it_up(celery_worker: Any, sign_in: SignIn, consumer: User, wait_for: Callable[..., Any]):
    answer = sign_in(consumer).post(PAGE, {"before_text": OLD, "after_text": NEW})
    token = answer.url.split("/")[-2]
    assert wait_for(lambda: pairs.look(token).state == "done")
