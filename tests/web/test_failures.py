"""What breaks here ends in a clear page or problem document, and healthy parts go on."""

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils.html import strip_tags


@pytest.fixture
def visitor():
    return Client(raise_request_exception=False)


@pytest.fixture
def lost_database(transactional_db):
    connection.close()
    host = connection.settings_dict["HOST"]
    connection.settings_dict["HOST"] = "/nowhere"
    yield
    connection.close()
    connection.settings_dict["HOST"] = host


@pytest.mark.parametrize("path", ["/", "/browse/", "/search/?q=rain", "/products/a/b/"])
def test_without_the_database_pages_say_so(visitor, lost_database, path):
    answer = visitor.get(path)
    assert answer.status_code == 503
    assert "does not answer" in answer.content.decode()
    assert "Traceback" not in answer.content.decode()


def test_without_the_database_the_api_answers_problems_and_readiness_fails(visitor, lost_database):
    answer = visitor.get("/api/v1/products/")
    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert visitor.get("/readyz").status_code == 503
    assert visitor.get("/healthz").status_code == 200


@pytest.fixture
def lost_redis(settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"


def test_without_redis_browsing_searching_and_reading_go_on(visitor, setup_product, lost_redis, db):
    from search.indexer import index_products

    product = setup_product(summary="Rain gauges of the whole country, read every morning.")
    index_products([product.pk])
    assert visitor.get("/readyz").json() == {"status": "warn", "checks": {"postgresql": "pass", "redis": "fail"}}
    for path in ("/", "/browse/", "/domains/precipitation/", "/search/?q=rain+gauges"):
        answer = visitor.get(path)
        assert answer.status_code == 200
        assert "Daily rain" in strip_tags(answer.content.decode()), path
    page = visitor.get(product.get_absolute_url())
    assert "read every morning" in page.content.decode()
    live = visitor.get(f"{product.get_absolute_url()}live/contract/", headers={"HX-Request": "true"}).content.decode()
    assert "not available" in live.lower()


def test_without_the_broker_a_product_is_published_all_the_same(
    transactional_db, setup_product, fresh_redis, use_broker
):
    use_broker("redis://127.0.0.1:9/0")
    assert setup_product("first").lifecycle == "published"
    assert fresh_redis.llen("default") == 0, "nobody was told"
    use_broker(settings.CELERY_BROKER_URL)
    setup_product("second")
    assert fresh_redis.llen("default") > 0, "with the broker back, subscribers are told"


@pytest.mark.parametrize("path", ["/nothing/", "/products/no/such/", "/domains/nowhere/", "/accounts/nothing/"])
def test_what_is_not_there_is_a_page_with_a_way_on(visitor, db, path):
    answer = visitor.get(path)
    assert answer.status_code == 404
    assert "Browse products" in answer.content.decode()


def test_what_is_not_in_the_api_is_a_problem_document(visitor, db):
    answer = visitor.get("/api/v1/nothing")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/", "/browse/", "/accounts/login/", "/styleguide/", "/nothing/"])
def test_every_page_forbids_foreign_and_inline_code(visitor, db, path):
    answer = visitor.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    page = answer.content.decode()
    assert "<script>" not in page
    assert ' style="' not in page
    assert " onclick=" not in page
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
