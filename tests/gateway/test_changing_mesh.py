"""A process that serves many products follows its folder: what comes, goes or is renamed shows without a restart."""

import shutil
import threading
import time

import pytest
from starlette.testclient import TestClient

from gateway.many import create_many

from .conftest import ODPS, RAIN, write
from .issuer import Issuer


def product(folder, name, **odps):
    """Written aside and moved in, so that nobody sees half of it."""
    aside = folder.parent / f".{folder.name}"
    write(aside / "contracts" / "rain.odcs.yaml", RAIN)
    (aside / "data").mkdir()
    (aside / "data" / "rain.csv").write_text("station,mm\nS,1\n")
    write(aside / "product.odps.yaml", {**ODPS, "id": f"id-{name}", "name": name, "domain": "wet", **odps})
    aside.rename(folder)


@pytest.fixture
def mesh(tmp_path):
    (tmp_path / "mesh").mkdir()
    for name in ("one", "two"):
        product(tmp_path / "mesh" / name, name)
    return tmp_path / "mesh"


@pytest.fixture
def client(mesh):
    with TestClient(create_many(mesh), raise_server_exceptions=False) as made:
        yield made


def names(client):
    return [entry["name"] for entry in client.get("/").json()["products"]]


def until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)


def status(client, name):
    return client.get(f"/wet/{name}/discover").status_code


def test_a_folder_that_is_put_there_is_served_and_one_that_is_taken_away_is_not(mesh, client):
    assert names(client) == ["one", "two"]
    product(mesh / "three", "three")
    until(lambda: status(client, "three") == 200)
    assert names(client) == ["one", "three", "two"]
    app = client.app.state.mesh.by_prefix.apps["/wet/three"]
    shutil.rmtree(mesh / "three")
    until(lambda: status(client, "three") == 404)
    assert names(client) == ["one", "two"]
    assert app.state.observing.observatory._timer is None  # it does nothing by itself any more
    assert status(client, "one") == 200


def test_a_new_product_does_by_itself_what_the_first_ones_do(mesh, client):
    product(mesh / "three", "three")
    until(lambda: status(client, "three") == 200)
    assert client.app.state.mesh.by_prefix.apps["/wet/three"].state.observing.observatory._timer is not None


def test_a_renamed_folder_keeps_its_address_and_what_it_remembers(mesh, client):
    issuer = Issuer()
    try:
        for folder in mesh.iterdir():
            write(folder / "gateway.yaml", {**issuer.trust(), "audience": "https://x.example"})
        context = client.app.state.mesh.by_prefix.apps["/wet/one"].state.context
        until(lambda: client.get("/wet/one/discover").status_code == 200 and context.config.trust)
        paused = client.post("/wet/one/control/pause", headers=issuer.bearer("control", aud="https://x.example"))
        assert paused.status_code == 200, paused.text
        (mesh / "one").rename(mesh / "another")
        apps = client.app.state.mesh
        until(lambda: names(client) and apps.by_prefix.apps["/wet/one"].state.context is not context)
        assert client.get("/wet/one/discover").json()["status"] == "paused"
    finally:
        issuer.close()


def test_a_product_with_another_name_moves_to_another_address(mesh, client):
    write(mesh / "one" / "product.odps.yaml", {**ODPS, "id": "id-one", "name": "uno", "domain": "wet"})
    until(lambda: status(client, "uno") == 200)
    assert status(client, "one") == 404
    assert names(client) == ["uno", "two"]
    link = client.get("/").json()["products"][0]["links"][0]["href"]
    assert client.get(link).json()["name"] == "uno"


@pytest.mark.parametrize("content", ["kind: [", "", "\0", "a: &a [*a]", "kind: DataProduct"])
def test_a_broken_newcomer_is_listed_and_hurts_nobody_until_it_is_mended(mesh, client, content):
    (mesh / "bad").mkdir()
    (mesh / "bad" / "product.odps.yaml").write_text(content)
    until(lambda: client.get("/").json().get("broken"))
    [broken] = client.get("/").json()["broken"]
    assert (broken["folder"], bool(broken["problems"])) == ("bad", True)
    assert names(client) == ["one", "two"]
    assert (status(client, "one"), status(client, "two")) == (200, 200)
    shutil.rmtree(mesh / "bad")
    product(mesh / "bad", "good")
    until(lambda: status(client, "good") == 200)
    assert not client.get("/").json().get("broken")


def test_a_broken_edit_keeps_the_address_and_the_last_good_state(mesh, client):
    (mesh / "one" / "product.odps.yaml").write_text("kind: [")
    until(lambda: client.get("/wet/one/observe/health").json()["status"] == "warn")
    assert (status(client, "one"), names(client)) == (200, ["one", "two"])
    write(mesh / "one" / "product.odps.yaml", {**ODPS, "id": "id-one", "name": "uno", "domain": "wet"})
    until(lambda: status(client, "uno") == 200)


def test_a_name_that_is_taken_is_free_again_when_the_other_goes(mesh, client):
    product(mesh / "zwei", "two", id="id-other")
    until(lambda: client.get("/").json().get("broken"))
    assert client.get("/wet/two/discover").json()["id"] == "id-two"
    shutil.rmtree(mesh / "two")
    until(lambda: client.get("/wet/two/discover").json().get("id") == "id-other")
    assert not client.get("/").json().get("broken")


def test_all_of_them_may_go_and_come_back(mesh, client):
    for name in ("one", "two"):
        shutil.rmtree(mesh / name)
    until(lambda: names(client) == [])
    assert status(client, "one") == 404
    product(mesh / "one", "one")
    until(lambda: status(client, "one") == 200)


def test_a_product_that_was_taken_away_is_not_made_again_by_its_own_gateway(mesh, client):
    app = client.app.state.mesh.by_prefix.apps["/wet/one"]
    shutil.rmtree(mesh / "one")
    app.state.observing.observatory.run()  # as if it was measuring when that happened
    app.state.context.log.record(consumer="ada", artifact="a", action="query", status=200)
    app.state.context.log.flush()
    assert not (mesh / "one").exists()
