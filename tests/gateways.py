"""A real gateway of the demo mesh, in a thread, for tests that need one to answer."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from gateway.app import create_app

DEMO = Path(__file__).resolve().parent.parent / "demo" / "climate-quantum"


@contextmanager
def running(product: str | Path, *, delay: float = 0.0) -> Iterator[str]:
    """Serves a demo product (like `wind/wind-scales`), or any folder, on a free port of 127.0.0.1."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(create_app(DEMO / product, base_url=url, delay=delay), log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield url
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
