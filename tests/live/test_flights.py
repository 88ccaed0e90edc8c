"""Who may write what a product answered: one exploration at a time, and none that began before the links changed."""

import asyncio
import threading
import time

import pytest

from marketplace.live import cache, services
from registry import events
from registry.services import LinkData, ProductData, update

from .gateways import ARTIFACTS, INDEX, SAMPLE, gateway
from .hostile import answer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def relink(producer):
    """Gives a product another discovery link, and lets the window hear of it."""

    def run(product, url):
        product.refresh_from_db()
        data = ProductData(
            domain=product.domain.slug,
            name=product.name,
            title=product.title,
            summary=product.summary,
            links=[LinkData("discovery", url)],
        )
        update(producer, product, data, revision=product.revision)
        events.deliver("live")

    return run


def test_an_answer_from_the_old_address_that_comes_after_the_change_is_not_shown(server, setup_product, relink):
    asked, go_on = threading.Event(), threading.Event()

    async def late(request, writer):
        asked.set()
        while not go_on.is_set():  # noqa: ASYNC110 (set by another thread)
            await asyncio.sleep(0.01)
        await answer({**INDEX, "title": "Old", "links": []}, cache_control="max-age=3600")(request, writer)

    product = setup_product(links=[LinkData("discovery", server.route("/old", late))])
    old = threading.Thread(target=services.refresh_product, args=(product.pk,))
    old.start()
    assert asked.wait(5)
    relink(product, server.route("/new", answer({**INDEX, "title": "New", "links": []})))
    go_on.set()
    old.join(20)
    assert server.requests["/old"] == 1
    assert services.look(product.pk, ask=False).index.view is None
    services.refresh_product(product.pk)
    assert services.look(product.pk, ask=False).index.view.title == "New"


def test_sample_rows_of_the_old_address_are_not_shown_after_the_change(server, setup_product, relink):
    product = setup_product(links=[LinkData("discovery", gateway(server))])
    services.refresh_product(product.pk)
    services.refresh_sample(product.pk, "rain")
    assert services.look_artifact(product.pk, "rain", ask=False).sample.view.rows == (("Paris", "3.5"),)
    moved = {"self": "/2/discover", "artifacts": "/2/artifacts"}
    index = {**INDEX, "links": [{"rel": rel, "href": href} for rel, href in moved.items()]}
    artifact = {**ARTIFACTS["artifacts"][0], "links": [{"rel": "sample", "href": "/2/sample"}]}
    server.route("/2/artifacts", answer({**ARTIFACTS, "artifacts": [artifact]}))
    server.route("/2/sample", answer({**SAMPLE, "rows": [["Lyon", 9]]}))
    relink(product, server.route("/2/discover", answer(index)))
    services.refresh_product(product.pk)
    assert services.look_artifact(product.pk, "rain", ask=False).sample.view is None
    services.refresh_sample(product.pk, "rain")
    assert services.look_artifact(product.pk, "rain", ask=False).sample.view.rows == (("Lyon", "9"),)


def test_one_exploration_does_not_end_the_flight_of_another():
    first, _ = cache.begin("p:5", time.time())
    second, _ = cache.begin("p:5", time.time())
    cache.mark_done("p:5", time.time(), first)
    assert cache.read("p:5").in_flight
    assert cache.read("p:5").done_at is None
    cache.drop_flight("p:5", first)
    assert cache.read("p:5").in_flight
    cache.mark_done("p:5", time.time(), second)
    assert not cache.read("p:5").in_flight
    assert cache.read("p:5").done_at is not None


def test_a_flight_lasts_longer_than_a_worker_may_take(fresh_redis):
    cache.begin("p:5", time.time())
    assert fresh_redis.ttl(cache._flight_key("p:5")) > services.TASK_DEADLINE_SECONDS + 5
