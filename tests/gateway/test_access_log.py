"""The access log: bounded, its totals never go back, strangers cannot fill it, and nobody waits for it."""

import sqlite3
import threading
import time

import pytest

from gateway import accesslog, grants
from gateway.accesslog import AccessLog
from gateway.config import Limits
from gateway.state import State

from .house import House
from .issuer import Issuer


@pytest.fixture
def issuer():
    grants.KEYS.forget()
    made = Issuer()
    yield made
    made.close()


def test_the_very_first_access_is_in_the_metrics_that_are_asked_for_next(client):
    own_id = client.get("/discover/artifacts").json()["artifacts"][0]["id"]
    assert client.get(f"/consume/{own_id}").status_code == 401
    assert client.get("/observe/metrics").json()["accesses"]["refused"] == 1


def log_of(directory, **limits):
    return AccessLog(State(directory), lambda: Limits(**limits))


def record(log, consumer="ada", status=200, **other):
    log.record(consumer=consumer, artifact="a", action="query", status=status, rows=1, size=10, **other)


def test_old_entries_go_and_the_totals_stay(tmp_path):
    log = log_of(tmp_path, log_rows=100)
    for _ in range(5):
        for _number in range(60):
            record(log)
        log.flush()
    assert len(log.latest(1000)) == 100
    assert log.sums() | {"byAction": {}} == {
        "accesses": 300, "refused": 0, "rows": 300, "bytes": 3000, "ingested": 0, "ingestCalls": 0, "consumers": 1,
        "byArtifact": {"a": 300}, "byAction": {},
    }  # fmt: skip
    assert log_of(tmp_path).sums()["accesses"] == 300


def test_entries_past_their_age_go_and_the_totals_stay(tmp_path, monkeypatch):
    log = log_of(tmp_path, log_days=1)
    record(log, "bob")
    log.flush()
    later = time.time() + 90_000
    monkeypatch.setattr(accesslog.time, "time", lambda: later)
    record(log)
    assert [entry["consumer"] for entry in log.latest()] == ["ada"]
    assert (log.sums()["accesses"], log.sums()["consumers"]) == (2, 1)


def test_who_has_no_valid_token_is_counted_and_not_stored(folder, client_of, issuer):
    house = House(folder, client_of, issuer.trust())
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic x"}):
        for _ in range(20):
            assert house.client.get(house.rain, headers=headers).status_code == 401
    assert house.log() == []
    sums = house.client.get("/observe/metrics").json()["accesses"]
    assert (sums["total"], sums["refused"], sums["byAction"]) == (60, 60, {"download": 60})
    assert house.client.get(house.rain, headers=issuer.bearer("observe", sub="eve")).status_code == 403
    assert [(entry["consumer"], entry["status"]) for entry in house.log()] == [("eve", 403)]


def test_the_totals_of_a_log_without_any_begin_with_what_is_in_it(tmp_path):
    """A state that a version before wrote."""
    with State(tmp_path).transaction() as db:
        db.execute(accesslog._TABLES.split(";")[0])
        row = (time.time(), "ada", None, None, "a", "download", 200, 7, 70)
        db.executemany("INSERT INTO access VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [row] * 3)
    log = log_of(tmp_path)
    record(log)
    sums = log.sums()
    assert (sums["accesses"], sums["rows"], sums["bytes"], sums["consumers"]) == (4, 22, 220, 1)


def test_recording_waits_for_no_disk_and_nothing_is_lost_while_it_is_busy(tmp_path):
    log = log_of(tmp_path)
    log.sums()
    blocker = sqlite3.connect(tmp_path / "state.sqlite3", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    done = threading.Event()

    def many():
        for _ in range(1000):
            record(log)
        done.set()

    thread = threading.Thread(target=many)
    thread.start()
    assert done.wait(20)  # while nobody else can write
    thread.join()
    blocker.execute("ROLLBACK")
    blocker.close()
    assert log.sums()["accesses"] == 1000
    assert len(log.latest(2000)) == 1000


def test_what_cannot_be_written_is_kept_bounded_and_still_counted(tmp_path, monkeypatch):
    log = log_of(tmp_path)
    full = sqlite3.OperationalError("database or disk is full")
    real = State.transaction

    def broken(_):
        raise full

    monkeypatch.setattr(State, "transaction", broken)
    monkeypatch.setattr(accesslog._WRITER, "wake", lambda _: None)
    for _ in range(3):
        for _number in range(accesslog.MAX_PENDING // 2):
            record(log)
        with pytest.raises(sqlite3.OperationalError):
            log.flush()
    monkeypatch.setattr(State, "transaction", real)
    assert log.sums()["accesses"] == accesslog.MAX_PENDING * 3 // 2
    assert len(log.latest(10**6)) == accesslog.MAX_PENDING


def test_entries_are_written_soon_by_themselves(tmp_path):
    log = log_of(tmp_path)
    record(log)
    deadline = time.monotonic() + 20
    while not (tmp_path / "state.sqlite3").is_file() or not _count(tmp_path):
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)


def _count(directory):
    try:
        with sqlite3.connect(directory / "state.sqlite3") as db:
            return db.execute("SELECT count(*) FROM access").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def test_what_was_recorded_last_is_written_when_the_gateway_ends(folder, client_of):
    house = House(folder, client_of, {"artifacts": {"rain": {"access": "open"}}})
    with house.client as client:
        assert client.get(house.rain).status_code == 200
    assert _count(folder / ".gateway") == 1


def test_metrics_cost_the_same_however_long_the_log_is(tmp_path):
    log = log_of(tmp_path)
    for number in range(20_000):
        record(log, f"consumer {number % 7}")
        if number % 5000 == 0:
            log.flush()
    log.flush()
    steps = []
    with log._state.transaction() as db:
        db.set_progress_handler(lambda: steps.append(1), 100)  # called each 100 instructions of SQLite
    log.sums()
    assert len(steps) < 50  # summing the log would take thousands
