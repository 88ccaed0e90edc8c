"""What a text suggests: a domain, words of the glossary, and products that it is much like."""

import pytest

from registry import services
from registry.models import Product, Tag
from search import indexer
from search.embedder import HASHING, load_embedder
from search.questions import QuestionService, circuit

RAIN = "Rain that fell at forty stations, measured every day in millimetres since 1950"
WIND = "Wind speed and gusts over the open sea, from satellites, hourly"


@pytest.fixture
def answering(settings, fresh_redis):
    """The thread of the embed worker, on the null embedder: texts with the same words are near."""
    settings.EMBEDDING_MODEL = HASHING
    circuit.close()
    service = QuestionService()
    service.start()
    assert service.ready.wait(10)
    yield service
    service.stop()
    service.join(5)
    circuit.close()


@pytest.fixture
def mesh(settings, setup_product, climate):
    """Four products in two domains, indexed with their vectors."""
    settings.EMBEDDING_MODEL = HASHING
    services.create_domain("wind", "Wind", parent=climate)
    made = [
        setup_product("rain-a", title="Daily rain", summary=f"{RAIN}.", tags=["rain", "stations"]),
        setup_product("rain-b", title="Rain stations", summary=f"{RAIN}, in Europe.", tags=["rain", "stations"]),
        setup_product("wind-a", title="Sea wind", summary=f"{WIND}.", tags=["wind"], domain="wind"),
        setup_product("wind-b", title="Gusts", summary=f"{WIND}, of storms.", tags=["wind"], domain="wind"),
        setup_product("draft", title="Daily rain", summary=f"{RAIN}.", published=False),
    ]
    indexer.index_products([product.pk for product in made])
    indexer.embed_stale(load_embedder(), 10)
    return {product.name: product for product in made}


@pytest.fixture
def desk(sign_in, producer):
    return sign_in(producer)


def test_near_products_suggest_their_domain_and_tags_and_are_named(answering, mesh, desk):
    typed = {"title": "Daily rain", "summary": f"{RAIN} again.", "tags": "rain"}
    advice = desk.post("/publish/suggestions/", typed).context["advice"]
    assert (advice.domain.value, advice.domain.label) == ("precipitation", "Precipitation")
    assert "nearest in meaning" in advice.domain.why
    assert [tag.value for tag in advice.tags] == ["stations"]
    assert [overlap.product.name for overlap in advice.overlaps] == ["rain-a", "rain-b"]
    assert 70 <= advice.overlaps[0].percent <= 100
    page = desk.post("/publish/suggestions/", typed).content.decode()
    assert f"{advice.overlaps[0].percent} % like" in page
    assert "build on it instead?" in page
    assert "draft" not in page


def test_what_is_chosen_already_and_the_product_itself_are_not_suggested(answering, mesh, desk):
    typed = {"title": "Daily rain", "summary": f"{RAIN}.", "tags": "rain, stations", "domain": "precipitation"}
    advice = desk.post(f"/publish/suggestions/?own={mesh['rain-a'].pk}", typed).context["advice"]
    assert advice.domain.chosen
    assert advice.tags == []
    assert [overlap.product.name for overlap in advice.overlaps] == ["rain-b"]


def test_without_the_model_words_of_the_text_are_suggested_all_the_same(db, desk, precipitation, settings):
    settings.EMBEDDING_MODEL = HASHING
    Tag.objects.create(slug="tide-gauge", label="Tide gauge")
    typed = {"title": "Precipitation and tide gauges", "summary": "At forty harbours."}
    advice = desk.post("/publish/suggestions/", typed).context["advice"]
    assert not advice.by_meaning
    assert (advice.domain.value, advice.domain.why) == ("precipitation", "its name is in the text")
    assert [(tag.value, tag.why) for tag in advice.tags] == [("Tide gauge", "it is in the text")]


@pytest.mark.parametrize(
    "typed",
    [{}, {"title": "\0"}, {"summary": "x" * 100_000}, {"title": "<script>alert(1)</script>", "tags": "," * 5000}],
)
def test_anything_typed_is_answered(answering, mesh, desk, typed):
    answer = desk.post("/publish/suggestions/?own=١x", typed)
    assert answer.status_code == 200
    assert b"<script>alert" not in answer.content


def test_a_visitor_and_who_asks_too_often_get_nothing(db, client, desk, fresh_redis, monkeypatch):
    from marketplace.publishing import views

    assert client.post("/publish/suggestions/", {"title": "Rain"}).status_code == 204
    monkeypatch.setattr(views, "SUGGESTIONS", 1)
    assert desk.post("/publish/suggestions/").status_code == 200
    assert desk.post("/publish/suggestions/").status_code == 204


def test_the_button_without_scripts_has_the_same_limit_and_neither_publishes_nor_saves(
    setup_product, desk, monkeypatch
):
    from marketplace.publishing import views

    monkeypatch.setattr(views, "SUGGESTIONS", 1)
    product = setup_product("tide-gauge", title="As it was")
    typed = {
        "title": "Precipitation",
        "summary": "At forty harbours.",
        "access_mode": "open",
        "revision": product.revision,
        "suggest": "1",
        "links-TOTAL_FORMS": "0",
        "links-INITIAL_FORMS": "0",
    }
    first = desk.post("/publish/precipitation/tide-gauge/edit/", typed).content.decode()
    assert "its name is in the text" in first
    for path in ("/publish/new/", "/publish/precipitation/tide-gauge/edit/"):
        page = desk.post(path, typed)
        assert page.status_code == 200
        assert "Too many suggestions in one minute" in page.content.decode()
        assert "At forty harbours." in page.content.decode()
        assert "its name is in the text" not in page.content.decode()
    assert [product.title for product in Product.objects.all()] == ["As it was"]


def test_without_scripts_a_button_suggests_and_loses_nothing(answering, mesh, desk):
    typed = {"title": "Daily rain", "summary": f"{RAIN} again.", "tags": "mine", "suggest": "1"}
    links = {
        "links-TOTAL_FORMS": "1",
        "links-INITIAL_FORMS": "0",
        "links-0-rel": "source",
        "links-0-url": "https://a.b/",
    }
    page = desk.post("/publish/new/", {**typed, **links})
    said = page.content.decode()
    assert page.status_code == 200
    assert "% like" in said
    assert "nearest in meaning" in said
    assert all(text in said for text in (f"{RAIN} again.", 'value="mine"', 'value="https://a.b/"'))


def test_for_a_catalogue_only_the_domain_is_suggested(answering, mesh, desk):
    advice = desk.post("/publish/suggestions/?domain", {"title": f"Daily rain; {RAIN}"}).context["advice"]
    assert advice.domain.value == "precipitation"
    assert not advice.tags
    assert not advice.overlaps
