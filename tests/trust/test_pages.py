"""The pages and the API of the checklist and the score, over a real gateway; honest while nothing answers."""

import pytest
import yaml

from marketplace.live import services as live
from registry.services import LinkData
from tests import gateways
from tests.live.hostile import Server, answer

GLOBAL = "precipitation/global-precipitation"
SHOUT = "<img src=x onerror=alert(1)> & 'more'"


@pytest.fixture
def rain(setup_product, ask):
    """A product of the demo behind its real gateway, answered."""
    with gateways.running(GLOBAL) as gateway:
        product = setup_product("global-precipitation", links=[LinkData("discovery", f"{gateway}/discover")])
        ask(product)
        yield product


@pytest.fixture
def silent(setup_product):
    """A product at whose address nobody answers, asked once."""
    product = setup_product("silent", links=[LinkData("discovery", "http://127.0.0.1:9/discover")])
    live.refresh(live.target_of(product.pk))
    return product


def page(client, product, what, **headers):
    answer = client.get(f"{product.get_absolute_url()}{what}/", headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def test_everybody_sees_what_is_met_and_what_is_missing(client, rain):
    text = page(client, rain, "checklist")
    assert "No member of its team has the role of a data steward" in text
    assert "Promised: latency: 2 d" in text
    assert "Edit the listing" not in text, "only the owner can"


def test_the_owner_sees_what_to_do_and_where(sign_in, producer, rain):
    text = page(sign_in(producer), rain, "checklist")
    assert "/publish/precipitation/global-precipitation/edit/" in text, "the listing lacks a type"
    assert "/products/precipitation/global-precipitation/original/metadata/" in text
    assert "role: Data steward" in text, "as it is written in an ODPS document"


def test_the_score_has_four_parts_and_what_would_raise_it(client, rain):
    text = page(client, rain, "fair")
    assert "What would raise it most" in text
    assert "It is described in words" in text
    assert ">95<" in text
    for part in ("Findable", "Accessible", "Interoperable", "Reusable"):
        assert part in text


def test_the_api_says_the_same(client, rain):
    fair = client.get(f"/api/v1/products/{rain.uuid}/fair/").json()
    assert fair["score"] == 95
    assert [part["score"] for part in fair["principles"]] == [80, 100, 100, 100]
    missing = [c for part in fair["principles"] for c in part["checks"] if c["state"] == "missing"]
    assert [(c["key"], c["points"]) for c in missing] == [("summary", 5.0)]
    checklist = client.get(f"/api/v1/products/{rain.uuid}/checklist/").json()
    assert {row["key"]: row["state"] for row in checklist["items"]}["type"] == "missing"
    assert checklist["publishable"]


def test_of_a_silent_product_the_score_is_not_known(client, silent):
    text = page(client, silent, "fair")
    assert "It is not zero: it is not known." in text
    fair = client.get(f"/api/v1/products/{silent.uuid}/fair/").json()
    assert fair["score"] is None
    text = page(client, silent, "checklist")
    assert "not known while it does not answer" in text


def test_before_anybody_asked_the_part_asks_again_by_itself(client, setup_product):
    product = setup_product("new", links=[LinkData("discovery", "http://127.0.0.1:9/discover")])
    url = f"{product.get_absolute_url()}fair/"
    text = page(client, product, "fair", **{"HX-Request": "true"})
    assert f'hx-get="{url}?n=1"' in text
    assert "<html" not in text
    text = client.get(url, {"n": "32"}, headers={"HX-Request": "true"}).content.decode()
    assert "hx-get" not in text, "not for ever"


@pytest.mark.parametrize("n", ["-1", "x", "9" * 40, "²"])
def test_any_count_in_the_address_is_taken(client, silent, n):
    assert client.get(f"{silent.get_absolute_url()}checklist/", {"n": n}).status_code == 200


def test_a_draft_is_its_team_s(client, sign_in, producer, outsider, setup_product):
    draft = setup_product("draft", published=False)
    for what in ("fair/", "checklist/"):
        assert client.get(f"{draft.get_absolute_url()}{what}").status_code == 404
        assert sign_in(outsider).get(f"{draft.get_absolute_url()}{what}").status_code == 404
        assert sign_in(producer).get(f"{draft.get_absolute_url()}{what}").status_code == 200
        assert client.get(f"/api/v1/products/{draft.uuid}/{what}").status_code == 404
        assert sign_in(producer).get(f"/api/v1/products/{draft.uuid}/{what}").status_code == 200


def test_hostile_words_of_a_product_stay_text(client, sign_in, producer, setup_product, ask):
    document = {
        "apiVersion": "v1.1.0",
        "kind": "DataProduct",
        "id": SHOUT,
        "name": SHOUT,
        "version": SHOUT * 500,
        "status": "active",
        "type": SHOUT,
        "domain": SHOUT,
        "team": {"name": SHOUT, "members": [{"username": SHOUT, "role": f"Data steward {SHOUT}"}]},
        "support": [{"channel": SHOUT, "url": "javascript:alert(1)"}],
        "outputPorts": [{"name": SHOUT, "version": "1", "contractId": SHOUT}],
        "customProperties": [
            {"property": "license", "value": SHOUT},
            {"property": "policies", "value": [SHOUT]},
            {"property": "classification", "value": SHOUT},
        ],
    }
    server = Server().start()
    try:
        server.route("/p", answer(yaml.safe_dump(document), content_type="application/yaml"))
        product = setup_product("hostile", links=[LinkData("discovery", server.url("/p"))])
        ask(product)
        for who in (None, producer):
            for what in ("fair", "checklist"):
                text = page(sign_in(who), product, what)
                assert "<img src=x" not in text
                assert "javascript:" not in text
                assert "&lt;img src=x" in text
    finally:
        server.stop()


def test_the_pages_cost_few_queries(client, rain, django_assert_max_num_queries):
    for what in ("fair", "checklist"):
        page(client, rain, what)
        with django_assert_max_num_queries(5):
            page(client, rain, what)


def test_a_product_without_an_address_is_told_to_its_owner(client, sign_in, producer, setup_product, ask):
    product = setup_product("bare")
    ask(product)
    for what in ("checklist", "fair"):
        assert "Your product names no address" in page(sign_in(producer), product, what)
        assert "Your product names no address" not in page(client, product, what)
