"""What the tests of searching inside share: products behind gateways that can do anything."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from marketplace.live import breaker, cache
from registry.models import Product
from registry.services import LinkData
from tests.live.gateways import gateway
from tests.live.hostile import Server


@pytest.fixture(autouse=True)
def no_memory_between_tests() -> None:
    """No host rests and no client is kept because of an earlier test."""
    breaker._open_until.clear()
    cache._redis_at.cache_clear()


@pytest.fixture
def servers() -> Iterator[Callable[[], Server]]:
    """Starts web servers of which each answer can be chosen, each a host of its own."""
    running: list[Server] = []

    def start() -> Server:
        running.append(Server().start())
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def product_at(setup_product: Callable[..., Product], servers: Callable[[], Server]) -> Callable[..., Product]:
    """A published product behind a gateway; what is named in `replaced` answers differently."""

    def setup(name: str, **replaced: Any) -> Product:
        return setup_product(name, links=[LinkData("discovery", gateway(servers(), **replaced))])

    return setup
