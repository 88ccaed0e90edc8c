"""What /discover says, and that documents travel as written."""

import json
from pathlib import Path
from uuid import UUID

import pytest
import yaml
from jsonschema import Draft202012Validator

from gateway.documents import DocumentError, read_document
from gateway.protocol import PROTOCOL_VERSION, Artifact, ArtifactList, Index, Sample

from .conftest import ODPS, RAIN, write


def artifacts_of(client):
    return {a.name: a for a in ArtifactList.model_validate_json(client.get("/discover/artifacts").content).artifacts}


def test_the_index_says_what_the_product_is_and_every_link_in_it_answers(client):
    index = Index.model_validate_json(client.get("/discover").content)
    assert (index.protocol_version, index.id, index.name) == (PROTOCOL_VERSION, ODPS["id"], "daily-rain")
    assert (index.title, index.domain, index.status) == ("Daily rain", "precipitation", "active")
    assert index.summary == "Rain of each day at three stations."
    rels = {link.rel for link in index.links}
    assert rels >= {"self", "service-desc", "metadata", "artifacts", "artifact", "contract", "health", "metrics"}
    for link in index.links:
        answer = client.get(link.href)
        assert answer.status_code == 200, link
        assert answer.headers["content-type"] == link.type


def test_links_are_absolute_when_the_gateway_knows_its_address(folder, client_of):
    index = Index.model_validate_json(client_of(folder, base_url="https://rain.example/gw/").get("/discover").content)
    assert {link.href.startswith("https://rain.example/gw/") for link in index.links} == {True}


def test_a_gateway_mounted_under_a_prefix_answers(folder):
    from starlette.applications import Starlette
    from starlette.routing import Mount
    from starlette.testclient import TestClient

    from gateway.app import create_app

    client = TestClient(Starlette(routes=[Mount("/gw", create_app(folder, base_url="http://testserver/gw"))]))
    for link in client.get("/gw/discover").json()["links"]:
        assert client.get(link["href"]).status_code == 200, link


def test_metadata_is_the_odps_document_with_nulls_dates_and_variables_as_written(client):
    answer = client.get("/discover/metadata")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == ODPS


def test_metadata_as_yaml_is_the_file_byte_for_byte(folder, client_of):
    path = folder / "product.odps.yaml"
    path.write_bytes(b"# a remark of the owner\n" + path.read_bytes())
    answer = client_of(folder).get("/discover/metadata", headers={"Accept": "application/yaml"})
    assert answer.headers["content-type"].startswith("application/yaml")
    assert answer.content == path.read_bytes()


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("application/yaml", "yaml"),
        ("text/yaml", "yaml"),
        ("application/x-yaml;q=0.9, application/json;q=0.1", "yaml"),
        ("application/json, application/yaml;q=0.5", "json"),
        ("*/*", "json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "json"),
        ("image/png", "json"),
        ("", "json"),
        ("application/yaml;q=broken", "json"),
        (";;;,,q=", "json"),
    ],
)
def test_accept_decides_the_form_and_json_is_the_default(client, accept, media):
    answer = client.get("/discover/metadata", headers={"Accept": accept})
    assert answer.status_code == 200
    assert media in answer.headers["content-type"]
    assert answer.headers["vary"] == "Accept"


def test_artifacts_follow_the_mapping_of_the_readme(client):
    artifacts = artifacts_of(client)
    rain, how_to = artifacts["rain"], artifacts["how-to"]
    assert (rain.title, rain.kind, rain.type, rain.format) == ("Rain", "table", "tables", "csv")
    assert (rain.summary, rain.tags) == ("One row a station and day.", ["measured", "daily"])
    assert (rain.access_rights, rain.license) == ("on request", "CC-BY-4.0")
    assert [policy.name for policy in rain.policies] == ["Open data", "Fair use"]
    assert rain.policies[1].url == "https://example.org/fair"
    assert (rain.contract_id, rain.contract_version, rain.version) == ("daily-rain", "1.0.0", "1.0.0")
    assert rain.updated is not None
    assert (how_to.id, how_to.kind, how_to.title) == ("5b0f8d0e-52b4-4b8b-9a4f-6a7f3f1f6a01", "document", "how-to")
    assert how_to.access_rights is None
    assert how_to.href("sample") is None


