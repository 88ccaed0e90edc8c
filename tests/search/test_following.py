"""The index follows the registry, loses nothing and may be made again."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from marketplace.accounts.models import User
from registry import events, services
from registry.models import Product
from search import indexer, queries
from search.embedder import HASHING, HashingEmbedder
from search.models import Document
from search.tasks import embed_missing

Setup = Callable[..., Product]


def follow() -> None:
    events.deliver("search")


def test_publishing_makes_a_product_findable_by_text_at_once(setup_product: Setup) -> None:
    product = setup_product("daily-rain", title="Rainfall", tags=["France"])
    follow()
    document = Document.objects.get(pk=product.pk)
    assert document.embedding is None
    assert (document.domains, document.tags) == (["climate", "precipitation"], ["france"])
    assert queries.search("rainfall").total == 1


def test_changes_are_followed(setup_product: Setup, producer: User) -> None:
    product = setup_product("daily-rain", title="Rainfall")
    data = services.ProductData(
        domain="precipitation", name="daily-rain", title="Snowfall", summary="Snow.", tags=["snow"]
    )
    services.update(producer, product, data, revision=product.revision)
    follow()
    assert queries.search("rainfall").total == 0
    assert queries.search("snowfall").hits[0].product.title == "Snowfall"


def test_paused_and_deprecated_products_stay_and_retired_ones_go(setup_product: Setup, producer: User) -> None:
    product = setup_product("daily-rain", title="Rainfall")
    for verb, found in ((services.pause, 1), (services.deprecate, 1), (services.retire, 0)):
        verb(producer, product)
        follow()
        assert queries.search("rainfall").total == found


def test_events_delivered_twice_change_nothing(setup_product: Setup) -> None:
    product = setup_product("daily-rain")
    follow()
    before = Document.objects.filter(pk=product.pk).values().get()
    assert indexer.index_urns([product.urn, product.urn]) == 0
    assert Document.objects.filter(pk=product.pk).values().get() == before


def test_unknown_subjects_are_passed_over(db: None) -> None:
    assert indexer.index_urns(["urn:dp:no:such", "urn:dp:odd", "", "urn:dp:a:b:c"]) == 0


def test_vectors_that_were_lost_are_made_by_the_scheduler(setup_product: Setup) -> None:
    product = setup_product("daily-rain")
    follow()
    embed_missing()
    document = Document.objects.get(pk=product.pk)
    assert document.embedding is not None and document.model == HASHING
    assert document.embedded_hash == document.content_hash


def test_a_vector_is_kept_until_the_new_one_is_there(setup_product: Setup, producer: User) -> None:
    product = setup_product("daily-rain", title="Rainfall")
    follow()
    embed_missing()
    first = Document.objects.get(pk=product.pk).embedding
    data = services.ProductData(domain="precipitation", name="daily-rain", title="Snowfall", summary="Snow.")
    services.update(producer, product, data, revision=product.revision)
    follow()
    assert Document.objects.get(pk=product.pk).embedding == first
    embed_missing()
    assert Document.objects.get(pk=product.pk).embedding != first


def test_another_model_embeds_everything_again(setup_product: Setup) -> None:
    class Other(HashingEmbedder):
        name = "other"

    setup_product("daily-rain")
    follow()
    embed_missing()
    assert indexer.embed_stale(HashingEmbedder(), 10) == 0
    assert indexer.embed_stale(Other(), 10) == 1
    assert Document.objects.get().model == "other"


def test_the_newest_are_embedded_first(setup_product: Setup) -> None:
    for name, day in (("first", 1), ("second", 3), ("third", 2)):
        setup_product(name)
        follow()
        Document.objects.filter(product__name=name).update(changed_at=datetime(2030, 1, day, tzinfo=UTC))
    indexer.embed_stale(HashingEmbedder(), 1)
    assert Document.objects.exclude(embedding=None).get().product.name == "second"


def test_reindexing_makes_the_same_index(setup_product: Setup) -> None:
    setup_product("daily-rain", tags=["rain"])
    setup_product("draft", published=False)
    follow()
    before = list(Document.objects.values("pk", "title_key", "text", "content_hash", "tags", "domains"))
    Document.objects.all().delete()
    call_command("reindex", verbosity=0)
    assert list(Document.objects.values("pk", "title_key", "text", "content_hash", "tags", "domains")) == before


@pytest.mark.django_db(transaction=True)
def test_a_document_locked_by_the_index_gets_its_vector_all_the_same(
    setup_product: Setup, wait_for: Callable[..., Any]
) -> None:
    """Registering and publishing index a product twice at nearly the same time; nobody asks for its vector after."""
    product = setup_product("daily-rain")
    indexer.index_products([product.pk])
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            indexer.index_products([product.pk])  # changes nothing, and holds the row
            embedding = pool.submit(in_a_thread, embed_missing)
            wait_for(lambda: somebody_waits_for_a_lock() or embedding.done())
        embedding.result(20)
    assert Document.objects.get().embedding is not None


def somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # else one transaction sees the same activity all along
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


def in_a_thread(call: Callable[[], None]) -> None:
    try:
        call()
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_what_is_published_is_found_by_meaning(
    celery_worker: Any, setup_product: Setup, wait_for: Callable[..., Any]
) -> None:
    setup_product("daily-rain", title="Rainfall of France", summary="How much rain falls each day.")
    assert wait_for(
        lambda: (
            (answer := queries.search("How much rain falls each day")).mode == "meaning+text"
            and any(hit.similarity and hit.product.name == "daily-rain" for hit in answer.hits)
        )
    )
