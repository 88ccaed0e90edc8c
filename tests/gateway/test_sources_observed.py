"""Folders, addresses and databases are measured and looked at like files, and health says what is wrong with them."""

import json
import os
import sqlite3
import time

import pytest

from gateway import watch
from gateway.config import SourceConfig
from gateway.databases import dump, look
from gateway.samples import DataError
from gateway.sources import Source

from .conftest import RAIN, write
from .test_observing import SOON, until
from .webserver import answering

CSV = b"station,mm\nA,1\nB,2.5\n,3\n"
RULES = [
    {"id": "rows", "metric": "rowCount", "mustBe": 3},
    {"id": "sum", "type": "sql", "query": "SELECT sum(mm) FROM {object}", "mustBe": 6.5},
]
WANTED = {"rain/rain.rows": "pass", "rain/rain.sum": "pass", "rain/rain.station.required": "fail",
          "rain/rain.mm.type": "pass", "rain/rain.station.type": "pass", "rain/rain.properties": "pass"}  # fmt: skip


@pytest.fixture
def at_once(monkeypatch):
    """Looks are repeated whenever health is asked for."""
    monkeypatch.setattr(watch, "FRESH_SECONDS", 0)


@pytest.fixture
def made(folder, client_of):
    """A gateway whose rain table comes from a source of gateway.yaml."""

    def make(source, *, sla=(), quality=RULES, roles=None, **other):
        document = json.loads(json.dumps(RAIN))
        document["schema"][0]["quality"] = quality
        document["slaProperties"] = list(sla)
        write(folder / "contracts" / "rain.odcs.yaml", document)
        artifact = {"source": source, "access": "open", **({"roles": roles} if roles else {})}
        settings = {"observe": {"pause_seconds": 0}, "schedule": {"quality_minutes": 0}}
        write(folder / "gateway.yaml", {"artifacts": {"rain": artifact}, **settings, **other})
        return client_of(folder)

    return make


def statuses(client):
    document = client.get("/observe/results", headers=SOON).json()
    return {result["id"]: result["status"] for result in document["results"]}


def checks(client, name):
    return client.get("/observe/health").json()["checks"].get(name, [])


def looked(client, wanted):
    """The check of the source, once its status is as wanted."""

    def found():
        [check] = checks(client, "source:reachable")
        return check if check["status"] == wanted else None

    return until(found)


def database(folder, rows=(("A", 1.0), ("B", 2.5), (None, 3))):
    path = folder / "rain.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE rain (station TEXT, mm REAL)")
        db.executemany("INSERT INTO rain VALUES (?, ?)", rows)
    db.close()
    return path


# -- measured ---------------------------------------------------------------------------------------------------------


def test_a_database_is_measured(folder, made):
    database(folder)
    assert statuses(made({"type": "sql", "url": "sqlite:///rain.db", "table": "rain"})) == WANTED


def test_an_address_is_measured(made):
    with answering(CSV) as server:
        assert statuses(made({"type": "http", "url": server.url})) == WANTED


def test_a_folder_is_measured_as_one_table(folder, made):
    (folder / "parts").mkdir()
    (folder / "parts" / "a.csv").write_text("station,mm\nA,1\n")
    (folder / "parts" / "b.csv").write_text("mm;station\n2.5;B\n3;\n")
    (folder / "parts" / ".hidden.csv").write_text("station,mm\nX,100\n")
    client = made({"type": "folder", "path": "parts", "pattern": "*.csv"})
    assert statuses(client) == WANTED
    (folder / "parts" / "c.csv").write_text("station,mm\nC,1\n")
    assert statuses(client)["rain/rain.rows"] == "fail", "a new file is a new state"


BROKEN = {
    "a table that is gone": {"type": "sql", "url": "sqlite:///rain.db", "table": "snow"},
    "a file that is no database": {"type": "sql", "url": "sqlite:///product.odps.yaml", "table": "rain"},
    "a database that is not there": {"type": "sql", "url": "sqlite:///sesame.db", "table": "rain"},
    "SQL that is none": {"type": "sql", "url": "sqlite:///rain.db", "query": "SELECT sesame"},
    "an address where nobody is": {"type": "http", "url": "http://user:sesame@127.0.0.1:1/sesame.csv"},
    "a folder that is not there": {"type": "folder", "path": "sesame"},
    "PostgreSQL where nobody is": {"type": "sql", "url": "postgresql://me:sesame@127.0.0.1:1/sesame", "table": "rain"},
    "an address that is none": {"type": "sql", "url": "postgresql://me:sesame@[::/sesame?x=%zz", "table": "rain"},
}


