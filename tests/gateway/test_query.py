"""Queries: one SELECT over what the caller may see, and nothing else, however it is written."""

import re
import sys
import threading
import time
from pathlib import Path
from tempfile import gettempdir

import pytest

from .house import House, workers

LIMITS = {"query_seconds": 4, "query_rows": 120, "query_bytes": 20_000, "query_memory_mb": 64, "query_disk_mb": 50}
OPEN = {"limits": LIMITS, "artifacts": {"rain": {"access": "open"}, "how-to": {"access": "open"}}}


@pytest.fixture
def house(folder, client_of):
    (folder.parent / "secret.csv").write_text("secret\n1\n")
    return House(folder, client_of, OPEN)


@pytest.mark.parametrize("name", ["data", "rain", "RAIN"])
def test_the_table_has_two_names(house, name):
    answer = house.ask(f"SELECT station, mm * 2 AS twice FROM {name} WHERE mm > 148 ORDER BY 1")  # noqa: S608
    assert answer.status_code == 200
    body = answer.json()
    assert (body["columns"], body["rows"]) == (["station", "twice"], [["S148", 297.0], ["S149", 299.0]])
    assert (body["types"], body["rowCount"], body["truncated"]) == (["VARCHAR", "DOUBLE"], 2, False)
    assert house.log()[0] | {"time": 0, "bytes": 0} == {
        "time": 0, "bytes": 0, "consumer": "anonymous", "role": None, "agreement": None,
        "artifact": house.ids["rain"], "action": "query", "status": 200, "rows": 2,
    }  # fmt: skip


def test_an_answer_is_cut_off_at_its_limits_and_says_so(house):
    assert house.ask("FROM data").json()["rowCount"] == 120
    body = house.ask("FROM data", limit=3).json()
    assert (len(body["rows"]), body["truncated"]) == (3, True)
    answer = house.ask("SELECT repeat('x', 9000) FROM data")
    assert (answer.json()["rowCount"], answer.json()["truncated"]) == (2, True)
    answer = house.ask("FROM data ORDER BY mm LIMIT 2", format="csv")
    assert (answer.text, answer.headers["x-truncated"]) == ("station,mm\r\nS0,0.5\r\nS1,1.5\r\n", "false")


def test_values_that_json_does_not_know(house):
    sql = "SELECT 'nan'::DOUBLE, now()::TIMESTAMPTZ, 1.10::DECIMAL(5,2), '\\x00'::BLOB, [1, 2], {'a': NULL}, uuid()"
    [row] = house.rows(sql)
    assert (row[0], row[2], row[4], row[5]) == (None, "1.10", [1, 2], {"a": None})


REFUSED = [
    "ATTACH '/tmp/x.db' AS x", "ATTACH ':memory:' AS x", "COPY data TO '/tmp/x.csv'", "COPY data FROM '/etc/passwd'",
    "INSTALL httpfs", "LOAD httpfs", "FORCE INSTALL httpfs", "PRAGMA database_list", "PRAGMA enable_profiling",
    "SET enable_external_access=true", "SET threads=64", "RESET ALL", "CREATE TABLE x AS SELECT 1", "DROP TABLE data",
    "CREATE MACRO f(a) AS a", "INSERT INTO data VALUES ('x', 1)", "DELETE FROM data", "UPDATE data SET mm = 1",
    "EXPORT DATABASE '/tmp/x'", "IMPORT DATABASE '/tmp/x'", "CALL pragma_version()", "EXPLAIN SELECT 1", "VACUUM",
    "CHECKPOINT", "USE memory", "BEGIN", "PREPARE p AS SELECT 1", "EXECUTE p", "CREATE SECRET s (TYPE S3)",
    "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM '/etc/passwd'", "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/passwd')", "SELECT * FROM read_json('/etc/passwd')", "SELECT * FROM 'secret.csv'",
    "SELECT * FROM read_parquet('/x')", "SELECT * FROM glob('/*')", "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM read_csv('https://example.org/x.csv')", "SELECT * FROM 's3://bucket/x.parquet'",
    "SELECT getenv('HOME')", "SELECT 1; SELECT 2", "SELECT 1; DROP TABLE data", ";", "-- nothing", "SELEC 1",
    "SELECT * FROM query('SELECT * FROM read_csv(''/etc/passwd'')')", "SELECT * FROM query_table('/etc/passwd')",
    "WITH x AS (INSERT INTO data VALUES ('x', 1) RETURNING *) SELECT * FROM x", "SELECT * FROM duckdb_secrets()",
    "SELECT getenv('PATH') FROM data", "SELECT * FROM glob('scratch/*')", "SELECT * FROM read_blob('../*')",
    "SELECT * FROM read_text('/proc/self/environ')", "SELECT * FROM read_text('/dev/stdin')",
    "SELECT * FROM parquet_metadata('/dev/stdout')", "CALL duckdb_settings()", "SET temp_directory='/tmp'",
    "RESET temp_directory", "SET SESSION memory_limit='100GB'", "SET secret_directory='/tmp'", "LOAD '/tmp/x.so'",
    "INSTALL x FROM 'https://example.org'", "UPDATE EXTENSIONS", "COPY (SELECT 1) TO '/dev/stdout'",
    "SELECT * FROM pragma_database_list()", "DETACH data", "COMMENT ON TABLE data IS 'x'", "PIVOT data ON station",
    "SELECT * FROM nosuch", "SELECT sys FROM data", "SELECT * FROM os", "SELECT * FROM job", "SELECT 1/",
    "SELECT " + "(" * 5000 + "1" + ")" * 5000, "SELECT '\ud83d", "\0", "SELECT error('x')",
]  # fmt: skip


