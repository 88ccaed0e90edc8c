"""What is registered beside what the product says of itself now, with a real gateway, and taking it over."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.live import services as live
from marketplace.publishing import comparing
from registry import services
from registry.models import Event
from registry.services import LinkData
from tests import gateways

PAGE = "/publish/precipitation/wind-scales/compare/"
TITLE = "An old title"


@pytest.fixture(scope="module")
def gateway():
    with gateways.running("wind/wind-scales") as url:
        yield url


def ask(product):
    live.refresh(live.target_of(product.pk))


@pytest.fixture
def product(setup_product, gateway):
    """Registered in other words than its gateway's, which has answered."""
    links = [
        LinkData("discovery", f"{gateway}/discover"),
        LinkData("observability", "https://moved.example/health"),
        LinkData("source", "https://mine.example/"),
    ]
    made = setup_product("wind-scales", title=TITLE, summary="An old summary.", tags=["old"], links=links)
    ask(made)
    return made


@pytest.fixture
def desk(sign_in, producer, team):
    return sign_in(producer)


def form_of(page):
    text = page.content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="(fingerprint|revision)" value="([^"]+)"', text))
    return {**hidden, "take": re.findall(r'name="take" value="(\w+)"[^>]* checked', text)}


def test_one_click_takes_over_what_is_shown_and_undo_brings_it_back(desk, product, gateway):
    page = desk.get(PAGE)
    shown = html.unescape(page.content.decode())
    assert "<del>An old" in shown
    assert "https://moved.example/health" in shown
    typed = form_of(page)
    assert typed["take"] == ["title", "summary", "tags", "links"]
    events = Event.objects.count()
    assert desk.post(PAGE, typed).status_code == 302
    product.refresh_from_db()
    assert product.title != TITLE
    assert product.title in shown or all(word in shown for word in product.title.split())
    assert (Event.objects.count(), Event.objects.last().data) == (
        events + 1,
        {"changed": ["links", "summary", "tags", "title"]},
    )
    kept = set(product.links.values_list("rel", "url"))
    assert ("source", "https://mine.example/") in kept, "of a relation that the product does not speak of"
    assert ("discovery", f"{gateway}/discover") in kept
    assert ("observability", "https://moved.example/health") not in kept
    assert "Nothing changed" in desk.get(PAGE).content.decode()

    desk.post("/publish/precipitation/wind-scales/undo/")
    product.refresh_from_db()
    assert product.title == TITLE


def test_only_what_is_chosen_is_taken(desk, product):
    desk.post(PAGE, {**form_of(desk.get(PAGE)), "take": ["title"]})
    product.refresh_from_db()
    assert product.title != TITLE
    assert product.summary == "An old summary."
    assert [tag.slug for tag in product.tags.all()] == ["old"]


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"fingerprint": "0" * 32}, "says something else by now"),
        ({"fingerprint": ""}, "This form was changed"),
        ({"revision": "none"}, "This form was changed"),
        ({"take": ["owner"]}, "This form was changed"),
        ({"take": []}, "Choose at least one part"),
        ({"revision": "1"}, "Somebody else changed this product"),
    ],
)
def test_nothing_is_taken_that_was_not_seen(desk, product, typed, says):
    answer = desk.post(PAGE, {**form_of(desk.get(PAGE)), **typed})
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert form_of(answer)["take"], "and what there is now is shown"
    product.refresh_from_db()
    assert product.title == TITLE


def test_what_an_editor_changed_meanwhile_is_not_taken_away(desk, product, teammate):
    typed = form_of(desk.get(PAGE))
    data = services.ProductData(domain="precipitation", name="wind-scales", title="Edited", summary="Edited.")
    services.update(teammate, product, data, revision=product.revision)
    assert desk.post(PAGE, typed).status_code == 422
    product.refresh_from_db()
    assert product.title == "Edited"


def test_where_the_product_is_asked_is_never_for_the_answer_to_say(product):
    said = comparing._said(product, live.look(product.pk, ask=False))
    assert [link.url for link in said.links if link.rel == "discovery"] == [
        product.links.get(rel="discovery").url,
    ]


def test_a_product_that_does_not_answer_cannot_be_compared(desk, setup_product):
    silent = setup_product("wind-scales", links=[LinkData("discovery", "http://127.0.0.1:9/discover")])
    ask(silent)
    page = desk.get(PAGE).content.decode()
    assert "Ask again" in page
    assert 'name="take"' not in page
    typed = {"fingerprint": "", "revision": silent.revision, "take": ["title"]}
    assert desk.post(PAGE, typed).status_code == 422
    assert desk.post(PAGE, {**typed, "fingerprint": "x"}).status_code == 422


@pytest.mark.django_db(transaction=True)
def test_a_product_that_nobody_looked_at_is_asked_and_the_page_follows(
    celery_worker, sign_in, producer, setup_product, gateway, wait_for
):
    setup_product("wind-scales", title=TITLE, links=[LinkData("discovery", f"{gateway}/discover")])
    client = sign_in(producer)
    assert b'aria-busy="true"' in client.get(PAGE).content

    def settled():
        part = client.get(PAGE, headers={"HX-Request": "true"})
        assert b"<html" not in part.content
        return b"hx-get" not in part.content and part

    assert form_of(wait_for(settled, 20))["take"]


@pytest.mark.parametrize("who", [None, "outsider", "consumer", "steward", "teammate", "admin"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_who_may(sign_in, product, request, who, method):
    client = sign_in(request.getfixturevalue(who) if who else None)
    status = getattr(client, method)(PAGE).status_code
    assert status == {"teammate": {"get": 200, "post": 422}[method], "admin": {"get": 200, "post": 422}[method]}.get(
        who or "", 403 if who else 302
    )


def api(client, product, body=None):
    address = f"/api/v1/products/{product.uuid}/comparison/"
    return client.get(address) if body is None else client.post(address, body, content_type="application/json")


def test_a_program_sees_and_takes_over_the_same(desk, product):
    seen = api(desk, product).json()
    assert (seen["state"], seen["poll_after_ms"]) == ("different", None)
    differences = {row["field"]: row for row in seen["differences"]}
    assert differences["title"]["registered"] == [TITLE]
    assert differences["tags"]["registered"] == ["old"]
    body = {"take": ["title"], "fingerprint": seen["fingerprint"], "revision": seen["revision"]}
    assert api(desk, product, {**body, "fingerprint": "other"}).status_code == 409
    assert api(desk, product, {**body, "revision": 1}).status_code == 409
    assert list(api(desk, product, {**body, "take": ["owner"]}).json()["errors"]) == ["take"]
    assert list(api(desk, product, {**body, "take": []}).json()["errors"]) == ["take"]
    assert api(desk, product, body).json() == {"revision": seen["revision"] + 1}
    product.refresh_from_db()
    assert [product.title] == differences["title"]["live"]


@pytest.mark.parametrize(
    ("who", "status"),
    [(None, 401), ("outsider", 403), ("consumer", 403), ("steward", 403), ("teammate", 200), ("admin", 200)],
)
def test_which_program_may(sign_in, product, request, who, status):
    client = sign_in(request.getfixturevalue(who) if who else None)
    assert api(client, product).status_code == status
    assert api(client, product, {}).status_code == (400 if status == 200 else status)


@given(st.text("ab \n<", max_size=40), st.text("ab \n<", max_size=40))
def test_a_text_diff_holds_both_texts(registered, said):
    pieces = comparing._pieces(registered, said)
    for kind, text in (("live", registered), ("registered", said)):
        assert "".join(piece.text for piece in pieces if piece.kind != kind).split() == text.split()
