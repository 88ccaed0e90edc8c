"""The gateway follows its files, and keeps the last good state while an edit is broken."""

import os

import pytest
from typer.testing import CliRunner

from gateway.__main__ import cli
from gateway.documents import DocumentError, parse_yaml
from gateway.product import load_product, version_key

from .conftest import ODPS, RAIN, write

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)


def status_of(client):
    return client.get("/observe/health").json()["status"]


def test_an_edit_is_served_at_once(folder, client):
    before = client.get("/discover/metadata").headers["etag"]
    write(folder / "product.odps.yaml", {**ODPS, "status": "deprecated"})
    answer = client.get("/discover/metadata", headers={"If-None-Match": before})
    assert (answer.status_code, answer.json()["status"]) == (200, "deprecated")
    assert client.get("/discover").json()["status"] == "deprecated"


@pytest.mark.usefixtures("opened")
def test_a_new_contract_and_new_data_are_seen(folder, client):
    assert client.get("/discover/contracts/daily-rain?version=2.0.0").status_code == 404
    write(folder / "contracts" / "rain-2.odcs.yaml", {**RAIN, "version": "2.0.0"})
    assert client.get("/discover/contracts/daily-rain?version=2.0.0").status_code == 200
    rain = client.get("/discover/artifacts").json()["artifacts"][0]
    address = f"/discover/artifact/{rain['id']}/sample"
    assert client.get(address).json()["hasMore"] is True
    assert client.get("/observe/metrics").json()["volume"]["rows"] == 150
    (folder / "data" / "rain.csv").write_text("station,mm\nnew,1\n")
    os.utime(folder / "data" / "rain.csv", (2_000_000_000, 2_000_000_000))
    assert client.get(address).json()["rows"] == [["new", "1"]]
    assert client.get("/observe/metrics").json()["volume"]["rows"] == 1
    assert client.get("/discover/artifacts").json()["artifacts"][0]["updated"].startswith("2033-05-18")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("kind: [unclosed", "line "),
        (BOMB, "aliases"),
        ("kind: DataContract\nid: x", "kind is 'DataContract'"),
        ("kind: DataProduct\napiVersion: v1.1.0\nid: x\nsurprise: 1", "surprise"),
        ("kind: DataProduct\napiVersion: v1.1.0\nid: x\nid: y", "'id' is written twice"),
        ("kind: DataProduct\napiVersion: v1.1.0\nid: 12", "id: 12 is not of type 'string'"),
        ("", "no mapping"),
        ("x: &a [*a]", "contains itself"),
        ("x: " + "[" * 5000, "nested deeper"),
        ("!!python/object/apply:os.system ['true']", "tag"),
        ("x: " + "y" * 2_100_000, "larger than 2 MB"),
    ],
)
def test_a_broken_edit_keeps_the_last_good_state_and_health_says_why(folder, client, text, reason):
    good = (folder / "product.odps.yaml").read_bytes()
    (folder / "product.odps.yaml").write_text(text)
    assert client.get("/discover/metadata").json() == ODPS
    health = client.get("/observe/health")
    assert (health.status_code, health.json()["status"]) == (200, "warn")
    assert "product.odps.yaml" in health.json()["output"]
    assert reason in health.json()["output"]
    (folder / "product.odps.yaml").write_bytes(good)
    os.utime(folder / "product.odps.yaml", (2_000_000_000, 2_000_000_000))
    assert status_of(client) == "pass"


def test_a_document_that_vanishes_does_not_stop_the_gateway(folder, client):
    (folder / "product.odps.yaml").unlink()
    assert client.get("/discover/metadata").json() == ODPS
    assert status_of(client) == "warn"


def test_two_files_with_the_same_contract_version_are_refused(folder, client):
    write(folder / "contracts" / "twin.odcs.yaml", RAIN)
    assert "also in another file" in client.get("/observe/health").json()["output"]


def test_an_alias_bomb_is_refused_quickly_and_honest_aliases_are_not():
    with pytest.raises(DocumentError, match="aliases"):
        parse_yaml(BOMB.encode())
    assert parse_yaml(b"x: &a {k: 1}\ny: [*a, *a]\nz: {<<: *a}") == {"x": {"k": 1}, "y": [{"k": 1}] * 2, "z": {"k": 1}}


def test_yaml_scalars_keep_what_is_written():
    text = b"time: 10:30\nday: 2024-02-29\nzip: 010\nnumber: 3\nshare: 0.5\nname: ${WHO:-us}\nno_number: .nan\n"
    assert parse_yaml(text) == {
        "time": "10:30", "day": "2024-02-29", "zip": "010", "number": 3, "share": 0.5, "name": "${WHO:-us}",
        "no_number": ".nan",
    }  # fmt: skip


def test_deep_chains_of_aliases_are_refused_and_do_not_crash():
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} {'[' * 50}*a{n - 1}{']' * 50}" for n in range(1, 60)]
    with pytest.raises(DocumentError, match="nested deeper"):
        parse_yaml("\n".join(lines).encode())


def test_versions_are_ordered_as_people_do():
    mixed = ["2", "1.0.0", "v1.10.0", "1.0.0-rc.1", "0.9", "1.9.0"]
    assert sorted(mixed, key=version_key) == ["0.9", "1.0.0-rc.1", "1.0.0", "1.9.0", "v1.10.0", "2"]


def test_a_folder_without_a_product_is_refused_at_start(tmp_path):
    with pytest.raises(DocumentError, match=r"no product\.odps\.yaml"):
        load_product(tmp_path)


def test_validate_names_every_fault(folder):
    fine = CliRunner().invoke(cli, ["validate", str(folder)])
    assert (fine.exit_code, "fail" in fine.output) == (0, False)
    write(folder / "contracts" / "rain.odcs.yaml", {**RAIN, "surprise": 1})
    write(folder / "contracts" / "how-to.odcs.yaml", {"kind": "DataContract"})
    broken = CliRunner().invoke(cli, ["validate", str(folder)])
    assert broken.exit_code == 1
    for said in ("rain.odcs.yaml", "surprise", "how-to.odcs.yaml", "'version' is a required property"):
        assert said in broken.output


def test_serve_refuses_a_broken_folder_with_the_reasons(tmp_path):
    answer = CliRunner().invoke(cli, ["serve", str(tmp_path)])
    assert answer.exit_code == 1
    assert "product.odps.yaml" in answer.output