@pytest.mark.parametrize(
    ("port", "physical", "kind"),
    [
        ({"type": "kafka"}, "table", "stream"),
        ({"type": "csv"}, "table", "file"),
        ({"type": "something"}, "topic", "stream"),
        ({}, "table", "table"),
        ({}, "unheard of", "table"),
        ({"type": "tables", "customProperties": [{"property": "kind", "value": "Image set"}]}, "table", "image set"),
    ],
)
def test_kind_comes_from_the_property_then_the_port_type_then_the_schema(folder, client_of, port, physical, kind):
    port = {"name": "rain", "version": "1.0.0", "contractId": "daily-rain", **port}
    write(folder / "product.odps.yaml", {**ODPS, "outputPorts": [port]})
    schema = [{**RAIN["schema"][0], "physicalType": physical}]
    write(folder / "contracts" / "rain.odcs.yaml", {**RAIN, "schema": schema})
    assert artifacts_of(client_of(folder))["rain"].kind == kind


def test_an_artifact_id_is_a_uuid_that_outlives_restarts_and_changes_of_the_rest(folder, client_of):
    before = artifacts_of(client_of(folder))["rain"].id
    assert UUID(before)
    port = {**ODPS["outputPorts"][0], "description": "Reworded", "version": "2.0.0"}
    extra = {"name": "another", "version": "1.0.0"}
    older = {**ODPS["outputPorts"][0]}
    write(folder / "product.odps.yaml", {**ODPS, "outputPorts": [extra, port, older], "status": "draft"})
    listed = ArtifactList.model_validate_json(client_of(folder).get("/discover/artifacts").content).artifacts
    assert len({artifact.id for artifact in listed}) == 3
    assert listed[1].id == before


def test_an_artifact_carries_its_port_and_its_contract_as_written(client):
    summary = artifacts_of(client)["rain"]
    artifact = Artifact.model_validate_json(client.get(summary.href("self")).content)
    assert artifact.port == ODPS["outputPorts"][0]
    assert artifact.contract == RAIN


def test_a_contract_is_served_by_id_and_version_newest_first(other_version, client_of):
    client = client_of(other_version)
    assert client.get("/discover/contracts/daily-rain").json()["version"] == "1.10.0"
    assert client.get("/discover/contracts/daily-rain?version=1.0.0").json() == RAIN
    path = other_version / "contracts" / "rain.odcs.yaml"
    answer = client.get("/discover/contracts/daily-rain?version=1.0.0", headers={"Accept": "application/yaml"})
    assert answer.content == path.read_bytes()
    problem = client.get("/discover/contracts/daily-rain?version=3").json()
    assert problem["status"] == 404
    assert "1.0.0, 1.9.0, 1.10.0" in problem["action"]


def test_contract_ids_with_slashes_and_colons_can_be_asked_for(folder, client_of):
    awkward = "urn:contract:rain/daily æ?#%"
    write(folder / "contracts" / "rain.odcs.yaml", {**RAIN, "id": awkward})
    port = {**ODPS["outputPorts"][0], "contractId": awkward}
    write(folder / "product.odps.yaml", {**ODPS, "outputPorts": [port]})
    client = client_of(folder)
    link = artifacts_of(client)["rain"].href("contract")
    assert client.get(link).json()["id"] == awkward


def test_a_port_whose_contract_version_is_missing_shows_the_newest_and_says_so(folder, client_of):
    port = {**ODPS["outputPorts"][0], "version": "9.9.9"}
    write(folder / "product.odps.yaml", {**ODPS, "outputPorts": [port]})
    client = client_of(folder)
    assert artifacts_of(client)["rain"].contract_version == "1.0.0"
    health = client.get("/observe/health")
    assert (health.status_code, health.json()["status"]) == (200, "warn")
    assert "has no version 9.9.9" in health.json()["output"]


