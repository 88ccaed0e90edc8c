"""Every command, file and program of the guides does what the guide says."""

import json
from contextlib import ExitStack

import pytest
from django.core.management import call_command

from marketplace.accounts import tokens
from marketplace.accounts.models import User
from registry.models import Product
from search.indexer import index_products
from tests.guides.terminal import Terminal

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def demo(transactional_db, settings):
    """The demo's products, as search finds them; its gateways do not run."""
    settings.DEMO = True
    call_command("load_demo")
    index_products(Product.objects.values_list("pk", flat=True))
    return User.objects.get(username="producer")


@pytest.fixture
def at_a_terminal(tmp_path, live_server, monkeypatch):
    """Seats a person with a token at a terminal in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("MESH_URL", "MESH_TOKEN", "MESH_CONFIG", "MARKETPLACE_TOKEN"):
        monkeypatch.setenv(name, "")
    with ExitStack() as opened:
        yield lambda person: Terminal(tmp_path, live_server.url, tokens.create_token(person, "guides", 30)[1], opened)


def test_what_the_guide_to_finding_asks_is_answered_with_products(demo, at_a_terminal):
    terminal = at_a_terminal(demo)
    terminal.follow("find-data")
    plain, faceted, by_goal = map(json.loads, terminal.saw)
    assert plain["results"][0]["product"]["urn"].startswith("urn:dp:precipitation:")
    assert faceted["count"] > 0
    assert faceted["facets"]["access"] == [{"value": "open", "label": "Open", "count": faceted["count"]}]
    assert by_goal["count"] == 7


def test_publishing_from_a_file(producer, team, precipitation, at_a_terminal):
    terminal = at_a_terminal(producer)
    terminal.follow("publish")
    dry, real, shown = [said for said in terminal.saw if said]
    assert "daily-rain" in dry
    assert "daily-rain" in real
    assert "Daily rain" in shown
    assert Product.objects.get(name="daily-rain").lifecycle == "published"


def test_from_a_csv_over_a_contract_to_a_certified_gateway(celery_worker, producer, team, precipitation, at_a_terminal):
    terminal = at_a_terminal(producer)
    terminal.follow("run-a-gateway")
    product = Product.objects.get(name="daily-rain")
    assert product.lifecycle == "published"
    assert product.links.get().url == f"{terminal.gateway}/discover"
    terminal.follow("write-a-contract")
    terminal.saw.clear()
    terminal.follow("get-certified")
    checklist, lacking, _, status, report = [said for said in terminal.saw if said]
    assert "Data steward" in lacking
    assert json.loads(checklist)["items"]
    assert json.loads(status)["status"] in ("OK", "NOT COMPLIANT")
    assert json.loads(report)["policies"]


def test_automating(demo, at_a_terminal, capsys):
    terminal = at_a_terminal(demo)
    terminal.follow("automate")
    printed = capsys.readouterr().out
    assert "us-precipitation" in printed or "US precipitation normals" in printed
    who, found, shown, links, resolved, redirected, listed, me, turtle, events, told, atom = [
        s for s in terminal.saw if s
    ]
    assert "producer" in who
    assert "precipitation" in found
    assert "US precipitation normals" in shown
    assert links.strip() == redirected
    assert json.loads(resolved)["links"][0]["url"] == redirected
    assert json.loads(listed)["count"] == 1
    assert json.loads(me)["username"] == "producer"
    assert "dprod:DataProduct" in turtle
    assert json.loads(events)["results"][0]["type"] == "product.published"
    assert "product.published" in told
    assert "<feed" in atom
