"""Every document of the demo keeps the published schema, and says all that a product page can show."""

import json
from pathlib import Path

import pytest

from demo.loading import FOLDER, Product
from tests.demo.documents import MESH, contracts_of, odcs_validator, odps_validator, product_document, read_yaml

PRODUCTS = [pytest.param(product, id=product.name) for product in MESH.products]
CONTRACTS = [
    pytest.param(path, id=str(path.relative_to(FOLDER / "climate-quantum")))
    for path in sorted(FOLDER.glob("climate-quantum/*/*/contracts/*.odcs.yaml"))
]


@pytest.mark.parametrize("product", PRODUCTS)
def test_odps_document_keeps_the_schema(product: Product):
    assert [e.message for e in odps_validator().iter_errors(product_document(product))] == []


@pytest.mark.parametrize("path", CONTRACTS)
def test_odcs_document_keeps_the_schema(path: Path):
    assert [e.message for e in odcs_validator().iter_errors(read_yaml(path))] == []


def test_schemas_refuse_a_broken_document():
    document = product_document(MESH.products[0])
    assert list(odps_validator().iter_errors(document | {"colour": "blue"}))
    contract = next(iter(contracts_of(MESH.products[0]).values()))
    assert list(odcs_validator().iter_errors(contract | {"apiVersion": "v9"}))


@pytest.mark.parametrize("product", PRODUCTS)
def test_document_says_what_the_mesh_registers(product: Product):
    document = product_document(product)
    said = {entry["property"]: entry["value"] for entry in document["customProperties"]}
    assert (document["domain"], document["name"]) == (product.domain, product.name)
    assert (said["title"], said["summary"]) == (product.title, product.summary)
    assert tuple(document["tags"]) == product.tags
    assert said["accessRights"] == product.access_mode.replace("_", " ")
    types = {"sourceAligned": "source-aligned", "aggregate": "aggregate", "consumerAligned": "consumer-aligned"}
    assert types[document["type"]] == product.type
    assert document["team"]["name"] == next(team.name for team in MESH.teams if team.slug == product.team)


@pytest.mark.parametrize("product", PRODUCTS)
def test_each_output_port_has_its_contract_and_its_file(product: Product):
    contracts = contracts_of(product)
    ports = product_document(product)["outputPorts"]
    assert {port["contractId"] for port in ports} == set(contracts), "contracts and ports belong together"
    assert len({port["id"] for port in ports}) == len(ports)
    for port in ports:
        contract = contracts[port["contractId"]]
        assert contract["version"] == port["version"]
        assert (contract["domain"], contract["dataProduct"]) == (product.domain, product.name)
        server = contract["servers"][0]
        assert server["type"] == "local"
        assert (product.folder / server["path"]).is_file()


@pytest.mark.parametrize("product", PRODUCTS)
def test_no_file_in_data_is_without_a_contract(product: Product):
    described = {contract["servers"][0]["path"] for contract in contracts_of(product).values()}
    assert {f"data/{path.name}" for path in (product.folder / "data").iterdir()} == described


@pytest.mark.parametrize("path", CONTRACTS)
def test_contract_names_its_sources_and_limits(path: Path):
    contract = read_yaml(path)
    assert any(link["type"] != "policy" for link in contract["authoritativeDefinitions"])
    assert contract["description"]["limitations"]
    assert contract["support"]
    assert contract["slaProperties"]


def test_the_mesh_uses_all_that_the_standard_can_say():
    contracts = [contract for product in MESH.products for contract in contracts_of(product).values()]
    agreed = {sla["property"] for contract in contracts for sla in contract["slaProperties"]}
    assert {"latency", "frequency", "retention", "availability", "generalAvailability", "endOfSupport"} <= agreed
    columns = [c for contract in contracts for table in contract["schema"] for c in table.get("properties", [])]
    for field in (
        "businessName", "primaryKey", "classification", "examples", "enum", "criticalDataElement", "relationships",
        "transformLogic",
        "synonyms",
        "partitioned", "logicalTypeOptions", "quality", "tags", "unique",
    ):  # fmt: skip
        assert any(field in column for column in columns), field
    assert any("dateOut" in member for contract in contracts for member in contract["team"]["members"])
    assert any(contract["price"]["priceAmount"] > 0 for contract in contracts)
    assert any(len(contract["roles"]) > 1 for contract in contracts)
    ports = [port for product in MESH.products for port in product_document(product)["outputPorts"]]
    kinds = {entry["value"] for port in ports for entry in port["customProperties"] if entry["property"] == "kind"}
    assert {"table", "file", "document", "notebook", "model", "report"} <= kinds


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.ipynb")), ids=lambda path: path.name)
def test_notebook_prints_what_it_shows(path: Path, monkeypatch, capsys):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    monkeypatch.chdir(path.parent)
    names: dict[str, object] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)  # noqa: S102 - our own notebook
            shown = "".join("".join(output["text"]) for output in cell["outputs"])
            assert capsys.readouterr().out == shown
