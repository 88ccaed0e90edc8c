"""Searching inside on the pages and over the API: with and without scripts, for hostile text, within limits."""

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from marketplace.live import inside
from registry import events
from registry.models import Product
from tests.live.gateways import ARTIFACTS, CONTRACT
from tests.live.hostile import answer, hang

pytestmark = pytest.mark.django_db(transaction=True)

NASTY = "station <img src=x onerror=window.ran=1> <script>window.ran=1</script> {{7*7}}"
HTMX = {"HX-Request": "true"}


def nasty(product_at: Callable[..., Product], name: str = "daily-rain") -> Product:
    column = {"name": 'station"><b>', "description": NASTY, "businessName": NASTY}
    contract = {**CONTRACT, "schema": [{"name": "rain", "properties": [column]}]}
    listed = {**ARTIFACTS["artifacts"][0], "title": NASTY, "summary": NASTY}
    artifacts = {**ARTIFACTS, "artifacts": [listed]}
    return product_at(name, contract=answer(contract), artifacts=answer(artifacts))


def test_the_list_offers_to_look_inside_what_was_found(client, product_at):
    product_at("daily-rain")
    events.deliver("search")
    page = client.get("/search/", {"q": "rain"}).content.decode()
    assert re.search(r'href="/search/inside/\?q=rain"', page)
    assert "/search/inside/" not in client.get("/browse/").content.decode()
    assert "/search/inside/" not in client.get("/search/", {"q": ""}).content.decode()


def test_without_scripts_the_page_fills_when_it_is_loaded_again(client, celery_worker, product_at, wait_for):
    product = product_at("daily-rain")
    events.deliver("search")
    address = f"{product.get_absolute_url()}inside/?q=station"
    first = client.get(address).content.decode()
    assert "Load the page again" in first
    page = wait_for(
        lambda: (said := client.get(address).content.decode()) and "matches; the product answered" in said and said
    )
    assert "Load the page again" not in page
    assert "<mark>station</mark>" in page
    assert f'href="{product.get_absolute_url()}artifacts/rain/"' in page


def test_a_fragment_asks_for_itself_again_until_all_have_answered(client, celery_worker, product_at, wait_for):
    product_at("daily-rain")
    product_at("monthly-rain", index=hang)
    events.deliver("search")
    fragment = client.get("/search/inside/", {"q": "rain station"}, headers=HTMX).content.decode()
    assert "<html" not in fragment
    seen = []

    def follow():
        nonlocal fragment
        seen.append(fragment)
        following = re.search(r'hx-get="([^"]+)"', fragment)
        if following is None:
            return True
        fragment = client.get(following[1].replace("&amp;", "&"), headers=HTMX).content.decode()
        return False

    wait_for(follow)
    assert any("so far" in said and "<mark>station</mark>" in said for said in seen)
    assert "Not heard in full" in seen[-1]
    assert "Monthly rain" in seen[-1]


@pytest.mark.parametrize(
    "query", [{}, {"q": ""}, {"q": "?!"}, {"q": "\x00"}, {"q": "x" * 5000}, {"q": "rain", "n": "9" * 99}]
)
def test_odd_questions_get_a_page(client, query):
    assert client.get("/search/inside/", query).status_code == 200


@pytest.mark.parametrize("key", ["x", "a" * 32, "é" * 32, "../../etc", "0" * 3000])
def test_a_search_that_is_no_longer_kept_says_so(client, key):
    page = client.get("/search/inside/", {"q": "rain", "key": key}).content.decode()
    assert "no longer kept" in page


def test_too_many_searches_are_told_when_to_go_on(client, product_at):
    product = product_at("daily-rain")
    for number in range(inside.SEARCHES):
        assert client.get(f"{product.get_absolute_url()}inside/", {"q": f"w{number}"}).status_code == 200
    refused = client.get(f"{product.get_absolute_url()}inside/", {"q": "another"})
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 60
    assert "Try again in" in refused.content.decode()
    program = client.get("/api/v1/search/inside", {"q": "again", "product": product.urn})
    assert (program.status_code, program["Content-Type"]) == (429, "application/problem+json")
    assert int(program["Retry-After"]) > 0


