"""What the tests of exports share."""

from collections.abc import Iterator

import pytest

from marketplace.live import breaker, cache
from tests.live.hostile import Server


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
