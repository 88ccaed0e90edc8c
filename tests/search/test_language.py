"""What may be typed beside plain words, and that it does what it says."""

from collections.abc import Callable

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from registry import services
from registry.models import Product
from search import queries
from search.language import KEYS, take_apart

Findable = Callable[..., Product]


@pytest.mark.parametrize(
    ("typed", "text", "question", "phrases", "without"),
    [
        ("how much rain", "how much rain", "how much rain", (), ()),
        ('"sea ice" extent', "sea ice extent", '"sea ice" extent', ("sea ice",), ()),
        ("rain -model", "rain", "rain -model", (), ("model",)),
        ('rain -"weather model"', "rain", 'rain -"weather model"', (), ("weather model",)),
        ("-20 degrees", "-20 degrees", "-20 degrees", (), ()),
        ("sea-ice - extent", "sea-ice - extent", "sea-ice - extent", (), ()),
        ('an "unclosed phrase', 'an "unclosed phrase', 'an "unclosed phrase', (), ()),
        ('"" rain', "rain", '"" rain', (), ()),
        ("PM2.5: fine dust", "PM2.5: fine dust", "PM2.5: fine dust", (), ()),
        ("licence:mit rain", "licence:mit rain", "licence:mit rain", (), ()),
    ],
)
def test_words_phrases_and_minuses(typed, text, question, phrases, without):
    spoken = take_apart(typed)
    assert (spoken.text, spoken.question, spoken.phrases, spoken.without) == (text, question, phrases, without)
    assert not spoken.filters and not spoken.tags and not spoken.notes


@pytest.mark.parametrize(
    ("typed", "filters", "tags"),
    [
        ("domain:flood rain", {"domain": "flood"}, ()),
        ("rain Domain:Flood", {"domain": "flood"}, ()),
        ('rain owner:"Climate Data Office"', {"owner": "climate-data-office"}, ()),
        ("rain tag:daily tag:france tag:daily", {}, ("daily", "france")),
        ("rain access:on-request type:Aggregate", {"access": "on_request", "type": "aggregate"}, ()),
        ("rain access:on_request lifecycle:paused", {"access": "on_request", "lifecycle": "paused"}, ()),
        ("rain domain:a domain:b", {"domain": "b"}, ()),
    ],
)
def test_typed_filters(typed, filters, tags):
    spoken = take_apart(typed)
    assert (spoken.text, spoken.question, spoken.filters, spoken.tags) == ("rain", "rain", filters, tags)


@pytest.mark.parametrize("typed", ["type:useful", "access:closed", "lifecycle:draft", "domain:???", "owner:每日"])
def test_a_filter_that_is_not_understood_is_said_and_stays_to_be_corrected(typed):
    spoken = take_apart(f"rain {typed}")
    assert (spoken.text, spoken.question, spoken.filters) == ("rain", f"rain {typed}", {})
    assert spoken.notes[0].startswith(typed.split(":")[0])


PIECES = st.sampled_from([*(f"{key}:x" for key in KEYS), '"', "-", " ", "rain", "-rain", '"sea ice"', ":", "type:"])


@settings(deadline=None)
@given(st.lists(PIECES | st.text(max_size=8), max_size=30).map("".join))
def test_what_stays_of_a_question_means_the_same_without_its_filters(typed):
    spoken = take_apart(typed)
    again = take_apart(spoken.question)
    assert not set(again.filters) & set(spoken.filters) or again.notes == spoken.notes
    assert again.phrases == spoken.phrases
    assert again.without == spoken.without


@pytest.fixture
def products(findable: Findable, climate: object) -> None:
    services.create_domain("ocean", "Ocean")
    findable(
        "sea-ice", title="Extent of the frozen sea", summary="How far sea ice reaches each month.", tags=["monthly"]
    )
    findable("ice-model", title="Glaciers", summary="A model of ice on land; the sea is far.", access_mode="open")
    findable("tides", domain="ocean", title="Tides", summary="When the sea rises.", type="aggregate")


def names(typed: str) -> set[str]:
    return {hit.product.name for hit in queries.search(typed).hits}


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("sea", {"sea-ice", "ice-model", "tides"}),
        ('"sea ice"', {"sea-ice"}),
        ("sea -model", {"sea-ice", "tides"}),
        ("sea -models", {"sea-ice", "tides"}),
        ("-sea", set()),
        ("-model", {"sea-ice", "tides"}),
        ('-"sea ice"', {"ice-model", "tides"}),
        ("sea domain:ocean", {"tides"}),
        ("domain:ocean", {"tides"}),
        ("sea tag:monthly", {"sea-ice"}),
        ("sea access:open", {"ice-model"}),
        ("sea type:aggregate", {"tides"}),
        ("sea owner:climate-data-office", {"sea-ice", "ice-model", "tides"}),
        ("sea owner:nobody", set()),
        ("sea lifecycle:paused", set()),
        ('sea "of the"', {"sea-ice", "ice-model", "tides"}),
    ],
)
def test_it_does_what_it_says(typed, found, products):
    assert names(typed) == found


@pytest.mark.parametrize("typed", ["urn:dp:ocean:tides", "ocean/tides"])
def test_an_address_comes_first(typed, products):
    hit = queries.search(typed).hits[0]
    assert hit.product.name == "tides"
    assert hit.reasons[0].text == "address is exactly this"


def test_a_draft_is_not_found_by_its_address(products, setup_product):
    setup_product("secret", domain="ocean", published=False)
    assert "secret" not in names("ocean/secret")


SHARDS = [
    '"',
    "-",
    " ",
    "\t",
    "\x1f",
    ":",
    "a",
    "é",
    *(f"{key}:" for key in KEYS),
    "open",
    "model",
    "tag:x",
    "TAG:x",
    '"a b"',
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(SHARDS), max_size=14).map("".join))
def test_what_is_left_of_a_question_holds_no_filter_that_would_lead_to_another_address_again(typed: str):
    left = take_apart(take_apart(typed).question)
    assert (left.filters, left.tags) == ({}, ())


def test_typed_and_clicked_filters_are_the_same_address(products, client: Client):
    answer = client.get("/search/", {"q": 'sea domain:ocean "rises" tag:x', "type": "aggregate"})
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/search/?q=sea+%22rises%22&domain=ocean&tag=x&type=aggregate"
    assert "/search/" not in client.get("/search/", {"q": 'sea "rises"', "domain": "ocean"}).headers.get("Location", "")


def test_owner_and_lifecycle_are_facets_with_counts(products, setup_product, producer):
    services.pause(producer, Product.objects.get(name="tides"))
    from registry import events

    events.deliver("search")
    counted = queries.facets(queries.search("sea"))
    assert [(count.value, count.label, count.count) for count in counted.owners] == [
        ("climate-data-office", "Climate Data Office", 3)
    ]
    assert {count.value: count.count for count in counted.lifecycles} == {"published": 2, "paused": 1}


def test_a_transferred_product_is_found_with_its_new_owner(products):
    from marketplace.accounts.models import Team
    from search import indexer

    product = Product.objects.get(name="tides")
    Product.objects.filter(pk=product.pk).update(owner=Team.objects.create(slug="harbour", name="Harbour"))
    indexer.index_products([product.pk])
    assert names("sea owner:harbour") == {"tides"}


def test_what_excludes_everything_offers_to_take_it_away(products):
    found = queries.search('"ice age" -sea')
    assert not found.total
    assert {(way.name, way.value) for way in found.suggestions.loosen} == {("phrase", "ice age"), ("without", "sea")}
