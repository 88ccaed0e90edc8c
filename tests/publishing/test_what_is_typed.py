"""What a producer types is kept, and what does not fit is said beside its field with a way on."""

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from marketplace.publishing import glossary, keeping
from registry.models import Product, Tag

from .test_publishing_by_hand import EDIT, GOOD


@pytest.fixture
def desk(sign_in, producer, team, precipitation):
    return sign_in(producer)


@pytest.fixture
def words(db):
    Tag.objects.bulk_create(Tag(slug=slug, label=slug.replace("-", " ")) for slug in ("tide", "harbour-gauges", "rain"))


def test_a_tag_outside_the_glossary_offers_the_nearest_and_needs_a_tick(desk, words):
    unticked = {**GOOD, "tags": "Tides, rain, xylophone", "new_tags": ""}
    page = desk.post("/publish/new/", unticked)
    said = page.content.decode()
    assert page.status_code == 422
    assert "“Tides” is not in the glossary. Near it: tide." in said
    assert "“xylophone” is not in the glossary." in said
    assert "“rain”" not in said
    assert 'name="new_tags"' in said
    assert not Product.objects.exists()
    assert desk.post("/publish/new/", {**unticked, "new_tags": "on"}).status_code == 302
    assert {tag.slug for tag in Product.objects.get().tags.all()} == {"tides", "rain", "xylophone"}
    assert desk.post("/publish/new/", {**unticked, "name": "b", "tags": "rain, Tide"}).status_code == 302


def test_a_word_of_the_glossary_is_found_however_it_is_written(words):
    known = glossary.words()
    assert glossary.near("harbor gauge", known)[0] == "harbour gauges"
    assert glossary.near("Harbours", known) == ["harbour gauges"]
    assert glossary.near("xylophone", known) == []
    assert glossary.within("The harbour gauge of each tide.", known) == ["harbour-gauges", "tide"]
    assert glossary.within("Trains stride.", known) == []


@given(st.text(max_size=40), st.lists(st.text("abcs-", min_size=1, max_size=12), max_size=8))
@hypothesis(max_examples=50, deadline=None)
def test_whatever_is_typed_the_glossary_answers_with_its_own_words(typed, slugs):
    known = {slug: slug.upper() for slug in slugs}
    assert set(glossary.near(typed, known)) <= set(known.values())
    assert set(glossary.within(typed, known)) <= set(known)


def test_a_taken_name_comes_with_one_that_is_free(desk, setup_product):
    setup_product("harbour-tides", title="The first")
    setup_product("harbour-tides-2", title="The second")
    page = desk.post("/publish/new/", GOOD).content.decode()
    assert "harbour-tides-3 is free." in page
    assert desk.post("/publish/new/", {**GOOD, "name": "harbour-tides-3"}).status_code == 302


@pytest.mark.parametrize("address", ["/publish/new/?url=https://a.example/", EDIT])
def test_a_form_sent_after_the_session_ended_is_there_after_signing_in(
    client, producer, team, setup_product, address, django_user_model
):
    product = setup_product("harbour-tides")
    typed = {**GOOD, "title": "Typed for an hour", "revision": product.revision}
    answer = client.post(address, typed)
    assert answer.status_code == 302
    signed = client.post(answer.headers["Location"], {"login": "producer", "password": "demo"})
    assert signed.headers["Location"] == address
    page = client.get(address)
    assert page.status_code == 200
    assert "Typed for an hour" in page.content.decode()
    assert "You had been signed out" in page.content.decode()
    assert "Typed for an hour" not in client.get(address).content.decode(), "once"


def test_an_address_has_only_so_many_forms_kept_a_minute(db, monkeypatch):
    monkeypatch.setattr(keeping, "A_MINUTE", 1)
    visitors = [Client(), Client(), Client(REMOTE_ADDR="192.0.2.7")]
    answers = [visitor.post("/publish/new/", GOOD) for visitor in visitors]
    assert {answer.status_code for answer in answers} == {302}
    assert [keeping.KEY in visitor.session for visitor in visitors] == [True, False, True]


def test_a_form_that_is_too_long_to_keep_only_asks_to_sign_in(client, db):
    answer = client.post("/publish/new/", {**GOOD, "summary": "x" * keeping.LONGEST})
    assert answer.status_code == 302
    assert keeping.KEY not in client.session
