"""Suggestions while somebody types, and similar products."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from registry.models import Product, Tag
from search import similar, vocabulary
from search.suggesting import suggest

Findable = Callable[..., Product]


def said(typed: str) -> list[tuple[str, str]]:
    return [(each.kind, each.text) for each in suggest(typed)]


@pytest.fixture
def rain(findable: Findable) -> Product:
    product = findable(title="Global precipitation, daily", tags=["precipitation-daily"], summary="Rain of all lands.")
    findable("secret", title="Precipitation plans", published=False, tags=["precipitation-plans"])
    vocabulary.learn()
    return product


def test_domains_tags_and_products_that_begin_so(rain: Product) -> None:
    assert said("precip") == [
        ("domain", "Precipitation"),
        ("tag", "precipitation-daily"),
        ("product", "Global precipitation, daily"),
    ]
    assert said("global prec") == [("product", "Global precipitation, daily")]
    assert said("GLOBAL") == [("product", "Global precipitation, daily")]
    assert suggest("global")[0].url == rain.get_absolute_url()
    assert Tag.objects.filter(slug="precipitation-plans").exists(), "a tag that only a draft has is not suggested"


@pytest.mark.parametrize(
    "typed", ["", " ", "g", "%", "_", "\\", "'", "':*", "a' | 'b", "\x00", "()", "🌧", "x" * 5000, "-", "&&", "ا ب"]
)
def test_whatever_is_typed_is_suggested_to_or_not(rain: Product, client: Client, typed: str) -> None:
    assert said(typed) == []
    assert client.get("/search/suggest/", {"q": typed}).status_code == 200
    assert client.get("/api/v1/search/suggestions", {"q": typed}).json() == {"suggestions": []}


def test_queries_do_not_grow(rain: Product, findable: Findable, django_assert_max_num_queries: Any) -> None:
    for number in range(8):
        findable(f"more-{number}", title=f"Global precipitation {number}")
    with django_assert_max_num_queries(12):  # six and the deadline's own
        assert len(suggest("global precipitation")) == 6


def test_ones_own_questions_come_first(rain: Product, client: Client, consumer: Any) -> None:
    client.force_login(consumer)
    client.get("/search/", {"q": "global warming since 1950", "access": "open"})
    page = client.get("/search/suggest/", {"q": "glob"}).content.decode()
    assert page.index("global warming since 1950") < page.index("Global precipitation, daily")
    assert "q=global+warming+since+1950" in page and "access=open" in page
    assert "global warming" not in Client().get("/search/suggest/", {"q": "glob"}).content.decode()


def test_markup_in_a_title_stays_text(findable: Findable, client: Client) -> None:
    findable("odd", title="Odd <img src=x onerror=alert(1)>")
    assert "<img" not in client.get("/search/suggest/", {"q": "odd"}).content.decode()


def test_similar_products_are_the_nearest_listed_ones(findable: Findable, client: Client) -> None:
    one = findable("one", title="Rain of France", summary="Daily rain of France in millimetres.")
    near = findable("near", title="Rain of Spain", summary="Daily rain of Spain in millimetres.")
    findable("far", title="Share prices", summary="Closing quotations at the exchange.")
    findable("draft", title="Rain of Italy", summary="Daily rain of Italy in millimetres.", published=False)
    assert [each.product for each in similar.to(one)] == [near]
    body = client.get(f"/api/v1/products/{one.uuid}/similar/").json()
    assert [row["product"]["name"] for row in body["results"]] == ["near"]
    page = client.get(f"{one.get_absolute_url()}similar/").content.decode()
    assert "Rain of Spain" in page and "Share prices" not in page
    assert client.get("/api/v1/products/00000000-0000-0000-0000-000000000000/similar/").status_code == 404


def test_a_draft_has_no_similar_products_for_others(setup_product: Findable, client: Client) -> None:
    draft = setup_product("draft", published=False)
    assert client.get(f"/api/v1/products/{draft.uuid}/similar/").status_code == 404
    assert client.get(f"{draft.get_absolute_url()}similar/").status_code == 404


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_keyboard_goes_all_the_way(page: Page, live_server: Any, findable: Findable) -> None:
    product = findable(title="Global precipitation, daily")
    page.goto(f"{live_server.url}/")
    box = page.locator("#ask")
    box.press_sequentially("glob")
    option = page.get_by_role("option")
    expect(option).to_have_count(1)
    expect(box).to_have_attribute("aria-expanded", "true")
    box.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "true")
    box.press("Escape")
    expect(box).to_have_attribute("aria-expanded", "false")
    box.press("ArrowDown")
    expect(option).to_be_visible()
    box.press("ArrowDown")
    box.press("Enter")
    page.wait_for_url(f"{live_server.url}{product.get_absolute_url()}")