@pytest.mark.parametrize("sql", REFUSED, ids=lambda sql: sql[:40].encode("ascii", "replace").decode())
def test_what_no_query_may(house, sql):
    if "\ud83d" in sql:
        sql = sql.replace("\ud83d", "")
    answer = house.ask(sql)
    assert answer.status_code in (400, 403, 422), answer.text
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["detail"]
    for secret in ("root:", "Traceback", "secret\n", str(house.folder), "bin/bash"):
        assert secret not in answer.text
    assert not house.folder.parent.joinpath("x.csv").exists()
    assert house.rows("SELECT count(*) FROM data") == [[150]]


@pytest.mark.parametrize(
    "sql",
    [
        "WITH RECURSIVE t AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM t) SELECT count(*) FROM t",
        "SELECT sum(sin(a.mm * b.mm * c.mm * d.mm * e.mm)) FROM data a, data b, data c, data d, data e",
        "SELECT sum(length(md5(range::VARCHAR))) FROM range(100000000000)",
        "SELECT string_agg(repeat('x', 100000), '') FROM range(100000)",
        "SELECT list(range) FROM range(10000000000)",
        "SELECT sum(length(repeat('x', 4000000000 + range))) FROM range(1000)",
        "WITH RECURSIVE t AS (SELECT 'x' AS a UNION ALL SELECT a || a FROM t) SELECT max(length(a)) FROM t",
        "SELECT count(*) FROM range(9000000000000000000) a, range(9000000000000000000) b WHERE a.range = b.range + 1",
        "SELECT length(array_to_string(list_transform(range(1000000), lambda x: repeat('x', 1000000)), ''))",
        "SELECT count(*) FROM generate_series(TIMESTAMP '0001-01-01', TIMESTAMP '9999-01-01', INTERVAL 1 microsecond)",
        "SELECT count(*) FROM range(10000000) WHERE regexp_matches(repeat('a', 100000 + range), '(a*)*b')",
    ],
)
def test_bombs_are_stopped_for_real(house, sql):
    begun = time.monotonic()
    answer = house.ask(sql)
    assert (answer.status_code, time.monotonic() - begun < 12) == (422, True), answer.text
    assert answer.json()["title"] in ("Out of time", "Query too large", "Stopped")
    assert workers() == []


@pytest.mark.parametrize(
    "sql",
    ["SELECT value FROM duckdb_settings()", "SELECT setting FROM pg_settings", "SELECT path FROM duckdb_databases()",
     "SELECT current_setting('temp_directory'), current_setting('secret_directory')",
     "SELECT current_setting('allowed_directories')::VARCHAR, current_setting('allowed_paths')::VARCHAR",
     "SELECT * FROM duckdb_secrets()", "SELECT * FROM duckdb_extensions()", "SELECT * FROM duckdb_temporary_files()",
     "SELECT * FROM pragma_user_agent()", "SELECT * FROM pragma_platform()", "SELECT * FROM pragma_version()",
     "SELECT * FROM duckdb_logs()", "SELECT * FROM duckdb_variables()", "SELECT * FROM pragma_table_info('data')",
     "SELECT * FROM pragma_storage_info('data')", "SELECT * FROM pragma_database_size()", "SELECT version()",
     "SELECT sql FROM duckdb_tables()", "SELECT * FROM duckdb_views()", "SHOW ALL TABLES", "SHOW DATABASES"],
)  # fmt: skip
def test_what_a_query_may_ask_of_duckdb_names_no_place_but_its_own(folder, client_of, sql, monkeypatch):
    """Its own is a fresh directory with a name of no meaning, which is gone with the answer."""
    for name in ("HOME", "USER", "SOME_PASSWORD"):
        monkeypatch.setenv(name, "/hunter2/hunter2")
    house = House(folder, client_of, {**OPEN, "limits": {**LIMITS, "query_seconds": 60}})
    answer = house.ask(sql)
    assert answer.status_code in (200, 400, 403), answer.text
    told = " ".join(str(cell) for row in answer.json().get("rows", []) for cell in row)
    for secret in ("hunter2", str(folder.parent), str(Path.home()), str(Path.cwd()), "rain.csv", sys.prefix):
        assert secret not in told
    places = re.findall(re.escape(gettempdir()) + r"[^\s,;'\"\]]*", told)
    assert all(Path(place).parts[len(Path(gettempdir()).parts)].startswith("gateway-") for place in places), places
    assert not any(Path(place).exists() for place in places)