def test_programs_ask_the_same_again_until_it_is_over(client, celery_worker, product_at, wait_for):
    product, other = product_at("daily-rain"), product_at("other-rain", index=hang)
    events.deliver("search")

    def over():
        answered = client.get("/api/v1/search/inside", {"q": "rain station"})
        assert answered.status_code == 200
        return answered.json() if answered.json()["poll_after_ms"] is None else None

    found = wait_for(over)
    states = {entry["urn"]: entry["state"] for entry in found["products"]}
    assert states == {product.urn: "answered", other.urn: "silent"}
    first = next(row for row in found["results"] if row["column"] == "station")
    assert (first["product"], first["artifact_id"], first["words"]) == (product.urn, "rain", ["station"])
    assert {"text": "station", "match": True} in first["segments"]
    assert [row["score"] for row in found["results"]] == sorted((r["score"] for r in found["results"]), reverse=True)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"q": ""}, 400),
        ({"q": "?!"}, 400),
        ({"q": "rain", "type": "nonsense"}, 400),
        ({"q": "rain", "lifecycle": "draft"}, 400),
        ({"q": "rain", "owner": "no-such"}, 200),
        ({"q": "rain", "product": "urn:dp:no:such"}, 404),
        ({"q": "rain", "product": "x\x00"}, 400),
        ({"q": "rain", "domain": "no-such"}, 200),
    ],
)
def test_what_a_program_gets_wrong_is_said(client, db, query, status):
    answered = client.get("/api/v1/search/inside", query)
    assert answered.status_code == status
    if status != 200:
        assert json.loads(answered.content)["status"] == status


def test_without_redis_programs_are_told(client, setup_product, settings):
    product = setup_product()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert client.get("/api/v1/search/inside", {"q": "rain", "product": product.urn}).status_code == 503
    page = client.get(f"{product.get_absolute_url()}inside/", {"q": "rain"})
    assert page.status_code == 200
    assert "not available right now" in page.content.decode()


@pytest.mark.browser
def test_answers_stream_in_and_run_nothing(page: Page, live_server, celery_worker, product_at):
    product = nasty(product_at)
    hanging = product_at("hanging-rain", index=hang)
    events.deliver("search")
    page.goto(f"{live_server.url}/search/?q=rain+station")
    page.get_by_role("link", name="Search inside these products, live").click()
    results = page.locator("#inside-results")
    expect(results.locator("mark").first).to_be_visible()
    expect(results.get_by_text("Not heard in full")).to_be_visible(timeout=15_000)
    expect(results.get_by_text(hanging.title)).to_be_visible()
    expect(results.get_by_text("<script>").first).to_be_visible()
    assert page.evaluate("window.ran") is None
    assert page.locator("#inside-results img, #inside-results script").count() == 0
    page.goto(f"{live_server.url}{product.get_absolute_url()}")
    page.get_by_text("Search inside this product").click()
    page.get_by_label("A word in artifacts, columns or descriptions").fill("station")
    page.keyboard.press("Enter")
    expect(page.locator("#inside-results mark").first).to_be_visible()
    assert page.url.endswith(product.get_absolute_url())
    assert page.evaluate("window.ran") is None


@pytest.mark.browser
def test_with_scripts_off_a_plain_link_does_it(browser, live_server, celery_worker, product_at):
    product_at("daily-rain")
    events.deliver("search")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/search/?q=rain+station")
    page.get_by_role("link", name="Search inside these products, live").click()
    assert page.url.startswith(f"{live_server.url}/search/inside/")
    for _ in range(20):
        if page.locator("mark").count():
            break
        page.reload()
    expect(page.locator("mark").first).to_be_visible()
    context.close()