def test_openapi_describes_every_route_and_no_other_and_is_the_file_in_the_project(client):
    from gateway import openapi

    document = client.get("/discover/openapi.json").json()
    routes = {route.path.replace(":path", "") for route in client.app.routes}
    assert set(document["paths"]) == routes
    assert json.loads(Path(openapi.__file__).with_name("openapi.json").read_bytes()) == document
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


@pytest.mark.usefixtures("opened")
def test_answers_fit_the_schemas_of_the_openapi_document(client):
    document = client.get("/discover/openapi.json").json()
    rain = artifacts_of(client)["rain"]
    asked = {
        "/discover": "/discover",
        "/discover/artifacts": "/discover/artifacts",
        "/discover/artifact/{id}/metadata": rain.href("self"),
        "/discover/artifact/{id}/sample": rain.href("sample"),
        "/observe/health": "/observe/health",
        "/observe/metrics": "/observe/metrics",
    }
    for path, address in asked.items():
        answer = client.get(address)
        content = document["paths"][path]["get"]["responses"]["200"]["content"]
        schema = content[answer.headers["content-type"]]["schema"]
        Draft202012Validator({**schema, "components": document["components"]}).validate(answer.json())


def test_published_odps_examples_pass_through_without_losing_a_field(descriptors, folder, client_of):
    examples = sorted((descriptors / "odps").glob("*.yaml"))
    assert examples
    for example in examples:
        (folder / "product.odps.yaml").write_bytes(example.read_bytes())
        client = client_of(folder)
        as_yaml = client.get("/discover/metadata", headers={"Accept": "application/yaml"}).content
        assert as_yaml == example.read_bytes()
        as_written = yaml.load(as_yaml, yaml.BaseLoader)  # noqa: S506 - every scalar as text
        assert texts(client.get("/discover/metadata").json()) == texts(as_written), example.name


def test_published_odcs_examples_pass_through_without_losing_a_field(descriptors, folder, client_of):
    for example in (folder / "contracts").iterdir():
        example.unlink()
    examples = sorted((descriptors / "odcs").glob("*.yaml"))
    assert examples
    for example in examples:
        (folder / "contracts" / "one.odcs.yaml").write_bytes(example.read_bytes())
        as_written = yaml.load(example.read_bytes(), yaml.BaseLoader)  # noqa: S506 - every scalar as text
        answer = client_of(folder).get("/discover/contracts/" + as_written["id"])
        assert texts(answer.json()) == texts(as_written), example.name


def test_published_invalid_odcs_documents_are_refused_with_a_reason(descriptors):
    examples = sorted((descriptors / "odcs-invalid").glob("*.yaml"))
    assert examples
    for example in examples:
        with pytest.raises(DocumentError) as refused:
            read_document(example, "DataContract")
        assert refused.value.problems[0].startswith(example.name)


def texts(value):
    """A document with its scalars as lower-case text, so that JSON and untyped YAML can be compared field by field."""
    if isinstance(value, dict):
        return {key: texts(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [texts(inner) for inner in value]
    if value is None or value in ("null", "~", ""):
        return ""
    if isinstance(value, str) and value.replace("_", "").replace(".", "", 1).lstrip("+-").isdigit():
        return float(value.replace("_", ""))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    text = str(value)
    return {"yes": "true", "no": "false"}.get(text.lower(), text.lower() if isinstance(value, bool) else text)


@pytest.mark.usefixtures("opened")
def test_the_sample_model_reads_what_the_gateway_sends(client):
    sample = Sample.model_validate_json(client.get(artifacts_of(client)["rain"].href("sample")).content)
    assert sample.columns == ["station", "mm"]
    assert len(sample.rows) == 100
    assert sample.has_more
