"""Misspelt words, other spellings and abbreviations find what was meant, and what was meant literally stays so."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from registry.models import Event, Product
from search import glossary, queries, vocabulary
from search.models import Abbreviation, Word
from search.tasks import LEARNING, LEARNT_LATELY, learn_words
from search.vocabulary import Correction, nearest, variants

pytestmark = pytest.mark.django_db
Findable = Callable[..., Product]
WORDS = ("precipitation", "temperature", "station", "rain", "grain", "wildfire", "evapotranspiration")


@pytest.fixture
def learnt(findable: Findable) -> Product:
    """One product, and its words known."""
    product = findable(
        title="Daily precipitation", summary="Colour maps of rainfall in metres, by the Global Historical Network."
    )
    vocabulary.learn()
    return product


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("precipitaton", "precipitation"),
        ("precpitaiton", "precipitation"),  # two letters wrong in a long word
        ("tempreature", "temperature"),
        ("statoin", "station"),
        ("wildifre", "wildfire"),
        ("evapotranspirration", "evapotranspiration"),
        ("raim", "rain"),
        ("brain", None),  # an English word, though one letter from "grain" and "rain"
        ("stations", None),
        ("xylophone", None),
        ("qqqqqqqq", None),
    ],
)
def test_what_was_probably_meant(typed: str, meant: str | None) -> None:
    assert nearest(typed, WORDS) == meant


@given(st.text(st.characters(categories=["Ll"]), min_size=4, max_size=30))
def test_any_word_gets_a_word_of_the_list_or_none(word: str) -> None:
    assert nearest(word, WORDS) in (*WORDS, None)
    assert word not in variants(word)


@pytest.mark.parametrize(
    ("one", "other"),
    [("colour", "color"), ("metre", "meter"), ("visualisation", "visualization"), ("catalogue", "catalog"),
     ("modelling", "modeling"), ("palaeoclimate", "paleoclimate")],
)  # fmt: skip
def test_british_and_american_are_spellings_of_each_other(one: str, other: str) -> None:
    assert other in variants(one)
    assert one in variants(other)


def test_a_misspelt_question_finds_and_says_what_was_looked_for(learnt: Product) -> None:
    found = queries.search("daily precipitaton")
    assert [hit.product for hit in found.hits] == [learnt]
    assert found.corrections == (Correction("precipitaton", "precipitation"),)
    assert found.question == "daily precipitaton", "the box keeps what was typed"
    assert found.hits[0].reasons[0].text == "title is exactly this"


@pytest.mark.parametrize("typed", ['"precipitaton"', "url:precipitaton", "rain/precipitaton", "precipitaton2"])
def test_what_is_quoted_or_no_word_is_as_it_was_meant(learnt: Product, typed: str) -> None:
    assert queries.search(typed).corrections == ()


def test_who_means_it_so_gets_it_so(learnt: Product) -> None:
    found = queries.search("precipitaton", spelling=False)
    assert (found.corrections, found.total) == ((), 0)


def test_a_word_of_a_product_published_just_now_is_no_mistake(learnt: Product, findable: Findable) -> None:
    fresh = findable("fresh", title="Precipitaton", summary="A name that somebody chose.")
    found = queries.search("precipitaton")
    assert found.corrections == ()
    assert [hit.product for hit in found.hits] == [fresh]


def test_american_finds_british(learnt: Product) -> None:
    found = queries.search("color in meters")
    assert [hit.product for hit in found.hits] == [learnt]
    assert found.corrections == ()
    assert {word for reason in found.hits[0].reasons for word in reason.words} == {"Colour", "metres"}


def test_words_are_learnt_and_forgotten_with_products(learnt: Product, findable: Findable) -> None:
    assert Word.objects.get(word="precipitation").products == 1
    another = findable("another", title="Precipitation again", summary="No more.")
    vocabulary.learn()
    assert Word.objects.get(word="precipitation").products == 2
    Product.objects.filter(pk=another.pk).update(lifecycle="retired")
    vocabulary.learn()
    assert Word.objects.get(word="precipitation").products == 1
    assert not Word.objects.filter(word="again").exists()


def test_the_scheduler_has_them_learnt_at_once_and_then_now_and_then(findable: Findable, fresh_redis: Any) -> None:
    findable(title="Daily precipitation")
    learn_words()
    assert Word.objects.filter(word="precipitation").exists()
    findable("later", title="Snow cover")
    learn_words()
    assert not Word.objects.filter(word="snow").exists(), "five minutes have not passed"
    cache.delete(LEARNT_LATELY)
    learn_words()
    assert Word.objects.filter(word="snow").exists()
    Word.objects.filter(word="snow").delete()
    cache.delete(LEARNT_LATELY)
    learn_words()
    assert not Word.objects.filter(word="snow").exists(), "nothing was indexed since"


def test_one_worker_at_a_time_learns(findable: Findable, fresh_redis: Any) -> None:
    findable(title="Daily precipitation")
    cache.add(LEARNING, True)
    learn_words()
    assert not Word.objects.exists(), "another worker is at it"
    cache.delete(LEARNING)
    learn_words()
    assert Word.objects.exists()
    assert cache.get(LEARNING) is None


def test_the_page_offers_what_was_typed(client: Client, learnt: Product) -> None:
    page = client.get("/search/", {"q": "daily precipitaton"}).content.decode()
    assert "No product has “precipitaton”, so “precipitation” was looked for." in page
    assert 'href="/search/?q=daily+precipitaton&amp;spelling=as-typed"' in page
    exactly = client.get("/search/", {"q": "precipitaton", "spelling": "as-typed"}).content.decode()
    assert "was looked for" not in exactly


def test_the_api_names_corrections(client: Client, learnt: Product) -> None:
    body = client.get("/api/v1/search/", {"q": "precipitaton"}).json()
    assert body["corrections"] == [{"typed": "precipitaton", "used": "precipitation"}]
    assert client.get("/api/v1/search/", {"q": "precipitaton", "spelling": "false"}).json()["corrections"] == []


# -- the glossary -----------------------------------------------------------------------------------------------------


def test_an_abbreviation_finds_what_is_written_out_and_the_other_way(
    findable: Findable, steward: Any, answering: Any
) -> None:
    written = findable("written", title="Stations", summary="Of the Global Historical Climatology Network.")
    short = findable("short", title="Gauges", summary="From GHCN since 1950.")
    glossary.put(steward, "GHCN", "Global Historical Climatology Network")
    glossary._entries.forget()
    for typed in ("ghcn", "global historical climatology network"):
        found = queries.search(typed)
        assert {hit.product for hit in found.hits[:2]} == {written, short}, typed
        assert any("is also called" in note for note in found.notes)


def test_an_abbreviation_is_a_whole_word(steward: Any) -> None:
    glossary.put(steward, "SST", "Sea surface temperature")
    glossary._entries.forget()
    assert glossary.expansions("SSTs and classes") == ()
    assert [each.other for each in glossary.expansions("sst of today")] == ["Sea surface temperature"]
    assert [each.other for each in glossary.expansions("sea  surface temperature")] == ["SST"]


@pytest.mark.parametrize(("who", "may"), [("steward", True), ("admin", True), ("producer", False), ("consumer", False)])
def test_stewards_keep_it(request: pytest.FixtureRequest, who: str, may: bool) -> None:
    actor = request.getfixturevalue(who)
    if not may:
        with pytest.raises(PermissionDenied):
            glossary.put(actor, "NWP", "Numerical weather prediction")
        with pytest.raises(PermissionDenied):
            glossary.remove(actor, "NWP")
        return
    glossary.put(actor, "NWP", "Numerical weather prediction")
    glossary.put(actor, "nwp", "Numerical Weather Prediction")
    assert list(Abbreviation.objects.values_list("short", "long")) == [("NWP", "Numerical Weather Prediction")]
    assert glossary.remove(actor, "NWP") and not glossary.remove(actor, "NWP")
    assert Event.objects.filter(type="glossary.changed").count() == 3


@pytest.mark.parametrize(
    ("short", "long"),
    [("", "x"), ("x", ""), ("x" * 31, "y"), ("x", "y" * 121), ("<b>", "y"), ("x", "y\x00"), ("x", "(?:a+)+$|*")],
)
def test_what_is_no_abbreviation_is_refused(steward: Any, short: str, long: str) -> None:
    with pytest.raises(ValidationError):
        glossary.put(steward, short, long)


@pytest.mark.parametrize(
    ("who", "status"), [(None, 302), ("consumer", 403), ("producer", 403), ("steward", 302), ("admin", 302)]
)
def test_the_page_is_read_by_all_and_kept_by_stewards(
    request: pytest.FixtureRequest, client: Client, who: str | None, status: int
) -> None:
    if who:
        client.force_login(request.getfixturevalue(who))
    answer = client.post("/glossary/put/", {"short": "SST", "long": "Sea surface temperature"})
    assert answer.status_code == status
    kept = who in ("steward", "admin")
    assert Abbreviation.objects.exists() is kept
    page = client.get("/glossary/").content.decode()
    assert ("Sea surface temperature" in page, "Add an abbreviation" in page) == (kept, kept)
    assert client.post("/glossary/remove/", {"short": "sst"}).status_code == status
    assert not Abbreviation.objects.exists()


def test_a_refused_abbreviation_is_said_beside_the_field(client: Client, steward: Any) -> None:
    client.force_login(steward)
    answer = client.post("/glossary/put/", {"short": "<script>", "long": "x"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Use letters, digits, spaces" in page
    assert "<script>&" not in page and "&lt;script&gt;" in page


@pytest.mark.parametrize(("who", "status"), [(None, 401), ("consumer", 403), ("producer", 403), ("steward", 200)])
def test_the_same_over_rest(request: pytest.FixtureRequest, client: Client, who: str | None, status: int) -> None:
    if who:
        client.force_login(request.getfixturevalue(who))
    said = {"long": "Numerical weather prediction"}
    assert client.put("/api/v1/glossary/NWP", said, content_type="application/json").status_code == status
    assert client.get("/api/v1/glossary/").json() == ([{"short": "NWP", **said}] if status == 200 else [])
    assert client.delete("/api/v1/glossary/NWP").status_code == (204 if status == 200 else status)
    if status == 200:
        assert client.delete("/api/v1/glossary/NWP").status_code == 404
        assert client.put("/api/v1/glossary/x", {"long": "<b>"}, content_type="application/json").status_code == 400
