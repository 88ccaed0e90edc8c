"""A product that writes ODPS itself is exported as it wrote it; others carry what they last said."""

import json

import pytest
import yaml

from registry.services import LinkData
from tests.live.gateways import ODPS, gateway
from tests.live.hostile import answer, hang

pytestmark = pytest.mark.django_db(transaction=True)

DATASET = {
    "@context": "https://schema.org/",
    "@type": "Dataset",
    "name": "Rain as the product calls it",
    "description": "What the product says.",
    "license": "https://creativecommons.org/licenses/by/4.0/",
    "distribution": [{"@type": "DataDownload", "contentUrl": "https://files.example/rain.csv", "name": "rows"}],
}


def settled(client, url):
    """The answer once it is no longer "ask again in a second"."""

    def ask():
        found = client.get(url)
        if found.status_code == 503:
            assert found["Retry-After"] == "1"
            assert "Ask again" in found.json()["detail"]
            return None
        return found

    return ask


def test_a_products_own_odps_is_passed_on_byte_for_byte(client, celery_worker, server, setup_product, wait_for):
    own = json.dumps({**ODPS, "customProperties": [{"property": "x", "value": 1.10}]}, indent=3).encode()
    product = setup_product(links=[LinkData("discovery", gateway(server, metadata=answer(own)))])
    for file in ("odps.json", "odps.yaml"):
        found = wait_for(settled(client, f"{product.get_absolute_url()}{file}"))
        assert found.content == own
    assert client.get(product.get_absolute_url(), headers={"Accept": "application/json"}).content == own


def test_own_odps_in_yaml_stays_yaml(client, celery_worker, server, setup_product, wait_for):
    own = b"# as its owner wrote it\n" + yaml.safe_dump(ODPS).encode()
    handler = answer(own, content_type="application/yaml")
    product = setup_product(links=[LinkData("discovery", gateway(server, metadata=handler))])
    found = wait_for(settled(client, f"{product.get_absolute_url()}odps.yaml"))
    assert (found.content, found["Content-Type"]) == (own, "application/yaml")
    elsewhere = client.get(f"{product.get_absolute_url()}odps.json")
    assert (elsewhere.status_code, elsewhere["Location"]) == (302, f"{product.get_absolute_url()}odps.yaml")


def test_no_odps_of_its_own_is_built_from_what_is_known(client, celery_worker, server, setup_product, wait_for):
    product = setup_product(links=[LinkData("discovery", server.route("/dataset.jsonld", answer(DATASET)))])
    document = wait_for(settled(client, f"{product.get_absolute_url()}odps.json")).json()
    custom = {entry["property"]: entry["value"] for entry in document["customProperties"]}
    assert (document["id"], custom["title"]) == (product.urn, product.title)
    assert [port["name"] for port in document["outputPorts"]] == ["rows"]
    turtle = client.get(f"{product.get_absolute_url()}dcat.ttl").content.decode()
    assert "<https://files.example/rain.csv>" in turtle
    assert "<https://creativecommons.org/licenses/by/4.0/>" in turtle


def test_a_product_that_hangs_is_exported_from_the_registry_in_the_end(
    client, celery_worker, server, setup_product, wait_for
):
    product = setup_product(links=[LinkData("discovery", server.route("/hangs", hang))])
    assert product.title in client.get(f"{product.get_absolute_url()}dcat.ttl").content.decode()
    document = wait_for(settled(client, f"{product.get_absolute_url()}odps.json"), 15).json()
    assert document["description"]["purpose"] == product.summary
    assert "outputPorts" not in document


def test_without_redis_exports_say_what_is_registered(client, setup_product, settings, fresh_redis):
    product = setup_product()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    for file in ("odps.json", "dcat.jsonld"):
        assert product.title in client.get(f"{product.get_absolute_url()}{file}").content.decode()
