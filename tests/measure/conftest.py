"""People who look: browsers of their own, whose User-Agent tells them apart."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from marketplace.accounts.models import User
from marketplace.live import cache
from registry.models import Product
from search import indexer, remembered
from search.embedder import HASHING, load_embedder
from search.questions import QuestionService, circuit

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
Browser = Callable[..., "Person"]


class Person:
    """Somebody at a browser: what is opened from a page names that page, as browsers do."""

    def __init__(self, name: str, user: User | None) -> None:
        self.client = Client(headers={"User-Agent": f"{FIREFOX} {name}", "Sec-Fetch-Dest": "document"})
        if user is not None:
            self.client.force_login(user)

    def open(self, path: str, *, before: str = "", **headers: str) -> Any:
        """A page; `before` is the path of the page with the link."""
        if before:
            headers["Referer"] = f"http://testserver{before}"
        answer = self.client.get(path, headers=headers)
        assert answer.status_code == 200
        return answer

    def search(self, typed: str, **filters: Any) -> str:
        """Asks, and returns the path of the hits."""
        path = f"/search/?{urlencode({'q': typed, **filters})}"
        self.open(path)
        return path


@pytest.fixture
def browser_of() -> Browser:
    """A browser of the named visitor, or of a person signed in."""

    def make(name: str = "anna", user: User | None = None) -> Person:
        return Person(name, user)

    return make


@pytest.fixture(autouse=True)
def no_memory_between_tests(settings: Any) -> Iterator[None]:
    """Nothing remembered of a Redis that another test lost."""
    settings.EMBEDDING_MODEL = HASHING
    circuit.close()
    remembered.forget_all()
    cache._redis_at.cache_clear()
    yield
    circuit.close()


@pytest.fixture
def embedder(no_memory_between_tests: None) -> Iterator[None]:
    """Answers questions with vectors, as the worker of the queue `embed` does."""
    service = QuestionService()
    service.start()
    assert service.ready.wait(10)
    yield
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
