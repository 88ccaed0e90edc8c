"""Real servers on loopback: 127.0.0.1 is the allowed network, 127.0.0.2 the forbidden one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_network
from typing import Any

import pytest

from marketplace.live import breaker, cache
from marketplace.live.errors import FetchError
from marketplace.live.http import Door, Fetched
from tests import aio

from .hostile import Server

ALLOWED = (ip_network("127.0.0.1/32"),)


@pytest.fixture(autouse=True)
def gateways_on_loopback(settings: Any) -> None:
    """127.0.0.1 and nothing else, as with the demo."""
    settings.GATEWAY_ALLOWED_NETWORKS = list(ALLOWED)
    breaker._open_until.clear()
    cache._redis_at.cache_clear()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server().start()
    yield running
    running.stop()


@pytest.fixture
def canary() -> Iterator[Server]:
    """Listens where nothing may ever call."""
    running = Server(host="127.0.0.2").start()
    yield running
    running.stop()


@pytest.fixture
def fetch() -> Callable[..., Fetched]:
    """One call through a new door."""

    def run(
        url: str, *, allowed: Any = ALLOWED, resolver: Any = None, ssl_context: Any = None, **options: Any
    ) -> Fetched:
        async def go() -> Fetched:
            extra = {"resolver": resolver} if resolver else {}
            door = Door(allowed, ssl_context=ssl_context, **extra)
            try:
                return await door.fetch(url, **options)
            finally:
                await door.aclose()

        return aio.run(go())

    return run


@pytest.fixture
def refused(fetch: Callable[..., Fetched]) -> Callable[..., FetchError]:
    """The error that a call ends in; it must say what happened and what to do."""

    def run(url: str, **options: Any) -> FetchError:
        with pytest.raises(FetchError) as caught:
            fetch(url, **options)
        assert len(caught.value.message) > 15
        assert len(caught.value.advice) > 15
        return caught.value

    return run
