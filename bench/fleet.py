"""`python -m bench.fleet`: many fast gateways in one process, each on a port of its own, for measurements.

Prints their ports as JSON when all listen, and ends when its input does. A gateway holds one product with one contract,
different from all others, and answers 304 to who has its ETag. One that hangs takes connections and never says a word.
"""

import argparse
import asyncio
import hashlib
import json
import subprocess
import sys
from functools import partial
from types import TracebackType
from typing import Any, Self, cast

import uvloop

HOST = "127.0.0.1"
COLUMNS = 20
PATHS = ("/discover", "/discover/metadata", "/discover/artifacts", "/discover/contracts/c", "/observe/health",
         "/observe/metrics")  # fmt: skip


def documents(number: int) -> dict[str, Any]:
    """What the gateway of this number answers, by path."""
    name = f"product-{number:05d}"
    links = {"metadata": PATHS[1], "artifacts": PATHS[2], "contract": PATHS[3], "health": PATHS[4], "metrics": PATHS[5]}
    columns = [
        {"name": f"column_{n}", "logicalType": "number", "required": n < 3, "description": f"Reading {n} of {name}."}
        for n in range(COLUMNS)
    ]
    artifact = {"id": f"rows-{number}", "name": "rows", "kind": "table", "contractId": name, "contractVersion": "1.0.0"}
    return {
        PATHS[0]: {
            "protocolVersion": "1", "id": name, "name": name, "title": f"Readings {number}",
            "summary": f"What station {number} measured, day by day. Twenty quantities. Since 1990.",
            "links": [{"rel": rel, "href": href} for rel, href in links.items()],
        },
        PATHS[1]: {
            "apiVersion": "v1.1.0", "kind": "DataProduct", "id": name, "name": name, "version": "1.0.0",
            "status": "active", "domain": "bench", "tags": ["readings", "daily"],
            "description": {"purpose": f"What station {number} measured, day by day."},
            "outputPorts": [{"name": "rows", "type": "tables", "version": "1.0.0", "contractId": name}],
            "team": {"name": "Stations", "members": [{"username": "ada", "role": "Data Product Owner"}]},
        },
        PATHS[2]: {"productId": name, "artifacts": [artifact]},
        PATHS[3]: {
            "apiVersion": "v3.2.0", "kind": "DataContract", "id": name, "version": "1.0.0", "status": "active",
            "name": f"Readings {number}", "description": {"purpose": "Daily readings.", "usage": "Any."},
            "schema": [{"name": "rows", "physicalType": "table", "properties": columns}],
            "slaProperties": [{"property": "latency", "value": 1, "unit": "d"}],
        },
        PATHS[4]: {"status": "pass", "checks": {"data:age": [{"status": "pass", "observedValue": 3}]}},
        PATHS[5]: {"requests": {"total": number}, "latencyMs": {"p95": 4}},
    }  # fmt: skip


def answers(number: int) -> dict[bytes, tuple[bytes, bytes, bytes]]:
    """By path: the ETag, the whole answer, and the answer to who has that ETag."""
    made = {}
    for path, document in documents(number).items():
        body = json.dumps(document).encode()
        etag = b'"' + hashlib.sha256(body).hexdigest()[:16].encode() + b'"'
        media_type = b"application/health+json" if path.endswith("health") else b"application/json"
        head = b"content-type: %b\r\netag: %b\r\ncontent-length: %d\r\n\r\n" % (media_type, etag, len(body))
        short = b"HTTP/1.1 304 Not Modified\r\netag: %b\r\n\r\n" % etag
        made[path.encode()] = (etag, b"HTTP/1.1 200 OK\r\n" + head + body, short)
    return made


class Answering(asyncio.Protocol):
    """One connection to a gateway; `delay` in seconds before each answer."""

    def __init__(self, known: dict[bytes, tuple[bytes, bytes, bytes]], delay: float) -> None:
        self.known, self.delay, self.buffer = known, delay, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            request, self.buffer = self.buffer[:end], self.buffer[end + 4 :]
            etag, whole, short = self.known[request.split(b" ", 2)[1]]
            answer = short if etag in request else whole
            if self.delay:
                asyncio.get_running_loop().call_later(self.delay, self.transport.write, answer)
            else:
                self.transport.write(answer)


async def serve(count: int, hanging: int, delay: float) -> None:
    """Listens on `count` ports that the system chooses; the last ones hang. Ends with standard input."""
    loop = asyncio.get_running_loop()
    ports = []
    for number in range(count):
        made = asyncio.Protocol if number >= count - hanging else partial(Answering, answers(number), delay)
        server = await loop.create_server(made, HOST, 0)
        ports.append(server.sockets[0].getsockname()[1])
    print(json.dumps(ports), flush=True)
    await asyncio.to_thread(sys.stdin.read)


class Fleet:
    """with Fleet(1000, hanging=50) as fleet: … fleet.urls, of which the last `hanging` never answer.

    `delay`: seconds before each answer of the others.
    """

    def __init__(self, count: int, *, hanging: int = 0, delay: float = 0.0) -> None:
        self.urls: list[str] = []
        self._command = [
            *(sys.executable, "-m", "bench.fleet", str(count), "--hanging", str(hanging), "--delay", str(delay)),
        ]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        ports = self._process.stdout.readline()
        if not ports:
            raise RuntimeError("the gateways to measure against did not start")
        self.urls = [f"http://{HOST}:{port}{PATHS[0]}" for port in json.loads(ports)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(10)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.fleet", description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--hanging", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    options = parser.parse_args()
    uvloop.run(serve(options.count, options.hanging, options.delay))


if __name__ == "__main__":
    main()
