"""Among many products a path leads to its own, whatever letters are in it."""

from starlette.testclient import TestClient

from gateway.many import create_many
from tests.gateway.conftest import ODPS, write


def test_each_product_answers_below_its_own_prefix_only(folder):
    other = folder.parent / "other"
    write(other / "product.odps.yaml", {**ODPS, "id": "other", "domain": "précipitations", "outputPorts": []})
    with TestClient(create_many(folder.parent), raise_server_exceptions=False) as client:
        [first, second] = client.get("/").json()["products"]
        for entry in (first, second):
            index = client.get(entry["links"][0]["href"])
            assert (index.status_code, index.json()["id"]) == (200, entry["id"])
        assert client.get("/precipitation/daily-rain/discover/metadata").json()["id"] == ODPS["id"]
        own = "/precipitation/daily-rain"
        for nowhere in (f"{own}-2/discover", own, "/precipitation", "/a/b/c/"):
            answer = client.get(nowhere)
            assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
