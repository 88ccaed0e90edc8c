"""PostgreSQL as a source, the real one: downloaded, sampled, queried, measured, looked at; its password is nowhere."""

import json
import os
import secrets
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from gateway.databases import dump, look
from gateway.samples import DataError
from gateway.sources import Source

from .conftest import RAIN, write
from .test_observing import SOON
from .test_sources_observed import RULES, at_once, checks, looked, statuses  # noqa: F401 - a fixture

COLUMNS = """station text, mm numeric(6,2), n bigint, ok boolean, day date, seen timestamptz, part jsonb, id uuid,
             share double precision"""
ROW = ("A", "1.50", 2**53 + 1, True, "2024-02-29", "2024-02-29T10:30:00+02:00", '{"a": [1]}',
       "0f7d1c1e-6b1f-4a53-9a36-0d6c7d6e3f10", "NaN")  # fmt: skip


@pytest.fixture
def base():
    """A schema of its own with a table, and its address. The role owns it all; the server takes any password."""
    name, password = f"rain_{secrets.token_hex(4)}", "sesame%/@" + secrets.token_hex(8)
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:

        def run(text, *values):
            return connection.execute(sql.SQL(text).format(sql.Identifier(name)), values or None)

        run("CREATE SCHEMA {}")
        run(f"CREATE TABLE {{}}.rain ({COLUMNS})")
        run("INSERT INTO {}.rain VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)", *ROW)
        run("INSERT INTO {}.rain (station, mm) SELECT 'S' || n, n FROM generate_series(1, 149) n")
        info = connection.info
        host, database = quote(info.host, safe=""), quote(info.dbname, safe="")
        user = f"{quote(info.user, safe='')}:{quote(password, safe='')}"
        yield name, f"postgresql://{user}@/{database}?host={host}&port={info.port}", run
        run("DROP SCHEMA {} CASCADE")


@pytest.fixture
def made(folder, client_of, base, monkeypatch):
    name, url, _ = base
    monkeypatch.setenv("RAIN_URL", url)

    def make(sla=(), properties=(), roles=None, **source):
        document = json.loads(json.dumps(RAIN))
        document["schema"][0]["quality"] = [{**RULES[0], "mustBe": 150}, {**RULES[1], "mustBe": 11176.5}]
        document["schema"][0]["properties"] += properties
        document["slaProperties"] = list(sla)
        write(folder / "contracts" / "rain.odcs.yaml", document)
        source = {"type": "sql", "url": "${RAIN_URL}", **(source or {"table": f"{name}.rain"})}
        artifact = {"access": "open", "source": source, "roles": roles or {}}
        write(folder / "gateway.yaml", {"artifacts": {"rain": artifact}, "observe": {"pause_seconds": 0},
                                        "limits": {"query_seconds": 60, "source_seconds": 30}})  # fmt: skip
        client = client_of(folder)
        listed = client.get("/discover/artifacts").json()["artifacts"]
        return client, next(one["id"] for one in listed if one["name"] == "rain")

    return make


def test_it_is_downloaded_sampled_and_queried_with_its_types(made):
    client, own_id = made()
    lines = client.get(f"/consume/{own_id}?format=jsonl").text.splitlines()
    assert len(lines) == 150
    first = json.loads(lines[0])
    assert (first["station"], first["mm"], first["n"], first["ok"], first["share"]) == ("A", 1.5, 2**53 + 1, True, None)
    assert first["day"] == "2024-02-29"
    assert first["seen"].startswith("2024-02-29 08:30:00")
    assert client.get(f"/consume/{own_id}").text.splitlines()[0].startswith("station,mm,n,ok,day,seen,part,id,share")
    sample = client.get(f"/discover/artifact/{own_id}/sample?limit=2").json()
    assert (sample["columns"][:2], sample["hasMore"]) == (["station", "mm"], True)
    asked = client.post(
        f"/consume/{own_id}/query",
        json={"sql": "SELECT sum(mm), count(*) FILTER (WHERE seen < '2025-01-01'), part->'a'->>0 FROM data "
              "WHERE mm < 3 GROUP BY ALL ORDER BY 2 DESC"},
    )  # fmt: skip
    assert asked.status_code == 200, asked.text
    assert asked.json()["rows"][0] == [1.5, 1, "1"]


