"""The whole marketplace, started as `make run` does, once for the tests of this folder."""

from collections.abc import Iterator

import pytest

from bench.stack import Stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Everything running, with the demo."""
    with Stack() as running:
        yield running


@pytest.fixture(autouse=True)
def fresh_redis() -> None:
    """These tests have servers of their own; nothing of the suite's is touched."""
