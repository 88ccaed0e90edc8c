"""A product registers itself by its address: a real worker asks a real gateway, and nobody gets at others' entries."""

import shutil

import pytest
import yaml
from django.urls import reverse

from registry.models import Event, Product
from registry.services import create_domain
from tests import gateways

INSPECTIONS, REGISTER = "/api/v1/inspections/", "/api/v1/register"
REAL = pytest.mark.django_db(transaction=True)
US = "precipitation/us-precipitation"


def send(client, path, body):
    return client.post(path, body, content_type="application/json")


def registered(client, wait_for, url, **options):
    """The last answer, after asking again as long as it says 202."""
    first = send(client, REGISTER, {"url": url})
    assert first.status_code == 202, first.content
    token = first.json()["token"]

    def ask():
        answer = send(client, REGISTER, {"inspection": token, **options})
        return None if answer.status_code == 202 else answer

    return wait_for(ask, 30)


@REAL
def test_an_address_is_looked_at_and_what_was_found_is_told(celery_worker, sign_in, producer, wait_for):
    client = sign_in(producer)
    with gateways.running(US) as gateway:
        begun = send(client, INSPECTIONS, {"url": gateway})
        assert begun.status_code == 202
        assert begun.headers["Location"] == begun.json()["address"]

        def settled():
            found = client.get(begun.headers["Location"]).json()
            return found if found["poll_after_ms"] is None else None

        found = wait_for(settled, 30)
    assert found["state"] == "done"
    assert found["suggestions"]["title"] == "US precipitation normals"
    assert found["suggestions"]["links"][0]["url"] == f"{gateway}/discover"
    assert not Product.objects.exists()


@REAL
def test_a_gateway_registers_itself_and_again_nothing_happens(
    celery_worker, sign_in, producer, team, precipitation, wait_for
):
    client = sign_in(producer)
    with gateways.running(US) as gateway:
        dry = registered(client, wait_for, gateway, dry_run=True).json()
        assert not Product.objects.exists()
        first = registered(client, wait_for, gateway).json()
        product = Product.objects.get()
        events = Event.objects.count()
        again = registered(client, wait_for, gateway).json()
        changed = registered(client, wait_for, gateway, title="Rain of the US").json()
    assert [row["result"] for row in (dry, first, again, changed)] == ["created", "created", "unchanged", "updated"]
    assert (product.urn, product.lifecycle, product.owner) == (first["urn"], "published", team)
    assert product.port_edges.filter(direction="out").exists()
    assert changed["changes"] == [{"field": "title", "before": product.title, "after": "Rain of the US"}]
    assert Event.objects.count() == events + 1


@REAL
def test_a_product_that_names_anothers_address_gets_nothing(
    celery_worker, sign_in, setup_product, outsider, precipitation, wait_for
):
    theirs = setup_product("us-precipitation-normals")
    with gateways.running(US) as gateway:
        client = sign_in(outsider)
        answer = registered(client, wait_for, gateway, name=theirs.name)
    assert answer.status_code == 403
    assert "Climate Data Office" in answer.json()["detail"]
    before = theirs.title
    theirs.refresh_from_db()
    assert (theirs.title, Product.objects.count()) == (before, 1)


@REAL
@pytest.mark.parametrize("url", ["http://127.0.0.1:9/discover", "http://127.0.0.2:9/", "javascript:alert(1)"])
def test_an_address_that_cannot_be_read_is_refused_with_the_reason(celery_worker, sign_in, producer, wait_for, url):
    answer = registered(sign_in(producer), wait_for, url)
    assert answer.status_code == 400
    (reason,) = answer.json()["errors"]["url"]
    assert len(reason) > 20


@REAL
def test_a_domain_that_is_not_there_is_said_and_another_can_be_given(celery_worker, sign_in, producer, team, wait_for):
    create_domain("weather", "Weather")
    with gateways.running(US) as gateway:
        client = sign_in(producer)
        refused = registered(client, wait_for, gateway)
        taken = registered(client, wait_for, gateway, domain="weather", owner=team.slug, publish=False)
    assert refused.status_code == 400
    assert "precipitation" in refused.json()["errors"]["domain"][0]
    assert taken.json()["lifecycle"] == "draft"
    assert Product.objects.get().domain.slug == "weather"


@pytest.mark.parametrize(
    "body",
    [{}, {"url": ""}, {"url": "https://x.example", "inspection": "x"}, [], {"url": "a" * 3000}],
)
def test_a_request_that_names_no_one_address_is_refused(sign_in, producer, body):
    assert send(sign_in(producer), REGISTER, body).status_code == 400


@pytest.mark.parametrize("token", ["x", "A" * 24, "..%2f..", "a" * 300])
def test_an_inspection_that_is_not_there_is_not_found(sign_in, producer, token):
    client = sign_in(producer)
    assert client.get(f"{INSPECTIONS}{token}").status_code == 404
    assert send(client, REGISTER, {"inspection": token}).status_code in (400, 404)


def test_without_a_worker_it_says_so(sign_in, producer, monkeypatch):
    from marketplace.live import state

    monkeypatch.setattr(state, "NO_WORKER_SECONDS", -1.0)
    client = sign_in(producer)
    token = send(client, REGISTER, {"url": "https://gateway.example.org/"}).json()["token"]
    answer = send(client, REGISTER, {"inspection": token})
    assert answer.status_code == 503
    assert answer.json()["detail"]


def test_addresses_are_not_asked_without_end(sign_in, producer):
    client = sign_in(producer)
    codes = [send(client, path, {"url": "https://a.example"}).status_code for path in [REGISTER, INSPECTIONS] * 6]
    assert codes.count(429) == 2
    last = send(client, REGISTER, {"url": "https://a.example"})
    assert 0 < int(last.headers["Retry-After"]) <= 60


@REAL
def test_odd_links_of_a_document_keep_no_product_out(
    celery_worker, sign_in, producer, team, precipitation, wait_for, tmp_path
):
    folder = tmp_path / "us-precipitation"
    shutil.copytree(gateways.DEMO / US, folder)
    file = folder / "product.odps.yaml"
    document = yaml.safe_load(file.read_text("utf-8"))
    odd = ["mailto:rain@example.org", "https://example.org/" + "x" * 2500, "not an address", "javascript:alert(1)"]
    definitions = [{"type": "documentation", "url": url, "description": "words " * 60} for url in odd]
    good = {"type": "documentation", "url": "https://example.org/guide", "description": "words " * 60}
    document["authoritativeDefinitions"] = [good, *definitions]
    file.write_text(yaml.safe_dump(document), "utf-8")
    with gateways.running(folder) as gateway:
        answer = registered(sign_in(producer), wait_for, gateway)
    assert answer.status_code == 200, answer.content
    links = {link.url for link in Product.objects.get().links.all()}
    assert f"{gateway}/discover" in links
    assert "https://example.org/guide" in links
    assert not links & set(odd)


@pytest.mark.parametrize("path", [REGISTER, INSPECTIONS])
def test_visitors_have_nothing_asked(client, db, path):
    assert send(client, path, {"url": "https://a.example"}).status_code == 401
    assert client.get(f"{INSPECTIONS}{'A' * 24}").status_code == 401


def test_a_program_can_ask_whose_token_it_has(client, sign_in, producer, team):
    path = reverse("api:me")
    assert client.get(path).status_code == 401
    said = sign_in(producer).get(path).json()
    assert said == {
        "username": "producer",
        "name": "producer",
        "roles": ["producer"],
        "teams": [{"slug": team.slug, "name": team.name}],
        "acts_for": None,
    }
