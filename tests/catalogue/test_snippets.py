"""Code to copy means what it says, whatever names and addresses a product has; what cannot be quoted is left out."""

import ast
import json
import shlex
import subprocess
from urllib.parse import urlsplit

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.catalogue import snippets
from marketplace.catalogue.snippets import UnsafeError, how_to
from marketplace.live.view import ArtifactView, Column, NamedValue, SchemaView, Server

GRANTS = "https://marketplace.example/api/v1/products/x/grants/"
HOSTILE = [
    "a'; rm -rf ~; '", 'a"$(id)"', "a`id`b", "$HOME", "a\\", "--help", "-e id", "a b", "'", '"', "\\'", "${x}", "a;b",
    "a&&b", "a|b", "a>b", "{x}", "%s", "é✓", "*", "~root", "!1", "#x", 'x" OR 1=1 --', "a.b", ":p",
]  # fmt: skip
seen = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=60)


def artifact(**changes: object) -> ArtifactView:
    links = {"consume": "https://gateway.example/consume/rain"}
    return ArtifactView(**{"id": "rain", "name": "rain", "format": "csv", "links": links, **changes})  # type: ignore[arg-type]


def postgres(**settings: str) -> Server:
    said = {"host": "db.example", "port": "5432", "database": "climate", "schema": "public", **settings}
    return Server("warehouse", "postgres", settings=tuple(NamedValue(name, value) for name, value in said.items()))


def table(name: str, *columns: str) -> SchemaView:
    return SchemaView(name, columns=tuple(Column(column, column) for column in columns))


def words_of(command: str) -> list[str]:
    """What a real shell makes of it: the command is named by a function that prints its arguments."""
    lines = command.replace("$GRANT", "token")
    script = f'show() {{ printf "%s\\0" "$@"; }}\n{lines.replace(lines.split()[0], "show", 1)}'
    said = subprocess.run(["/bin/sh", "-c", script], capture_output=True, check=True, cwd="/", env={}, timeout=20)
    return said.stdout.decode().split("\0")[:-1]


@given(seen)
def test_a_shell_reads_back_the_very_word(value: str) -> None:
    assert shlex.split(snippets.shell(value)) == [value]


@given(seen)
def test_python_reads_back_the_very_text(value: str) -> None:
    assert ast.literal_eval(snippets.python(value)) == value


@pytest.mark.parametrize("value", [*HOSTILE, "a\u00a0b"])
def test_a_real_shell_runs_nothing_of_a_name(value: str) -> None:
    [_, shell, python] = how_to(
        artifact(), [table(value, value)], [postgres(host=value, database=value)], GRANTS
    ).snippets[2:]
    words = words_of(shell.code)
    assert f"--host={value}" in words
    assert f"--dbname={value}" in words
    assert any(word.startswith("--command=SELECT ") for word in words)
    assert len(words) == 4
    tree = ast.parse(python.code)
    assert value in {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}


@pytest.mark.parametrize("value", HOSTILE)
def test_a_real_database_finds_the_table_and_column_of_any_name(value: str) -> None:
    schema = table(value, value)
    server = Server("lake", "duckdb", settings=(NamedValue("database", "x"), NamedValue("schema", value)))
    sql = next(
        s for s in how_to(artifact(), [schema], [server], GRANTS).snippets if s.label == "SQL" and s.group == "lake"
    )
    quoted = value.replace('"', '""')
    with duckdb.connect() as database:
        database.execute(f'CREATE SCHEMA "{quoted}"')
        database.execute(f'CREATE TABLE "{quoted}"."{quoted}" ("{quoted}" INT)')
        answer = database.execute(sql.code)
        assert [column[0] for column in answer.description] == [value]


@pytest.mark.parametrize(
    "value",
    [
        "a\nid",
        "a\rid",
        "a\0b",
        "a\x1b[2J",
        "a\u202eb",
        "a\u2028b",
        "a\u200bb",
        "a\u2066b",
        "\ud800",
        "x" * 3_000,
        "\x7f",
    ],
)
def test_what_is_not_seen_gives_no_code(value: str) -> None:
    with pytest.raises(UnsafeError):
        snippets.shell(value)
    found = how_to(artifact(links={}), [table(value)], [postgres()], GRANTS)
    assert found.snippets == []
    assert found.unsafe == 1


