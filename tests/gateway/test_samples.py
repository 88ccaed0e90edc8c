"""Sample rows: of every format, never too many, and a clear problem where there are none."""

import json
import sys

import pytest

from .conftest import ODPS, RAIN, write

pytestmark = pytest.mark.usefixtures("opened")


def sample_of(client, query=""):
    listed = client.get("/discover/artifacts").json()["artifacts"]
    link = next(link for link in listed[0]["links"] if link["rel"] == "sample")
    return client.get(link["href"] + query)


def serve(folder, client_of, name, content, file_format=None):
    """A client whose first artifact has this file as data."""
    path = folder / "data" / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    server = {"server": "local", "type": "local", "path": f"./data/{name}", "format": file_format or path.suffix[1:]}
    write(folder / "contracts" / "rain.odcs.yaml", {**RAIN, "servers": [server]})
    return client_of(folder)


def test_limit_bounds_the_rows_and_more_are_announced(client):
    answer = sample_of(client, "?limit=2").json()
    assert answer["columns"] == ["station", "mm"]
    assert answer["rows"] == [["S0", "0.5"], ["S1", "1.5"]]
    assert answer["hasMore"] is True
    assert len(sample_of(client).json()["rows"]) == 100


def test_a_short_file_has_no_more(folder, client_of):
    client = serve(folder, client_of, "a.csv", "a,b\n1,2\n")
    assert sample_of(client, "?limit=1").json()["hasMore"] is False


@pytest.mark.parametrize("limit", ["0", "-1", "101", "ten", "1.5", "", "9" * 5000, "١", "1_0", " 5", "%00"])
def test_a_bad_limit_is_400_and_says_what_is_possible(client, limit):
    answer = sample_of(client, f"?limit={limit}")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert "from 1 to 100" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("name", "content", "columns", "rows"),
    [
        ("a.csv", '\ufeffa;b\r\n1;"x;\n y"\r\n', ["a", "b"], [["1", "x;\n y"]]),
        ("a.tsv", "a\tb\n1,5\t2\n", ["a", "b"], [["1,5", "2"]]),
        ("a.csv", "a,b\n1\n2,3,4\n", ["a", "b", "column 3"], [["1", None, None], ["2", "3", "4"]]),
        ("a.csv", "", [], []),
        ("a.json", '[{"a": 1, "b": null}, {"a": 2, "c": [1]}]', ["a", "b", "c"], [[1, None, None], [2, None, [1]]]),
        ("a.json", '{"meta": 1, "rows": [{"a": NaN}]}', ["a"], [[None]]),
        ("a.json", '{"a": 1}', ["a"], [[1]]),
        ("a.json", "[1, 2]", ["value"], [[1], [2]]),
        ("a.jsonl", '{"a": 1}\n\n{"a": 2}\n', ["a"], [[1], [2]]),
        (
            "a.geojson",
            '{"type": "FeatureCollection", "features": [{"properties": {"n": 1}, "geometry": null}]}',
            ["n", "geometry"],
            [[1, None]],
        ),
        ("a.md", "# Title\n\nText\n", ["text"], [["# Title"], [""], ["Text"]]),
    ],
)
def test_rows_of_each_text_format(folder, client_of, name, content, columns, rows):
    answer = sample_of(serve(folder, client_of, name, content))
    assert answer.status_code == 200, answer.text
    assert (answer.json()["columns"], answer.json()["rows"]) == (columns, rows)


def test_rows_of_parquet_come_through_duckdb(folder, client_of):
    duckdb = pytest.importorskip("duckdb")
    query = (
        "SELECT 1 AS n, DATE '2024-02-29' AS day, 'NaN'::DOUBLE AS x, [1.5::DOUBLE] AS list, "
        "{'k': 1.10::DECIMAL(3,2)} AS s"
    )
    duckdb.sql(query).write_parquet(str(folder / "data" / "made.parquet"))
    client = serve(folder, client_of, "a.parquet", (folder / "data" / "made.parquet").read_bytes())
    answer = sample_of(client).json()
    assert answer["columns"] == ["n", "day", "x", "list", "s"]
    assert answer["rows"] == [[1, "2024-02-29", None, [1.5], {"k": "1.10"}]]
    volume = client.get("/observe/metrics").json()["volume"]
    assert volume["artifacts"][0]["rows"] == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"a,b\n\xff\xfe,1\n"),
        ("a.csv", b'a\n"' + b"x" * 200_000 + b'"\n'),
        ("a.json", b"{not json"),
        ("a.json", b"[" * 100_000),
        ("a.geojson", b'{"features": [1]}'),
        ("a.geojson", b'{"features": [{"properties": [1]}]}'),
        ("a.json", b'["\\ud800"]'),
        ("a.json", b'[{"a": ' + b"[" * 400 + b"]" * 400 + b"}]"),
        ("a.json", b'[{"a": ' + b"9" * 5000 + b"}]"),
        ("a.jsonl", b'{"a": 1}\nnope\n'),
        ("a.parquet", b"PAR1 not really"),
    ],
)
def test_a_broken_data_file_is_a_problem_and_fails_health(folder, client_of, name, content):
    client = serve(folder, client_of, name, content)
    answer = sample_of(client)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert name in answer.json()["detail"]
    assert "Traceback" not in answer.text
    assert client.get("/observe/metrics").status_code == 200
    if name != "a.jsonl":  # health reads the first row only, which is fine here
        assert client.get("/observe/health").status_code == 503


def test_huge_cells_do_not_make_a_huge_answer(folder, client_of):
    lines = "".join(json.dumps({"a": "x" * 400_000}) + "\n" for _ in range(10))
    answer = sample_of(serve(folder, client_of, "a.jsonl", lines))
    assert len(answer.content) < 1_100_000
    assert answer.json()["hasMore"] is True


