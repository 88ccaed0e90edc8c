"""Orders in turn, within a quota, in every format, told of, and gone when they expire."""

import json
import threading
import time

import pytest

from gateway import grants
from gateway.consume import orderbook

from .house import House
from .issuer import Issuer
from .receiver import Receiver

ENDLESS = "WITH RECURSIVE t AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM t) SELECT count(*) FROM t"


@pytest.fixture
def issuer():
    grants.KEYS.forget()
    made = Issuer()
    yield made
    made.close()


def made(folder, client_of, issuer, rain=None, **limits):
    config = {**issuer.trust(), "limits": limits, "deliveries": {"allow_internal": True}}
    return House(folder, client_of, {**config, "artifacts": {"rain": rain or {}}})


def place(house, headers=None, **body):
    return house.client.post(f"{house.rain}/orders", json=body, headers=headers)


def until(condition, seconds=40):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)
    return found


def ended(house, order, headers=None):
    def look():
        found = house.client.get(order, headers=headers).json()
        return found if found["status"] not in ("accepted", "running") else None

    return until(look)


def files(house):
    directory = orderbook.directory(house.client.app.state.context)
    return list(directory.iterdir()) if directory.is_dir() else []


def test_an_order_as_parquet_keeps_the_types_and_its_roles_view(folder, client_of, issuer, tmp_path):
    duckdb = pytest.importorskip("duckdb")
    house = made(folder, client_of, issuer, {"roles": {"default": {"mask": {"station": "redact"}, "filter": "mm < 3"}}})
    me = issuer.bearer()
    for body in ({}, {"sql": "SELECT station, mm FROM data ORDER BY mm -- all of it;"}):
        ready = ended(house, place(house, me, format="parquet", **body).headers["location"], me)
        assert (ready["status"], ready["rows"], ready["detail"]) == ("ready", 3, None)
        link = next(link for link in ready["links"] if link["rel"] == "result")
        answer = house.client.get(link["href"], headers=me)
        assert answer.headers["content-type"] == "application/vnd.apache.parquet"
        (tmp_path / "got.parquet").write_bytes(answer.content)
        found = duckdb.sql(f"SELECT * FROM read_parquet('{tmp_path}/got.parquet')")  # noqa: S608
        assert [str(type) for type in found.types] == ["VARCHAR", "DOUBLE"]
        assert found.fetchall() == [("***", 0.5), ("***", 1.5), ("***", 2.5)]
    answer = house.client.get(f"{house.rain}?format=parquet", headers=me)
    assert (answer.status_code, answer.content[:4], answer.content[-4:]) == (200, b"PAR1", b"PAR1")


@pytest.mark.parametrize(
    "sql",
    ["SELECT 1) TO 'x.csv' (FORMAT csv) --", "COPY data TO 'x'", "SELECT * FROM read_blob('/etc/passwd')",
     "SELECT nosuch FROM data", "SELECT error('no')", ENDLESS],
)  # fmt: skip
def test_what_no_query_may_no_parquet_order_may(folder, client_of, issuer, sql):
    house = made(folder, client_of, issuer, order_seconds=4)
    me = issuer.bearer()
    failed = ended(house, place(house, me, format="parquet", sql=sql).headers["location"], me)
    assert (failed["status"], bool(failed["detail"])) == ("failed", True)
    assert "root:" not in failed["detail"]
    assert until(lambda: files(house) == []) is True


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_columns_of_one_name_are_refused_where_one_would_be_lost(folder, client_of, issuer, form):
    house = made(folder, client_of, issuer)
    me = issuer.bearer()
    failed = ended(house, place(house, me, format=form, sql="SELECT 1 AS a, 2 AS a").headers["location"], me)
    assert (failed["status"], "the name 'a'" in failed["detail"]) == ("failed", True)
    ready = ended(house, place(house, me, format="csv", sql="SELECT 1 AS a, 2 AS a").headers["location"], me)
    assert house.client.get(ready["links"][1]["href"], headers=me).text == "a,a\r\n1,2\r\n"
    assert house.ask("SELECT 1 AS a, 2 AS a", me).json()["rows"] == [[1, 2]]


def test_one_consumers_long_orders_do_not_hold_up_anothers(folder, client_of, issuer):
    house = made(folder, client_of, issuer, order_seconds=60)
    greedy, other = issuer.bearer(sub="greedy"), issuer.bearer(sub="other")
    long = [place(house, greedy, sql=ENDLESS).headers["location"] for _ in range(3)]
    assert ended(house, place(house, other).headers["location"], other)["status"] == "ready"
    statuses = [house.client.get(order, headers=greedy).json()["status"] for order in long]
    assert statuses == ["running", "accepted", "accepted"]
    for order in reversed(long):
        assert house.client.delete(order, headers=greedy).json()["status"] == "cancelled"
    until(lambda: not orderbook.works)
    assert ended(house, place(house, greedy).headers["location"], greedy)["status"] == "ready"


