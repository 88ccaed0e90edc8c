"""From data to documents: what is inferred, what is not, and what is never written over."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from gateway.__main__ import cli
from gateway.commands.findings import findings_of
from gateway.commands.registering import registration
from gateway.product import load_product

RAIN = """station_id,day,mm,remark
7001,2024-01-01,1.5,a
7002,2024-01-01,2.5,
7003,2024-01-02,0.0,b
"""


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder with one CSV file and nothing else."""
    folder = tmp_path / "rain-of-three-stations"
    folder.mkdir()
    (folder / "rain.csv").write_text(RAIN)
    return folder


def init(folder: Path, *options: str):
    return CliRunner().invoke(cli, ["init", str(folder), *options])


def contract(folder: Path, name: str = "rain") -> dict:
    return yaml.safe_load((folder / "contracts" / f"{name}.odcs.yaml").read_text("utf-8"))


def columns(folder: Path, name: str = "rain") -> dict[str, dict]:
    return {column["name"]: column for column in contract(folder, name)["schema"][0]["properties"]}


def test_a_bare_csv_becomes_a_product_without_any_finding(bare):
    before = (bare / "rain.csv").read_bytes()
    told = init(
        bare, "--title", "Rain", "--domain", "precipitation", "--owner", "Rain team <rain@example.org>",
        "--summary", "Rain: each day.", "--access", "open",
    )  # fmt: skip
    assert told.exit_code == 0, told.output
    assert findings_of(bare) == []
    product = load_product(bare)
    [entry] = product.artifacts.values()
    assert (entry.artifact.kind, entry.artifact.access_rights, entry.artifact.format) == ("table", "open", "csv")
    assert product.odps.content["team"]["members"][0]["username"] == "rain@example.org"
    assert (bare / "rain.csv").read_bytes() == before


def test_types_and_plain_facts_become_rules_and_ranges_stay_comments(bare):
    told = init(bare, "--summary", "Rain.")
    found = columns(bare)
    kinds = {name: column["logicalType"] for name, column in found.items()}
    assert kinds == {"station_id": "integer", "day": "date", "mm": "number", "remark": "string"}
    assert [name for name, column in found.items() if column.get("required")] == ["station_id", "day", "mm"]
    assert [name for name, column in found.items() if column.get("unique")] == ["station_id"]
    assert not any("logicalTypeOptions" in column or "quality" in column for column in found.values())
    assert "from 0.0 to 2.5" in (bare / "contracts" / "rain.odcs.yaml").read_text()
    assert "required, since no row leaves it empty: station_id, day, mm" in told.output


def test_what_nobody_said_is_left_out_and_named_and_the_summary_is_plain_facts(bare):
    told = init(bare)
    odps = load_product(bare).odps.content
    assert {"domain", "team"} & odps.keys() == set()
    assert odps["status"] == "draft"
    assert odps["description"]["purpose"] == "rain.csv: 3 rows of station_id, day, mm, remark."
    assert "summary, since none was said: rain.csv: 3 rows" in told.output
    assert "Not said, so left out: domain, owner. A marketplace wants a domain before `register`." in told.output
    assert "on request" in told.output


def test_what_init_writes_can_be_registered_once_a_domain_is_said(bare):
    assert init(bare, "--domain", "Precipitation").exit_code == 0
    assert findings_of(bare) == []
    wanted = registration(load_product(bare), "https://rain.example.org")
    assert (wanted["domain"], wanted["name"]) == ("precipitation", "rain-of-three-stations")
    assert wanted["summary"].startswith("rain.csv: 3 rows of station_id")


def test_documents_are_never_written_over_without_force(bare):
    init(bare)
    path = bare / "product.odps.yaml"
    own = path.read_text().replace("status: draft", "status: active")
    path.write_text(own)
    again = init(bare)
    assert again.exit_code == 1
    assert "--force" in again.output
    assert path.read_text() == own
    product_id = load_product(bare).odps.content["id"]
    assert init(bare, "--force", "--title", "Other").exit_code == 0
    assert load_product(bare).odps.content["name"] == "other"
    assert load_product(bare).odps.content["id"] == product_id


def test_hostile_names_and_values_stay_data(bare):
    lines = 'id,"a ""b""; DROP",": {x}\n# y"\n1,"\n# not a comment: {","- ü\x85\u2028"\n2,x,\'\'\n'
    (bare / 'rain\'s "data".csv').write_text(lines, "utf-8")
    (bare / "rain.csv").unlink()
    told = init(bare, "--title", "Rain: 'all' # of it", "--summary", "{a: b}\n# c", "--domain", "rain")
    assert told.exit_code == 0, told.output
    assert list(columns(bare, "rain-s-data")) == ["id", 'a "b"; DROP', ": {x}\n# y"]
    assert [finding.message for finding in findings_of(bare)] == []


def test_every_format_is_looked_into_and_a_broken_file_is_left_out_with_its_reason(bare):
    data = bare / "data"
    data.mkdir()
    (data / "lines.jsonl").write_text('{"uuid": "a", "n": 1}\n{"uuid": "b", "n": null}\n')
    (data / "list.json").write_text('[{"x": 1.5, "many": [1, 2]}, {"x": 2, "many": []}]')
    feature = {"type": "Feature", "properties": {"k": 1}, "geometry": {"type": "Point", "coordinates": [1, 2]}}
    (data / "map.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    (data / "broken.parquet").write_bytes(b"PAR1 no")
    told = init(bare)
    assert told.exit_code == 0, told.output
    assert columns(bare, "lines")["uuid"]["unique"] is True
    assert "required" not in columns(bare, "lines")["n"]
    assert columns(bare, "list")["many"]["logicalType"] == "array"
    assert columns(bare, "map")["geometry"]["logicalType"] == "object"
    assert "left out: data/broken.parquet cannot be described" in told.output
    assert not (bare / "contracts" / "broken.odcs.yaml").exists()
    assert [finding for finding in findings_of(bare) if finding.severity == "error"] == []


def test_parquet_is_read_with_its_own_types(bare):
    import duckdb

    (bare / "rain.csv").unlink()
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT 1 AS key, DATE '2024-01-01' AS d, 1.5::DECIMAL(9,2) AS price) TO '{bare}/p.parquet'"
        )
    assert init(bare).exit_code == 0
    kinds = {name: column["logicalType"] for name, column in columns(bare, "p").items()}
    assert kinds == {"key": "integer", "d": "date", "price": "number"}


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: (folder / "rain.csv").unlink(), "no data file"),
        (lambda folder: (folder / "rain.csv").write_bytes(b"\xff\xfe\x00\x01"), "cannot be described"),
    ],
)
def test_without_readable_data_nothing_is_written(bare, make, said):
    make(bare)
    told = init(bare)
    assert told.exit_code == 1
    assert said in told.output
    assert not (bare / "product.odps.yaml").exists()


def test_bad_answers_are_refused(bare):
    assert "access is 'closed'" in init(bare, "--access", "closed").output
    assert "--name" in init(bare, "--title", "雨").output
    assert not (bare / "product.odps.yaml").exists()


def test_links_out_of_the_folder_are_not_data(bare, tmp_path):
    (tmp_path / "secret.csv").write_text("password\nx\n")
    (bare / "link.csv").symlink_to(tmp_path / "secret.csv")
    assert init(bare).exit_code == 0
    assert [path.name for path in (bare / "contracts").iterdir()] == ["rain.odcs.yaml"]
