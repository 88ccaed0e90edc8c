"""What one follows and searches for comes to one's inbox through the workers: events, vectors, matching."""

import re
from collections.abc import Callable, Iterator

import httpx2
import pytest

from bench.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]


@pytest.fixture
def signed_in(stack: Stack) -> Iterator[Callable[[str], httpx2.Client]]:
    """Makes a session of a demo account, with its CSRF token."""
    made: list[httpx2.Client] = []

    def sign_in(name: str) -> httpx2.Client:
        client = httpx2.Client(base_url=stack.url, follow_redirects=True)
        made.append(client)
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get("/accounts/login/").text)
        assert found is not None
        client.post("/accounts/login/", data={"login": name, "password": "demo", "csrfmiddlewaretoken": found[1]})
        client.headers["X-CSRFToken"] = client.cookies["csrftoken"]
        return client

    yield sign_in
    for client in made:
        client.close()


def test_a_follower_hears_of_a_deprecation_and_a_saved_search_of_what_is_new(
    signed_in: Callable[[str], httpx2.Client], wait_for
) -> None:
    consumer, producer = signed_in("consumer"), signed_in("producer")
    saved = consumer.post("/api/v1/me/saved-searches/", json={"query": "q=tides of the Zuiderzee", "name": "Tides"})
    assert saved.status_code in (200, 201), saved.text
    summary = "When the water of the Zuiderzee rose and fell: its tides, hour by hour, before the dam."
    entry = {"domain": "oceans", "name": "zuiderzee-tides", "title": "Tides of the Zuiderzee", "summary": summary}
    done = producer.post("/api/v1/products/batch/", json={"products": [entry]}).json()["results"][0]
    assert done["result"] == "created", done
    followed = consumer.post("/api/v1/me/follows/", json={"subject": "urn:dp:oceans:zuiderzee-tides"})
    assert followed.status_code == 201, followed.text
    found = producer.get("/api/v1/products/", params={"domain": "oceans", "name": "zuiderzee-tides"}).json()["results"]
    said = producer.post(f"/api/v1/products/{found[0]['uuid']}/deprecate/", json={"message": "The dam is there."})
    assert said.status_code == 200, said.text

    def told() -> list[str]:
        texts = [row["text"] for row in consumer.get("/api/v1/me/inbox/").json()["results"]]
        return texts if len(texts) >= 2 else []

    assert sorted(wait_for(told, seconds=90)) == [
        "Tides of the Zuiderzee: Deprecated · The dam is there.",
        "Tides of the Zuiderzee: New for your search “Tides”",
    ]
