"""`mesh diff` in a pipeline: two contracts compared, and a status that stops what would break others."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from client import MarketplaceError, NotSignedInError
from client.__main__ import cli
from client.marketplace import Marketplace
from marketplace.accounts import tokens
from tests.drift.contracts import rain

REAL = pytest.mark.django_db(transaction=True)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A contract, and a newer one without a column."""
    newer = rain()
    newer["version"] = "1.5.0"
    newer["schema"][0]["properties"].pop(2)
    for name, document in (("old.json", rain()), ("new.json", newer)):
        (tmp_path / name).write_text(json.dumps(document))
    return tmp_path / "old.json", tmp_path / "new.json"


@REAL
def test_two_files_are_compared(mesh, files, celery_worker, producer, team, monkeypatch):
    monkeypatch.setenv("MESH_TOKEN", tokens.create_token(producer, "pipeline", 30, team)[1])
    old, new = files
    told = mesh("diff", old, new)
    assert told.exit_code == 0, told.output
    assert told.stdout.splitlines() == [
        "- major  rain.day: Column removed",
        "major change. 1.4.2 → 1.5.0: the version is less than the changes deserve. It deserves 2.0.0.",
    ]
    assert [mesh("diff", old, new, "--fail-on", why).exit_code for why in ("breaking", "version")] == [1, 1]
    assert mesh("diff", old, old, "--fail-on", "version").exit_code == 0
    said = json.loads(mesh("diff", new, old, "--json").stdout)
    assert (said["level"], said["bump"], said["changes"][0]["kind"]) == ("minor", "back", "column.added")
    other = old.with_name("product.json")
    other.write_text('{"kind": "DataProduct", "apiVersion": "v1.0.0"}')
    told = mesh("diff", other, new)
    assert told.exit_code == 1
    assert "before: This is a document of" in told.stderr


@REAL
def test_the_library_takes_paths_texts_and_addresses(there, files, celery_worker, live_server):
    old, new = files
    found = there.compare_contracts(old, new.read_text())
    assert (found.version_before, found.version_after, found.level) == ("1.4.2", "1.5.0", "major")
    assert found.changes[0].column == "day"
    with pytest.raises(MarketplaceError, match=r"after: .*10\.0\.0\.1"):
        there.compare_contracts(old, "http://10.0.0.1/contract")
    with Marketplace(live_server.url) as visitor, pytest.raises(NotSignedInError):
        visitor.compare_contracts(old, new)


@pytest.mark.parametrize("arguments", [["diff"], ["diff", "a"], ["diff", "missing.yaml", "missing.yaml"],
                                       ["diff", "a", "b", "--fail-on", "anything"]])  # fmt: skip
def test_what_is_used_wrongly_ends_with_two(arguments):
    assert CliRunner().invoke(cli, arguments, env={"MESH_URL": "http://127.0.0.1:9"}).exit_code == 2
