"""What the tests of this room share."""

from collections.abc import Callable
from typing import Any

import pytest

from marketplace.accounts.models import User
from marketplace.live import breaker, cache
from marketplace.live import services as live
from marketplace.trust import queries, services
from registry.models import Product


@pytest.fixture(autouse=True)
def no_memory_between_tests() -> None:
    """No host rests and no client is kept because of an earlier test."""
    breaker._open_until.clear()
    cache._redis_at.cache_clear()


@pytest.fixture
def ask() -> Callable[[Product], None]:
    """Asks the product everything, as a worker does, and waits for it."""

    def refresh(product: Product) -> None:
        live.refresh(live.target_of(product.pk))

    return refresh


@pytest.fixture
def blocking(steward: User) -> Callable[..., None]:
    """A steward makes these items needed to publish."""

    def block(*keys: str) -> None:
        wanted: dict[str, Any] = dict.fromkeys(keys, "blocking")
        services.set_levels(steward, wanted, revision=queries.policy().revision)

    return block
