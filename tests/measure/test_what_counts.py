"""What is counted, what is not, and that nobody can be told from it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from marketplace.accounts.models import User
from marketplace.measure import buffer, flushing
from marketplace.measure.models import QUESTION, ProductDay, Search, SearchClick
from marketplace.measure.text import kept, normal
from marketplace.measure.visits import is_program
from registry.models import Product
from tests.measure.conftest import FIREFOX, Browser

Findable = Callable[..., Product]
pytestmark = pytest.mark.django_db


def figures(product: Product, *names: str) -> tuple[int, ...]:
    """Of all days, after counting what waits."""
    flushing.flush()
    rows = list(ProductDay.objects.filter(product=product))
    return tuple(sum(getattr(row, name) for row in rows) for name in names)


def test_a_question_a_rank_and_a_click_become_figures_of_the_product(findable: Findable, browser_of: Browser) -> None:
    first = findable("daily-rain", title="Rain", summary="Rain rain rain at stations.")
    second = findable("snow", title="Snow and rain", summary="Snow depth, and some rain.")
    anna = browser_of("anna")
    hits = anna.search("Rain?")
    anna.open(second.get_absolute_url(), before=hits)
    assert figures(second, "views", "viewers", "found", "clicks", "click_rank_sum") == (1, 1, 1, 1, 2)
    assert figures(first, "views", "found", "rank_sum", "clicks") == (0, 1, 1, 0)
    search = Search.objects.get()
    assert (search.question, search.normal, search.source) == ("Rain?", "rain", "page")
    assert (search.hits, search.results) == ([first.pk, second.pk], 2)
    assert SearchClick.objects.get().rank == 2


def test_the_same_list_again_is_no_other_search_and_a_hit_is_clicked_once(
    findable: Findable, browser_of: Browser
) -> None:
    product = findable()
    anna = browser_of("anna")
    for _ in range(3):
        anna.open(product.get_absolute_url(), before=anna.search("rain"))
        flushing.flush()
    anna.search(" RAIN ")
    assert figures(product, "views", "viewers", "found", "clicks") == (3, 1, 1, 1)
    ben = browser_of("ben")
    ben.open(product.get_absolute_url(), before=ben.search("rain"))
    assert figures(product, "views", "viewers", "found", "clicks") == (4, 2, 2, 2)


def test_another_page_of_the_list_shows_more_products_at_their_ranks(
    findable: Findable, browser_of: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketplace.catalogue.lists.PAGE_SIZE", 1)
    for name in ("rain-a", "rain-b"):
        findable(name)
    anna = browser_of("anna")
    anna.search("rain")
    path = anna.search("rain", page=2)
    flushing.flush()
    second = Product.objects.get(pk=Search.objects.get(offset=1).hits[0])
    anna.open(second.get_absolute_url(), before=path)
    assert figures(second, "found", "rank_sum", "clicks", "click_rank_sum") == (1, 2, 1, 2)


@pytest.mark.parametrize(
    "before",
    [
        "http://elsewhere.example/search/?q=rain",  # another site
        "http://testserver/browse/?q=rain",  # no list of hits
        "http://testserver/search/?q=snow",  # never asked
        "http://testserver/search/?" + "&".join(["q=rain"] * 200),
        "http://testserver/search/?q=" + "r" * 9000,
        "http://[broken/search/?q=rain",
        "\x00\udcff",
    ],
)
def test_a_page_before_that_showed_no_such_hit_makes_a_view_and_no_click(
    findable: Findable, browser_of: Browser, before: str
) -> None:
    product = findable()
    anna = browser_of("anna")
    anna.search("rain")
    anna.client.get(product.get_absolute_url(), headers={"Referer": before})
    assert figures(product, "views", "clicks") == (1, 0)


def test_nobody_clicks_on_what_somebody_else_was_shown(findable: Findable, browser_of: Browser) -> None:
    product = findable()
    hits = browser_of("anna").search("rain")
    browser_of("ben").open(product.get_absolute_url(), before=hits)
    assert figures(product, "views", "found", "clicks") == (1, 1, 0)


def test_pages_of_artifacts_and_contracts_count_as_opened(findable: Findable, browser_of: Browser) -> None:
    product = findable()
    address = product.get_absolute_url()
    anna = browser_of("anna")
    anna.open(f"{address}artifacts/x/", before=address)
    anna.open(f"{address}contracts/x/", before=address)
    anna.client.get(f"{address}contracts/x/", headers={"HX-Request": "true"})  # the part that asks again for itself
    assert figures(product, "views", "artifacts", "contracts") == (0, 1, 1)


def test_what_the_own_team_does_does_not_count_and_others_do(
    findable: Findable, browser_of: Browser, producer: User, teammate: User, outsider: User, consumer: User
) -> None:
    product = findable()
    address = product.get_absolute_url()
    for member in (producer, teammate):
        browser = browser_of("same browser", member)
        browser.open(address, before=browser.search("rain"))
        browser.open(f"{address}artifacts/x/")
    assert figures(product, "views", "viewers", "found", "clicks", "artifacts") == (0, 0, 0, 0, 0)
    for other in (outsider, consumer):
        browser = browser_of("same browser", other)
        browser.open(address, before=browser.search("rain"))
    assert figures(product, "views", "viewers", "found", "clicks") == (2, 2, 2, 2)


@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
        {"User-Agent": ""},
        {"User-Agent": "curl/8.5.0"},
        {"Sec-Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"X-Moz": "prefetch"},
        {"Sec-Fetch-Dest": "image"},
        {"HX-Request": "true"},
    ],
)
def test_crawlers_and_pages_fetched_ahead_do_not_count(
    findable: Findable, browser_of: Browser, headers: dict[str, str]
) -> None:
    product = findable()
    anna = browser_of("anna")
    anna.client.get(product.get_absolute_url(), headers=headers)
    anna.client.get("/search/?q=rain", headers=headers)
    anna.client.head(product.get_absolute_url())
    assert figures(product, "views", "found") == (0, 0)
    assert not Search.objects.exists()


@pytest.mark.parametrize(
    "agent",
    [
        FIREFOX,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 Version/26.0 Mobile Safari/604.1",
        "Mozilla/5.0 (Linux; Android 14; CUBOT P80) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36",
    ],
)
def test_browsers_of_people_are_no_programs(agent: str) -> None:
    assert not is_program(agent)


def test_programs_that_ask_the_api_are_demand_and_their_lists_are_no_views(findable: Findable, client: Client) -> None:
    product = findable()
    for _ in range(2):
        assert client.get("/api/v1/search/?q=rain", headers={"User-Agent": "mesh/1.0"}).status_code == 200
    client.get(f"/api/v1/products/{product.uuid}/", headers={"User-Agent": "mesh/1.0"})
    assert figures(product, "views", "found") == (0, 1)
    assert Search.objects.get().source == "api"


def test_drafts_and_lists_without_a_question_count_nothing(
    setup_product: Callable[..., Product], browser_of: Browser, admin: User
) -> None:
    draft = setup_product(published=False)
    browser = browser_of("admin", admin)
    browser.open(draft.get_absolute_url())
    browser.open("/search/?q=")
    browser.open("/browse/?q=rain")
    assert figures(draft, "views") == (0,)
    assert not Search.objects.exists()


def test_counting_is_turned_off(findable: Findable, browser_of: Browser, settings: Any, client: Client) -> None:
    settings.MEASURE = False
    product = findable()
    anna = browser_of("anna")
    anna.open(product.get_absolute_url(), before=anna.search("rain"))
    client.get("/api/v1/search/?q=rain")
    assert buffer.take() is None


def test_a_page_asks_the_database_nothing_more(findable: Findable, browser_of: Browser, settings: Any) -> None:
    product = findable()
    asked = []
    for on in (True, False):
        settings.MEASURE = on
        anna = browser_of("anna")
        for path in (product.get_absolute_url(), "/search/?q=rain"):
            anna.open(path)
            with CaptureQueriesContext(
                connection,
            ) as queries:
                anna.open(path)
            asked.append(len(queries))
    assert asked[:2] == asked[2:]


def test_no_row_and_no_entry_says_who_it_was(findable: Findable, browser_of: Browser, consumer: User) -> None:
    product = findable()
    browser = browser_of("anna", consumer)
    browser.open(product.get_absolute_url(), before=browser.search("rain for consumer@example.org, +44 20 7946 0958"))
    browser_of("visitor-agent").search("rain")
    taken = buffer.take()
    assert taken is not None
    waiting = repr(taken)
    flushing.flush()
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(measure_search::text, ' ') FROM measure_search")
        written = cursor.fetchone()[0]
        cursor.execute("SELECT string_agg(measure_viewer::text, ' ') FROM measure_viewer")
        written += cursor.fetchone()[0]
    for text in (waiting, written):
        for name in ("consumer", "example.org", "7946", "127.0.0.1", "Firefox", "user:", "visitor"):
            assert name not in text
    assert {len(person) for person in Search.objects.values_list("person", flat=True)} == {16}


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("  rain \n in\x00 Paris ", "rain in Paris"),
        ("mail jo.doe+x@example.co.uk now", "mail … now"),
        ("call +44 (20) 7946-0958", "call …"),
        ("rain 1950 to 2020, 48.85 2.35", "rain 1950 to 2020, 48.85 2.35"),
        ("\ud800rain", "rain"),
    ],
)
def test_questions_are_kept_without_what_identifies_people(typed: str, written: str) -> None:
    assert kept(typed) == written


@given(st.text(st.characters(exclude_categories=()), max_size=700))
def test_any_question_has_one_normal_form_that_can_be_stored(typed: str) -> None:
    found = normal(typed)
    assert len(found) <= QUESTION
    assert found == normal(found) or len(found) > QUESTION - 20
    assert not re.search(r"[\x00\ud800-\udfff]", found)
    assert normal(f"  {typed.upper().lower()}  ") == normal(typed.upper().lower())