def test_an_empty_table_has_its_columns_all_the_same(made, base):
    name, _, run = base
    run("DELETE FROM {}.rain")
    client, own_id = made(table=f"{name}.rain")
    answer = client.post(f"/consume/{own_id}/query", json={"sql": "SELECT count(*), sum(mm) FROM data"})
    assert answer.json()["rows"] == [[0, None]], answer.text
    assert statuses(client)["rain/rain.rows"] == "fail"


def test_its_rules_are_measured_and_its_newest_row_is_what_counts(made):
    hourly = {"property": "frequency", "value": 1, "unit": "h", "element": "rain.seen"}
    client, _ = made(sla=[hourly], properties=[{"name": "seen", "logicalType": "timestamp"}])
    found = statuses(client)
    assert {found[key] for key in ("rain/rain.rows", "rain/rain.sum", "rain/rain.mm.type")} == {"pass"}
    assert found["rain/rain.seen.freshness"] == "fail"
    assert "its contract allows 0.0" in checks(client, "data:fresh")[0]["output"]


HEAVY = "SELECT station, mm FROM {0}.rain WHERE mm > 148;"
QUERIES = ("DELETE FROM {0}.rain RETURNING *", "WITH gone AS (DELETE FROM {0}.rain RETURNING *) SELECT * FROM gone",
           "SELECT 1; DELETE FROM {0}.rain")  # fmt: skip


def test_a_query_as_source_is_run_read_only(made, base, at_once):  # noqa: F811
    name, _, run = base
    client, own_id = made(query=HEAVY.format(name))
    assert client.get(f"/consume/{own_id}").text.count("\n") == 2
    looked(client, "pass")
    for query in QUERIES:
        client, own_id = made(query=query.format(name))
        assert client.get(f"/consume/{own_id}").status_code == 503
        looked(client, "fail")
    assert run("SELECT count(*) FROM {}.rain").fetchone() == (150,)


def test_what_a_role_sees_holds_for_it_too(made, base):
    client, own_id = made(roles={"default": {"mask": {"station": "redact"}, "filter": "n IS NOT NULL"}})
    assert client.get(f"/consume/{own_id}?format=jsonl").json()["station"] == "***"
    assert checks(client, "roles:valid") == []
    statuses(client)
    assert checks(client, "roles:valid")[0]["status"] == "pass"


def test_no_answer_and_no_log_says_where_it_is(made, base, at_once, caplog, folder):  # noqa: F811
    name, url, run = base
    client, own_id = made()
    good = [client.get(f"/consume/{own_id}"), client.get("/observe/results", headers=SOON)]
    looked(client, "pass")
    run("DROP TABLE {}.rain")
    check = looked(client, "fail")
    assert check["output"] == "rain: the database cannot be read"
    bad = [client.get(path) for path in (f"/consume/{own_id}", f"/discover/artifact/{own_id}/sample", "/observe/health",
                                         "/observe/results", "/certify/report", "/observe/metrics")]  # fmt: skip
    bad.append(client.post(f"/consume/{own_id}/query", json={"sql": "SELECT * FROM data"}))
    order = client.post(f"/consume/{own_id}/orders", json={})
    bad.append(client.get(order.headers["location"]))
    assert bad[0].status_code == 503
    said = "".join(answer.text + str(answer.headers) for answer in (*good, *bad, order)) + caplog.text
    for secret in (url, "sesame", name, "pg_hba", os.environ["DATABASE_URL"]):
        assert secret not in said
    state = folder / ".gateway" / "state.sqlite3"
    assert b"sesame" not in state.read_bytes()


def test_a_statement_that_runs_for_ever_is_ended_in_the_database(base, tmp_path):
    _, url, _ = base
    endless = "SELECT count(*) FROM generate_series(1, 100000000000)"
    source = Source("sql", url=url, query=endless)
    with pytest.raises(DataError, match="took too long"):
        dump(source, tmp_path / "rows.jsonl", 1000, 0.2)
    assert look(source, 5) is None, "a look reads no row"
