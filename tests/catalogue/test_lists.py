"""Home, browse, domains and search: what is shown, how it is narrowed, and what it costs."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from marketplace.accounts.models import User
from marketplace.catalogue.filters import Filters
from marketplace.catalogue.lists import LAST_PAGE
from marketplace.catalogue.tiles import TEASER, marked_teaser, teaser
from registry import services
from registry.models import Domain, Product

SetupProduct = Callable[..., Product]
Index = Callable[[], None]


def titles(client: Client, path: str, **query: Any) -> list[str]:
    return [tile.title for tile in client.get(path, query).context["tiles"]]


def options(answer: Any, name: str) -> dict[str, int]:
    facets = {facet.name: facet for facet in answer.context["facets"]}
    return {option.label: option.count for option in facets[name].options} if name in facets else {}


def test_the_empty_marketplace_invites_to_publish(client: Client, db: None) -> None:
    assert client.get("/").status_code == 200
    answer = client.get("/browse/")
    assert answer.context["empty"].actions[0].url == "/publish/"
    assert client.get("/domains/").status_code == 200


def test_home_shows_the_newest_and_the_domains_with_their_counts(client: Client, setup_product: SetupProduct) -> None:
    setup_product("old-rain")
    setup_product("new-rain")
    setup_product("secret-rain", published=False)
    answer = client.get("/")
    assert [tile.title for tile in answer.context["tiles"]] == ["New rain", "Old rain"]
    assert answer.context["products_count"] == 2
    assert [(row.title, row.count) for row in answer.context["domains"]] == [("Climate", 2), ("Precipitation", 2)]


def test_the_domain_tree_keeps_children_below_their_parent(client: Client, precipitation: Domain) -> None:
    services.create_domain("climate-action", "Climate action")
    rows = client.get("/domains/").context["domains"]
    assert [(row.title, row.depth) for row in rows] == [("Climate", 0), ("Precipitation", 1), ("Climate action", 0)]


def test_a_domain_page_lists_what_is_below_and_leads_up_and_down(
    client: Client, setup_product: SetupProduct, index: Index
) -> None:
    setup_product("daily-rain")
    index()
    above = client.get("/domains/climate/").context
    assert [tile.title for tile in above["tiles"]] == ["Daily rain"]
    assert [child.url for child in above["domain"].children] == ["/domains/precipitation/"]
    below = client.get("/domains/precipitation/").context
    assert [crumb.title for crumb in below["domain"].path] == ["Climate"]
    assert client.get("/domains/no-such/").status_code == 404


def test_browse_narrows_by_each_facet_and_widens_again(
    client: Client, setup_product: SetupProduct, index: Index, climate: Domain
) -> None:
    services.create_domain("flood", "Flood", parent=climate)
    setup_product("a-rain", tags=["Rain", "daily"], type="aggregate", access_mode="open")
    setup_product("b-rain", tags=["Rain"])
    setup_product("c-levels", domain="flood", tags=["river"])
    index()
    answer = client.get("/browse/")
    assert [tile.title for tile in answer.context["tiles"]] == ["A rain", "B rain", "C levels"]
    assert options(answer, "domain") == {"Precipitation": 2, "Flood": 1}
    assert options(answer, "tag") == {"Rain": 2, "daily": 1, "river": 1}
    assert options(answer, "access") == {"On request": 2, "Open": 1}
    assert titles(client, "/browse/", domain="flood") == ["C levels"]
    assert titles(client, "/browse/", tag="rain", access="on_request") == ["B rain"]
    assert titles(client, "/browse/", type="aggregate") == ["A rain"]

    narrowed = client.get("/browse/", {"tag": ["rain", "daily"]})
    assert [tile.title for tile in narrowed.context["tiles"]] == ["A rain"]
    first = narrowed.context["chips"][0]
    assert (first.label, first.remove_url) == ("Rain", "/browse/?tag=daily")
    assert client.get(first.remove_url).status_code == 200


def test_what_narrows_nothing_is_not_offered(client: Client, setup_product: SetupProduct, index: Index) -> None:
    setup_product("a-rain", tags=["rain"])
    setup_product("b-rain", tags=["rain"])
    index()
    assert client.get("/browse/").context["facets"] == []


def test_filters_that_fit_nothing_offer_the_way_back(client: Client, setup_product: SetupProduct, index: Index) -> None:
    setup_product("a-rain", tags=["rain"])
    index()
    answer = client.get("/browse/", {"tag": "rain", "access": "open"})
    assert answer.context["tiles"] == []
    assert answer.context["empty"].actions[0].url == "/browse/"


def test_an_unknown_domain_is_said_and_left_out(client: Client, setup_product: SetupProduct, index: Index) -> None:
    setup_product("a-rain")
    index()
    answer = client.get("/browse/", {"domain": "no-such"})
    assert "no-such" in answer.context["notices"][0].text
    assert [tile.title for tile in answer.context["tiles"]] == ["A rain"]


def test_search_finds_by_words_and_says_why(client: Client, setup_product: SetupProduct, index: Index) -> None:
    setup_product("daily-rain", title="Daily rain", summary="Millimetres at each station.")
    setup_product("wind", title="Wind", summary="Metres per second, and the rainfall that came with it.")
    index()
    answer = client.get("/search/", {"q": "daily rain"})
    first = answer.context["tiles"][0]
    assert first.title == "Daily rain"
    assert first.why
    assert any(segment.match for segment in first.title_segments)
    assert "<mark>" in answer.content.decode()
    assert answer.context["question"] == "daily rain"
    assert 'value="daily rain"' in answer.content.decode()


def test_a_question_without_an_answer_is_no_dead_end(client: Client, setup_product: SetupProduct, index: Index) -> None:
    setup_product("daily-rain")
    index()
    answer = client.get("/search/", {"q": "xylophone"})
    assert answer.context["tiles"] == []
    assert answer.context["empty"].title
    assert [tile.title for tile in answer.context["suggested"]] == ["Daily rain"]


def test_filters_stay_when_another_question_is_asked(client: Client, setup_product: SetupProduct, index: Index) -> None:
    setup_product("daily-rain", tags=["rain"])
    index()
    answer = client.get("/search/", {"q": "rain", "tag": "rain"})
    assert '<input type="hidden" name="tag" value="rain">' in answer.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        {"q": "x" * 10_000},
        {"q": "\x00rain\x00"},
        {"q": "'; DROP TABLE registry_product; --"},
        {"q": "!!! & | ( <-> :*"},
        {"q": "rain", "page": "-3"},
        {"q": "rain", "page": "99999999999999999999"},
        {"q": "rain", "page": "two"},
        {"q": "rain", "tag": ["x" * 500] * 50, "type": "nonsense", "access": "nonsense", "domain": "\x00"},
    ],
)
def test_odd_questions_get_a_page(
    client: Client, setup_product: SetupProduct, index: Index, query: dict[str, Any]
) -> None:
    setup_product("daily-rain")
    index()
    assert client.get("/search/", query).status_code == 200


def test_markup_in_a_question_is_shown_and_not_obeyed(client: Client, setup_product: SetupProduct) -> None:
    setup_product("daily-rain")
    body = client.get("/search/", {"q": "<script>alert(1)</script>"}).content.decode()
    assert "<script>alert" not in body
    assert "&lt;script&gt;alert(1)" in body


def test_markup_in_foreign_titles_is_shown_and_not_obeyed(
    client: Client, setup_product: SetupProduct, index: Index
) -> None:
    product = setup_product("daily-rain")
    Product.objects.filter(pk=product.pk).update(title="<b>rain", summary="rain <img src=x onerror=alert(1)>")
    index()
    for path in ("/", "/browse/", "/search/?q=rain", "/domains/climate/", product.get_absolute_url()):
        body = client.get(path).content.decode()
        assert "<b>rain" not in body
        assert "<img" not in body


def test_a_long_list_has_pages(
    client: Client, setup_product: SetupProduct, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketplace.catalogue.lists.PAGE_SIZE", 2)
    for name in ("a", "b", "c"):
        setup_product(f"{name}-rain")
    index()
    first = client.get("/browse/").context["page"]
    assert (first.previous_url, first.next_url) == (None, "/browse/?page=2")
    second = client.get(first.next_url)
    assert [tile.title for tile in second.context["tiles"]] == ["C rain"]
    assert (second.context["page"].previous_url, second.context["page"].next_url) == ("/browse/", None)
    beyond = client.get("/browse/", {"page": LAST_PAGE}).context
    assert beyond["empty"].actions[0].url == "/browse/"


@pytest.mark.parametrize("path", ["/", "/browse/", "/domains/climate/", "/search/?q=rain"])
def test_lists_cost_the_same_for_ten_rows_and_for_twenty(
    client: Client, setup_product: SetupProduct, index: Index, path: str
) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path).status_code == 200
        return len(queries)

    for number in range(10):
        setup_product(f"rain-{number}", tags=[f"tag-{number}"])
    index()
    cost()  # what is remembered for a minute is read once
    ten = cost()
    for number in range(10, 20):
        setup_product(f"rain-{number}", tags=[f"tag-{number}"])
    index()
    assert cost() == ten


def test_visitors_see_no_drafts_in_lists(
    client: Client, setup_product: SetupProduct, index: Index, sign_in: Callable[[User], Client], outsider: User
) -> None:
    setup_product("secret-rain", published=False)
    index()
    for browser in (client, sign_in(outsider)):
        for path in ("/", "/browse/", "/domains/climate/", "/search/?q=secret"):
            assert "Secret rain" not in browser.get(path).content.decode()


def test_filters_survive_the_way_through_an_address() -> None:
    query = QueryDict("q=how+much+rain&domain=climate&tag=a&tag=b&type=aggregate&access=open&nonsense=1")
    filters = Filters.read("/search/", query)
    again = Filters.read("/search/", QueryDict(filters.url().split("?")[1]))
    assert again == filters
    assert filters.toggled("tag", "a").tags == ("b",)
    assert filters.toggled("type", "aggregate").type == ""
    assert filters.bare().url() == "/search/?q=how+much+rain"


def test_a_teaser_ends_between_words_and_begins_near_the_match() -> None:
    long = "word " * 100
    assert len(teaser(long)) <= TEASER + 2
    assert teaser(long).endswith("word …")
    shown = marked_teaser([(long, False), ("rain", True), (" and more", False)])
    assert shown[0].text.startswith("… word")
    assert [part.text for part in shown if part.match] == ["rain"]
    assert sum(len(part.text) for part in shown) <= TEASER + 4