def test_what_was_spilled_is_ciphertext_to_a_query(folder, client_of):
    """DuckDB lets a query read its own spill files, and these may hold what a mask hides."""
    with (folder / "data" / "rain.csv").open("w") as file:
        file.write("station,mm\n")
        file.writelines(
            f"PLAINTEXT-{number * 7919 % 900_001:012d}-{number:012d},{number}\n" for number in range(900_000)
        )
    limits = {"query_memory_mb": 40, "query_seconds": 60, "query_disk_mb": 500}
    house = House(folder, client_of, {"limits": limits, "artifacts": {"rain": {"access": "open"}}})
    sql = """
        SELECT (SELECT count(*) FROM read_blob('spill/*.tmp')) AS files,
               (SELECT count(*) FROM read_blob('spill/*.tmp') WHERE contains(hex(content), hex('PLAINTEXT'))) AS plain,
               (SELECT count(*) FROM data) AS rows"""
    answer = house.ask(sql)
    if answer.status_code == 200:
        assert answer.json()["rows"][0][1:] == [0, 900_000]
    else:  # reading them takes more memory than a query has
        assert answer.status_code in (403, 422), answer.text
    assert house.rows("SELECT count(*) FROM (SELECT row_number() OVER (ORDER BY station DESC) FROM data)") == [
        [900_000]
    ]


def test_no_query_sees_behind_masks_and_filters(folder, client_of):
    rules = {"mask": {"station": "redact"}, "filter": "mm < 2"}
    house = House(folder, client_of, {"artifacts": {"rain": {"access": "open", "roles": {"default": rules}}}})
    for sql in (
        "SELECT station FROM data WHERE station LIKE 'S%'",
        "SELECT * FROM unmasked",
        "SELECT * FROM main.rain WHERE mm > 100",
        "SELECT view_definition FROM information_schema.views WHERE view_definition LIKE '%rain.csv%'",
        "SELECT sql FROM duckdb_tables() WHERE sql LIKE '%mm < 2%' OR sql LIKE '%csv%'",
        "SELECT stats FROM pragma_storage_info('data') WHERE stats LIKE '%S1%'",
        "SELECT * FROM duckdb_temporary_files()",
        "SELECT value FROM duckdb_settings() WHERE value LIKE '%rain%'",
    ):
        answer = house.ask(sql)
        assert answer.status_code == 400 or answer.json()["rows"] == [], (sql, answer.text)
    assert house.rows("SELECT DISTINCT station FROM data") == [["***"]]


def test_a_query_knows_nothing_of_the_servers_environment(house, monkeypatch):
    monkeypatch.setenv("DATABASE_PASSWORD", "hunter2")
    answer = house.ask("SELECT * FROM duckdb_settings()")
    assert "hunter2" not in answer.text


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 422), (b"{", 400), (b"[]", 422), (b'{"sql": 1}', 422), (b'{"sql": ""}', 422),
     (b'{"sql": "SELECT 1", "limit": 0}', 422), (b'{"sql": "SELECT 1", "format": "xml"}', 422),
     (b'{"sql": "' + b"x" * 30_000 + b'"}', 422), (b"x" * 200_000, 413), (b"\xff\xfe", 400)],
)  # fmt: skip
def test_bodies_that_are_no_query(house, body, status):
    answer = house.client.post(f"{house.rain}/query", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["status"]) == (status, status), answer.text


def test_what_is_no_table_cannot_be_queried(house):
    answer = house.client.post(f"/consume/{house.ids['how-to']}/query", json={"sql": "SELECT 1"})
    assert (answer.status_code, "pdf" in answer.json()["detail"]) == (409, True)


def test_columns_the_contract_calls_text_stay_text(folder, client_of):
    (folder / "data" / "rain.csv").write_text("station,mm\n007,1\n008,2\n")
    house = House(folder, client_of, OPEN)
    assert house.rows("SELECT station FROM data ORDER BY 1") == [["007"], ["008"]]


def test_file_names_that_look_like_patterns_or_sql(folder, client_of):
    from .conftest import RAIN, write

    name = "data/it's [a] * ?.csv"
    (folder / name).write_text("station,mm\nx,1\n")
    server = {"server": "local", "type": "local", "path": name, "format": "csv"}
    write(folder / "contracts" / "rain.odcs.yaml", {**RAIN, "servers": [server]})
    assert House(folder, client_of, OPEN).rows("FROM data") == [["x", 1]]


def test_too_many_at_once_are_told_to_come_back(folder, client_of):
    house = House(folder, client_of, {**OPEN, "limits": {**LIMITS, "query_at_once": 1, "query_wait_seconds": 0.1}})
    statuses = []
    endless = "WITH RECURSIVE t AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM t) SELECT count(*) FROM t"
    threads = [threading.Thread(target=lambda: statuses.append(house.ask(endless))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    busy = [answer for answer in statuses if answer.status_code == 429]
    assert sorted(answer.status_code for answer in statuses) == [422, 429]
    assert busy[0].headers["retry-after"] == "5"
