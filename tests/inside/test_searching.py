"""Searching inside products whose gateways are fast, slow, down or hostile, through a real worker."""

import time

import pytest
from django.db import connection

from marketplace.live import cache, inside, services
from registry import services as registry
from registry.services import LinkData
from tests.live.gateways import CONTRACT, INDEX, ODPS, gateway
from tests.live.hostile import answer, hang

pytestmark = pytest.mark.django_db(transaction=True)

ASKERS = ("address:127.0.0.1",)


@pytest.fixture
def finished(wait_for):
    """The search once nothing more is awaited."""

    def get(question, products, seconds=10):
        ids = [product.pk for product in products]
        return wait_for(lambda: (found := inside.begin(question, ids, ASKERS)) and not found.waiting and found, seconds)

    return get


def state_of(search, product) -> str:
    return next(found.state for found in search.products if found.product_id == product.pk)


def columns_of(search, product) -> list[str]:
    return [
        row.column for found in search.products if found.product_id == product.pk for row in found.rows if row.column
    ]


def test_what_fast_gateways_say_is_found_and_who_is_slow_or_down_is_named(
    celery_worker, product_at, setup_product, finished
):
    fast = [product_at(f"fast-{number}") for number in range(5)]
    hanging = product_at("hanging", index=hang)
    late = product_at("late", index=answer({}, delay=30))
    down = setup_product("down", links=[LinkData("discovery", "http://127.0.0.1:1/discover")])
    search = finished("station", [*fast, hanging, late, down])
    assert [state_of(search, product) for product in fast] == ["answered"] * 5
    assert [columns_of(search, product) for product in fast] == [["station"]] * 5
    assert {state_of(search, product) for product in (hanging, late, down)} == {"silent"}
    assert all(found.why for found in search.products if found.state == "silent")


def test_matches_appear_while_others_are_still_asked(celery_worker, product_at, wait_for):
    fast, hanging = product_at("fast"), product_at("hanging", index=hang)

    def streaming():
        search = inside.begin("station", [fast.pk, hanging.pk], ASKERS)
        return search.waiting and columns_of(search, fast) == ["station"]

    assert wait_for(streaming, inside.PATIENCE_SECONDS)


def test_a_search_ends_after_two_seconds_whatever_gateways_do(celery_worker, product_at, wait_for):
    hanging = product_at("hanging", index=hang)
    first = inside.begin("station", [hanging.pk], ASKERS)
    begun = time.time()
    over = wait_for(lambda: (found := inside.look(first.key)) and not found.waiting and found)
    assert time.time() - begun >= inside.PATIENCE_SECONDS - 0.5
    assert (over.products[0].state, over.products[0].why) == ("silent", inside.TOO_LATE)


def test_a_contract_that_hangs_hides_nothing_of_the_rest(celery_worker, product_at, finished):
    product = product_at("half", contract=hang)
    search = finished("guide", [product])
    assert search.products[0].state == "partly"
    assert [row.artifact for row in search.products[0].rows] == ["guide"]


def test_health_that_hangs_keeps_nobody_waiting(celery_worker, product_at, wait_for):
    product = product_at("sick", health=hang, metrics=hang)
    begun = inside.begin("station", [product.pk], ASKERS)
    answered = wait_for(lambda: (found := inside.look(begun.key)) and state_of(found, product) == "answered" and found)
    assert columns_of(answered, product) == ["station"]


def test_who_says_the_same_as_before_has_answered_too(celery_worker, product_at, finished):
    links = [link for link in INDEX["links"] if link["rel"] != "contract"]
    product = product_at("calm", index=answer({**INDEX, "links": links}), metrics=hang)
    services.refresh_product(product.pk)
    subject = services.subject_of(product.pk)
    for part, seen in cache.read(subject).seen.items():
        stale = cache.Seen(seen.at, 5, seen.url, seen.etag, time.time() - 1, seen.view, seen.digest)
        cache.write_seen(subject, part, stale)
    search = finished("guide", [product])
    assert (search.products[0].state, search.products[0].why) == ("answered", "")
    assert [row.artifact for row in search.products[0].rows] == ["guide"]


def test_fresh_answers_are_used_and_nobody_is_asked_again(celery_worker, setup_product, servers, finished):
    server = servers()
    calm = {"cache_control": "max-age=600"}
    url = gateway(
        server,
        **{
            name: answer(body, **calm)
            for name, body in {"metadata": ODPS, "contract": CONTRACT, "health": {"status": "pass"}}.items()
        },
    )
    product = setup_product("fresh", links=[LinkData("discovery", url)])
    services.refresh_product(product.pk)
    record = cache.read(services.subject_of(product.pk))
    for part, seen in record.seen.items():
        kept = cache.Seen(seen.at, seen.latency_ms, seen.url, seen.etag, time.time() + 600, seen.view)
        cache.write_seen(services.subject_of(product.pk), part, kept)
    asked = server.requests.total()
    search = finished("station", [product])
    assert (search.products[0].state, columns_of(search, product)) == ("answered", ["station"])
    assert server.requests.total() == asked


