"""Every fault of a product folder is named with the file and the line it is in."""

import json

import pytest
from typer.testing import CliRunner

from gateway.__main__ import cli
from gateway.commands.findings import findings_of
from gateway.commands.registering import registration
from gateway.documents import DocumentError
from gateway.product import load_product
from tests.gateway.conftest import ODPS, RAIN, write


def line_of(path, text):
    return next(number for number, line in enumerate(path.read_text().splitlines(), 1) if text in line)


def test_a_valid_folder_has_no_finding(folder):
    assert [str(finding) for finding in findings_of(folder)] == []


def test_schema_faults_are_at_their_lines(folder):
    path = folder / "contracts" / "rain.odcs.yaml"
    path.write_text(path.read_text().replace("logicalType: number", "logicalType: numbre") + "surprise: 1\n")
    found = {(finding.path, finding.line): finding.message for finding in findings_of(folder)}
    assert "'numbre' is not one of" in found["contracts/rain.odcs.yaml", line_of(path, "numbre")]
    assert "'surprise' was unexpected" in found["contracts/rain.odcs.yaml", line_of(path, "surprise")]
    assert len(found) == 2


def test_a_column_without_a_logical_type_is_valid_and_a_map_without_its_types_is_not(folder):
    """The published schema of ODCS 3.2.0 demands `map` of both; the standard's text of the second only."""
    path = folder / "contracts" / "rain.odcs.yaml"
    path.write_text(path.read_text().replace("logicalType: number", "physicalType: DOUBLE"))
    assert findings_of(folder) == []
    assert load_product(folder).contracts.keys() == {"daily-rain", "how-to"}
    path.write_text(path.read_text().replace("physicalType: DOUBLE", "logicalType: map"))
    assert "'map' is a required property" in next(finding.message for finding in findings_of(folder))


def test_yaml_that_cannot_be_parsed_is_at_its_line(folder):
    path = folder / "product.odps.yaml"
    path.write_text("kind: DataProduct\nid: a\nid: b\n")
    assert [str(finding) for finding in findings_of(folder)] == [
        "product.odps.yaml:3: error: the key 'id' is written twice"
    ]


def test_references_that_lead_nowhere_are_at_the_port(folder):
    path = folder / "product.odps.yaml"
    path.write_text(path.read_text().replace("contractId: daily-rain", "contractId: hourly-rain"))
    first, second = findings_of(folder)
    assert (first.path, first.severity) == ("product.odps.yaml", "warning")
    assert first.line == line_of(path, "name: rain")
    assert "hourly-rain is not in the contracts folder" in first.message
    assert (second.path, second.line) == ("contracts/rain.odcs.yaml", 1)
    assert "no output port refers" in second.message


def test_what_register_will_need_is_a_warning_before(folder):
    """Each step of the README is warned of the next: `validate` says what `register` would refuse."""
    content = {key: value for key, value in ODPS.items() if key not in ("domain", "description")}
    write(folder / "product.odps.yaml", {**content, "name": "雨"})
    found = findings_of(folder)
    assert {finding.severity for finding in found} == {"warning"}
    assert [finding.message.split(":")[0] for finding in found] == [
        "`register` will need name", "`register` will need domain", "`register` will need description.purpose",
    ]  # fmt: skip
    assert found[0].line == line_of(folder / "product.odps.yaml", "name: ")
    with pytest.raises(DocumentError) as caught:
        registration(load_product(folder), "https://rain.example.org")
    assert len(caught.value.problems) == 3


def test_data_without_the_columns_its_contract_promises(folder):
    (folder / "data" / "rain.csv").write_text("mm,extra\n1,2\n")
    path = folder / "contracts" / "rain.odcs.yaml"
    missing, extra = findings_of(folder)
    assert (missing.severity, missing.line) == ("error", line_of(path, "name: station"))
    assert "no column 'station', which is required" in missing.message
    assert (extra.severity, extra.line) == ("warning", line_of(path, "properties:"))


def test_data_that_is_gone_is_at_the_path_in_the_contract(folder):
    (folder / "data" / "rain.csv").unlink()
    [finding] = findings_of(folder)
    path = folder / "contracts" / "rain.odcs.yaml"
    assert (finding.line, finding.severity) == (line_of(path, "path: data/rain.csv"), "error")


def test_two_files_with_one_contract_are_refused_where_the_version_is(folder):
    write(folder / "contracts" / "again.odcs.yaml", RAIN)
    [finding] = findings_of(folder)
    assert "is also in another file" in finding.message
    assert finding.line == line_of(folder / finding.path, "version: 1.0.0")


def test_the_command_prints_what_editors_read_and_exits_with_1_on_errors_only(folder, tmp_path):
    fine = CliRunner().invoke(cli, ["validate", str(folder)])
    assert (fine.exit_code, fine.output) == (0, "0 errors, 0 warnings\n")
    write(folder / "product.odps.yaml", {**ODPS, "outputPorts": []})
    warned = CliRunner().invoke(cli, ["validate", str(folder)])
    assert (warned.exit_code, CliRunner().invoke(cli, ["validate", "--strict", str(folder)]).exit_code) == (0, 1)
    assert f"{folder}/product.odps.yaml:" in warned.output
    write(folder / "product.odps.yaml", {**ODPS, "version": 3})
    several = CliRunner().invoke(cli, ["validate", "--json", str(tmp_path)])
    assert several.exit_code == 1
    assert [found["path"] for found in json.loads(several.output)] == [f"{folder}/product.odps.yaml"]
    assert CliRunner().invoke(cli, ["validate", str(tmp_path / "nowhere")]).exit_code == 1
