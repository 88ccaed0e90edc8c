"""What the tests of the catalogue share."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from marketplace.live import breaker, cache
from marketplace.live import services as live
from registry import events
from registry.models import Product
from registry.services import LinkData
from tests.live.hostile import Server

Fragment = Callable[..., str]


@pytest.fixture(autouse=True)
def no_memory_between_tests() -> None:
    """No host rests and no client is kept because of an earlier test."""
    breaker._open_until.clear()
    cache._redis_at.cache_clear()


@pytest.fixture
def server() -> Iterator[Server]:
    """A web server of which each answer can be chosen."""
    running = Server().start()
    yield running
    running.stop()


@pytest.fixture
def index() -> Callable[[], None]:
    """Brings the search index up to the registry, as a worker does after each change."""

    def deliver() -> None:
        events.deliver("search")

    return deliver


@pytest.fixture
def linked_product(setup_product: Callable[..., Product]) -> Callable[..., Product]:
    """Makes a published product whose discovery link is given."""

    def setup(discovery: str, **overrides: Any) -> Product:
        return setup_product(links=[LinkData("discovery", discovery, "application/json")], **overrides)

    return setup


@pytest.fixture
def ask() -> Callable[[Product], None]:
    """Asks the product everything, as a worker does, and waits for it."""

    def refresh(product: Product) -> None:
        target = live.target_of(product.pk)
        assert target is not None
        live.refresh(target)

    return refresh


@pytest.fixture
def fragment(client: Client) -> Fragment:
    """The HTML of a live part, as htmx gets it."""

    def get(product: Product, part: str, **query: Any) -> str:
        answer = client.get(f"{product.get_absolute_url()}live/{part}/", query, headers={"HX-Request": "true"})
        assert answer.status_code == 200
        return answer.content.decode()

    return get
