"""One process serves many product folders, each under its domain and name."""

import pytest
from starlette.testclient import TestClient

from gateway import grants
from gateway.documents import DocumentError
from gateway.many import create_many

from .conftest import ODPS, RAIN, write
from .issuer import Issuer


@pytest.fixture
def mesh(tmp_path):
    for name, number in (("one", 1), ("two", 2)):
        folder = tmp_path / "mesh" / "wet" / name
        write(folder / "product.odps.yaml", {**ODPS, "name": name, "id": f"id-{number}", "domain": "wet places"})
        write(folder / "contracts" / "rain.odcs.yaml", RAIN)
        (folder / "data").mkdir()
        (folder / "data" / "rain.csv").write_text(f"station,mm\nS,{number}\n")
    return tmp_path / "mesh"


def test_each_product_answers_under_its_own_base(mesh):
    client = TestClient(create_many(mesh))
    products = client.get("/").json()["products"]
    assert [product["name"] for product in products] == ["one", "two"]
    for product in products:
        address = product["links"][0]["href"]
        assert address == f"/wet-places/{product['name']}/discover"
        index = client.get(address).json()
        assert index["id"] == product["id"]
        for link in index["links"]:
            assert link["href"].startswith(f"/wet-places/{product['name']}/")
            assert client.get(link["href"]).status_code == 200, link
    assert client.get("/wet-places/three/discover").json()["status"] == 404


def test_a_grant_for_one_product_does_not_open_another(mesh):
    grants.KEYS.forget()
    issuer = Issuer()
    try:
        for name in ("one", "two"):
            write(mesh / "wet" / name / "gateway.yaml", {"trust": issuer.trust()["trust"]})
        client = TestClient(create_many(mesh, base_url="https://mesh.example"))
        listed = client.get("/wet-places/one/discover/artifacts").json()["artifacts"]
        address = f"/wet-places/one/consume/{listed[0]['id']}"
        assert client.get(address, headers=issuer.bearer(aud="https://mesh.example/wet-places/one")).status_code == 200
        assert client.get(address, headers=issuer.bearer(aud="https://mesh.example/wet-places/two")).status_code == 401
        assert client.get(address, headers=issuer.bearer(aud="https://mesh.example")).status_code == 401
    finally:
        issuer.close()


def test_a_second_of_the_same_name_and_none_at_all_are_refused(mesh, tmp_path):
    path = mesh / "wet" / "two" / "product.odps.yaml"
    write(path, {**ODPS, "name": "one", "domain": "wet places"})
    index = TestClient(create_many(mesh)).get("/").json()
    assert [product["id"] for product in index["products"]] == ["id-1"]
    assert [product["folder"] for product in index["broken"]] == ["wet/two"]
    assert "already" in index["broken"][0]["problems"][0]
    (tmp_path / "empty").mkdir()
    with pytest.raises(DocumentError, match="no folder"):
        create_many(tmp_path / "empty")