def test_an_open_artifact_is_downloaded_without_a_token() -> None:
    found = how_to(artifact(access="open"), [], [], GRANTS)
    assert found.grant == ""
    shell, python = found.snippets
    assert words_of(shell.code) == [
        "--fail",
        "--location",
        "--output",
        "rain.csv",
        "https://gateway.example/consume/rain",
    ]
    assert 'pd.read_csv("https://gateway.example/consume/rain")' in python.code
    assert "GRANT" not in shell.code + python.code


@pytest.mark.parametrize("format", ["csv", "parquet", "json", "", "pdf"])
def test_what_needs_a_grant_says_how_to_get_one_and_sends_it(format: str) -> None:
    links = {"download": "https://g.example/consume/rain", "query": "https://g.example/consume/rain/query"}
    found = how_to(artifact(access="on request", links=links, format=format), [], [], GRANTS)
    assert GRANTS in found.grant
    assert '"scope": "consume"' in found.grant
    subprocess.run(["/bin/sh", "-n", "-c", found.grant], check=True)
    for snippet in found.snippets:
        if snippet.label == "Shell":
            assert words_of(snippet.code)[-2:] != []
            assert "Authorization: Bearer token" in words_of(snippet.code)
        if snippet.label == "Python":
            ast.parse(snippet.code)
            assert "os.environ['GRANT']" in snippet.code


def test_a_query_is_sent_as_the_protocol_wants_it() -> None:
    links = {"query": "https://g.example/q"}
    found = how_to(artifact(access="open", links=links), [], [], GRANTS)
    shell = next(snippet for snippet in found.snippets if snippet.label == "Shell")
    words = words_of(shell.code)
    assert json.loads(words[words.index("--json") + 1]) == {"sql": "SELECT * FROM data LIMIT 10"}


@pytest.mark.parametrize(
    ("type", "settings", "wanted"),
    [
        ("mysql", {"host": "h", "port": "3306", "database": "d"}, "mysql --host=h --port=3306 --database=d"),
        ("bigquery", {"project": "p", "dataset": "d"}, "bq query"),
        (
            "s3",
            {"location": "s3://bucket/rain/*.parquet", "format": "parquet"},
            "aws s3 cp --recursive s3://bucket/rain/ .",
        ),
        ("gcs", {"location": "gs://bucket/rain"}, "gcloud storage cp"),
        ("azure", {"location": "https://x.blob.core.windows.net/c/rain"}, "azcopy copy"),
        ("kafka", {"host": "k:9092", "topic": "rain"}, "--topic rain"),
        ("api", {"location": "https://api.example/v1"}, "curl --fail --location https://api.example/v1"),
        ("trino", {"host": "t", "port": "8443", "catalog": "c", "schema": "s"}, "trino --server=t:8443"),
    ],
)
def test_each_kind_of_server_has_its_own_client(type: str, settings: dict[str, str], wanted: str) -> None:
    server = Server("s", type, settings=tuple(NamedValue(*pair) for pair in settings.items()))
    found = how_to(artifact(links={}), [table("rain", "mm")], [server], GRANTS)
    assert any(wanted in snippet.code for snippet in found.snippets), found
    for snippet in found.snippets:
        if snippet.label == "Python":
            ast.parse(snippet.code)
        if snippet.label == "Shell":
            subprocess.run(["/bin/sh", "-n", "-c", snippet.code], check=True)


@pytest.mark.parametrize("location", ["file:///etc/passwd", "--recursive", "javascript:alert(1)", "http://u:p@x/"])
def test_a_location_of_another_kind_gives_no_command(location: str) -> None:
    for type in ("s3", "gcs", "azure"):
        server = Server("s", type, settings=(NamedValue("location", location),))
        assert how_to(artifact(links={}), [], [server], GRANTS).snippets == []


def test_the_file_is_never_named_outside_the_folder() -> None:
    found = how_to(artifact(name="../../.ssh/authorized_keys"), [], [], GRANTS)
    words = words_of(found.snippets[0].code)
    name = words[words.index("--output") + 1]
    assert "/" not in name
    assert not name.startswith((".", "-"))
    assert urlsplit(words[-1]).scheme == "https"
