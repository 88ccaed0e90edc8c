"""Products with figures, as the flush leaves them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from marketplace.live import breaker, cache
from marketplace.measure.models import ProductDay, Search, SearchClick
from registry.models import Product


@pytest.fixture(autouse=True)
def no_memory_between_tests() -> None:
    """No host rests and no client is kept because of an earlier test."""
    breaker._open_until.clear()
    cache._redis_at.cache_clear()


@pytest.fixture
def counted() -> Callable[..., ProductDay]:
    """Figures of a product so many days ago."""

    def make(product: Product, days_ago: int = 0, **figures: int) -> ProductDay:
        day = datetime.now(UTC).date() - timedelta(days=days_ago)
        return ProductDay.objects.create(product=product, day=day, **figures)

    return make


@pytest.fixture
def asked() -> Callable[..., Search]:
    """A question that somebody asked so many days ago, and the hits it showed; `clicked` are those that were opened."""

    def make(
        question: str, *hits: Product, person: str = "a", days_ago: int = 0, clicked: Any = (), **more: Any
    ) -> Search:
        at = datetime.now(UTC) - timedelta(days=days_ago)
        key = f"{question}{len(hits)}{more.get('offset', 0)}"[:32]
        search = Search.objects.create(
            day=at.date(),
            at=at,
            person=person,
            source="page",
            question=question,
            normal=question.casefold(),
            key=key,
            results=len(hits),
            hits=[product.pk for product in hits],
            **more,
        )
        for product in clicked:
            rank = search.offset + search.hits.index(product.pk) + 1
            SearchClick.objects.create(search=search, product=product, rank=rank)
        return search

    return make
