"""The short form, filled by hand: what it takes, what it refuses, and that nothing typed is lost."""

import pytest

from registry.models import Event, Product

GOOD = {
    "title": "Harbour tides",
    "summary": "High and low water of forty harbours, every day since 1990.",
    "domain": "precipitation",
    "tags": "tides, harbours",
    "new_tags": "on",
    "access_mode": "open",
    "links-TOTAL_FORMS": "1",
    "links-INITIAL_FORMS": "0",
    "links-0-rel": "documentation",
    "links-0-url": "https://tides.example/about",
}


@pytest.fixture
def desk(sign_in, producer, team, precipitation):
    return sign_in(producer)


def test_a_product_is_published_with_what_was_typed(desk):
    answer = desk.post("/publish/new/", GOOD, follow=True)
    assert "Harbour tides is published" in answer.content.decode()
    product = Product.objects.get()
    assert product.urn == "urn:dp:precipitation:harbour-tides"
    assert product.lifecycle == "published"
    assert [tag.slug for tag in product.tags.all()] == ["harbours", "tides"]
    assert [link.url for link in product.links.all()] == ["https://tides.example/about"]


def test_a_draft_is_kept_and_listed_to_go_on_with(desk, client):
    desk.post("/publish/new/", {**GOOD, "draft": "1"})
    product = Product.objects.get()
    assert product.lifecycle == "draft"
    assert "Harbour tides" in desk.get("/publish/").content.decode()
    assert client.get(product.get_absolute_url()).status_code == 404


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"title": ""}, "This field is required"),
        ({"summary": ""}, "Write two or three sentences"),
        ({"summary": "<b></b> \n"}, "Nothing was left of the summary"),
        ({"summary": "wet " * 25_000}, "at most 1,200 are kept"),
        ({"domain": "nowhere"}, "Select a valid choice"),
        ({"title": "雨"}, "No name can be made from this title"),
        ({"name": "Bad Name!"}, "small letters, digits and single hyphens"),
        ({"tags": ", ".join(f"tag{n}" for n in range(20))}, "at most 12 tags"),
        ({"links-0-url": "javascript:alert(1)"}, "not a"),
        ({"links-0-rel": "nonsense"}, "Select a valid choice"),
        ({"ports": '[{"direction": "sideways"}]'}, "Inspect the link again"),
        ({"ports": "not json"}, "Inspect the link again"),
    ],
)
def test_bad_input_is_said_beside_what_was_typed(desk, overrides, says):
    answer = desk.post("/publish/new/", {**GOOD, **overrides})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert says in page
    assert "https://tides.example/about" in page or "links-0-url" in overrides, "what was typed is still there"
    assert not Product.objects.exists()
    assert not Event.objects.exists()


def test_a_taken_name_is_said_and_the_first_stays(desk, setup_product):
    first = setup_product("harbour-tides", title="The first")
    answer = desk.post("/publish/new/", GOOD)
    assert "already has a product named harbour-tides" in answer.content.decode()
    assert Product.objects.get() == first


def test_a_second_submit_makes_no_second_product_and_ends_where_the_first_did(desk):
    first = desk.post("/publish/new/", GOOD)
    second = desk.post("/publish/new/", GOOD)
    assert (second.status_code, second.headers["Location"]) == (302, first.headers["Location"])
    assert Product.objects.count() == 1
    assert desk.post("/publish/new/", {**GOOD, "summary": "Something else."}).status_code == 422


def test_an_edit_without_the_revision_it_saw_is_refused(desk, setup_product):
    setup_product("harbour-tides")
    assert desk.post(EDIT, {**GOOD, "title": "Blind"}).status_code == 422


def test_markup_in_a_title_never_reaches_a_page(desk):
    answer = desk.post("/publish/new/", {**GOOD, "title": "Tides <img src=x onerror=alert(1)> & more"}, follow=True)
    assert b"<img src=x" not in answer.content
    assert Product.objects.get().title == "Tides & more"


def test_somebody_without_a_team_gets_one(sign_in, consumer, precipitation):
    sign_in(consumer).post("/publish/new/", GOOD)
    product = Product.objects.get()
    assert list(product.owner.members.all()) == [consumer]
    consumer.refresh_from_db()
    assert consumer.roles == ["producer"]


EDIT = "/publish/precipitation/harbour-tides/edit/"


def test_an_edit_changes_the_entry_but_not_its_address(desk, setup_product):
    product = setup_product("harbour-tides")
    answer = desk.post(
        EDIT, {**GOOD, "title": "Tides", "domain": "climate", "name": "other", "revision": product.revision}
    )
    assert answer.status_code == 302
    product.refresh_from_db()
    assert (product.title, product.urn) == ("Tides", "urn:dp:precipitation:harbour-tides")


def test_of_two_editors_the_second_keeps_what_they_typed(desk, setup_product):
    product = setup_product("harbour-tides")
    seen = product.revision
    desk.post(EDIT, {**GOOD, "title": "First edit", "revision": seen})
    answer = desk.post(EDIT, {**GOOD, "title": "Second edit", "revision": seen})
    assert answer.status_code == 422
    assert "Somebody else changed this product" in answer.content.decode()
    assert "Second edit" in answer.content.decode()
    product.refresh_from_db()
    assert product.title == "First edit"


