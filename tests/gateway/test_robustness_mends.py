"""What hostile input, large files, broken neighbours and the end of the process must not do to a gateway."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest
from starlette.testclient import TestClient

from gateway import grants, samples
from gateway.config import Limits
from gateway.documents import DocumentError
from gateway.many import create_many
from gateway.rowcheck import RowCheck

from .conftest import ODPS, RAIN, write
from .house import House, workers
from .issuer import Issuer
from .test_serving import ask, process

ENDLESS = "WITH RECURSIVE t AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM t) SELECT count(*) FROM t"


@pytest.fixture
def issuer():
    grants.KEYS.forget()
    made = Issuer()
    yield made
    made.close()


def product(folder, number=1, **odps):
    write(folder / "product.odps.yaml", {**ODPS, "id": f"id-{number}", **odps})
    write(folder / "contracts" / "rain.odcs.yaml", RAIN)
    (folder / "data").mkdir()
    (folder / "data" / "rain.csv").write_text("station,mm\nS,1\n")


def until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)
    return found


def open_house(folder, client_of, issuer, **limits):
    return House(folder, client_of, {**issuer.trust(), "limits": limits, "artifacts": {"rain": {"access": "open"}}})


def contract(**column):
    return {"schema": [{"name": "t", "properties": [{"name": "x", **column}]}]}


# -- state directories and broken neighbours ---------------------------------------------------------------------


def test_serve_keeps_its_state_where_it_is_told(folder, tmp_path):
    with process(folder, "--state", str(tmp_path / "kept")) as (port, _, _lines):
        listed = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        listed.request("GET", "/discover/artifacts")
        own_id = json.loads(listed.getresponse().read())["artifacts"][0]["id"]
        ask(port, f"/consume/{own_id}")  # refused, and logged
        until(lambda: (tmp_path / "kept" / "state.sqlite3").is_file())
        listed.close()
    assert not (folder / ".gateway").exists()


def test_products_with_alike_addresses_keep_their_states_apart(tmp_path):
    product(tmp_path / "one", 1, domain="a-b", name="c")
    product(tmp_path / "two", 2, domain="a", name="b-c")
    apps = create_many(tmp_path, state=tmp_path / "kept")
    mounts = apps.state.mesh.by_prefix.apps.values()
    assert len({app.state.context.state.directory for app in mounts}) == 2


def test_a_broken_product_does_not_stop_the_others(tmp_path):
    product(tmp_path / "good", 1, name="good")
    product(tmp_path / "bad", 2, name="bad")
    (tmp_path / "bad" / "product.odps.yaml").write_text("kind: [")
    product(tmp_path / "twice", 3)
    (tmp_path / "twice" / "product.odps.yaml").rename(tmp_path / "twice" / "a.odps.yaml")
    (tmp_path / "twice" / "b.odps.yaml").write_text("kind: DataProduct")
    with process(tmp_path) as (port, _, lines):
        assert ask(port, "/precipitation/good/discover") == 200
        text = "".join(lines)
        assert "bad is not served" in text and "twice is not served" in text
    index = TestClient(create_many(tmp_path)).get("/").json()
    assert [entry["name"] for entry in index["products"]] == ["good"]
    assert [entry["folder"] for entry in index["broken"]] == ["bad", "twice"]
    assert all(entry["problems"] for entry in index["broken"])
    (tmp_path / "good" / "product.odps.yaml").write_text("kind: [")
    with pytest.raises(DocumentError, match="bad"):
        create_many(tmp_path)


# -- rows -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["integer", "number"])
def test_numbers_in_text_are_read_strictly(kind):
    check = RowCheck(contract(logicalType=kind), text=True)
    for good in ("1", "-12", "+3"):
        assert check.reasons({"x": good}) == []
    for bad in ("1_000", " 1", "1 ", "١", "0x1", "1\n", "nan", "inf"):
        assert check.reasons({"x": bad}) == [f"x: is not of type {kind}"], bad
    assert (RowCheck(contract(logicalType="number"), text=True).reasons({"x": "-1.5e3"})) == []


def test_a_number_of_a_thousand_digits_is_no_crash():
    check = RowCheck(contract(logicalType="number", logicalTypeOptions={"multipleOf": 0.5}))
    assert len(check.reasons({"x": 10**1000})) == 1


def test_no_pattern_of_a_contract_takes_long():
    check = RowCheck(contract(logicalType="string", logicalTypeOptions={"pattern": "^(a+)+$"}))
    begun = time.perf_counter()
    assert check.reasons({"x": "a" * 1900 + "!"}) == ["x: does not keep to pattern ^(a+)+$"]
    assert time.perf_counter() - begun < 2
    assert check.reasons({"x": "aaa"}) == []


@pytest.mark.parametrize("pattern", ["(?=a)b", "(", 5, ["a"]])
def test_a_pattern_that_cannot_be_checked_is_said_to_be(pattern):
    check = RowCheck(contract(logicalType="string", logicalTypeOptions={"pattern": pattern}))
    assert "cannot be checked" in check.reasons({"x": "b"})[0]


def test_half_a_character_is_a_refused_row(folder, client_of, issuer):
    house = House(folder, client_of, {**issuer.trust(), "artifacts": {"rain": {"ingest": True}}})
    headers = {**issuer.bearer(f"ingest:{house.ids['rain']}"), "Content-Type": "application/json"}
    body = b'[{"station": "\\ud800"}, {"\\ud800": 1, "station": "A"}, {"station": "B", "mm": 1}]'
    answer = house.client.post(f"/ingest/{house.ids['rain']}", content=body, headers=headers)
    assert (answer.status_code, answer.json()["accepted"], answer.json()["refused"]) == (200, 1, 2), answer.text
    assert (folder / "data" / "rain.csv").read_text().endswith("\nB,1\n")


def test_a_line_separator_inside_a_json_line_is_kept(folder, client_of, issuer):
    house = House(folder, client_of, {**issuer.trust(), "artifacts": {"rain": {"ingest": True}}})
    headers = {**issuer.bearer(f"ingest:{house.ids['rain']}"), "Content-Type": "application/x-ndjson"}
    body = '{"station": "A\u2028B", "mm": 1}\r\n'.encode()
    assert house.client.post(f"/ingest/{house.ids['rain']}", content=body, headers=headers).status_code == 200
    assert "A\u2028B,1" in (folder / "data" / "rain.csv").read_text("utf-8")


# -- health -----------------------------------------------------------------------------------------------------------


def data(folder, file_format, content):
    path = folder / "data" / f"rain.{file_format}"
    path.write_bytes(content)
    server = {"server": "local", "type": "local", "path": f"data/{path.name}", "format": file_format}
    write(folder / "contracts" / "rain.odcs.yaml", {**RAIN, "servers": [server]})
    return path


def readable(client):
    return client.get("/observe/health").json()["checks"]["data:readable"][0]["status"]


def test_health_reads_a_file_once_for_each_state_of_it(folder, client_of, monkeypatch):
    path = data(folder, "json", b'[{"station": "A"}]')
    reads = []
    monkeypatch.setattr(samples, "_json_records", lambda found: reads.append(found) or [{}])
    client = client_of(folder)
    assert [readable(client) for _ in range(3)] == ["pass"] * 3
    assert reads == [path]
    path.write_bytes(b'[{"station": "AB"}]')
    assert (readable(client), len(reads)) == ("pass", 2)
    path.unlink()
    assert readable(client) == "fail"


def test_health_does_not_parse_large_json(folder, client_of, monkeypatch):
    path = data(folder, "json", b" [" + b'{"station": "A"},' * 70_000)
    monkeypatch.setattr(samples, "_json_records", lambda _: pytest.fail("parsed"))
    client = client_of(folder)
    assert readable(client) == "pass"
    path.write_bytes(b"x" * 1_100_000)
    assert readable(client) == "fail"


def test_health_of_parquet_is_told_by_its_magic_bytes(folder, client_of, monkeypatch):
    path = data(folder, "parquet", b"PAR1" + b"x" * 20 + b"PAR1")
    monkeypatch.setitem(sys.modules, "duckdb", None)
    client = client_of(folder)
    assert readable(client) == "pass"
    path.write_bytes(b"PAR1" + b"x" * 20)
    assert readable(client) == "fail"


# -- orders, the end of the process -----------------------------------------------------------------------------------


def test_cancelled_orders_do_not_count_and_strangers_are_one_consumer(folder, client_of, issuer):
    house = open_house(folder, client_of, issuer, orders=3, orders_per_consumer=1)
    for _ in range(5):
        placed = house.client.post(f"{house.rain}/orders", json={})
        assert placed.status_code == 202, placed.text
        assert house.client.post(f"{house.rain}/orders", json={}).status_code == 429
        assert house.client.delete(placed.headers["location"]).json()["status"] == "cancelled"
    assert len(house.client.app.state.context.state.items("order")) <= 3


def test_an_order_under_way_ends_with_the_gateway(folder, client_of, issuer):
    house = open_house(folder, client_of, issuer)
    with house.client as client:
        placed = client.post(f"{house.rain}/orders", json={"sql": ENDLESS})
        until(workers)
    until(lambda: not workers())
    found = client_of(folder).get(placed.headers["location"]).json()
    assert (found["status"], "stopped" in found["detail"]) == ("failed", True)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_its_gateway(folder, client_of, issuer, ending):
    house = open_house(folder, client_of, issuer, query_seconds=120)
    with process(folder) as (port, running, _):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        body = json.dumps({"sql": ENDLESS})
        connection.request("POST", f"{house.rain}/orders", body, {"Content-Type": "application/json"})
        assert connection.getresponse().status == 202
        server = psutil.Process(running.pid)
        worker = until(lambda: [c for c in server.children() if "gateway.consume.worker" in " ".join(c.cmdline())])[0]
        connection.close()
        os.kill(running.pid, ending)
        running.wait(15)
        assert worker.wait(10) is None or not worker.is_running()


@pytest.mark.skipif(sys.platform != "linux", reason="needs the parent-death signal of Linux")
def test_no_measuring_outlives_its_gateway():
    starts = "import subprocess, sys; subprocess.run([sys.executable, '-m', 'gateway.quality.worker'])"
    parent = subprocess.Popen([sys.executable, "-c", starts], stdin=subprocess.PIPE)
    try:
        worker = until(lambda: psutil.Process(parent.pid).children())[0]
        until(lambda: any("duckdb" in found.path for found in worker.memory_maps()))
        until(lambda: worker.cpu_percent(0.3) == 0)  # it waits for its job
        assert worker.is_running()
        parent.kill()
        parent.wait(10)
        psutil.wait_procs([worker], 5)
        assert not worker.is_running()
    finally:
        parent.kill()
        parent.stdin.close()
        parent.wait(10)


# -- no 500 -----------------------------------------------------------------------------------------------------------


def test_a_result_nested_too_deeply_is_a_problem(folder, client_of, issuer):
    house = open_house(folder, client_of, issuer)
    answer = house.ask("SELECT " + "[" * 300 + "1" + "]" * 300)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), answer.text


def test_a_folder_that_is_gone_is_a_problem(folder, client_of, issuer):
    source = {"type": "folder", "path": "x"}
    write(folder / "gateway.yaml", {"artifacts": {"rain": {"access": "open", "source": source}}})
    client = client_of(folder)
    own_id = next(a["id"] for a in client.get("/discover/artifacts").json()["artifacts"] if a["name"] == "rain")
    for address in (f"/consume/{own_id}", f"/discover/artifact/{own_id}/sample"):
        answer = client.get(address)
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json"), answer.text
        assert str(folder) not in answer.text


def test_a_path_with_a_nul_is_a_broken_edit(folder, client_of):
    client = client_of(folder)
    source = {"type": "csv", "path": "a\0b"}
    write(folder / "gateway.yaml", {"artifacts": {"rain": {"source": source}}})
    assert client.get("/discover").status_code == 200
    health = client.get("/observe/health")
    assert (health.status_code, health.json()["checks"]["documents:valid"][0]["status"]) == (200, "warn")
    with pytest.raises(DocumentError):
        client_of(folder)


@pytest.mark.parametrize("name", ["order_keep_seconds", "order_bytes", "query_disk_mb", "orders_per_consumer"])
def test_limits_have_an_upper_bound(name):
    with pytest.raises(ValueError, match=name):
        Limits.model_validate({name: 10**15})


def test_head_ignores_a_range(folder, client_of, issuer):
    house = open_house(folder, client_of, issuer)
    for wanted in ("bytes=0-3", "bytes=99999999-", "nonsense"):
        head = house.client.head(house.rain, headers={"Range": wanted})
        assert (head.status_code, "content-range" in head.headers) == (200, False)
        assert int(head.headers["content-length"]) == (folder / "data" / "rain.csv").stat().st_size
