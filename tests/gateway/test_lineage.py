"""OpenLineage events say what the ports say, with one name for a dataset at both of its ends."""

import json
from uuid import UUID

from tests.gateway.conftest import ODPS, write


def events_of(client):
    answer = client.get("/observe/lineage")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    return json.loads(answer.content)


def of_kind(events, kind):
    return [event for event in events if event["schemaURL"].endswith(f"/{kind}")]


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
