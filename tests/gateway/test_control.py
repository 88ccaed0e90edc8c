"""The owner pauses, resumes and configures; nobody else does; a restart forgets none of it."""

import shutil

import pytest
from starlette.testclient import TestClient

from gateway import grants
from gateway.app import create_app
from gateway.state import State

from .house import House
from .issuer import Issuer
from .test_observing import until


@pytest.fixture
def issuer():
    grants.KEYS.forget()
    made = Issuer()
    yield made
    made.close()


@pytest.fixture
def house(folder, client_of, issuer):
    artifacts = {"rain": {"access": "open", "ingest": True}}
    return House(folder, client_of, {**issuer.trust(), "artifacts": artifacts})


def post(house, name, headers, client=None, **body):
    return (client or house.client).post(f"/control/{name}", json=body, headers=headers)


@pytest.mark.parametrize(("stop", "start"), [("pause", "resume"), ("stop", "start")])
def test_paused_is_said_everywhere_and_survives_a_restart(house, issuer, stop, start):
    owner = issuer.bearer("control", sub="owner")
    answer = post(house, stop, owner, reason="Being repaired.", retryAfterSeconds=77)
    assert (answer.status_code, answer.json()["status"], answer.json()["by"]) == (200, "paused", "owner")
    for client in (house.client, house.client_of(house.folder)):
        ingest = client.post(f"/ingest/{house.ids['rain']}", json=[{"station": "x"}], headers=issuer.bearer("ingest"))
        query = client.post(f"{house.rain}/query", json={"sql": "SELECT 1"})
        for refused in (client.get(house.rain), query, client.post(f"{house.rain}/orders"), ingest):
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "77")
            assert "Being repaired." in refused.json()["detail"]
        assert client.get("/discover").json()["status"] == "paused"
        health = client.get("/observe/health")
        assert (health.status_code, health.json()["status"]) == (200, "pass")
        assert "Being repaired." in "".join(health.json()["notes"])
    assert post(house, start, owner).json()["status"] == "running"
    assert house.client.get(house.rain).status_code == 200
    assert house.client.get("/discover").json()["status"] == "active"
    assert house.client_of(house.folder).get(house.rain).status_code == 200


@pytest.mark.parametrize("name", ["pause", "resume", "configure", "start", "stop"])
@pytest.mark.parametrize(("scope", "status"), [(None, 401), ("consume", 403), ("certify ingest observe", 403),
                                               ("control:x", 403)])  # fmt: skip
def test_control_needs_its_scope(house, issuer, name, scope, status):
    headers = issuer.bearer(scope) if scope else None
    assert post(house, name, headers).status_code == status
    assert house.client.get(house.rain).status_code == 200


def test_limits_are_changed_while_it_runs_and_kept(house, issuer):
    owner = issuer.bearer("control")
    answer = post(house, "configure", owner, limits={"query_rows": 2})
    assert (answer.status_code, answer.json()["limits"]) == (200, {"query_rows": 2})
    assert len(house.rows("FROM data")) == 2
    again = house.client_of(house.folder)
    assert again.post(f"{house.rain}/query", json={"sql": "FROM data"}).json()["truncated"] is True
    assert post(house, "configure", owner, limits={"query_rows": None}).json()["limits"] == {}
    assert len(house.rows("FROM data")) == 150


BAD_LIMITS = [{"query_rows": 0}, {"nope": 1}, {"query_rows": "a"}, 1, {"query_seconds": 1e9}]


@pytest.mark.parametrize("body", [{"limits": limits} for limits in BAD_LIMITS])
def test_limits_that_cannot_be(house, issuer, body):
    answer = post(house, "configure", issuer.bearer("control"), **body)
    assert (answer.status_code, answer.json()["status"]) == (422, 422)
    assert len(house.rows("FROM data")) == 150


def test_bodies_that_are_no_order_to_pause(house, issuer):
    owner = issuer.bearer("control")
    for body, status in ((b"{", 400), (b"[1]", 422), (b'{"retryAfterSeconds": 0}', 422), (b"x" * 30_000, 413)):
        answer = house.client.post(
            "/control/pause", content=body, headers={**owner, "Content-Type": "application/json"}
        )
        assert answer.status_code == status
    assert house.client.post("/control/pause", headers=owner).status_code == 200
    assert house.client.get("/control/pause").status_code == 405


def test_a_token_that_is_not_for_this_owner_changes_nothing(house, issuer):
    wrong = [
        {"aud": "https://other.example.org"},
        {"exp": 1},
        {"product": "urn:dp:other:product"},
        {"iss": "https://x"},
    ]
    for claims in wrong:
        for name in ("pause", "configure"):
            assert post(house, name, issuer.bearer("control", **claims), limits={"query_rows": 1}).status_code == 401
    assert house.client.get(house.rain).status_code == 200
    assert len(house.rows("FROM data")) == 150


def test_what_was_ordered_waits_until_the_pause_is_over_and_all_else_still_answers(house, issuer):
    order = house.client.post(f"{house.rain}/orders", json={}).headers["location"]
    until(lambda: house.client.get(order).json()["status"] == "ready")
    owner = issuer.bearer("control")
    post(house, "pause", owner, retryAfterSeconds=5)
    result = house.client.get(f"{order}/result")
    assert (result.status_code, result.headers["retry-after"]) == (503, "5")
    for path in ("/discover", "/discover/metadata", "/discover/artifacts", "/observe/health", "/observe/metrics",
                 "/observe/results", "/certify/status", "/discover/openapi.json"):  # fmt: skip
        assert house.client.get(path).status_code == 200
    again = post(house, "pause", owner, reason="Longer.", retryAfterSeconds=9).json()
    assert again["since"] == post(house, "pause", owner, reason="Longer.", retryAfterSeconds=9).json()["since"]
    assert house.client.get(house.rain).headers["retry-after"] == "9"
    post(house, "resume", owner)
    assert house.client.get(f"{order}/result").status_code == 200


def test_a_pause_and_limits_of_a_product_are_its_own(house, issuer, tmp_path, client_of):
    other = House(copied(house.folder, tmp_path / "other"), client_of, house.config)
    post(house, "pause", issuer.bearer("control"))
    assert (house.client.get(house.rain).status_code, other.client.get(other.rain).status_code) == (503, 200)


def copied(folder, to):
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns(".gateway"))
    return to


def test_limits_that_a_later_version_would_not_allow_are_left_out_and_nothing_stops(house):
    state = house.client.app.state.context.state
    state.put("control.limits", {"query_rows": -1, "unknown": 3})
    again = house.client_of(house.folder)
    assert again.post(f"{house.rain}/query", json={"sql": "FROM data"}).json()["rowCount"] == 150


def test_where_nothing_can_be_kept_a_pause_still_holds_and_health_says_what_it_is_worth(house, issuer, tmp_path):
    (tmp_path / "taken").write_text("a file where the directory should be")
    client = TestClient(create_app(house.folder, state=State(tmp_path / "taken")))
    assert post(house, "pause", issuer.bearer("control"), client).status_code == 200
    assert client.get(house.rain).status_code == 503
    assert "kept in memory" in "".join(client.get("/observe/health").json()["notes"])
