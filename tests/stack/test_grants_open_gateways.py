"""A grant of the marketplace opens a gateway that knows only the marketplace's published keys."""

import re

import httpx2
import pytest

from bench.stack import Stack
from demo.loading import load_mesh

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]


@pytest.fixture
def producer(stack: Stack):
    """A session of the demo's producer, and its CSRF token."""
    with httpx2.Client(base_url=stack.url, follow_redirects=True) as client:
        page = client.get("/accounts/login/").text
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert found is not None
        token = found[1]
        client.post("/accounts/login/", data={"login": "producer", "password": "demo", "csrfmiddlewaretoken": token})
        client.headers["X-CSRFToken"] = client.cookies["csrftoken"]
        yield client


def test_an_artifact_on_request_opens_with_a_grant_and_not_without(stack: Stack, producer):
    entry = next(product for product in load_mesh().products if product.name == "us-physical-risk")
    gateway = entry.base_url(stack.gateway_port)
    artifacts = httpx2.get(f"{gateway}/discover/artifacts").json()["artifacts"]
    table = next(artifact for artifact in artifacts if artifact["kind"] == "table")
    address = f"{gateway}/consume/{table['id']}"
    refused = httpx2.get(address)
    assert refused.status_code == 401
    assert refused.headers["Content-Type"] == "application/problem+json"

    found = producer.get("/api/v1/products/", params={"domain": "physical-risk"}).json()["results"]
    uuid = next(row["uuid"] for row in found if row["name"] == "us-physical-risk")
    answer = producer.post(f"/api/v1/products/{uuid}/grants/", json={"scope": "consume"})
    assert answer.status_code == 201, answer.text
    assert answer.json()["audience"] == gateway
    opened = httpx2.get(address, headers={"Authorization": f"Bearer {answer.json()['token']}"})
    assert opened.status_code == 200, opened.text
    assert opened.text.startswith("state,state_name,flood_score")

    other = next(product for product in load_mesh().products if product.name == "climate-risk-disclosure")
    elsewhere = httpx2.get(f"{other.base_url(stack.gateway_port)}/discover/artifacts").json()["artifacts"][0]["id"]
    misused = httpx2.get(
        f"{other.base_url(stack.gateway_port)}/consume/{elsewhere}",
        headers={"Authorization": f"Bearer {answer.json()['token']}"},
    )
    assert misused.status_code == 401, "a grant is for one gateway"
