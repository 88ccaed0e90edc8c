"""Paste a link, check four things, publish: with a real worker and a real gateway."""

import pytest

from marketplace.publishing.forms import LinkForm
from registry.models import Product, Tag
from registry.services import LinkData
from tests import gateways


def paste(client, url):
    return client.post("/publish/", {"url": url}).headers["Location"]


def settled(client, address, wait_for):
    """The answer of the inspection once it no longer asks to be asked again."""

    def look():
        answer = client.get(address, headers={"HX-Request": "true"})
        return None if b"hx-get" in answer.content else answer

    return wait_for(look, 20)


@pytest.mark.django_db(transaction=True)
def test_a_pasted_link_fills_the_form_and_publishes(celery_worker, sign_in, producer, team, precipitation, wait_for):
    client = sign_in(producer)
    Tag.objects.create(slug="rain", label="RAIN")
    with gateways.running("precipitation/us-precipitation") as gateway:
        answer = settled(client, paste(client, gateway), wait_for)
        assert "HX-Redirect" in answer.headers, answer.content.decode()
        form_address = answer.headers["HX-Redirect"]
        page = client.get(form_address)
    form, links = page.context["form"], page.context["links"]
    assert form["title"].value() == "US precipitation normals"
    assert form["domain"].value() == "precipitation"
    assert "rain" in form["summary"].value().lower()
    assert form["tags"].value() == "RAIN", "as the glossary writes it"
    assert "climate normals" in page.context["inspection"].new_words
    assert {part.title for part in page.context["inspection"].page.parts} >= {"Artifacts", "Columns", "License"}
    assert links.forms[0]["url"].value() == f"{gateway}/discover"
    said = {fact.label: fact.value for fact in page.context["inspection"].found}
    assert said["Standard"].startswith("ODPS")
    assert int(said["Columns"]) > 3

    typed = {field.html_name: field.value() or "" for field in form}
    for row in links.forms:
        typed |= {field.html_name: field.value() or "" for field in row}
    typed |= {"links-TOTAL_FORMS": len(links.forms), "links-INITIAL_FORMS": links.initial_form_count()}
    done = client.post(form_address, typed, follow=True)
    assert "US precipitation normals is published" in done.content.decode(), done.context["form"].errors
    product = Product.objects.get()
    assert product.urn == "urn:dp:precipitation:us-precipitation"
    assert product.port_edges.filter(direction="out").exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/discover",  # nobody listens there
        "http://127.0.0.2:9/discover",  # not an allowed address
        "http://user:secret@127.0.0.1:9/",
        "ftp://127.0.0.1/x",
        "https://nowhere.invalid/discover",
        "javascript:alert(1)",
        "just words",
    ],
)
def test_a_link_that_cannot_be_read_says_why_and_keeps_it(celery_worker, sign_in, producer, wait_for, url):
    client = sign_in(producer)
    answer = settled(client, paste(client, url), wait_for)
    page = answer.content.decode()
    assert "could not be read" in page
    problem = answer.context["inspection"].problems[0]
    assert len(problem.text) > 10
    assert len(problem.advice) > 10
    assert "secret" not in problem.text
    assert "Describe the product by hand" in page


def test_without_workers_the_page_says_so(sign_in, producer, db, monkeypatch):
    from marketplace.live import state

    monkeypatch.setattr(state, "NO_WORKER_SECONDS", -1.0)
    client = sign_in(producer)
    page = client.get(paste(client, "https://gateway.example/discover")).content.decode()
    assert "no worker" in page
    assert "by hand" in page


def test_without_redis_the_page_says_so_and_the_form_still_works(sign_in, producer, team, precipitation, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    client = sign_in(producer)
    page = client.get(paste(client, "https://gateway.example/discover")).content.decode()
    assert "not available" in page
    assert client.get("/publish/new/").status_code == 200


def test_an_unknown_token_says_so(sign_in, producer, db):
    page = sign_in(producer).get("/publish/link/nothing/").content.decode()
    assert "no longer kept" in page


def test_an_empty_paste_says_what_to_paste(sign_in, producer, db):
    assert "Paste a link" in sign_in(producer).post("/publish/", {"url": ""}).content.decode()


def test_a_visitor_signs_in_first_and_comes_back(client, db):
    assert client.get("/publish/").headers["Location"] == "/accounts/login/?next=/publish/"


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("data.example.org/discover", "https://data.example.org/discover"),
        ("127.0.0.1:8101", "http://127.0.0.1:8101"),
        ("localhost:8101/discover", "http://localhost:8101/discover"),
        (" http://a.example ", "http://a.example"),
        ("javascript:alert(1)", "javascript:alert(1)"),
    ],
)
def test_an_address_is_taken_as_people_type_it(typed, read):
    form = LinkForm({"url": typed})
    assert form.is_valid()
    assert form.cleaned_data["url"] == read


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("who", "says"), [("teammate", "Edit it"), ("outsider", "See it")])
def test_what_is_listed_already_is_said_with_a_way_on(
    celery_worker, sign_in, setup_product, request, who, says, wait_for
):
    with gateways.running("precipitation/us-precipitation") as gateway:
        setup_product("rain-of-us", links=[LinkData("discovery", f"{gateway}/discover")])
        client = sign_in(request.getfixturevalue(who))
        answer = settled(client, paste(client, gateway), wait_for)
        page = client.get(answer.headers["HX-Redirect"]).content.decode()
    assert "Already" in page
    assert "Rain of us" in page
    assert says in page


@pytest.mark.django_db(transaction=True)
def test_a_document_that_names_an_address_of_others_gets_a_free_name_and_says_so(
    celery_worker, sign_in, setup_product, outsider, wait_for
):
    taken = setup_product("us-precipitation", title="Theirs")
    client = sign_in(outsider)
    with gateways.running("precipitation/us-precipitation") as gateway:
        answer = settled(client, paste(client, gateway), wait_for)
        page = client.get(answer.headers["HX-Redirect"])
    assert page.context["form"]["name"].value() == "us-precipitation-2"
    said = page.content.decode()
    assert f"The product calls itself {taken.urn}, which belongs to Climate Data Office." in said
    assert "Already listed: Theirs." in said
