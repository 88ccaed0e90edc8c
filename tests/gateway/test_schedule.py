"""Work by the clock: never twice at once, whatever the clock does, and what was found outlives the process."""

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest

from gateway import observatory as observatory_module
from gateway import schedule
from gateway.config import GatewayConfig
from gateway.live import LiveProduct
from gateway.observatory import RESULTS, Observatory
from gateway.schedule import Repeated, Scheduler
from gateway.state import State

from .conftest import RAIN, write
from .test_observing import SOON, until

EVERY = {"schedule": {"quality_minutes": 0.0001}, "observe": {"pause_seconds": 0}}


class Slow:
    """A job that takes until it is let go, and knows how many of it ran at once."""

    def __init__(self):
        self.go = threading.Event()
        self.runs = self.now = self.most = 0

    def __call__(self):
        self.now += 1
        self.most = max(self.most, self.now)
        self.go.wait(30)
        self.now -= 1
        self.runs += 1


def test_a_job_that_takes_longer_than_its_interval_never_runs_twice_at_once():
    slow, scheduler = Slow(), Scheduler()
    repeated = Repeated(scheduler, "look", slow, lambda: 0.001)
    repeated.start(0)
    until(lambda: slow.now)
    passed = threading.Event()
    scheduler.after(0.05, "look", passed.set)  # many intervals, on another thread of the lane
    assert passed.wait(30)
    assert (slow.runs, slow.most) == (0, 1)
    slow.go.set()
    until(lambda: slow.runs > 3)
    repeated.cancel()
    assert slow.most == 1


def test_an_ended_job_does_not_come_back_even_when_it_is_ended_while_it_runs():
    slow, scheduler = Slow(), Scheduler()
    repeated = Repeated(scheduler, "look", slow, lambda: 0.001)
    repeated.start(0)
    until(lambda: slow.now)
    repeated.cancel()
    slow.go.set()
    until(lambda: slow.runs)
    passed = threading.Event()
    scheduler.after(0.05, "look", passed.set)
    assert passed.wait(30)
    assert slow.runs == 1


def test_a_job_that_raises_runs_again():
    runs, scheduler = [], Scheduler()

    def bad():
        runs.append(1)
        raise RuntimeError("on purpose")

    repeated = Repeated(scheduler, "look", bad, lambda: 0.001)
    repeated.start(0)
    until(lambda: len(runs) > 2)
    repeated.cancel()


def test_an_interval_of_nothing_is_no_busy_loop_and_wakes_up_when_it_is_changed(monkeypatch):
    monkeypatch.setattr(schedule, "ASLEEP_SECONDS", 0.02)
    asked, ran, every = [], threading.Event(), [0.0]

    def interval():
        asked.append(1)
        return every[0]

    repeated = Repeated(Scheduler(), "look", ran.set, interval)
    repeated.start(0)
    until(lambda: len(asked) > 6)
    assert not ran.is_set()
    every[0] = 0.001
    assert ran.wait(30)
    repeated.cancel()


@pytest.fixture
def observing(folder):
    write(folder / "gateway.yaml", EVERY)
    live = LiveProduct(folder)
    return Observatory(live, State.beside(folder), lambda: live.snapshot.product.config.config)


def test_runs_asked_for_and_runs_by_the_schedule_take_turns(observing, monkeypatch):
    slow = Slow()
    real = observing.run
    monkeypatch.setattr(observing, "run", lambda: (slow(), real())[1])
    slow.go.set()
    observing.start()
    for _ in range(5):
        done = observing.ask()
        if done is not None:
            done.result(60)
    until(lambda: slow.runs >= 2)
    observing.stop()
    assert slow.most == 1


def test_a_clock_that_was_put_back_does_not_stop_the_measuring(observing, folder):
    observing.run()
    kept = observing.state.get(RESULTS)
    kept["document"]["observedAt"] = (datetime.now(UTC) + timedelta(days=400)).isoformat()
    observing.state.put(RESULTS, kept)
    again = Observatory(observing.live, observing.state, lambda: GatewayConfig.model_validate(
        {"schedule": {"quality_minutes": 60}, "observe": {"pause_seconds": 3600}}))  # fmt: skip
    assert again.last().observed_at > datetime.now(UTC)
    done = again.ask()
    assert done is not None
    done.result(60)
    assert again.last().observed_at <= datetime.now(UTC)
    assert again.ask() is None, "and now it is as usual"


def test_a_clock_that_was_put_forward_has_it_measured_again(observing, monkeypatch):
    observing.run()
    first = observing.last().observed_at
    config = GatewayConfig.model_validate({"schedule": {"quality_minutes": 60}})
    again = Observatory(observing.live, observing.state, lambda: config)
    assert again.ask() is None

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return first + timedelta(days=400)

    monkeypatch.setattr(observatory_module, "datetime", Later)
    done = again.ask()
    assert done is not None
    done.result(60)


def test_results_of_another_version_are_measured_anew(observing):
    observing.state.put(RESULTS, {"document": {"kind": "Something"}, "key": "x"})
    assert observing.last() is None
    assert observing.run().status == "pass"


def test_a_rule_that_runs_for_ever_ends_and_is_named(folder, client_of):
    document = json.loads(json.dumps(RAIN))
    query = "SELECT count(*) FROM range(100000000000) a"
    document["schema"][0]["quality"] = [{"id": "endless", "type": "sql", "query": query, "mustBe": 0}]
    write(folder / "contracts" / "rain.odcs.yaml", document)
    settings = {"pause_seconds": 0, "rule_seconds": 0.3, "artifact_seconds": 60}
    write(folder / "gateway.yaml", {"schedule": {"quality_minutes": 0}, "observe": settings})
    client = client_of(folder)
    results = client.get("/observe/results", headers=SOON).json()["results"]
    by_status = {result["id"]: (result["status"], result.get("message")) for result in results}
    said = "Could not be evaluated. The query took too long and was stopped."
    assert by_status["rain/rain.endless"] == ("error", said)
    assert by_status["rain/rain.station.required"][0] == "pass"
    assert "rules unevaluated" in client.get("/observe/health").json()["output"]


def test_what_was_found_is_there_after_a_restart_before_anything_is_measured(folder, observing):
    before = observing.run()
    again = Observatory(LiveProduct(folder), State.beside(folder), lambda: GatewayConfig())
    assert again.last().id == before.id
    assert again.current()
    assert again.known().roles == observing.known().roles
