"""Many products asked by one task: each once, at most so many at a time, and none waits for one that hangs."""

import io
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from marketplace.live import cache, services, sweeping
from marketplace.live.models import ContractPrint
from marketplace.live.tasks import refresh_many
from registry.services import LinkData

from . import hostile
from .gateways import INDEX, gateway
from .hostile import answer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def made(setup_product):
    """Makes products with these discovery links; their ids."""

    def make(*urls):
        return [setup_product(f"rain-{n}", links=[LinkData("discovery", url)]).pk for n, url in enumerate(urls)]

    return make


@pytest.fixture
def run_command():
    """Runs a management command; what it printed."""

    def run(*arguments):
        out = io.StringIO()
        call_command(*arguments, stdout=out)
        return out.getvalue()

    return run


def states(product_id):
    return {part.state for part in services.look(product_id, ask=False).parts}


def test_all_are_asked_once_whole_and_their_contracts_are_remembered(server, made):
    products = made(*[gateway(server)] * 5)
    refresh_many([*products, products[0]])
    assert [states(one) for one in products] == [{"live"}] * 5
    assert server.requests["/discover"] == server.requests["/discover/contracts/c-rain"] == 5
    assert {row.product_id for row in ContractPrint.objects.all()} == set(products)
    assert not cache.read(services.subject_of(products[0])).in_flight
    refresh_many(products)
    assert server.requests["/discover"] == 10


def test_one_that_somebody_asks_already_is_left_to_them(server, made):
    asked, free = made(server.route("/asked", answer(INDEX)), server.route("/free", answer({**INDEX, "links": []})))
    cache.begin(services.subject_of(asked), time.time())
    refresh_many([asked, free])
    assert (server.requests["/asked"], server.requests["/free"]) == (0, 1)
    assert cache.read(services.subject_of(asked)).in_flight


def test_looking_at_many_asks_for_those_that_are_stale_with_one_message(server, made, fresh_redis, settings):
    products = made(*[gateway(server)] * 4)
    refresh_many(products[:1])
    cache.begin(services.subject_of(products[1]), time.time())
    found = services.look_many(products)
    assert list(found) == products
    assert [one.waiting for one in found.values()] == [False, True, True, True]
    assert fresh_redis.llen("live") == 1
    services.look_many(products)
    services.look(products[2])
    assert fresh_redis.llen("live") == 1
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert {one.index.state for one in services.look_many(products).values()} == {"unavailable"}


def test_a_worker_answers_the_question_for_many(celery_worker, server, made, wait_for):
    products = made(*[gateway(server)] * 3)
    services.look_many(products)
    wait_for(lambda: not any(one.waiting for one in services.look_many(products).values()))
    assert [states(one) for one in products] == [{"live"}] * 3
    assert server.requests["/discover"] == 3


def test_a_broker_that_takes_nothing_leaves_no_product_in_flight(made, use_broker, fresh_redis):
    products = made("http://127.0.0.1:1023/a", "http://127.0.0.1:1023/b")
    use_broker("redis://127.0.0.1:1/0")
    assert {one.index.state for one in services.look_many(products).values()} == {"unavailable"}
    assert fresh_redis.keys(cache._flight_key("*")) == []


def test_those_that_hang_hold_no_others_up_and_are_said_to_be_slow(server, made, monkeypatch, wait_for):
    monkeypatch.setattr(sweeping, "_slots", sweeping._Slots(3))
    silent = hostile.Server().start()
    try:
        hanging = [silent.route(f"/{n}", hostile.hang) for n in range(2)]
        products = made(*hanging, *[gateway(server)] * 6)
        with ThreadPoolExecutor(1) as thread:
            done = thread.submit(refresh_many, products)
            wait_for(lambda: [states(one) for one in products[2:]] == [{"live"}] * 6)
            assert not done.done()
            done.result()
    finally:
        silent.stop()
    assert {services.look(one, ask=False).index.problem.kind for one in products[:2]} == {"slow"}


def test_no_more_are_under_way_than_a_process_may_ask_at_once(server, made, monkeypatch):
    monkeypatch.setattr(sweeping, "_slots", sweeping._Slots(3))
    url = server.route("/discover", answer({**INDEX, "links": []}, delay=0.05))
    products = made(*[url] * 10)
    with ThreadPoolExecutor(2) as threads:  # two sweeps share what one process may
        list(threads.map(refresh_many, (products[:5], products[5:])))
    assert server.most_at_once == 3
    assert server.requests["/discover"] == 10
    assert sweeping._slots.take(10) == 3


def test_a_fault_of_ours_in_one_product_keeps_no_other_from_being_asked(server, made, monkeypatch):
    broken, whole = made(server.route("/broken", answer(INDEX)), gateway(server))
    monkeypatch.setattr(sweeping, "_slots", sweeping._Slots(1))
    real = sweeping.Explorer

    def explorer(hands, target, *rest):
        if target.product_id == broken:
            raise RuntimeError("of ours")
        return real(hands, target, *rest)

    monkeypatch.setattr(sweeping, "Explorer", explorer)
    refresh_many([broken, whole])
    assert states(whole) == {"live"}
    assert not cache.read(services.subject_of(broken)).in_flight
    assert sweeping._slots.take(1) == 1


def test_one_that_never_ends_is_given_up_and_its_place_is_free(server, made, monkeypatch):
    lost, whole = made(server.route("/lost", answer(INDEX)), gateway(server))
    monkeypatch.setattr(sweeping, "_slots", sweeping._Slots(1))
    monkeypatch.setattr(sweeping, "LOST_SECONDS", 0.5)
    real = sweeping.caller.start_all

    def start_all(starts, seconds):
        real([one for one in starts if one.args[1].product_id != lost], seconds)

    monkeypatch.setattr(sweeping.caller, "start_all", start_all)
    refresh_many([lost, whole])
    assert states(whole) == {"live"}
    assert sweeping._slots.take(2) == 1


def test_without_redis_a_sweep_ends_and_frees_what_it_took(settings, server, made, monkeypatch):
    monkeypatch.setattr(sweeping, "_slots", sweeping._Slots(2))
    products = made(*[gateway(server)] * 3)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    refresh_many(products)
    assert server.requests["/discover"] == 0
    assert sweeping._slots.take(5) == 2


def test_the_command_says_who_answers_and_why_others_do_not(server, setup_product, run_command):
    setup_product("rain", links=[LinkData("discovery", gateway(server))])
    setup_product("snow", links=[LinkData("discovery", server.url("/nothing"))])
    setup_product("hail", links=[])
    setup_product("draft", published=False, links=[LinkData("discovery", server.route("/draft", answer(INDEX)))])
    said = json.loads(run_command("refresh_products", "--json", "--domain", "climate"))
    assert (said["asked"], said["answered"], said["without_discovery"]) == (3, 1, 1)
    (failed,) = said["failed"]
    assert failed["urn"] == "urn:dp:precipitation:snow"
    assert "404" in failed["why"]
    assert server.requests["/draft"] == 0
    text = run_command("refresh_products")
    assert "3 products asked" in text
    assert "urn:dp:precipitation:snow, since 20" in text


def test_the_command_names_an_unknown_domain_and_a_lost_redis(server, made, settings, run_command):
    made(gateway(server))
    with pytest.raises(CommandError, match="no listed product in 'nowhere'"):
        run_command("refresh_products", "--domain", "nowhere")
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with pytest.raises(CommandError, match="Redis does not answer"):
        run_command("refresh_products")