@pytest.mark.parametrize("source", BROKEN.values(), ids=BROKEN)
def test_a_source_that_cannot_be_read_is_no_pass_and_leaks_nothing(folder, made, at_once, caplog, source):
    database(folder)
    client = made(source)
    assert "pass" not in statuses(client).values()
    looked(client, "fail")
    health = client.get("/observe/health")
    assert (health.status_code, health.json()["status"]) == (503, "fail")
    own_id = health.json()["checks"]["source:reachable"][0]["componentId"]
    addresses = ("/discover", f"/discover/artifact/{own_id}/metadata", f"/discover/artifact/{own_id}/sample",
                 f"/consume/{own_id}", "/observe/results", "/observe/metrics", "/certify/report")  # fmt: skip
    everything = [health.text, caplog.text, *(client.get(path).text for path in addresses)]
    everything.append(client.post(f"/consume/{own_id}/query", json={"sql": "SELECT 1"}).text)
    assert "sesame" not in "".join(everything)
    assert str(folder) not in "".join(everything)


# -- looked at --------------------------------------------------------------------------------------------------------


def test_health_follows_an_address_that_goes_and_comes_back(made, at_once):
    with answering(CSV) as server:
        client = made({"type": "http", "url": server.url})
        [first] = checks(client, "source:reachable")
        assert (first["status"], "not been looked at yet" in first["output"]) == ("warn", True)
        looked(client, "pass")
        server.status = 500
        assert "answers 500" in looked(client, "fail")["output"]
        server.status = 200
        looked(client, "pass")


def test_health_never_waits_for_a_source(made, at_once):
    with answering(CSV) as server:
        server.go.clear()
        client = made({"type": "http", "url": server.url}, limits={"source_seconds": 1})
        for _ in range(20):
            assert client.get("/observe/health").status_code == 200, "nobody knows yet"
        until(lambda: server.asked)
        assert server.asked == 1, "one look at a time"
        looked(client, "fail")


def test_a_look_is_not_repeated_however_often_health_is_asked_for(made):
    with answering(CSV) as server:
        client = made({"type": "http", "url": server.url})
        looked(client, "pass")
        for _ in range(20):
            checks(client, "source:reachable")
        assert server.asked == 1


def test_a_gateway_that_starts_looks_before_anybody_asks(made):
    with answering(CSV) as server, made({"type": "http", "url": server.url}):
        until(lambda: server.asked)


def test_a_look_does_not_outlive_its_source(folder, made, at_once):
    database(folder)
    client = made({"type": "sql", "url": "sqlite:///rain.db", "table": "rain"})
    looked(client, "pass")
    made({"type": "folder", "path": "nowhere"})
    looked(client, "fail")


# -- how old ----------------------------------------------------------------------------------------------------------

DAILY = {"property": "frequency", "value": 1, "unit": "d"}


def test_the_age_of_a_source_elsewhere_is_what_it_says_itself(made, at_once):
    with answering(CSV) as server:
        server.modified = "Mon, 01 Jan 2024 00:00:00 GMT"
        client = made({"type": "http", "url": server.url}, sla=[DAILY])
        looked(client, "pass")
        [fresh] = checks(client, "data:fresh")
        assert (fresh["status"], "its contract allows 1.0" in fresh["output"]) == ("warn", True)
        assert statuses(client)["rain/freshness"] == "fail"


def test_the_age_of_a_column_is_measured_in_the_data(folder, made, client_of):
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with sqlite3.connect(folder / "rain.db") as db:
        db.execute("CREATE TABLE rain (station TEXT, seen TEXT)")
        db.executemany("INSERT INTO rain VALUES (?, ?)", [("A", "2020-01-01T00:00:00+05:00"), ("B", now)])
    db.close()
    sla = [
        {"property": "freshness", "value": "PT1H", "element": "rain.seen"},
        {"property": "Retention", "value": 2, "unit": "y", "element": "rain.seen"},
    ]
    client = made({"type": "sql", "url": "sqlite:///rain.db", "table": "rain"}, quality=[])
    document = json.loads(json.dumps(RAIN)) | {"slaProperties": sla}
    document["schema"][0]["properties"][1] = {"name": "seen", "logicalType": "timestamp"}
    write(folder / "contracts" / "rain.odcs.yaml", document)
    found = statuses(client)
    assert (found["rain/rain.seen.freshness"], found["rain/rain.seen.retention"]) == ("pass", "warn")
    [fresh] = checks(client, "data:fresh")
    assert (fresh["status"], fresh["observedValue"] < 3600) == ("pass", True)
    policy = {"id": "freshness", "check": "freshness"}
    with sqlite3.connect(folder / "rain.db") as db:
        db.execute("UPDATE rain SET seen = '2020-01-01T00:00:00Z'")
    db.close()
    source = {"type": "sql", "url": "sqlite:///rain.db", "table": "rain"}
    write(folder / "gateway.yaml", {"artifacts": {"rain": {"source": source}}, "policies": [policy],
                                    "observe": {"pause_seconds": 0}})  # fmt: skip
    assert statuses(client)["rain/rain.seen.freshness"] == "fail"
    assert checks(client, "data:fresh")[0]["status"] == "warn"
    report = client.get("/certify/report").json()
    assert (report["policies"][0]["met"], "rain.seen" in report["policies"][0]["message"]) == (False, True)


