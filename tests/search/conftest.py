"""A search index on the null embedder: real PostgreSQL, real Redis, vectors made of hashed words."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from registry.models import Product
from search import indexer, remembered
from search.embedder import HASHING, load_embedder
from search.questions import QuestionService, circuit


@pytest.fixture(autouse=True)
def hashing_embedder(settings: Any) -> None:
    """No model is loaded where words alone do."""
    settings.EMBEDDING_MODEL = HASHING


@pytest.fixture(autouse=True)
def no_memory() -> Iterator[None]:
    """What a process remembers between searches starts empty."""
    circuit.close()
    remembered.forget_all()
    yield
    circuit.close()


@pytest.fixture
def answering(hashing_embedder: None) -> Iterator[QuestionService]:
    """The thread of the embed worker, without the worker."""
    service = QuestionService()
    service.start()
    assert service.ready.wait(10)
    yield service
    service.stop()
    service.join(5)


@pytest.fixture
def findable(setup_product: Callable[..., Product]) -> Callable[..., Product]:
    """Makes a published product that is indexed, vector included."""

    def make(name: str = "daily-rain", **overrides: Any) -> Product:
        product = setup_product(name, **overrides)
        indexer.index_products([product.pk])
        indexer.embed_stale(load_embedder(), 10)
        return product

    return make
