"""What one product, one host, one name server or one person may cost the marketplace and others."""

import asyncio
import threading
import time

import pytest

from marketplace import env
from marketplace.live import breaker, caller, http, limits, names, services
from marketplace.live.errors import FetchError
from marketplace.live.explore import Target
from tests import aio

from . import hostile
from .conftest import ALLOWED
from .gateways import CONTRACT, INDEX, gateway
from .hostile import answer, redirect

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def other():
    running = hostile.Server().start()
    yield running
    running.stop()


@pytest.fixture
def three():
    running = [hostile.Server().start() for _ in range(3)]
    yield running
    for one in running:
        one.stop()


def look(url: str, product: int = 5):
    services.refresh(Target(product, "urn", (("discovery", url),)))
    return services.look(product, ask=False)


def test_one_exploration_makes_no_more_than_sixty_requests_however_its_contracts_redirect(server):
    names = [f"/c/{n}" for n in range(50)]
    for name in names:
        server.route(name, redirect(f"{name}/1"))
        server.route(f"{name}/1", redirect(f"{name}/2"))
        server.route(f"{name}/2", answer(CONTRACT))
    links = [{"rel": "contract", "href": name} for name in names]
    live = look(server.route("/discover", answer({**INDEX, "links": links})))
    assert sum(server.requests.values()) == caller.MAX_REQUESTS
    assert live.index.state == "live"
    stopped = [part.problem for part in live.contracts if part.problem]
    assert {problem.kind for problem in stopped} == {"too_many"}
    assert "60" in stopped[0].message


def test_a_gateway_with_all_it_may_have_stays_below(server):
    names = [f"/c/{n}" for n in range(50)]
    for name in names:
        server.route(name, answer(CONTRACT))
    links = [*INDEX["links"], *({"rel": "contract", "href": name} for name in names)]
    live = look(gateway(server, index=answer({**INDEX, "links": links})))
    assert len(live.contracts) == 50
    assert {part.state for part in live.parts} == {"live"}


def test_a_host_that_others_redirect_to_is_asked_by_eight_at_once_and_no_more(three, other):
    slow = other.route("/slow", answer({**INDEX, "links": []}, delay=0.3))
    urls = [three[n % 3].route(f"/{n}", redirect(slow)) for n in range(24)]
    threads = [threading.Thread(target=look, args=(url, n)) for n, url in enumerate(urls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert other.most_at_once == breaker.CALLS_PER_HOST
    assert {services.look(n, ask=False).index.state for n in range(24)} == {"live"}


def test_a_host_that_hangs_behind_a_redirect_rests_and_not_the_one_that_redirects(server, other):
    url = server.route("/discover", redirect(other.route("/hang", hostile.hang)))
    threads = [threading.Thread(target=look, args=(url, n)) for n in range(breaker.FAILURES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    breaker.check(breaker.host_of(server.base))
    with pytest.raises(FetchError, match=f"{other.port} did not answer"):
        breaker.check(breaker.host_of(other.base))
    assert look(url).index.problem.kind == "resting"
    assert other.requests["/hang"] == breaker.FAILURES


def test_waiting_in_our_queue_takes_none_of_the_time_a_host_has_to_answer(server):
    url = server.route("/discover", answer({**INDEX, "links": []}, delay=1.2))
    threads = [threading.Thread(target=look, args=(url, n)) for n in range(4 * breaker.CALLS_PER_HOST)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    parts = [services.look(n, ask=False).index for n in range(len(threads))]
    assert {part.problem for part in parts} == {None}
    assert max(part.latency_ms for part in parts) < 3000


def test_a_full_queue_of_ours_is_called_that_and_is_no_failure_of_the_host(server, monkeypatch, fresh_redis):
    monkeypatch.setattr(services, "TASK_DEADLINE_SECONDS", 2.5)
    url = server.route("/discover", answer({**INDEX, "links": []}, delay=2.2))
    threads = [threading.Thread(target=look, args=(url, n)) for n in range(2 * breaker.CALLS_PER_HOST)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    problems = [services.look(n, ask=False).index.problem for n in range(len(threads))]
    assert [problem.kind for problem in problems if problem] == ["busy"] * breaker.CALLS_PER_HOST
    assert fresh_redis.keys("*breaker*") == []


def test_waiting_for_a_connection_that_others_hold_is_no_slowness_of_the_host(server, monkeypatch):
    monkeypatch.setattr(http, "MAX_CONNECTIONS", 1)
    hanging, fast = server.route("/hanging", hostile.hang), server.route("/fast", answer({}))

    async def both():
        door = http.Door(ALLOWED)
        try:
            held = asyncio.create_task(door.fetch(hanging, policy=http.Policy(deadline=2.0)))
            await asyncio.sleep(0)
            found = await door.fetch(fast, policy=http.Policy(deadline=1.0))
            return held, found
        finally:
            await door.aclose()

    held, found = aio.run(both())
    assert held.exception().kind == "slow"
    assert found.status == 200


def test_name_servers_that_hang_do_not_keep_documents_from_being_read(server):
    release = threading.Event()

    def look_up(*_args, **_options):
        release.wait(60)
        raise OSError

    async def lookups(_hands):
        resolve = names.Names(look_up)
        hanging = [resolve(f"{n}.example", 80) for n in range(2 * names.LOOKUPS)]
        await asyncio.gather(*hanging, return_exceptions=True)

    hanging = caller.submit(lookups, 1)
    try:
        url = server.route("/p.yaml", answer("kind: DataProduct\nid: a\n" + "# wide\n" * 10_000))
        started = time.perf_counter()
        assert look(url).metadata.state == "live"
        assert time.perf_counter() - started < 3
    finally:
        release.set()
        hanging.result(20)


def test_localhost_works_in_the_demo_though_a_gateway_listens_on_one_of_its_two_addresses(fetch, refused, server):
    async def localhost(_host, _port):
        return ["::1", "127.0.0.1"]

    server.route("/discover", answer(INDEX))
    url = f"http://localhost:{server.port}/discover"
    assert fetch(url, allowed=tuple(env.DEMO_NETWORKS), resolver=localhost).status == 200
    with pytest.raises(FetchError, match="::1"):
        fetch(url, resolver=localhost)
    assert refused("http://127.0.0.2:8100/", allowed=tuple(env.DEMO_NETWORKS)).kind == "refused_address"


def test_ten_inspections_a_minute_and_then_a_wait(fresh_redis, settings):
    assert [limits.seconds_to_wait(["user:1", "address:a"]) for _ in range(10)] == [0] * 10
    assert 0 < limits.seconds_to_wait(["user:1", "address:b"]) <= 60
    assert 0 < limits.seconds_to_wait(["user:2", "address:a"]) <= 60
    assert limits.seconds_to_wait(["user:2", "address:b"]) == 0
    for key in fresh_redis.keys("*inspections*"):
        assert 0 < fresh_redis.ttl(key) <= 60
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert limits.seconds_to_wait(["user:1", "address:a"]) == 0


def test_the_eleventh_link_of_a_minute_is_not_looked_at_and_the_person_is_told_when_to_try_again(
    producer, sign_in, fresh_redis
):
    client = sign_in(producer)
    for _ in range(10):
        assert client.post("/publish/", {"url": "http://127.0.0.1:8100/discover"}).status_code == 302
    asked = fresh_redis.llen("live")
    page = client.post("/publish/", {"url": "http://127.0.0.1:8100/discover"})
    assert page.status_code == 429
    assert "Try again in" in page.content.decode()
    assert 0 < int(page["Retry-After"]) <= 60
    assert fresh_redis.llen("live") == asked == 10