def test_an_edit_keeps_ports_and_links_that_were_not_touched(desk, setup_product):
    from registry.services import LinkData, PortData

    product = setup_product(
        "harbour-tides",
        ports=[PortData("out", "tides", "c-1", "1.0.0")],
        links=[LinkData("source", "https://s.example/")],
    )
    page = desk.get(EDIT)
    form, links = page.context["form"], page.context["links"]
    typed = {field.html_name: field.value() for field in form}
    for row in links.forms:
        typed |= {field.html_name: field.value() or "" for field in row}
    typed |= {"links-TOTAL_FORMS": len(links.forms), "links-INITIAL_FORMS": links.initial_form_count()}
    assert desk.post(EDIT, {key: value for key, value in typed.items() if value is not None}).status_code == 302
    assert product.port_edges.get().contract_id == "c-1"
    assert product.links.get().url == "https://s.example/"


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (None, 302),
        ("consumer", 403),
        ("outsider", 403),
        ("steward", 403),
        ("producer", 200),
        ("teammate", 200),
        ("admin", 200),
    ],
)
@pytest.mark.parametrize("path", [EDIT, "/publish/precipitation/harbour-tides/done/"])
def test_who_may_open_the_owners_pages(setup_product, sign_in, request, who, status, path):
    setup_product("harbour-tides")
    person = request.getfixturevalue(who) if who else None
    assert sign_in(person).get(path).status_code == status


@pytest.mark.parametrize(
    ("who", "moves"),
    [(None, False), ("consumer", False), ("outsider", False), ("steward", False), ("teammate", True), ("admin", True)],
)
def test_who_may_pause(setup_product, sign_in, request, who, moves):
    product = setup_product("harbour-tides")
    person = request.getfixturevalue(who) if who else None
    sign_in(person).post("/publish/precipitation/harbour-tides/pause/")
    product.refresh_from_db()
    assert product.lifecycle == ("paused" if moves else "published")


def test_a_step_the_lifecycle_does_not_allow_says_why(desk, setup_product):
    setup_product("harbour-tides")
    answer = desk.post("/publish/precipitation/harbour-tides/retire/", follow=True)
    assert "cannot become retired" in answer.content.decode()
    assert desk.get("/publish/precipitation/harbour-tides/pause/").status_code == 405
    assert desk.post("/publish/precipitation/harbour-tides/explode/").status_code == 404


def test_ones_list_costs_the_same_for_ten_and_twenty_products(desk, setup_product, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for number in range(10):
        setup_product(f"tides-{number}")
    with CaptureQueriesContext(connection) as ten:
        assert desk.get("/publish/mine/").content.decode().count("urn:dp:") == 10
    for number in range(10, 20):
        setup_product(f"tides-{number}")
    with django_assert_num_queries(len(ten)):
        assert desk.get("/publish/mine/").content.decode().count("urn:dp:") == 20


def test_a_refused_form_leaves_no_team_behind(sign_in, consumer, setup_product):
    from marketplace.accounts.models import Team

    setup_product("harbour-tides")
    teams = Team.objects.count()
    assert sign_in(consumer).post("/publish/new/", GOOD).status_code == 422
    assert Team.objects.count() == teams
    consumer.refresh_from_db()
    assert consumer.roles == []


def test_publishing_does_not_publish_ones_private_address(sign_in, consumer, client, precipitation):
    sign_in(consumer).post("/publish/new/", GOOD)
    assert consumer.email not in client.get("/products/precipitation/harbour-tides/").content.decode()


def test_ones_list_comes_in_pages(desk, setup_product):
    for number in range(30):
        setup_product(f"tides-{number}")
    first = desk.get("/publish/mine/").content.decode()
    assert first.count("urn:dp:") == 25
    assert "?page=2" in first
    assert desk.get("/publish/mine/?page=2").content.decode().count("urn:dp:") == 5
    assert desk.get("/publish/mine/?page=nonsense").status_code == 200


@pytest.mark.parametrize(
    "ports",
    [
        pytest.param('[{"direction": []}]', id="a list for a word"),
        pytest.param('[{"direction": "in", "port": "\\u0000"}]', id="NUL"),
        pytest.param('[{"direction": "in", "port": "\\ud800"}]', id="half a character"),
        pytest.param("[" * 90_000, id="nested without end"),
        pytest.param('{"direction": "in"}', id="an object"),
        pytest.param("3", id="a number"),
    ],
)
def test_hidden_fields_that_were_tampered_with_are_refused(desk, ports):
    answer = desk.post("/publish/new/", {**GOOD, "ports": ports})
    assert answer.status_code == 422
    assert not Product.objects.exists()


def test_a_nul_byte_in_the_domain_is_refused(desk):
    assert desk.post("/publish/new/", {**GOOD, "domain": "a\0b"}).status_code == 422