def test_a_file_dated_in_the_future_is_not_called_fresh(folder, client_of):
    write(folder / "contracts" / "rain.odcs.yaml", RAIN | {"slaProperties": [DAILY]})
    client = client_of(folder)
    path, now = folder / "data" / "rain.csv", time.time()
    os.utime(path, (now + 60, now + 60))
    assert checks(client, "data:fresh")[0]["status"] == "pass", "another clock"
    os.utime(path, (now + 86_400, now + 86_400))
    [fresh] = checks(client, "data:fresh")
    assert (fresh["status"], "future" in fresh["output"]) == ("warn", True)
    assert statuses(client)["rain/freshness"] == "warn"
    policies = {policy["id"]: policy["met"] for policy in client.get("/certify/report").json()["policies"]}
    assert policies["freshness"] is False


# -- roles ------------------------------------------------------------------------------------------------------------


def test_rules_of_roles_that_do_not_fit_the_data_are_said_and_nothing_of_them(folder, made):
    database(folder)
    roles = {
        "default": {"mask": {"station": "hash"}, "filter": "mm < 100"},
        "gone": {"mask": {"sesame": "null"}},
        "no-sql": {"filter": "sesame ((("},
        "stranger": {"filter": "sesame = 1"},
        "nothing": {"mask": {"station": "drop", "mm": "drop"}},
        "cast": {"filter": "CAST(station AS INTEGER) > 0"},
        "all": {},
    }
    client = made({"type": "sql", "url": "sqlite:///rain.db", "table": "rain"}, roles=roles)
    assert checks(client, "roles:valid") == [], "nothing was measured yet"
    statuses(client)
    [check] = checks(client, "roles:valid")
    assert (check["status"], check["observedValue"], check["observedUnit"]) == ("warn", 1, "of 6 roles")
    for role, said in (("gone", "does not have"), ("no-sql", "is not SQL"), ("stranger", "names something"),
                       ("nothing", "masked away"), ("cast", "do not fit")):  # fmt: skip
        assert f"role '{role}': " in check["output"]
        assert said in check["output"]
    assert "sesame" not in check["output"]
    roles = {"default": roles["default"]}
    client = made({"type": "sql", "url": "sqlite:///rain.db", "table": "rain"}, roles=roles)
    statuses(client)
    assert checks(client, "roles:valid")[0]["status"] == "pass"


def test_rules_of_roles_are_tried_on_data_without_a_contract_too(folder, client_of):
    (folder / "contracts" / "rain.odcs.yaml").unlink()
    source = {"type": "csv", "path": "data/rain.csv"}
    write(folder / "gateway.yaml", {"artifacts": {"rain": {"source": source, "roles": {"a": {"mask": {"x": "null"}}}}}})
    client = client_of(folder)
    statuses(client)
    assert "role 'a'" in checks(client, "roles:valid")[0]["output"]


# -- databases --------------------------------------------------------------------------------------------------------


def test_the_types_of_a_database_without_types_are_those_of_its_values(tmp_path):
    with sqlite3.connect(tmp_path / "it's #1?.db") as db:
        db.execute("CREATE TABLE t (whole, both, text, mixed, none, big)")
        db.executemany(
            "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", [(1, 1, "a", 1, None, 1), (2, 2.5, "b", "x", None, 2)]
        )
    db.close()
    source = Source("sql", url=f"sqlite:///{tmp_path}/it's #1?.db", table="t", text_columns=("big",))
    assert dump(source, tmp_path / "rows.jsonl", 10_000) == {
        "whole": "BIGINT", "both": "DOUBLE", "text": "VARCHAR", "mixed": "VARCHAR", "none": "VARCHAR", "big": "VARCHAR",
    }  # fmt: skip
    assert look(source, 1) is not None
    with pytest.raises(DataError, match="larger"):
        dump(source, tmp_path / "rows.jsonl", 50)


def test_a_source_does_not_show_its_address_when_printed():
    assert "sesame" not in repr(SourceConfig(type="sql", url="postgresql://me:sesame@h/d", table="t"))