def test_subscribers_hear_of_orders_and_not_whose_they_are(folder, client_of, issuer):
    receiver = Receiver()
    house = made(folder, client_of, issuer, {"access": "open"})
    try:
        wanted = {"url": receiver.url, "types": ["order.*"]}
        made_ = house.client.post("/observe/events/subscriptions", json=wanted, headers=issuer.bearer("observe"))
        assert made_.status_code == 201, made_.text
        me = issuer.bearer(sub="ada@example.org")
        good = place(house, me).headers["location"]
        ready = ended(house, good, me)
        ended(house, place(house, me, sql="SELECT 'S7'::INTEGER").headers["location"], me)
        nobody = ended(house, place(house).headers["location"])
        got = [json.loads(body) for _, _, body in receiver.wait(6)]
    finally:
        receiver.close()
    types = sorted(event["type"] for event in got)
    assert types == ["order.failed", *["order.placed"] * 3, *["order.ready"] * 2]
    mine = next(e for e in got if e["type"] == "order.ready" and e["data"].get("orderId") == ready["id"])
    assert mine["subject"] == "urn:dp:precipitation:daily-rain"
    assert mine["data"] | {"expires": ""} == {
        "artifactId": house.ids["rain"], "status": "ready", "format": "csv", "orderId": ready["id"],
        "rows": 150, "bytes": ready["bytes"], "expires": "",
    }  # fmt: skip
    text = json.dumps(got)
    assert all(secret not in text for secret in ("ada@example.org", "S7", "SELECT", nobody["id"]))


def test_the_file_of_a_result_goes_when_it_expires_with_nobody_asking(folder, client_of, issuer):
    house = made(folder, client_of, issuer, order_keep_seconds=3)
    me = issuer.bearer()
    order = place(house, me).headers["location"]
    assert ended(house, order, me)["status"] == "ready"
    assert len(files(house)) == 1
    until(lambda: not files(house))
    assert house.client.get(order, headers=me).json()["status"] == "expired"


def test_results_expire_over_a_restart_too_and_strays_go(folder, client_of, issuer):
    house = made(folder, client_of, issuer, order_keep_seconds=6)
    me = issuer.bearer()
    with house.client:
        order = place(house, me).headers["location"]
        assert ended(house, order, me)["status"] == "ready"
    (kept,) = files(house)
    (kept.parent / "stray").write_text("left by a crash")
    with client_of(folder) as again:
        assert not (kept.parent / "stray").exists()
        until(lambda: not kept.exists())
        assert again.get(order, headers=me).json()["status"] == "expired"


def test_a_consumers_results_have_a_quota_of_bytes(folder, client_of, issuer):
    size = len((folder / "data" / "rain.csv").read_bytes()) + 151  # lines end with \r\n
    house = made(folder, client_of, issuer, order_bytes_per_consumer=size + 1000)
    me, other = issuer.bearer(), issuer.bearer(sub="other")
    first = place(house, me).headers["location"]
    assert ended(house, first, me)["bytes"] == size
    failed = ended(house, place(house, me).headers["location"], me)
    assert (failed["status"], "1000 bytes" in failed["detail"]) == ("failed", True)
    assert len(files(house)) == 1
    small = place(house, me, sql="SELECT repeat('x', 990) AS x").headers["location"]
    assert ended(house, small, me)["status"] == "ready"
    assert ended(house, place(house, other).headers["location"], other)["status"] == "ready"
    house.client.delete(small, headers=me)
    house.client.delete(first, headers=me)
    again = ended(house, place(house, me).headers["location"], me)
    assert again["status"] == "ready"


def test_who_has_all_the_bytes_there_are_is_refused_at_once(folder, client_of, issuer):
    house = made(folder, client_of, issuer, order_bytes_per_consumer=1000)
    me = issuer.bearer()
    ready = ended(house, place(house, me, sql="SELECT repeat('x', 995) AS x").headers["location"], me)
    assert (ready["status"], ready["bytes"]) == ("ready", 1000)  # x, the row, and their line ends
    refused = place(house, me)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert "1000 bytes" in refused.json()["detail"]
    assert place(house, issuer.bearer(sub="other")).status_code == 202