def test_a_product_that_is_down_now_is_found_by_what_it_said_before(celery_worker, setup_product, servers, finished):
    server = servers()
    product = setup_product("gone", links=[LinkData("discovery", gateway(server))])
    services.refresh_product(product.pk)
    server.routes.clear()
    subject = services.subject_of(product.pk)
    for part, seen in cache.read(subject).seen.items():
        cache.write_seen(subject, part, cache.Seen(seen.at, 5, seen.url, None, time.time() - 1, seen.view))
    search = finished("station", [product])
    assert search.products[0].state == "before"
    assert columns_of(search, product) == ["station"]
    assert search.products[0].why


def test_the_same_search_by_many_people_asks_each_gateway_once(celery_worker, setup_product, servers, finished):
    server = servers()
    product = setup_product("popular", links=[LinkData("discovery", gateway(server))])
    for _ in range(5):
        inside.begin("station", [product.pk], ASKERS)
    finished("station", [product])
    assert server.requests["/discover"] == 1


def test_fifty_products_are_searched_at_once_and_no_more(celery_worker, setup_product, servers, finished):
    url = gateway(servers())
    products = [
        setup_product(f"many-{number}", links=[LinkData("discovery", url)]) for number in range(inside.PRODUCTS + 3)
    ]
    search = finished("station", products)
    assert len(search.products) == inside.PRODUCTS


def test_who_says_too_much_is_named_and_not_read(celery_worker, setup_product, finished, monkeypatch):
    product = setup_product("huge", links=[LinkData("discovery", "http://127.0.0.1:1/discover")])
    monkeypatch.setattr(inside, "MAX_BYTES", 10)
    cache.take_flight(services.subject_of(product.pk), cache.Record(), time.time())
    search = finished("station", [product])
    assert (search.products[0].state, search.products[0].why) == ("silent", inside.TOO_LARGE)


def test_nothing_of_it_is_stored_in_postgresql(celery_worker, product_at, finished):
    contract = {**CONTRACT, "schema": [{"name": "t", "properties": [{"name": "zyxwv_column"}]}]}
    product = product_at("secretive", contract=answer(contract))
    assert columns_of(finished("zyxwv", [product]), product) == ["zyxwv_column"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT count(*) FROM "{table}" AS t WHERE t::text LIKE %s', ["%zyxwv%"])  # noqa: S608
            assert cursor.fetchone() == (0,), table


def test_without_a_worker_the_operator_is_told(fresh_redis, setup_product, wait_for):
    product = setup_product()
    search = wait_for(lambda: (found := inside.begin("station", [product.pk], ASKERS)) and not found.waiting and found)
    assert search.problem.kind == "no_workers"


def test_without_redis_a_search_says_so(settings, setup_product):
    product = setup_product()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert inside.begin("station", [product.pk], ASKERS).problem.kind == "cache_down"


def test_searches_are_counted_and_the_same_one_is_not_counted_twice(fresh_redis, setup_product):
    product = setup_product()
    for _ in range(3 * inside.SEARCHES):
        assert not inside.begin("the same", [product.pk], ASKERS).wait_seconds
    for number in range(inside.SEARCHES - 1):
        assert not inside.begin(f"word{number}", [product.pk], ASKERS).wait_seconds
    assert inside.begin("one more", [product.pk], ASKERS).wait_seconds > 0
    assert not inside.begin("one more", [product.pk], ("address:127.0.0.9",)).wait_seconds


def test_the_key_of_a_search_cannot_be_guessed_from_its_words(fresh_redis, setup_product, settings):
    product = setup_product()
    key = inside.begin("station", [product.pk], ASKERS).key
    settings.SECRET_KEY = "another secret, another secret, another secret"
    assert inside.begin("station", [product.pk], ASKERS).key != key


def test_a_draft_is_searched_for_nobody_else(sign_in, setup_product, producer, outsider, fresh_redis):
    draft = setup_product("secret-draft", published=False)
    address = f"{draft.get_absolute_url()}inside/"
    assert sign_in(producer).get(address, {"q": "station"}).status_code == 200
    for who in (None, outsider):
        assert sign_in(who).get(address, {"q": "station"}).status_code == 404
        assert sign_in(who).get("/api/v1/search/inside", {"q": "x1", "product": draft.urn}).status_code == 404
    key = inside.begin("station", [draft.pk], ASKERS).key
    page = sign_in(outsider).get("/search/inside/", {"q": "station", "key": key}).content.decode()
    assert draft.title not in page
    registry.publish(producer, draft)
    assert sign_in(outsider).get("/search/inside/", {"q": "station", "key": key}).status_code == 200