def test_an_artifact_without_rows_says_how_to_go_on(client):
    how_to = client.get("/discover/artifacts").json()["artifacts"][1]["id"]
    problem = client.get(f"/discover/artifact/{how_to}/sample")
    assert problem.status_code == 404
    assert "pdf" in problem.json()["detail"]
    assert "contract" in problem.json()["action"]


@pytest.mark.parametrize(
    "path",
    [
        "../secret.csv",
        "/etc/passwd",
        "data/\0.csv",
        "~/x.csv/../../../secret.csv",
        "data/../../secret.csv",
        "data/link.csv",
        ".",
    ],
)
def test_data_outside_the_product_folder_is_never_read(folder, client_of, path):
    (folder.parent / "secret.csv").write_text("secret\n1\n")
    (folder / "data" / "link.csv").symlink_to(folder.parent / "secret.csv")
    server = {"server": "local", "type": "local", "path": path, "format": "csv"}
    write(folder / "contracts" / "rain.odcs.yaml", {**RAIN, "servers": [server]})
    client = client_of(folder)
    rain = client.get("/discover/artifacts").json()["artifacts"][0]
    answer = client.get(f"/discover/artifact/{rain['id']}/sample")
    assert answer.status_code == 404
    assert "secret" not in answer.text
    assert "leaves the product folder" in client.get("/observe/health").json()["output"]


def test_a_data_file_swapped_for_a_link_to_the_outside_is_not_followed(folder, client_of):
    (folder.parent / "secret.csv").write_text("secret\n1\n")
    client = client_of(folder)
    (folder / "data" / "rain.csv").unlink()
    (folder / "data" / "rain.csv").symlink_to(folder.parent / "secret.csv")
    rain = client.get("/discover/artifacts").json()["artifacts"][0]
    answer = client.get(f"/discover/artifact/{rain['id']}/sample")
    assert (answer.status_code, "secret" in answer.text) == (404, False)


def test_a_link_inside_the_folder_is_followed_to_where_it_leads_now(folder, client_of):
    link = folder / "data" / "rain.csv"
    link.rename(folder / "data" / "2024.csv")
    (folder / "data" / "2025.csv").write_text("station,mm\nnew,1\n")
    link.symlink_to("2024.csv")
    client = client_of(folder)
    assert sample_of(client, "?limit=1").json()["rows"] == [["S0", "0.5"]]
    link.unlink()
    link.symlink_to("2025.csv")
    assert sample_of(client, "?limit=1").json()["rows"] == [["new", "1"]]


def test_a_port_can_name_its_server(folder, client_of):
    servers = [
        {"server": "one", "type": "local", "path": "data/one.csv", "format": "csv"},
        {"server": "two", "type": "local", "path": "data/rain.csv", "format": "csv"},
    ]
    write(folder / "contracts" / "rain.odcs.yaml", {**RAIN, "servers": servers})
    port = {**ODPS["outputPorts"][0], "customProperties": [{"property": "server", "value": "two"}]}
    write(folder / "product.odps.yaml", {**ODPS, "outputPorts": [port, *ODPS["outputPorts"][1:]]})
    assert sample_of(client_of(folder)).json()["rows"][0] == ["S0", "0.5"]


def test_the_server_never_loads_duckdb_not_for_parquet_either(folder, client_of):
    """Its own process would have to show it: here others have loaded it."""
    import subprocess

    duckdb = pytest.importorskip("duckdb")
    duckdb.sql("SELECT range AS n FROM range(7)").write_parquet(str(folder / "data" / "a.parquet"))
    serve(folder, client_of, "a.parquet", (folder / "data" / "a.parquet").read_bytes())
    code = """
import sys
from pathlib import Path
from starlette.testclient import TestClient
from gateway.app import create_app

client = TestClient(create_app(Path(sys.argv[1])))
artifact = client.get("/discover/artifacts").json()["artifacts"][0]["id"]
print(len(client.get(f"/discover/artifact/{artifact}/sample").json()["rows"]))
print(client.get("/observe/metrics").json()["volume"]["rows"])
print(client.get("/observe/health").json()["status"])
print({"duckdb", "pandas", "numpy", "django", "requests"} & set(sys.modules))
"""
    found = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["7", "7", "pass", "set()"]


def test_a_parquet_file_is_looked_into_once_for_each_state_of_it(folder, client_of, monkeypatch):
    from gateway import samples

    duckdb = pytest.importorskip("duckdb")
    path = folder / "data" / "a.parquet"
    duckdb.sql("SELECT range AS n FROM range(7)").write_parquet(str(path))
    client = serve(folder, client_of, "a.parquet", path.read_bytes())
    runs = []
    real = samples.subprocess.run
    monkeypatch.setattr(samples.subprocess, "run", lambda *args, **kw: runs.append(args) or real(*args, **kw))
    for _ in range(3):
        assert sample_of(client).json()["rows"][0] == [0]
        assert client.get("/observe/metrics").json()["volume"]["rows"] == 7
    assert len(runs) == 2


def test_a_masked_sample_of_rows_nested_too_deeply_is_a_problem(folder, client_of):
    deep = '[{"station": "S", "mm": ' + "[" * 300 + "1" + "]" * 300 + "}]"
    client = serve(folder, client_of, "a.json", deep)
    rules = {"roles": {"default": {"mask": {"station": "redact"}}}}
    write(folder / "gateway.yaml", {"artifacts": {"rain": {"access": "open", **rules}}})
    answer = sample_of(client)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json"), answer.text
    assert "Traceback" not in answer.text
