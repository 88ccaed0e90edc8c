"""Exports over HTTP: negotiated on the product's page, at addresses of their own, and of everything at once."""

import json
import re
from xml.etree import ElementTree

import pytest
import rdflib
from django.db import connection
from django.test.utils import CaptureQueriesContext
from jsonschema import Draft4Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from marketplace.accounts.models import Team
from marketplace.exports import queries
from marketplace.exports.facts import facts_of
from marketplace.exports.formats import FORMATS
from marketplace.exports.negotiation import preferred
from marketplace.live import services as live
from registry import services
from registry.models import Product
from registry.queries import by_address
from registry.services import LinkData
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.django_db

FILES = [format_.file for format_ in FORMATS]


@pytest.fixture
def product(setup_product) -> Product:
    links = [
        LinkData("documentation", "https://docs.example/rain"),
        LinkData("consumption", "https://data.example/rain"),
    ]
    made = setup_product(links=links, tags=["Rain"], access_mode="open")
    live.refresh(live.target_of(made.pk))
    return made


def body_of(response) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.mark.parametrize("file", FILES)
def test_a_product_has_an_address_for_each_format(client, product, file):
    answer = client.get(f"{product.get_absolute_url()}{file}")
    assert answer.status_code == 200
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert product.title in answer.content.decode()
    again = client.get(f"{product.get_absolute_url()}{file}", headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "text/html"),
        ("*/*", "text/html"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("text/turtle", "text/turtle"),
        ("application/ld+json", "application/ld+json"),
        ("application/json", "application/json"),
        ("application/yaml", "application/yaml"),
        ("TEXT/TURTLE", "text/turtle"),
        ("application/ld+json;q=0.5, text/turtle;q=0.9", "text/turtle"),
        ("text/html;q=0.3, application/ld+json;q=0.2", "text/html"),
        ("text/html;q=0, text/turtle;q=0.1", "text/turtle"),
        ("application/*", "application/ld+json"),
        ("text/*;q=0.5, application/json", "application/json"),
        ('application/ld+json;profile="http://www.w3.org/ns/json-ld#compacted"', "application/ld+json"),
        ("application/pdf", "text/html"),
        ("text/turtle;q=2", "text/html"),
        ("text/turtle;q=x, nonsense, ;;;,", "text/html"),
        ("text/turtle;q=nan", "text/html"),
    ],
)
def test_the_page_answers_in_the_format_that_is_preferred(client, product, accept, media_type):
    answer = client.get(product.get_absolute_url(), headers={"Accept": accept} if accept else {})
    assert answer.status_code == 200
    assert answer["Content-Type"].partition(";")[0] == media_type
    assert "Accept" in answer["Vary"]
    if media_type != "text/html":
        assert client.get(answer["Content-Location"]).content == answer.content


def test_an_accept_header_of_any_length_is_read_quickly():
    assert preferred("text/turtle;q=0.1," * 100_000, ("text/html", "text/turtle")) == "text/turtle"


def test_the_page_names_its_other_forms_in_headers_and_in_its_head(client, product):
    answer = client.get(product.get_absolute_url())
    page = answer.content.decode()
    for format_ in FORMATS:
        address = f"{product.get_absolute_url()}{format_.file}"
        assert f'<{address}>; rel="alternate"; type="{format_.media_type}"' in answer["Link"]
        assert f'<link rel="alternate" type="{format_.media_type}" href="{address}"' in page
    block = re.search(r'<script type="application/ld\+json">(.*?)</script>', page)
    assert json.loads(block[1])["identifier"] == product.urn


@pytest.mark.parametrize("who", ["visitor", "owner", "administrator"])
@pytest.mark.parametrize("lifecycle", ["draft", "retired"])
def test_what_is_not_listed_leaves_for_nobody(sign_in, setup_product, producer, admin, lifecycle, who):
    hidden = setup_product("hidden", published=lifecycle == "retired", title="Hidden thing")
    if lifecycle == "retired":
        services.retire(producer, services.deprecate(producer, hidden))
    browser = sign_in({"visitor": None, "owner": producer, "administrator": admin}[who])
    for file in FILES:
        assert browser.get(f"{hidden.get_absolute_url()}{file}").status_code == 404
    assert browser.get(f"/api/v1/products/{hidden.uuid}/exports/").status_code == 404
    for path in ("/data.json", "/catalog.jsonld", "/catalog.ttl", "/sitemap.xml", "/sitemap-0.xml"):
        answer = browser.get(path)
        assert "hidden" not in (body_of(answer).decode() if answer.status_code == 200 else "")
    page = browser.get(hidden.get_absolute_url(), headers={"Accept": "text/turtle, text/html;q=0.1"})
    assert page.status_code == (404 if who == "visitor" else 200)
    assert page["Content-Type"].startswith("text/html")
    assert "Link" not in page
    assert "ld+json" not in page.content.decode()


