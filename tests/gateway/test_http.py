"""Caching, errors, hostile requests, and the real server."""

import os
import socket
import subprocess
import sys
import time
from contextlib import closing

import httpx2
import pytest

from gateway.app import create_app
from gateway.protocol import Health, Metrics, Problem

CACHED = [
    "/discover",
    "/discover/openapi.json",
    "/discover/metadata",
    "/discover/artifacts",
    "/discover/contracts/daily-rain",
]


@pytest.mark.parametrize("path", CACHED)
def test_answers_have_a_strong_etag_and_304_follows_from_it(client, path):
    first = client.get(path)
    etag = first.headers["etag"]
    assert etag.startswith('"')
    assert "max-age=" in first.headers["cache-control"]
    for wanted in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        again = client.get(path, headers={"If-None-Match": wanted})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_json_and_yaml_have_different_etags(client):
    as_yaml = client.get("/discover/metadata", headers={"Accept": "application/yaml"})
    assert as_yaml.headers["etag"] != client.get("/discover/metadata").headers["etag"]


def test_head_answers_without_a_body(client):
    answer = client.head("/discover/metadata")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["etag"] == client.get("/discover/metadata").headers["etag"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_wrong_method_is_405_with_a_problem(client, method):
    for path in [*CACHED, "/observe/health", "/observe/metrics"]:
        answer = client.request(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")
        assert "GET" in answer.headers["allow"]


HOSTILE = [
    "%2e%2e", "../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e%2fproduct.odps.yaml", "%00", "a" * 5000,
    "....//....//etc/passwd", "%252e%252e%252f", "C:\\windows", "product.odps.yaml", "/etc/passwd", "%ff%fe",
    "'; DROP--", "<script>alert(1)</script>", "{{7*7}}", "0f7d1c1e-6b1f-4a53-9a36-0d6c7d6e3f10",
]  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize(
    "path", ["/discover/artifact/{}/metadata", "/discover/artifact/{}/sample", "/discover/contracts/{}", "/{}"]
)
def test_hostile_ids_are_404_with_a_short_problem(client, path, hostile):
    answer = client.get(path.format(hostile))
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert len(answer.content) < 2000
    problem = Problem.model_validate_json(answer.content)
    assert (problem.status, bool(problem.detail), bool(problem.action)) == (404, True, True)


def test_a_fault_in_the_gateway_is_a_problem_without_a_stack_trace(folder, client_of, monkeypatch):
    def crash(*_):
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr("gateway.observing.health_of", crash)
    answer = client_of(folder).get("/observe/health")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_no_answer_can_be_taken_for_a_page(client):
    for path in [*CACHED, "/observe/health", "/nothing"]:
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")


def test_health_passes_when_documents_and_data_are_fine(client):
    answer = client.get("/observe/health")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/health+json")
    health = Health.model_validate_json(answer.content)
    assert (health.status, health.service_id, health.release_id) == (
        "pass",
        "0f7d1c1e-6b1f-4a53-9a36-0d6c7d6e3f10",
        "1.2.0",
    )
    assert health.output is None
    assert set(health.checks) == {"documents:valid", "ports:complete", "data:readable"}
    assert "null" not in answer.text


def test_health_fails_with_503_when_data_is_gone(without_data, client_of):
    answer = client_of(without_data).get("/observe/health")
    health = Health.model_validate_json(answer.content)
    assert (answer.status_code, health.status) == (503, "fail")
    assert "rain.csv does not exist" in (health.output or "")
    assert health.checks["data:readable"][0].affected_endpoints


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_health_fails_when_data_may_not_be_read(folder, client):
    (folder / "data" / "rain.csv").chmod(0)
    assert client.get("/observe/health").status_code == 503


@pytest.mark.usefixtures("opened")
def test_metrics_count_requests_latency_volume_and_freshness(folder, client):
    rain = client.get("/discover/artifacts").json()["artifacts"][0]["id"]
    sent = len(client.get(f"/discover/artifact/{rain}/sample?limit=7").content)
    for number in range(5):
        client.get(f"/made-up/{number}")
    metrics = Metrics.model_validate_json(client.get("/observe/metrics").content)
    assert metrics.requests.total == 7
    assert metrics.requests.by_endpoint["/discover/artifact/{id}/sample"] == 1
    assert metrics.requests.by_endpoint["other"] == 5
    assert metrics.requests.by_status == {"200": 2, "404": 5}
    assert metrics.latency_ms.count == 7
    assert metrics.latency_ms.p50 is not None
    assert 0 < metrics.latency_ms.p50 <= metrics.latency_ms.p95 <= metrics.latency_ms.p99
    assert (metrics.served.rows, metrics.served.bytes > sent) == (7, True)
    assert (metrics.volume.rows, metrics.volume.artifacts[0].bytes) == (150, (folder / "data/rain.csv").stat().st_size)
    assert metrics.freshness.age_seconds is not None


def test_metrics_as_prometheus_text(client):
    client.get("/discover")
    answer = client.get("/observe/metrics", headers={"Accept": "text/plain;version=0.0.4"})
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'gateway_requests_total{route="/discover"} 1' in answer.text.splitlines()
    for line in answer.text.splitlines():
        assert line.startswith("# ") or len(line.rsplit(" ", 1)) == 2
        if not line.startswith("#"):
            float(line.rsplit(" ", 1)[1])


def test_a_delay_is_kept(folder, client_of):
    client = client_of(folder, delay=0.2)
    begun = time.perf_counter()
    assert client.get("/discover").status_code == 200
    assert time.perf_counter() - begun >= 0.2
    assert client.get("/observe/metrics").json()["latencyMs"]["p50"] >= 200


def test_a_start_takes_less_than_a_second(folder):
    begun = time.perf_counter()
    create_app(folder)
    assert time.perf_counter() - begun < 1.0


def test_the_command_serves_over_a_real_socket(folder):
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gateway", "serve", str(folder), "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        for line in server.stdout:  # uvicorn says when it listens
            if "running on" in line:
                break
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}") as http:
            assert http.get("/discover").json()["name"] == "daily-rain"
            assert http.get("/discover/artifact/..%2f..%2fetc%2fpasswd/metadata").status_code == 404
            raw = b"GET /discover/artifact/../../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            with closing(socket.create_connection(("127.0.0.1", port))) as plain:
                plain.sendall(raw)
                assert b" 404 " in plain.recv(4096).splitlines()[0]
    finally:
        server.terminate()
        server.wait(10)
        server.stdout.close()


def test_a_slash_too_many_still_leads_to_the_index(client):
    assert client.get("/discover/").json()["name"] == "daily-rain"


def test_an_answer_that_may_be_better_later_says_when(without_data, opened, client_of):
    """RFC 9110, 10.2.3: whoever is told 503 is told when to come back."""
    client = client_of(without_data)
    listed = client.get("/discover/artifacts").json()["artifacts"]
    rain = next(artifact["id"] for artifact in listed if artifact["name"] == "rain")
    for path in (f"/discover/artifact/{rain}/sample", f"/consume/{rain}"):
        answer = client.get(path)
        assert answer.status_code == 503, path
        assert int(answer.headers["retry-after"]) > 0
