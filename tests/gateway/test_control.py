"""The owner pauses, resumes and configures; nobody else does; a restart forgets none of it."""

import pytest

from gateway import grants

from .house import House
from .issuer import Issuer


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
