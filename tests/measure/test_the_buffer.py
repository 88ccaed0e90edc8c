"""Nothing counts twice, nothing grows without end, and a lost Redis costs the counts of the last seconds alone."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import redis
from django.db import ProgrammingError, connection
from django.test.utils import CaptureQueriesContext

from marketplace.accounts.models import User
from marketplace.live.cache import CacheDownError
from marketplace.measure import buffer, flushing, forgetting
from marketplace.measure.models import Batch, ProductDay, Search, SearchClick, Viewer
from marketplace.measure.nearness import near_domains
from registry import services
from registry.models import Domain, Product
from tests.measure.conftest import Browser

SetupProduct = Callable[..., Product]
pytestmark = pytest.mark.django_db
TODAY = datetime.now(UTC).date()


def put(who: str = "visitor:1", **data: Any) -> bool:
    return buffer.put(who, TODAY, {"at": datetime.now(UTC).timestamp(), **data})


def views() -> int:
    return sum(ProductDay.objects.values_list("views", flat=True))


def test_a_batch_whose_worker_ended_before_it_let_go_counts_once(setup_product: SetupProduct) -> None:
    put(kind="view", product=setup_product().pk)
    first = buffer.take()
    assert first is not None
    assert flushing.count(first)
    # The process ends here: the batch was counted and not finished.
    assert buffer.take() == first
    assert flushing.flush() == 0
    assert views() == 1
    assert buffer.take() is None


@pytest.mark.django_db(transaction=True)
def test_flushes_at_the_same_time_count_everything_once(
    setup_product: SetupProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffer, "BATCH", 7)
    product = setup_product().pk
    for number in range(50):
        put(f"visitor:{number}", kind="view", product=product)

    def flush() -> int:
        try:
            return flushing.flush()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        counted = [pool.submit(flush) for _ in range(4)]
        assert sum(done.result() for done in counted) == 50
    assert views() == 50
    assert Viewer.objects.count() == 50


def test_a_batch_whose_transaction_failed_counts_with_the_next_flush(
    setup_product: SetupProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(kind="view", product=setup_product().pk)
    with monkeypatch.context() as broken:
        broken.setattr(flushing, "ADD", flushing.ADD.replace("measure_productday", "measure_not_yet_there"))
        with pytest.raises(ProgrammingError):
            flushing.flush()
    assert views() == 0
    put(kind="view", product=Product.objects.get().pk)
    assert flushing.flush() == 2
    assert views() == 2


def test_one_person_who_asks_without_end_fills_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flushing, "SEARCHES", 3)
    for number in range(10):
        put(kind="search", source="api", question="q", normal="q", key=str(number), hits=[], results=0, offset=0)
        if number % 4 == 0:
            flushing.flush()
    flushing.flush()
    assert Search.objects.count() == 3
    put("visitor:2", kind="search", source="api", question="q", normal="q", key="1", hits=[], results=0, offset=0)
    flushing.flush()
    assert Search.objects.count() == 4


def test_many_people_or_one_under_many_names_fill_no_table_in_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flushing, "A_DAY", 3)
    said = {"kind": "search", "source": "api", "question": "q", "normal": "q", "hits": [], "results": 0, "offset": 0}
    for number in range(10):
        put(f"visitor:{number}", key="k", **said)
        if number % 4 == 0:
            flushing.flush()
    flushing.flush()
    assert Search.objects.count() == 3
    buffer.put("visitor:1", TODAY, {"at": (datetime.now(UTC) - timedelta(days=1)).timestamp(), "key": "k", **said})
    flushing.flush()
    assert Search.objects.count() == 4, "another day has room"


def test_only_the_batch_that_is_named_is_let_go(setup_product: SetupProduct) -> None:
    put(kind="view", product=setup_product().pk)
    assert buffer.take() is not None
    buffer.finish("another")
    assert buffer.take() is not None


def test_the_buffer_is_bounded_and_tells_what_it_dropped(
    setup_product: SetupProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffer, "MOST", 3)
    product = setup_product().pk
    assert [put(kind="view", product=product) for _ in range(5)] == [True, True, True, False, False]
    assert buffer.dropped() == 2
    assert buffer.dropped() == 0
    assert flushing.flush() == 3


def test_many_entries_are_counted_batch_by_batch(setup_product: SetupProduct, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffer, "BATCH", 1500)  # more than one RPUSH within the script takes
    product = setup_product().pk
    for _ in range(1600):
        put(kind="view", product=product)
    assert flushing.flush() == 1600
    assert views() == 1600
    assert Batch.objects.count() == 2


def test_without_redis_pages_are_as_they_were_and_counting_goes_on_later(
    setup_product: SetupProduct, browser_of: Browser, settings: Any
) -> None:
    product = setup_product()
    there = settings.REDIS_URL
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    anna = browser_of("anna")
    anna.open(product.get_absolute_url())
    anna.search("rain")
    assert flushing.flush() == 0
    settings.REDIS_URL = there
    anna.open(product.get_absolute_url())
    flushing.flush()
    assert views() == 1


def test_what_is_not_ours_in_the_buffer_stops_nothing(setup_product: SetupProduct, fresh_redis: redis.Redis) -> None:
    product = setup_product()
    for raw in (b"", b"x", b"\xff" * 40, b"0123456789abcdef[]", b'0123456789abcdef{"kind":"view"}'):
        fresh_redis.rpush(buffer.BUFFER, raw)
    put(kind="view", product="x")
    put(kind="view", product=10**15)
    put(kind="view", product=10**30)
    put(kind="search", hits=[1], question="q", normal="n" * 900, key="k", source="page")
    put(kind="search", hits=["x"], question="q", normal="n", key="k", source="page")
    put(kind="search", hits=[1 << 70], question="q", normal="n", key="k", source="page", results=1, offset=0)
    put(kind="search", hits=[], question="q", normal="n", key="k", source="page", results=1 << 40, offset=0)
    put(kind="nothing", product=product.pk)
    put(kind="view", product=product.pk)
    flushing.flush()
    assert buffer.take() is None
    assert views() == 1
    assert not Search.objects.exists()


def test_nothing_is_counted_while_redis_cannot_say_who_owns_a_product(
    setup_product: SetupProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(kind="view", product=setup_product().pk)

    def lost(people: Any, day: date) -> dict[int, str]:
        raise CacheDownError

    with monkeypatch.context() as broken:
        broken.setattr(buffer, "hashed", lost)
        assert flushing.flush() == 0
    assert views() == 0
    assert flushing.flush() == 1
    assert views() == 1


def test_without_the_days_salt_the_own_team_is_not_known_and_nothing_fails(
    setup_product: SetupProduct, fresh_redis: redis.Redis, producer: User, browser_of: Browser
) -> None:
    browser_of("anna", producer).open(setup_product().get_absolute_url())
    fresh_redis.delete(*fresh_redis.keys(f"{buffer.SALT}*"))
    flushing.flush()
    assert views() == 1


def test_the_salt_changes_with_the_day_and_does_not_last(fresh_redis: redis.Redis, consumer: User) -> None:
    days = [date(2030, 1, 1), date(2030, 1, 2)]
    for day in days:
        buffer.put(buffer.user(consumer.pk), day, {"at": 0, "kind": "view", "product": 1})
        assert 0 < fresh_redis.ttl(f"{buffer.SALT}{day}") <= buffer.SALT_SECONDS
    taken = buffer.take()
    assert taken is not None
    names = [entry.person for entry in taken.entries]
    assert names == [buffer.hashed([consumer.pk], day)[consumer.pk] for day in days]
    assert names[0] != names[1]


def test_what_is_old_is_forgotten(setup_product: SetupProduct, settings: Any) -> None:
    product = setup_product()
    ages = (0, 2, 3, settings.MEASURE_SEARCH_DAYS, settings.MEASURE_SEARCH_DAYS + 1, settings.MEASURE_DAYS + 1)
    for number, age in enumerate(ages):
        day = TODAY - timedelta(days=age)
        ProductDay.objects.create(product=product, day=day, views=1)
        Viewer.objects.create(product=product, day=day, person="p")
        search = Search.objects.create(
            day=day, at=datetime.now(UTC), person="p", source="page", normal="q", question="q", key=number, results=0
        )
        SearchClick.objects.create(search=search, product=product, rank=1)
    with CaptureQueriesContext(connection) as queries:
        forgetting.forget()
    assert not [query["sql"] for query in queries if query["sql"].startswith("SELECT")], "no row is read"
    assert (ProductDay.objects.count(), Search.objects.count(), SearchClick.objects.count()) == (5, 4, 4)
    assert Viewer.objects.count() == 2


@pytest.mark.usefixtures("embedder")
def test_a_question_without_a_good_answer_is_demand_near_the_domains_it_comes_nearest_to(
    findable: Callable[..., Product], browser_of: Browser, climate: Domain
) -> None:
    services.create_domain("wildfire", "Wildfires", parent=climate)
    findable("daily-rain", title="Rain", summary="Rain at stations, measured every day.")
    anna = browser_of("anna")
    anna.search("rain")
    anna.search("smoke of a wildfire over Portugal")
    anna.search("zzz qqq")
    anna.search("the rain at stations")
    anna.search("rain of frogs, toads and other animals since the middle ages in old chronicles")
    anna.search("smoke of a wildfire", type="aggregate")  # a filter may have kept the answer out
    flushing.flush()
    found = {search.question: (search.poor, search.near) for search in Search.objects.all()}
    assert found["rain"] == (False, [])
    assert found["smoke of a wildfire over Portugal"] == (True, ["wildfire"])
    assert found["zzz qqq"] == (True, [])
    assert found["the rain at stations"] == (False, [])
    assert found["rain of frogs, toads and other animals since the middle ages in old chronicles"] == (
        True,
        ["precipitation"],
    )
    assert found["smoke of a wildfire"] == (False, [])


def test_the_nearest_products_say_which_domains_a_question_is_near_to(setup_product: SetupProduct) -> None:
    product = setup_product()
    assert near_domains([("anything at all", [0, product.pk])]) == {"anything at all": ["precipitation"]}
    assert near_domains([]) == {}
