"""OpenLineage events say what the ports say, with one name for a dataset at both of its ends."""

import json
from typing import Any
from uuid import UUID

import pytest
from openlineage.client import event_v2, facet_v2, serde
from openlineage.client.generated import base

from tests.gateway.conftest import ODPS, write


def events_of(client):
    answer = client.get("/observe/lineage")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    return json.loads(answer.content)


def of_kind(events, kind):
    return [event for event in events if event["schemaURL"].endswith(f"/{kind}")]


PARTS = {
    "job": event_v2.Job,
    "run": event_v2.Run,
    "dataset": base.StaticDataset,
    "inputs": event_v2.InputDataset,
    "outputs": event_v2.OutputDataset,
    "fields": facet_v2.schema_dataset.SchemaDatasetFacetFields,
    "owners": facet_v2.ownership_dataset.Owner,
    "identifiers": facet_v2.symlinks_dataset.Identifier,
}
"""Classes that OpenLineage's own client generates from its published schemas: they take their fields and no other."""


def classes(parent: Any) -> dict[str, type]:
    """A class and those made from it, by the address of its schema."""
    found = {parent._get_schema(): parent}
    for child in parent.__subclasses__():
        found |= classes(child)
    return found


def rebuilt(value: Any, name: str, kinds: dict[str, type]) -> Any:
    """An event as OpenLineage's classes; TypeError or ValueError where it is not as the schema says."""
    if isinstance(value, list):
        return [rebuilt(each, name, kinds) for each in value]
    if not isinstance(value, dict):
        return value
    address = value.get("schemaURL") or value.get("_schemaURL")
    own = {key: part for key, part in value.items() if key not in ("schemaURL", "_schemaURL", "_producer")}
    made = {key: rebuilt(part, key, kinds) for key, part in own.items()}
    if name == "facets" and address is None:
        return made
    made |= {"producer": value["_producer"]} if "_producer" in value else {}
    return (kinds[address] if address else PARTS[name])(**made)


def filled(value: Any) -> Any:
    """Without what is empty: the classes say that, and we leave it out."""
    if isinstance(value, dict):
        return {key: filled(part) for key, part in value.items() if part not in (None, [], {})}
    return [filled(part) for part in value] if isinstance(value, list) else value


def test_events_are_as_the_published_schemas_of_openlineage_say(folder, client_of):
    team = {"name": "Rain team", "members": [{"username": "rain@example.org"}]}
    inputs = [{"name": "stations", "version": "2.0.0", "contractId": "stations"}]
    write(folder / "product.odps.yaml", {**ODPS, "team": team, "inputPorts": inputs})
    events = events_of(client_of(folder))
    kinds = classes(base.BaseEvent) | classes(base.BaseFacet)
    used = set()
    for event in events:
        made = json.loads(serde.Serde.to_json(rebuilt(event, "", kinds)))
        assert filled(made) == filled(event)
        facets = [thing["facets"] for key in ("dataset", "job") if (thing := event.get(key))]
        used |= {name for found in facets for name in found}
    assert used == {"schema", "documentation", "version", "ownership", "symlinks"}
    with pytest.raises(TypeError):
        rebuilt({**events[0], "surprise": 1}, "", kinds)
    with pytest.raises(KeyError):
        rebuilt({**events[0], "schemaURL": events[0]["schemaURL"].replace("2-0-2", "9-9-9")}, "", kinds)


def test_each_port_is_a_dataset_a_job_and_a_run(client):
    events = events_of(client)
    assert all({"eventTime", "producer", "schemaURL"} <= event.keys() for event in events)
    [rain, how_to] = of_kind(events, "DatasetEvent")
    assert (rain["dataset"]["namespace"], rain["dataset"]["name"]) == ("odcs", "daily-rain")
    fields = rain["dataset"]["facets"]["schema"]["fields"]
    assert fields == [{"name": "station", "type": "string"}, {"name": "mm", "type": "number"}]
    assert how_to["dataset"]["name"] == "how-to"
    [job, _] = of_kind(events, "JobEvent")
    assert (job["job"]["namespace"], job["job"]["name"]) == ("urn:dp:precipitation:daily-rain", "rain")
    assert "run" not in job
    assert job["inputs"] == []
    [run, _] = of_kind(events, "RunEvent")
    assert run["eventType"] == "COMPLETE"
    assert UUID(run["run"]["runId"])
    assert run["outputs"] == [rain["dataset"]]


def test_what_one_product_gives_is_named_as_the_other_takes_it(folder, client_of):
    first = events_of(client_of(folder))
    given = of_kind(first, "DatasetEvent")[0]["dataset"]
    port = {
        **ODPS["outputPorts"][0],
        "contractId": "yearly-rain",
        "inputContracts": [{"id": "daily-rain", "version": "1.0.0"}],
    }
    taker = {**ODPS, "id": "yearly", "name": "yearly-rain", "outputPorts": [port]}
    write(folder / "product.odps.yaml", taker)
    [job] = of_kind(events_of(client_of(folder)), "JobEvent")
    [taken] = job["inputs"]
    assert (taken["namespace"], taken["name"]) == (given["namespace"], given["name"])
    assert taken["facets"]["version"]["datasetVersion"] == "1.0.0"


def test_input_ports_count_for_ports_that_name_no_contracts_of_their_own(folder, client_of):
    inputs = [{"name": "stations", "version": "2.0.0", "contractId": "stations"}, {"name": "hand-made"}]
    write(folder / "product.odps.yaml", {**ODPS, "inputPorts": inputs})
    jobs = of_kind(events_of(client_of(folder)), "JobEvent")
    for job in jobs:
        taken = [(each["namespace"], each["name"]) for each in job["inputs"]]
        assert taken == [("odcs", "stations"), ("urn:dp:precipitation:daily-rain", "hand-made")]


def test_a_run_is_new_when_the_data_is_and_the_answer_is_cached_until_then(client, folder):
    before = client.get("/observe/lineage")
    again = client.get("/observe/lineage", headers={"if-none-match": before.headers["etag"]})
    assert again.status_code == 304
    data = folder / "data" / "rain.csv"
    data.write_text(data.read_text() + "S999,1\n")
    after = client.get("/observe/lineage", headers={"if-none-match": before.headers["etag"]})
    assert after.status_code == 200
    runs = [of_kind(json.loads(answer.content), "RunEvent")[0]["run"]["runId"] for answer in (before, after)]
    assert runs[0] != runs[1]
