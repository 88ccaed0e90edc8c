"""`python -m bench.gateway`: speed and memory of the gateway. The load comes from processes of its own, over loopback.

Figures asked for, one process on one core: /discover/metadata at 2,000 requests/s with p99 of at most 10 ms, answers to
a known ETag at 4,000/s, start within 1 s, at most 80 MB resident with 100 products.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.queues import Queue
from pathlib import Path

HOST = "127.0.0.1"
SECONDS = 5.0
CONNECTIONS = 8
"""At once, over all processes that ask."""
PROCESSES = 2
PRODUCTS = 100
DOWNLOAD = 2_000_000_000
Answers = tuple[list[float], dict[int, int]]
"""Seconds each answer took, and how many had which status."""


@dataclass(frozen=True)
class Load:
    """What a load gave: requests a second, and percentiles of the time to answer in milliseconds."""

    per_second: float
    p50: float
    p99: float
    statuses: dict[int, int]

    def __str__(self) -> str:
        return f"{self.per_second:,.0f} requests/s  p50 {self.p50:.2f} ms  p99 {self.p99:.2f} ms  {self.statuses}"


class _Asker(asyncio.Protocol):
    """One kept connection: sends the next request when the answer is there, as wrk does."""

    def __init__(self, request: bytes, until: float, times: list[float], statuses: dict[int, int]) -> None:
        self.request, self.until, self.times, self.statuses = request, until, times, statuses
        self.buffer = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._send()

    def _send(self) -> None:
        self.begun = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.buffer = self.buffer + data if self.buffer else data
        head, end, body = self.buffer.partition(b"\r\n\r\n")
        if not end:
            return
        status = int(head[9:12])
        lower = head.lower()
        at = lower.find(b"content-length:")
        if status != 304 and len(body) < (int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0):
            return
        now = time.perf_counter()
        self.times.append(now - self.begun)
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.buffer = b""
        if now < self.until:
            self._send()
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def _ask(port: int, request: bytes, seconds: float, count: int) -> tuple[list[float], dict[int, int]]:
    times: list[float] = []
    statuses: dict[int, int] = {}
    until = time.perf_counter() + seconds
    loop = asyncio.get_running_loop()
    askers = [
        (await loop.create_connection(lambda: _Asker(request, until, times, statuses), HOST, port))[1]
        for _ in range(count)
    ]
    await asyncio.gather(*(asker.done for asker in askers))
    return times, statuses


def _process(port: int, request: bytes, seconds: float, count: int, answers: "Queue[Answers]") -> None:
    answers.put(asyncio.run(_ask(port, request, seconds, count)))


def load(port: int, path: str, headers: dict[str, str] | None = None, *, seconds: float = SECONDS) -> Load:
    """Ask for one address as fast as it answers, from several processes. Blocks for `seconds`."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {HOST}:{port}", *(f"{k}: {v}" for k, v in (headers or {}).items())]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    context = multiprocessing.get_context("fork")
    answers: Queue[Answers] = context.Queue()
    share = max(1, CONNECTIONS // PROCESSES)
    workers = [
        context.Process(target=_process, args=(port, request, seconds, share, answers)) for _ in range(PROCESSES)
    ]
    for worker in workers:
        worker.start()
    times: list[float] = []
    statuses: dict[int, int] = {}
    for _ in workers:
        some, counts = answers.get(timeout=seconds + 30)
        times += some
        for status, count in counts.items():
            statuses[status] = statuses.get(status, 0) + count
    for worker in workers:
        worker.join()
    cuts = statistics.quantiles(times, n=100)
    return Load(len(times) / seconds, cuts[49] * 1000, cuts[98] * 1000, statuses)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        return int(taken.getsockname()[1])


def get(port: int, path: str) -> tuple[int, dict[str, str], bytes]:
    """One answer over a connection of its own."""
    import http.client

    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def download(port: int, path: str, size: int, weigh: Callable[[], float]) -> tuple[float, float]:
    """Fetch a file whole: megabytes a second, and by how many megabytes the gateway grew at most."""
    import http.client

    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    try:
        before = heaviest = weigh()
        begun = time.perf_counter()
        connection.request("GET", path)
        answer = connection.getresponse()
        got, buffer, next_look = 0, bytearray(1 << 20), 0
        while count := answer.readinto(buffer):
            got += count
            if got >= next_look:
                heaviest, next_look = max(heaviest, weigh()), got + (50 << 20)
        if (answer.status, got) != (200, size):
            raise RuntimeError(f"{got} of {size} bytes came, with status {answer.status}")
        return size / 1e6 / (time.perf_counter() - begun), heaviest - before
    finally:
        connection.close()


class Gateway:
    """`python -m gateway serve` on a folder, held to one core; `seconds` is how long it took to answer."""

    def __init__(self, folder: Path, path: str) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "gateway", "serve", str(folder), "--port", str(self.port)]
        begun = time.monotonic()
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while True:
            try:
                if get(self.port, path)[0] == 200:
                    break
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() - begun > 60:
                self.stop()
                raise RuntimeError(f"the gateway of {folder} does not answer (exit code {self.process.returncode})")
            time.sleep(0.005)
        self.seconds = time.monotonic() - begun
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(self.process.pid, {max(os.sched_getaffinity(0))})

    @property
    def megabytes(self) -> float:
        """Resident memory now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(10)


def write_products(folder: Path, count: int) -> None:
    """That many product folders with one table each, as `<domain>-<number>`."""
    import yaml

    for number in range(count):
        own = folder / f"product-{number:03d}"
        (own / "contracts").mkdir(parents=True)
        (own / "data").mkdir()
        (own / "data" / "rows.csv").write_text("id,value\n" + "".join(f"{n},{n * 2}\n" for n in range(50)))
        name, contract = f"product-{number:03d}", f"contract-{number:03d}"
        columns = [{"name": n, "logicalType": "integer", "required": True} for n in ("id", "value")]
        odps = {
            "apiVersion": "v1.1.0", "kind": "DataProduct", "id": f"bench-{number}", "name": name, "version": "1.0.0",
            "status": "active", "domain": "bench", "description": {"purpose": "Rows to measure with."},
            "outputPorts": [{"name": "rows", "type": "table", "version": "1.0.0", "contractId": contract}],
            "customProperties": [{"property": "accessRights", "value": "open"}],
        }  # fmt: skip
        odcs = {
            "apiVersion": "v3.2.0", "kind": "DataContract", "id": contract, "version": "1.0.0", "status": "active",
            "servers": [{"server": "local", "type": "local", "path": "data/rows.csv", "format": "csv"}],
            "schema": [{"name": "rows", "physicalType": "table", "properties": columns}],
        }  # fmt: skip
        (own / "product.odps.yaml").write_text(yaml.safe_dump(odps, sort_keys=False))
        (own / "contracts" / "rows.odcs.yaml").write_text(yaml.safe_dump(odcs, sort_keys=False))


def measure(seconds: float = SECONDS) -> dict[str, object]:
    """All figures, by name. About 30 s at the default; 2 GB of disk that a sparse file only seems to take."""
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_products(folder, PRODUCTS)
        one = Gateway(folder / "product-000", "/discover")
        try:
            figures["gateway, start to first answer, s"] = round(one.seconds, 2)
            figures["gateway, resident, one product, MB"] = round(one.megabytes)
            etag = get(one.port, "/discover/metadata")[1]["etag"]
            load(one.port, "/discover/metadata", seconds=min(1.0, seconds))
            figures["gateway, /discover/metadata"] = load(one.port, "/discover/metadata", seconds=seconds)
            hits = load(one.port, "/discover/metadata", {"If-None-Match": etag}, seconds=seconds)
            figures["gateway, known ETag"] = hits
            figures["gateway, resident after that, MB"] = round(one.megabytes)
            with (folder / "product-000" / "data" / "rows.csv").open("r+b") as file:
                file.truncate(DOWNLOAD)
            artifact = json.loads(get(one.port, "/discover/artifacts")[2])["artifacts"][0]["id"]
            speed, grown = download(one.port, f"/consume/{artifact}", DOWNLOAD, lambda: one.megabytes)
            figures["gateway, download of 2 GB, MB/s"] = round(speed)
            figures["gateway, grown by it at most, MB"] = round(grown, 1)
        finally:
            one.stop()
        many = Gateway(folder, "/bench/product-099/discover")
        try:
            figures[f"gateway, start with {PRODUCTS} products, s"] = round(many.seconds, 2)
            for number in range(PRODUCTS):
                get(many.port, f"/bench/product-{number:03d}/discover/metadata")
            path = f"/bench/product-{PRODUCTS - 1:03d}/discover/metadata"
            figures[f"gateway, the last of {PRODUCTS} products"] = load(many.port, path, seconds=seconds)
            figures[f"gateway, resident, {PRODUCTS} products, MB"] = round(many.megabytes)
        finally:
            many.stop()
    return figures


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m bench.gateway", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each load (5)")
    parser.add_argument("--json", action="store_true", help="as JSON")
    options = parser.parse_args()
    figures = measure(options.seconds)
    if options.json:
        print(json.dumps({name: vars(v) if isinstance(v, Load) else v for name, v in figures.items()}, indent=1))
    else:
        for name, value in figures.items():
            print(f"{name:<44} {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