def test_the_catalogue_in_data_json_fits_the_published_schema(client, product, setup_product):
    setup_product("bare")
    answer = client.get("/data.json")
    catalogue = json.loads(body_of(answer))
    folder = REPOSITORY / "tests" / "exports" / "schemas"
    schemas = {name: json.loads((folder / name).read_text()) for name in ("catalog.json", "dataset-non-federal.json")}
    base = schemas["catalog.json"]["id"].rstrip("#").rpartition("/")[0]
    known = Registry().with_resources(
        (f"{base}/{name}", Resource.from_contents(schema, default_specification=DRAFT4))
        for name, schema in schemas.items()
    )
    errors = list(Draft4Validator(schemas["catalog.json"], registry=known).iter_errors(catalogue))
    assert [error.message for error in errors] == []
    assert {found["title"] for found in catalogue["dataset"]} == {"Daily rain", "Bare"}
    broken = {**catalogue, "dataset": [{**catalogue["dataset"][0], "accessLevel": "secret"}]}
    assert list(Draft4Validator(schemas["catalog.json"], registry=known).iter_errors(broken))


def test_the_catalogue_is_sent_again_only_where_something_changed(client, product, producer, team):
    first = client.get("/data.json")
    body_of(first)

    def changed() -> bool:
        return client.get("/data.json", headers={"If-None-Match": first["ETag"]}).status_code == 200

    assert not changed()
    services.pause(producer, product)
    assert changed()
    first = client.get("/data.json")
    Team.objects.filter(pk=team.pk).update(name="Another name")
    assert changed()


def test_everything_is_read_in_batches_with_the_same_few_queries_for_each(client, setup_product, monkeypatch):
    monkeypatch.setattr(queries, "BATCH", 3)
    names = [f"rain-{number}" for number in range(7)]
    for name in names:
        setup_product(name)
    with CaptureQueriesContext(connection) as asked:
        found = json.loads(body_of(client.get("/data.json")))["dataset"]
    assert [dataset["identifier"].rpartition(":")[2] for dataset in found] == names
    assert len(asked) == 4 + 3 * 3 + 1  # the fingerprint, three batches, and one that is empty


def test_the_dcat_catalogue_comes_in_pages_that_lead_to_each_other(client, setup_product, monkeypatch, settings):
    monkeypatch.setattr("marketplace.exports.views.PAGE", 2)
    for number in range(5):
        setup_product(f"rain-{number}")
    found, address = set(), "/catalog.jsonld"
    hydra = rdflib.Namespace("http://www.w3.org/ns/hydra/core#")
    for _ in range(10):
        graph = rdflib.Graph().parse(data=body_of(client.get(address)), format="json-ld")
        found |= {str(said) for said in graph.objects(None, rdflib.DCAT.dataset)}
        assert [int(said) for said in graph.objects(None, hydra.totalItems)] == [5]
        following = next(graph.objects(None, hydra.next), None)
        if following is None:
            break
        address = str(following).removeprefix(settings.PUBLIC_URL)
    assert len(found) == 5
    turtle = rdflib.Graph().parse(data=body_of(client.get(address.replace("jsonld", "ttl"))), format="turtle")
    assert len(list(turtle.subjects(rdflib.RDF.type, rdflib.DCAT.Dataset))) == 1


@pytest.mark.parametrize("after", ["-1", "x", "9" * 30, "²", ""])
def test_a_wrong_place_in_the_catalogue_is_its_beginning_or_its_end(client, product, after):
    assert client.get("/catalog.jsonld", {"after": after}).status_code == 200


def test_the_catalogue_itself_leads_people_and_programs_where_they_want_to_go(client):
    assert client.get("/catalog")["Location"] == "/browse/"
    assert client.get("/catalog", headers={"Accept": "text/turtle"})["Location"] == "/catalog.ttl"
    assert client.get("/catalog", headers={"Accept": "application/ld+json"})["Location"] == "/catalog.jsonld"


def test_crawlers_find_every_listed_product_through_robots_and_sitemaps(client, product, settings):
    robots = client.get("/robots.txt").content.decode()
    index = re.search(r"^Sitemap: (\S+)$", robots, re.M)[1]
    waiting, pages = [index], set()
    while waiting:
        answer = client.get(waiting.pop().removeprefix(settings.PUBLIC_URL))
        tree = ElementTree.fromstring(body_of(answer))  # noqa: S314 # our own
        locations = {found.text for found in tree.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")}
        if tree.tag.endswith("sitemapindex"):
            waiting += locations
        else:
            pages |= locations
    assert f"{settings.PUBLIC_URL}{product.get_absolute_url()}" in pages
    for page in pages:
        assert client.get(page.removeprefix(settings.PUBLIC_URL)).status_code == 200
    assert client.get("/sitemap-999999.xml").status_code == 404


def test_head_asks_for_no_body(client, product):
    answer = client.head("/data.json")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert not answer.streaming


@pytest.mark.parametrize("path", ["/data.json", "/catalog", "/catalog.ttl", "/sitemap.xml", "/products/a/b/odps.json"])
def test_nothing_can_be_written_to_an_export(client, path):
    assert client.post(path).status_code == 405


def test_the_api_says_where_the_exports_are(client, product):
    rows = client.get(f"/api/v1/products/{product.uuid}/exports/").json()
    assert [row["media_type"] for row in rows] == [format_.media_type for format_ in FORMATS]
    assert all(client.get(re.sub(r"^https?://[^/]+", "", row["url"])).status_code == 200 for row in rows)


def test_a_product_is_described_alike_alone_and_among_all(product):
    (_, among_all) = queries.page(0, 10)[0]
    assert among_all == facts_of(by_address(product.domain.slug, product.name))
