"""All gateways of the demo in one process and one event loop, each on its own port."""

import asyncio
import errno
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from demo.loading import DEFAULT_BASE_PORT, HOST, Mesh, Product
from gateway.app import create_app
from gateway.state import State

PORT_VARIABLE = "DEMO_GATEWAY_PORT"
HOST_VARIABLE = "DEMO_GATEWAY_HOST"


class ServeError(Exception):
    """The gateways cannot be started; the message says why and what to do."""


class _Server(uvicorn.Server):
    """A server among many: signals are handled once, for all of them."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def base_port_from_environment() -> int:
    """The port that offsets are added to. Raises ServeError when it is no usable number."""
    text = os.environ.get(PORT_VARIABLE, str(DEFAULT_BASE_PORT))
    if not text.isdigit() or not 0 < int(text) < 65000:
        raise ServeError(f"{PORT_VARIABLE} is {text!r}; it must be a port number from 1 to 64999.")
    return int(text)


def host_from_environment() -> str:
    """The address to listen on: this machine only, unless a container says otherwise."""
    return os.environ.get(HOST_VARIABLE, HOST)


def open_socket(product: Product, base_port: int, host: str) -> socket.socket:
    """A bound socket for the gateway of a product. Raises ServeError when the port cannot be had."""
    port = product.port(base_port)
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
        opened.listen(128)  # a second process may bind an address that nobody listens on yet
    except OSError as error:
        opened.close()
        reason = "is already taken" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise ServeError(
            f"Port {port} of {host}, for {product.domain}/{product.name}, {reason}. "
            f"Stop what uses it, or set {PORT_VARIABLE} to another base port (now {base_port})."
        ) from error
    return opened


def ready_line(mesh: Mesh, base_port: int, host: str = HOST) -> str:
    """What is said once everything listens."""
    serving = [product for product in mesh.products if product.behaviour != "down"]
    ports = [product.port(base_port) for product in mesh.products]
    slow = sum(product.behaviour == "slow" for product in serving)
    down = len(mesh.products) - len(serving)
    return (
        f"{len(serving)} gateways listening on {host}:{min(ports)}-{max(ports)} ({slow} slow, {down} deliberately down)"
    )


async def serve(mesh: Mesh, base_port: int, host: str = HOST, on_ready: Callable[[str], None] = print) -> None:
    """Serves until SIGTERM or SIGINT; requests under way are finished first, for 3 s at most.

    Raises:
        ServeError: a port is taken. Nothing keeps listening then.
        gateway.documents.DocumentError: a product folder cannot be served.
    """
    pairs: list[tuple[_Server, socket.socket]] = []
    try:
        for product in mesh.products:
            if product.behaviour == "down":
                continue
            # In memory: a demonstration leaves nothing in the source tree. Its data is measured when somebody asks.
            # The address is also the audience that grants must name; in containers, behind another, links are relative.
            own = product.base_url(base_port) if host == HOST else None
            app = create_app(product.folder, base_url=own, delay=product.delay_seconds, state=State(None))
            opened = open_socket(product, base_port, host)
            config = uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                server_header=False,
                timeout_graceful_shutdown=3,
            )
            pairs.append((_Server(config), opened))
    except BaseException:
        for _, opened in pairs:
            opened.close()
        raise

    def stop() -> None:
        for server, _ in pairs:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, stop)
    running = [asyncio.create_task(server.serve(sockets=[opened])) for server, opened in pairs]
    ready = asyncio.gather(*(server.listening.wait() for server, _ in pairs))
    try:
        awaited: list[asyncio.Future[Any]] = [ready, *running]
        await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            on_ready(ready_line(mesh, base_port, host))
        await asyncio.gather(*running)
    finally:
        ready.cancel()
        for _, opened in pairs:
            opened.close()
        for number in signals:
            loop.remove_signal_handler(number)
