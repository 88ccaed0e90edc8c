"""Orders: accepted at once, made in the background, fetched when ready, gone in the end."""

import threading
import time

import pytest

from gateway import grants

from .house import House
from .issuer import Issuer

ENDLESS = "WITH RECURSIVE t AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM t) SELECT count(*) FROM t"


@pytest.fixture
def issuer():
    grants.KEYS.forget()
    made = Issuer()
    yield made
    made.close()


def made(folder, client_of, issuer, **limits):
    roles = {"default": {"mask": {"station": "redact"}}, "all": {}}
    return House(folder, client_of, {**issuer.trust(), "limits": limits, "artifacts": {"rain": {"roles": roles}}})


def place(house, headers, **body):
    return house.client.post(f"{house.rain}/orders", json=body, headers=headers)


def until(house, order, headers, *statuses):
    deadline = time.monotonic() + 30
    while (found := house.client.get(order, headers=headers).json())["status"] not in statuses:
        assert time.monotonic() < deadline, found
        threading.Event().wait(0.05)
    return found


def test_an_order_is_made_and_fetched_as_its_role_sees_it(folder, client_of, issuer):
    house = made(folder, client_of, issuer)
    me, other = issuer.bearer(), issuer.bearer(sub="eve")
    answer = place(house, me, sql="FROM data WHERE mm < 2 ORDER BY mm", format="jsonl")
    order = answer.headers["location"]
    assert (answer.status_code, answer.json()["status"]) == (202, "accepted")
    ready = until(house, order, me, "ready", "failed")
    assert (ready["status"], ready["rows"]) == ("ready", 2)
    link = next(link["href"] for link in ready["links"] if link["rel"] == "result")
    result = house.client.get(link, headers=me)
    assert result.text == '{"station": "***", "mm": 0.5}\n{"station": "***", "mm": 1.5}\n'
    assert ready["bytes"] == len(result.content)
    assert house.client.get(link, headers={**me, "Range": "bytes=0-0"}).text == "{"
    for headers, status in ((other, 404), ({}, 401), (issuer.bearer("observe"), 403)):
        for address in (order, link):
            assert house.client.get(address, headers=headers).status_code == status
        assert house.client.delete(order, headers=headers).status_code == status
    assert [entry["action"] for entry in house.log()] == ["result", "result", "order"]
    again = house.client_of(folder)
    assert again.get(link, headers=me).status_code == 200


def test_an_order_that_fails_says_why(folder, client_of, issuer):
    house = made(folder, client_of, issuer, order_seconds=3)
    me = issuer.bearer()
    for sql, words in (("SELECT nosuch FROM data", "nosuch"), ("COPY data TO 'x'", "only SELECT"), (ENDLESS, "3 sec")):
        order = place(house, me, sql=sql).headers["location"]
        failed = until(house, order, me, "failed", "ready")
        assert (failed["status"], words in failed["detail"]) == ("failed", True), failed
        assert house.client.get(order + "/result", headers=me).status_code == 409


def test_an_order_is_cancelled_and_its_process_ended(folder, client_of, issuer):
    from gateway.consume import orderbook

    house = made(folder, client_of, issuer)
    me = issuer.bearer()
    order = place(house, me, sql=ENDLESS).headers["location"]
    until(house, order, me, "running")
    own_id, deadline = order.rpartition("/")[2], time.monotonic() + 10
    while (running := orderbook.works[own_id].running) is None:
        assert time.monotonic() < deadline
    assert house.client.delete(order, headers=me).json()["status"] == "cancelled"
    assert running.process.wait(10) != 0
    assert until(house, order, me, "cancelled")["rows"] is None


def test_results_expire_and_orders_are_bounded(folder, client_of, issuer):
    house = made(folder, client_of, issuer, orders_per_consumer=1, order_keep_seconds=4, orders=2)
    me = issuer.bearer()
    order = place(house, me).headers["location"]
    refused = place(house, me)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert place(house, issuer.bearer(sub="bob")).status_code == 202
    assert place(house, issuer.bearer(sub="cy")).status_code == 429
    until(house, order, me, "ready")
    until(house, order, me, "expired")
    assert house.client.get(order + "/result", headers=me).status_code == 409
    assert place(house, me).status_code == 202


def test_an_order_that_a_restart_cut_off_has_failed(folder, client_of, issuer):
    from gateway.consume import orderbook

    house = made(folder, client_of, issuer)
    me = issuer.bearer()
    order = place(house, me).headers["location"]
    ready = until(house, order, me, "ready")
    state = house.client.app.state.context.state
    kept = state.item(orderbook.KIND, ready["id"])
    state.change(orderbook.KIND, ready["id"], {**kept, "status": "running"})
    found = house.client_of(folder).get(order, headers=me).json()
    assert (found["status"], "restarted" in found["detail"]) == ("failed", True)


def test_a_result_that_grows_too_large_is_stopped(folder, client_of, issuer):
    house = made(folder, client_of, issuer, order_bytes=1000)
    me = issuer.bearer()
    order = place(house, me).headers["location"]
    assert "1000 bytes" in until(house, order, me, "failed")["detail"]
