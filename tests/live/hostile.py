"""A server that can do everything wrong, on real sockets of loopback, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import ssl
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

Headers = dict[str, str]


@dataclass(frozen=True)
class Request:
    path: str
    headers: Headers


Handler = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """`routes` by path (without query); everything else is 404. `requests` counts by path, `connections` all."""

    host: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None
    port: int = 0
    connections: int = 0
    at_once: int = 0
    most_at_once: int = 0
    requests: Counter[str] = field(default_factory=Counter)
    seen: list[Request] = field(default_factory=list)
    routes: dict[str, Handler] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> Server:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, self.host, self.port, ssl=self.tls), self._loop
        ).result(5)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def stop_listening(self) -> None:
        """From now on, connections are refused."""

        async def end() -> None:
            self._server.close()

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(5)

    def stop(self) -> None:
        async def end() -> None:
            self._server.close()
            for task in asyncio.all_tasks():
                if task is not asyncio.current_task():
                    task.cancel()
            await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    @property
    def base(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    def url(self, path: str) -> str:
        return f"{self.base}{path}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, TimeoutError):
            while True:
                lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines[1:] if x)}
                target = lines[0].split(" ")[1]
                path = target.split("?")[0]
                self.requests[path] += 1
                request = Request(target, headers)
                self.seen.append(request)
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
                try:
                    await self.routes.get(path, not_found)(request, writer)
                finally:
                    self.at_once -= 1
        with contextlib.suppress(Exception):
            writer.close()

    def route(self, path: str, handler: Handler) -> str:
        """Adds a route and returns its URL."""
        self.routes[path] = handler
        return self.url(path)


def answer(body: bytes | str | object, status: int = 200, delay: float = 0.0, **headers: str) -> Handler:
    """A plain answer; what is neither bytes nor text becomes JSON. Header names are written with underscores."""
    if isinstance(body, str):
        body = body.encode()
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    given.setdefault("content-type", "application/json")
    given.setdefault("content-length", str(len(data)))

    async def handle(_request: Request, writer: asyncio.StreamWriter) -> None:
        if delay:
            await asyncio.sleep(delay)
        head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        writer.write(f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + data)
        await writer.drain()

    return handle


def with_etag(body: object, etag: str, **headers: str) -> Handler:
    """Answers 304 to who has this ETag."""
    full = answer(body, 200, 0.0, etag=etag, **headers)
    short = answer(b"", 304, 0.0, etag=etag, **headers)

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        await (short if request.headers.get("if-none-match") == etag else full)(request, writer)

    return handle


def redirect(location: str, status: int = 302) -> Handler:
    return answer(b"", status, location=location)


not_found = answer({"title": "nothing here"}, 404)


async def endless(_request: Request, writer: asyncio.StreamWriter) -> None:
    """A body without end, as fast as it goes."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[")
    while True:
        writer.write(b"1," * 8192)
        await writer.drain()


async def drip(_request: Request, writer: asyncio.StreamWriter) -> None:
    """A byte now and then: each read succeeds, the whole never does."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def drip_headers(_request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    number = 0
    while True:
        number += 1
        writer.write(f"x-{number}: y\r\n".encode())
        await writer.drain()
        await asyncio.sleep(0.05)


async def hang(_request: Request, _writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3600)


async def reset(_request: Request, writer: asyncio.StreamWriter) -> None:
    """Half an answer, then the connection breaks."""
    writer.write(b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"kind":')
    await writer.drain()
    writer.transport.abort()


async def huge_headers(_request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n" + b"x-big: " + b"a" * 1_000_000 + b"\r\ncontent-length: 2\r\n\r\n{}")
    await writer.drain()


async def not_http(_request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    await writer.drain()
    writer.close()


def gzip_bomb(megabytes: int = 200) -> Handler:
    """A few hundred kilobytes that unpack to very much more."""
    return answer(gzip.compress(b"0" * megabytes * 1024 * 1024, 9), content_encoding="gzip")


async def empty_gzip_for_ever(_request: Request, writer: asyncio.StreamWriter) -> None:
    """Compressed blocks that unpack to nothing, without end."""
    head = gzip.compress(b"")[:10]
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n\r\n" + head)
    while True:
        writer.write(b"\x00\x00\x00\xff\xff" * 8192)  # stored blocks of length 0
        await writer.drain()
