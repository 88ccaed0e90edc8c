"""What no answer tells: where things lie on the producer's machine, what failed inside, who asked from where."""

import json
import logging
import sys
from io import BytesIO
from pathlib import Path

import duckdb
import pytest
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.consume import worker
from gateway.state import State
from gateway.subscriptions.register import KIND
from gateway.subscriptions.service import EVENT_TYPES

from .conftest import write
from .house import House

OPEN = {"artifacts": {"rain": {"access": "open"}, "how-to": {"access": "open"}}}


def test_a_state_that_cannot_be_kept_is_told_without_its_path(folder, tmp_path):
    (tmp_path / "in-the-way").write_text("")
    app = create_app(folder, state=State(tmp_path / "in-the-way" / "state"))
    with TestClient(app) as client:
        app.state.context.state.put("x", 1)
        health = client.get("/observe/health")
    assert "kept in memory" in health.text
    assert "in-the-way" not in health.text
    assert str(tmp_path) not in health.text


def without_packages(tmp_path, monkeypatch):
    """From now on the subprocesses are of a Python that has nothing installed."""
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bare))


@pytest.mark.parametrize("call", ["query", "download", "order"])
def test_a_worker_that_cannot_start_is_the_gateways_fault_and_not_the_callers(
    folder, client_of, tmp_path, monkeypatch, caplog, call
):
    masked = {"rain": {"access": "open", "roles": {"default": {"mask": {"station": "redact"}}}}}
    house = House(folder, client_of, {"artifacts": masked})
    without_packages(tmp_path, monkeypatch)
    with caplog.at_level(logging.ERROR):
        if call == "query":
            answer = house.ask("FROM data")
        elif call == "download":
            answer = house.client.get(house.rain)
        else:
            answer = house.client.post(f"{house.rain}/orders", json={"format": "csv"})
            while answer.json()["status"] in ("accepted", "running"):
                answer = house.client.get(answer.json()["links"][0]["href"])
    told = answer.json()
    assert (answer.status_code, told.get("status")) in ((503, 503), (200, "failed"))
    assert "its log" in told["detail"]
    assert "memory" not in told["detail"]
    assert "Traceback" not in answer.text
    assert "ModuleNotFoundError" in caplog.text


@pytest.mark.parametrize(
    "text",
    [
        "INTERNAL Error: Attempted to access index 3\n\nStack Trace:\n\n0x7f1 in /opt/venv/lib/duckdb.so",
        (
            "Invalid Input Error: Required module 'pytz' failed to import, due to the following Python exception:\n"
            "ModuleNotFoundError: No module named 'pytz'\n\nAt:\n  /opt/venv/lib/x.py(3): fetch"
        ),
        'Invalid Input Error: Python exception: Traceback (most recent call last):\n  File "/opt/venv/x.py", line 3',
    ],
)
def test_what_fails_inside_duckdb_is_not_passed_on(text):
    told = worker._told(duckdb.InvalidInputException(text))
    for inside in ("Trace", "/opt", "pytz", "ModuleNotFoundError", "0x7f1"):
        assert inside not in told
    assert told


def test_what_is_wrong_with_a_query_is_passed_on(folder, client_of):
    house = House(folder, client_of, OPEN)
    assert "nosuch" in house.ask("SELECT nosuch FROM data").json()["detail"]
    assert "LINE 1" in house.ask("SELECT mm mm mm FROM data").json()["detail"]


def test_what_was_brought_here_is_gone_before_foreign_sql_is_looked_at(tmp_path, monkeypatch):
    (tmp_path / "rows.json").write_text('[{"name": "Ada"}, {"name": "Bob"}]')
    (tmp_path / "own").mkdir()
    monkeypatch.chdir(tmp_path / "own")
    seen = []
    asked = worker._asked

    def asking(*arguments):
        seen.append(sorted(path.name for path in Path.cwd().rglob("*") if path.is_file()))
        return asked(*arguments)

    monkeypatch.setattr(worker, "_asked", asking)
    source = {"type": "file", "format": "json", "path": str(tmp_path / "rows.json"), "text_columns": []}
    job = {"source": source, "name": "people", "format": "rows", "salt": "", "sql": "FROM data", "memory_mb": 256,
           "disk_mb": 10, "rules": {"mask": {"name": "redact"}, "filter": None}}  # fmt: skip
    out = BytesIO()
    assert worker.run(job, out) == {"rows": 2, "truncated": False}
    assert [json.loads(line) for line in out.getvalue().splitlines()[1:]] == [["***"], ["***"]]
    assert seen == [[]]


def test_subscribers_are_kept_without_their_address(folder, client_of):
    write(folder / "gateway.yaml", {"deliveries": {"allow_internal": True}})
    client = client_of(folder)
    path = "/observe/events/subscriptions"
    assert client.post(path, json={"url": "http://127.0.0.1/x"}).status_code == 201
    [kept] = client.app.state.context.state.items(KIND).values()
    assert "testclient" not in json.dumps(kept)


def test_all_that_is_told_of_is_offered(client):
    offered = client.get("/observe/events/subscriptions").json()["types"]
    assert {"order.placed", "order.ready", "order.failed"} <= set(offered) == set(EVENT_TYPES)
