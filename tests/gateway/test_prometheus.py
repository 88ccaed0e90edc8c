"""Prometheus can read what is written for it, whatever names there are, and it never grows without end."""

from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from gateway.observe import prometheus
from gateway.protocol import (
    Accesses,
    ArtifactVolume,
    Freshness,
    IngestCounts,
    Latency,
    Metrics,
    Requests,
    RuleCounts,
    Served,
    Volume,
)
from gateway.usage import Usage

from .conftest import ODPS, RAIN, write
from .test_observing import SOON

TEXT = {"Accept": "text/plain"}


def families(text):
    """The families by name, as Prometheus's own parser reads them; each name stands once."""
    found = list(text_string_to_metric_families(text))
    assert [name for name, count in Counter(family.name for family in found).items() if count > 1] == []
    return {family.name: family for family in found}


def samples(family, label=None):
    return {sample.labels.get(label) if label else sample.name: sample.value for sample in family.samples}


def test_a_gateway_in_use_is_read_whole(folder, client_of):
    client = client_of(folder)
    for _ in range(3):
        client.get("/discover")
    client.get("/nothing-here")
    client.get("/observe/results", headers=SOON)
    answer = client.get("/observe/metrics", headers=TEXT)
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = families(answer.text)
    assert samples(found["gateway_requests"], "route") == {"/discover": 3, "other": 1, "/observe/results": 1}
    assert samples(found["gateway_responses"], "status") == {"200": 4, "404": 1}
    assert samples(found["gateway_ingest_rows"], "result") == {"accepted": 0, "refused": 0}
    assert samples(found["gateway_request_duration_seconds"])["gateway_request_duration_seconds_count"] == 5
    assert sum(samples(found["gateway_rules"], "status").values()) > 0
    assert all(family.documentation and family.type in ("counter", "gauge", "summary") for family in found.values())


HOSTILE = st.text(st.one_of(st.sampled_from('\\"\n\r{},= #\t\0'), st.characters(codec="utf-8")), max_size=20)
NUMBER = st.integers(0, 2**53)  # Prometheus reads every value as a double


@given(names=st.lists(HOSTILE, min_size=1, max_size=4, unique=True), number=NUMBER, seconds=st.floats(0, 1e9))
def test_label_values_come_back_as_they_were(names, number, seconds):
    now = datetime.now(UTC)
    metrics = Metrics(
        started=now,
        uptime_seconds=seconds,
        requests=Requests(total=number, by_endpoint=dict.fromkeys(names, number), by_status={"200": number}),
        latency_ms=Latency(count=1, p50=seconds, p95=seconds, p99=None),
        served=Served(bytes=number, rows=number),
        volume=Volume(artifacts=[ArtifactVolume(id=name, name=name, bytes=number, updated=now) for name in names]),
        freshness=Freshness(),
        accesses=Accesses(by_action=dict.fromkeys(names, number)),
        ingest=IngestCounts(accepted=number),
        rules=RuleCounts(observed_at=now, by_status={"pass": number}),
    )
    found = families(prometheus(metrics, Usage()))
    expected = dict.fromkeys(names, float(number))
    assert samples(found["gateway_requests"], "route") == expected
    assert samples(found["gateway_data_bytes"], "artifact") == expected
    assert samples(found["gateway_accesses"], "action") == expected
    assert found["gateway_accesses"].type == "counter", "it is of all there ever were"
    assert samples(found["gateway_request_duration_seconds"], "quantile")["0.5"] == pytest.approx(seconds / 1000)


def test_no_request_adds_a_label_of_its_own(folder, client_of):
    client = client_of(folder)
    own_id = client.get("/discover/artifacts").json()["artifacts"][0]["id"]

    def lines():
        return len(client.get("/observe/metrics", headers=TEXT).text.splitlines())

    for path in (f"/consume/{own_id}", "/consume/x", "/discover/contracts/x", "/x"):
        client.get(path)
    lines()
    before = lines()
    for number in range(50):
        client.get(f"/made-up/{number}")
        client.get(f"/consume/made-up-{number}?q={number}")
        client.get(f"/discover/artifact/{number}/sample")
        client.get(f"/discover/contracts/{number}")
        client.request(f"VERB{number}", "/discover")
    assert lines() - before <= 4, "routes and statuses that were not seen before, and no more"


def test_a_port_with_a_hostile_name_is_read_too(folder, client_of):
    ports = [{**ODPS["outputPorts"][0], "name": 'a"} 1\nb\\'}, ODPS["outputPorts"][1]]
    write(folder / "product.odps.yaml", {**ODPS, "outputPorts": ports})
    write(folder / "contracts" / "rain.odcs.yaml", RAIN)
    assert families(client_of(folder).get("/observe/metrics", headers=TEXT).text)
