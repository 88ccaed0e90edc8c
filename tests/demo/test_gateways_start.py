"""`python -m demo serve` as a user starts it: all gateways answer, and it stops and refuses cleanly."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from demo.loading import FOLDER, HOST
from tests.demo.documents import MESH, product_document

DEADLINE = 60.0
COMMAND = [sys.executable, "-m", "demo", "serve"]


def free_base_port() -> int:
    """A base port with all ports of the mesh free above it."""
    for _ in range(100):
        base = random.randrange(20000, 60000)  # noqa: S311 - a guess, not a secret
        with contextlib.ExitStack() as opened:
            try:
                for product in MESH.products:
                    opened.enter_context(socket.create_server((HOST, product.port(base))))
            except OSError:
                continue
            return base
    raise AssertionError("no free ports found")


def environment(base: int | str) -> dict[str, str]:
    return os.environ | {"DEMO_GATEWAY_PORT": str(base), "DEMO_GATEWAY_HOST": HOST}


@dataclass
class Running:
    process: subprocess.Popen[str]
    base: int
    first_line: str


@pytest.fixture(scope="module")
def gateways() -> Iterator[Running]:
    base = free_base_port()
    process = subprocess.Popen(
        COMMAND, cwd=FOLDER.parent, env=environment(base), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    watchdog = threading.Timer(DEADLINE, process.kill)  # a start that hangs ends the wait for its first line
    watchdog.start()
    try:
        assert process.stdout is not None
        first_line = process.stdout.readline()
        watchdog.cancel()
        yield Running(process, base, first_line)
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def test_says_in_one_line_what_listens(gateways: Running):
    assert gateways.first_line == (
        f"15 gateways listening on {HOST}:{gateways.base + 1}-{gateways.base + 16} (1 slow, 1 deliberately down)\n"
    )


def test_every_gateway_serves_its_own_product(gateways: Running):
    with httpx2.Client(timeout=10) as client:
        for product in MESH.products:
            url = product.discovery_url(gateways.base)
            if product.behaviour == "down":
                with pytest.raises(httpx2.ConnectError):
                    client.get(url)
                continue
            index = client.get(url).json()
            assert (index["domain"], index["name"], index["title"]) == (product.domain, product.name, product.title)
            assert index["summary"] == product.summary
            assert client.get(f"{product.base_url(gateways.base)}/discover/metadata").json() == product_document(
                product
            )


def test_every_gateway_is_healthy_and_every_sample_of_rows_answers_as_its_access_says(gateways: Running):
    with httpx2.Client(timeout=10) as client:
        for product in MESH.products:
            if product.behaviour != "ok":
                continue
            base = product.base_url(gateways.base)
            health = client.get(f"{base}/observe/health").json()
            assert health["status"] == "pass", (product.urn, health)
            for artifact in client.get(f"{base}/discover/artifacts").json()["artifacts"]:
                if artifact["format"] in ("csv", "json", "geojson", "text"):
                    sample = client.get(f"{base}/discover/artifact/{artifact['id']}/sample")
                    if product.access_mode != "open":
                        assert sample.status_code == 401, sample.text
                        continue
                    assert sample.status_code == 200, sample.text
                    assert sample.json()["rows"], artifact["name"]


def test_the_slow_one_takes_its_time_and_holds_up_nobody(gateways: Running):
    slow = next(product for product in MESH.products if product.behaviour == "slow")
    quick = next(product for product in MESH.products if product.behaviour == "ok")
    order: list[str] = []
    took: dict[str, float] = {}

    def ask(name: str, url: str) -> None:
        started = time.monotonic()
        httpx2.get(url, timeout=20).raise_for_status()
        took[name] = time.monotonic() - started
        order.append(name)

    thread = threading.Thread(target=ask, args=("slow", slow.discovery_url(gateways.base)))
    thread.start()
    ask("quick", quick.discovery_url(gateways.base))
    thread.join()
    assert order == ["quick", "slow"]
    assert took["slow"] >= 1.2


def test_memory_stays_small(gateways: Running):
    rollup = Path(f"/proc/{gateways.process.pid}/smaps_rollup")
    if not rollup.exists():
        pytest.skip("needs /proc/<pid>/smaps_rollup (Linux) to measure PSS")
    pss = next(int(line.split()[1]) for line in rollup.read_text("ascii").splitlines() if line.startswith("Pss:"))
    assert pss <= 80 * 1024, f"{pss} kB"


def test_a_taken_port_is_said_with_what_to_do(gateways: Running):
    second = subprocess.run(
        COMMAND, cwd=FOLDER.parent, env=environment(gateways.base), capture_output=True, text=True, timeout=DEADLINE
    )
    assert second.returncode == 1
    assert f"Port {gateways.base + 1} of {HOST}" in second.stderr
    assert "DEMO_GATEWAY_PORT" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_port_that_is_no_number_is_refused():
    wrong = subprocess.run(
        COMMAND, cwd=FOLDER.parent, env=environment("many"), capture_output=True, text=True, timeout=DEADLINE
    )
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "DEMO_GATEWAY_PORT is 'many'" in wrong.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_stops_all_of_them(number: signal.Signals):
    base = free_base_port()
    process = subprocess.Popen(
        COMMAND, cwd=FOLDER.parent, env=environment(base), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    watchdog = threading.Timer(DEADLINE, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        assert "listening" in process.stdout.readline()
        process.send_signal(number)
        rest = process.stdout.read()
        assert process.wait() == 0
        assert rest == ""
        socket.create_server((HOST, MESH.products[0].port(base))).close()
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
