"""A search ends in time whatever PostgreSQL does, and never shows what is not listed now."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client

from marketplace.accounts.models import User
from registry import services
from registry.models import Product
from search import queries
from search.deadline import Deadline, TooSlowError

Findable = Callable[..., Product]


@contextmanager
def locked(table: str) -> Iterator[None]:
    """Somebody else holds the table, as a migration does: whoever reads it waits."""
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
        other.rollback()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "table", ["registry_product", "accounts_team", "registry_product_tags", "search_document", "registry_tag"]
)
@pytest.mark.parametrize("asked", ["q=rainfall", "q=", "q=nothing&tag=none"])
def test_a_search_that_has_to_wait_answers_in_time_and_says_so(
    findable: Findable, monkeypatch: pytest.MonkeyPatch, table: str, asked: str
) -> None:
    findable("daily-rain", title="Rainfall", tags=["rain"])
    with monkeypatch.context() as short, locked(table):  # which would keep a search without a limit for ever
        short.setattr(queries, "TIMEOUT_MS", 500)
        answer = Client().get(f"/api/v1/search/?{asked}&facets=true")
    assert answer.status_code == 200
    body = answer.json()
    assert body["results"] or body["count"] == 0
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",), "the connection is as it was"
    assert Client().get("/api/v1/search/?q=rainfall").json()["count"] == 1


@pytest.mark.django_db(transaction=True)
def test_all_statements_together_have_one_limit() -> None:
    done = 0
    with pytest.raises(TooSlowError), Deadline(300).keep(), connection.cursor() as cursor:
        while done < 10:
            cursor.execute("SELECT pg_sleep(0.1)")
            done += 1
    assert done <= 3


@pytest.mark.django_db(transaction=True)
def test_a_step_that_is_given_up_leaves_time_and_a_connection_for_the_next() -> None:
    deadline = Deadline(1000)
    with deadline.keep(), connection.cursor() as cursor:
        with pytest.raises(TooSlowError), deadline.step(0.2):
            cursor.execute("SELECT pg_sleep(5)")
        with deadline.step(0.9):
            cursor.execute("SELECT 42")
            assert cursor.fetchone() == (42,)


@pytest.mark.parametrize("question", ["rainfall", "how much rain falls", ""])
def test_a_retired_product_is_not_shown_while_the_index_lags(
    findable: Findable, answering: Any, producer: User, question: str
) -> None:
    gone = findable("daily-rain", title="Rainfall", summary="How much rain falls.", tags=["rain"])
    findable("hourly-rain", title="Rainfall hourly", summary="How much rain falls each hour.", tags=["rain"])
    services.deprecate(producer, gone)
    services.retire(producer, gone)
    found = queries.search(question)
    assert [hit.product.name for hit in found.hits] == ["hourly-rain"]
    assert found.total == 1
    facets = queries.facets(found)
    assert {count.count for count in (*facets.domains, *facets.tags, *facets.access)} == {1}


def test_a_retired_product_is_not_suggested_while_the_index_lags(
    findable: Findable, answering: Any, producer: User
) -> None:
    gone = findable("daily-rain", title="Rainfall", summary="How much rain falls.")
    services.deprecate(producer, gone)
    services.retire(producer, gone)
    found = queries.search("rainfall", tags=["no-such"])
    assert found.total == 0 and found.suggestions and found.suggestions.products == ()
