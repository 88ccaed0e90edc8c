"""The process of a gateway: its logs, and how it ends."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def process(folder: Path, *options: str):
    """`python -m gateway serve`, once it listens; port, process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gateway", "serve", str(folder), "--port", str(port), *options]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    lines = []
    try:
        for line in running.stderr:
            lines.append(line)
            if "Uvicorn running on" in line:
                break
        else:
            pytest.fail(f"did not start: {''.join(lines)}")
        yield port, running, lines
    finally:
        running.kill()
        running.wait(10)
        running.stderr.close()


def ask(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Authorization": "Bearer very-secret"})
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_request_under_way_is_answered_before_the_gateway_ends(folder):
    with process(folder, "--delay", "0.5") as (port, running, _):
        idle = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        asking = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        for connection in (idle, asking):
            connection.request("GET", "/discover")
            connection.getresponse().read()
        asking.request("GET", "/discover/metadata")
        os.kill(running.pid, signal.SIGTERM)
        assert asking.getresponse().status == 200
        assert running.wait(5) in (0, -signal.SIGTERM)  # the idle connection does not hold it up
        idle.close()
        asking.close()


def test_logs_are_json_lines_without_queries_and_tokens(folder):
    with process(folder, "--log-requests") as (port, running, lines):
        assert ask(port, "/discover/metadata?token=very-secret") == 200
        assert ask(port, "/nothing%0ahere") == 404
        running.terminate()
        lines += running.stderr.readlines()
    entries = [json.loads(line) for line in lines]
    requests = [entry for entry in entries if entry["logger"] == "gateway.requests"]
    assert [(entry["method"], entry["status"]) for entry in requests] == [("GET", 200), ("GET", 404)]
    assert requests[0]["path"] == "/discover/metadata"
    assert requests[0]["milliseconds"] > 0
    assert "very-secret" not in "".join(lines)


def test_logs_for_people_are_text(folder):
    with process(folder, "--log-format", "text") as (_, _, lines):
        assert lines[-1].startswith("INFO ")
