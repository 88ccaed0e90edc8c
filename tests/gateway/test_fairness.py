"""Places at the gateway: nobody takes them all, nobody waits in a thread, and who must wait is told for how long."""

import threading
import time

import anyio
import pytest

from gateway import grants
from gateway.config import Limits
from gateway.consume.slots import Share, Slots
from gateway.http import ProblemError
from tests import aio

from .house import House, workers
from .issuer import Issuer

ENDLESS = "WITH RECURSIVE t AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM t) SELECT count(*) FROM t"


@pytest.fixture
def issuer():
    grants.KEYS.forget()
    made = Issuer()
    yield made
    made.close()


def until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)
    return found


def in_background(*jobs):
    threads = [threading.Thread(target=job, daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    return threads


# -- the places themselves ----------------------------------------------------------------------------------------


def test_a_consumer_has_its_share_and_the_others_the_rest():
    slots, share = Slots(), Share(3, 2)
    greedy = [slots.ask("a", share) for _ in range(5)]
    other = slots.ask("b", share)
    assert [turn.come.done() for turn in greedy] == [True, True, False, False, False]
    assert other.come.done()
    slots.leave(greedy[0])
    assert [turn.come.done() for turn in greedy] == [True, True, True, False, False]


def test_consumers_take_turns_whoever_asked_more():
    slots, share = Slots(), Share(1, 1)
    turns = {name: slots.ask(name[0], share) for name in ("a1", "a2", "a3", "b1", "c1", "b2")}
    order = []
    while waiting := [name for name, turn in turns.items() if turn.come.done() and name not in order]:
        order += waiting
        slots.leave(turns[waiting[0]])
    assert order == ["a1", "a2", "b1", "c1", "a3", "b2"]


def test_who_leaves_the_line_keeps_no_place_and_leaving_twice_gives_none():
    slots, share = Slots(), Share(1, 1)
    first, second, third = (slots.ask(name, share) for name in "abc")
    slots.leave(second)
    slots.leave(first)
    slots.leave(first)
    assert (second.come.done(), third.come.done()) == (False, True)
    assert not slots.ask("d", share).come.done()


def test_the_line_is_bounded_for_each_and_for_all():
    slots, share = Slots(), Share(1, 1, waiting=3, waiting_each=2)
    for name in ("a", "a", "a", "b"):
        slots.ask(name, share)
    for name, status in (("a", 429), ("b", 503), ("c", 503)):
        with pytest.raises(ProblemError) as refused:
            slots.ask(name, share)
        assert (refused.value.problem.status, "Retry-After" in refused.value.headers) == (status, True)


def test_many_threads_never_exceed_the_places():
    slots, share, most = Slots(), Share(3, 2), 0
    lock, running = threading.Lock(), [0]
    seen = []

    def work(name):
        turn = slots.ask(name, share)
        turn.come.result(30)
        with lock:
            running[0] += 1
            seen.append(running[0])
        with lock:
            running[0] -= 1
        slots.leave(turn)

    for thread in in_background(*[lambda n=n: work("abcd"[n % 4]) for n in range(200)]):
        thread.join(30)
    most = max(seen)
    assert (len(seen), most <= 3) == (200, True)
    assert not slots._running and not slots._waiting and not slots._of


def test_a_waiter_that_gives_up_leaves_the_line():
    slots = Slots()
    limits = Limits(query_at_once=1, query_wait_seconds=0.05)
    slots.ask("a", Share(1, 1))

    async def wait():
        async with slots.turn("b", limits):
            raise AssertionError("there was no place")

    with pytest.raises(ProblemError) as refused:
        aio.run(wait())
    assert refused.value.problem.status == 503
    assert not slots._waiting


# -- as consumers see it --------------------------------------------------------------------------------------------


def test_one_consumers_endless_queries_do_not_keep_another_waiting(folder, client_of, issuer):
    limits = {"query_seconds": 15, "query_wait_seconds": 0.5, "query_waiting_per_consumer": 2}
    house = House(folder, client_of, {**issuer.trust(), "limits": limits})
    greedy, other = issuer.bearer(sub="greedy"), issuer.bearer(sub="other")
    answers = []
    threads = in_background(*[lambda: answers.append(house.ask(ENDLESS, greedy))] * 6)
    until(workers)
    assert house.ask("SELECT count(*) FROM data", other).json()["rows"] == [[150]]
    sample = house.client.get(f"/discover/artifact/{house.ids['rain']}/sample", headers=other)
    assert sample.status_code == 200
    for thread in threads:
        thread.join(60)
    assert sorted(answer.status_code for answer in answers) == [422, 429, 429, 429, 429, 429]
    for answer in answers:
        if answer.status_code == 429:
            assert answer.headers["retry-after"] == "5"
            assert answer.headers["content-type"] == "application/problem+json"
    refused = [entry for entry in house.log() if entry["status"] == 429]
    assert {entry["consumer"] for entry in refused} == {"greedy"}


def test_strangers_are_told_apart_by_their_address(folder, client_of):
    from starlette.testclient import TestClient

    config = {"limits": {"query_seconds": 15, "query_wait_seconds": 0.3}, "artifacts": {"rain": {"access": "open"}}}
    house = House(folder, client_of, config)

    def ask(address, sql):
        client = TestClient(house.client.app, client=(address, 4000))
        return client.post(f"{house.rain}/query", json={"sql": sql}).status_code

    [thread] = in_background(lambda: ask("2001:db8::1", ENDLESS))
    until(workers)
    assert ask("2001:db8::2", "SELECT 1") == 429  # of one network, which is one customer's
    assert ask("2001:db8:0:1::1", "SELECT 1") == 200
    assert ask("192.0.2.7", "SELECT 1") == 200
    thread.join(60)


def test_waiters_hold_no_thread(folder, client_of, issuer):
    """More wait than there are threads, and the gateway still answers what needs one."""
    from .serving import serving

    limits = {"query_seconds": 6, "query_wait_seconds": 5, "query_waiting": 200, "query_at_once": 1}
    house = House(folder, client_of, {"limits": limits, "artifacts": {"rain": {"access": "open"}}, **issuer.trust()})
    import httpx2

    with serving(house.client.app) as base:

        async def crowd():
            statuses = []
            most = httpx2.Limits(max_connections=80)
            async with httpx2.AsyncClient(base_url=base, timeout=60, limits=most) as client:

                async def ask(number):
                    headers = issuer.bearer(sub=f"c{number}")
                    answer = await client.post(f"{house.rain}/query", json={"sql": ENDLESS}, headers=headers)
                    statuses.append(answer.status_code)

                async with anyio.create_task_group() as group:
                    for number in range(60):
                        group.start_soon(ask, number)
                    await anyio.to_thread.run_sync(until, workers)
                    health = await client.get("/observe/health", timeout=20)
                    early = len(statuses)
            return health.status_code, early, statuses

        health, early, statuses = aio.run(crowd())
    assert (health, early < 60, len(statuses)) == (200, True, 60)
    assert set(statuses) <= {422, 503}
