"""gateway.yaml: what is wrong in it is said with line and key, and no secret of it is ever repeated."""

import pytest

from gateway.config import read_config
from gateway.documents import DocumentError


def problems(tmp_path, text):
    (tmp_path / "gateway.yaml").write_text(text)
    with pytest.raises(DocumentError) as caught:
        read_config(tmp_path)
    return "; ".join(caught.value.problems)


@pytest.mark.parametrize("text", [None, "", "# only a remark\n", "limits: {}\n"])
def test_everything_is_optional(tmp_path, text):
    if text is not None:
        (tmp_path / "gateway.yaml").write_text(text)
    config = read_config(tmp_path).config
    assert (config.trust, config.artifact("any").ingest, config.limits.query_rows) == ([], False, 10_000)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("limits:\n  query_rows: 0\n", "line 2: limits.query_rows"),
        (
            "artifacts:\n  a:\n    roles:\n      x:\n        mask:\n          c: blur\n",
            "line 6: artifacts.a.roles.x.mask.c",
        ),
        (
            "artifacts:\n  a:\n    source: {type: csv}\n",
            "line 3: artifacts.a.source: a source of type csv needs a path",
        ),
        ("artifacts:\n  a:\n    source: {type: sql, url: 'mysql://x'}\n", "must start with postgresql://"),
        ("artifacts:\n  a:\n    source: {type: http, url: 'file:///etc/passwd'}\n", "must start with http://"),
        ("artifacts:\n  a:\n    source: {type: sql, url: 'sqlite:///x'}\n", "either a table or a query"),
        ("artifacts:\n  a:\n    source: {type: folder, path: x, pattern: ../*}\n", "pattern"),
        ("trust:\n  - issuer: x\n    jwks_url: ftp://x\n", "line 3: trust.0.jwks_url"),
        ("trust:\n  - issuer: x\n", "line 2: trust.0.jwks_url"),
        ("surprise: 1\n", "line 1: surprise: is not a key the gateway knows"),
        ("audience: ${NO_SUCH_VARIABLE_HERE}\n", "NO_SUCH_VARIABLE_HERE is not set"),
        ("a: 1\na: 2\n", "written twice"),
        ("- 1\n", "no mapping"),
        ("x: [", "line 2"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, text, said):
    assert said in problems(tmp_path, text)


def test_secrets_are_not_repeated(tmp_path, monkeypatch):
    monkeypatch.setenv("RAIN_DB", "mysql://user:hunter2@db/rain")
    text = "artifacts:\n  a:\n    source: {type: sql, url: '${RAIN_DB}', table: t}\n"
    assert "hunter2" not in problems(tmp_path, text)
    monkeypatch.setenv("RAIN_DB", "postgresql://user:hunter2@db/rain")
    config = read_config(tmp_path).config
    assert config.artifact("a").source.url.endswith("hunter2@db/rain")
    assert "hunter2" not in repr(config)


def test_variables_have_another_value_to_fall_back_on(tmp_path):
    (tmp_path / "gateway.yaml").write_text("audience: ${NO_SUCH_VARIABLE_HERE:-http://127.0.0.1:1}\n")
    assert read_config(tmp_path).config.audience == "http://127.0.0.1:1"
