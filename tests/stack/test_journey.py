"""The main job, in a real browser against the running stack."""

import re

import pytest
from playwright.sync_api import Page, expect

from bench import journey
from bench.stack import Stack
from tests import gateways

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.xdist_group("stack")]


@pytest.fixture
def troubles(page: Page) -> list[str]:
    """What the browser complained of: scripts that failed, things the policy refused, answers of 500."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("response", lambda answer: found.append(answer.url) if answer.status >= 500 else None)
    return found


@pytest.fixture
def new_product(tmp_path):
    """A producer's own gateway, with a product that the marketplace does not know."""
    with gateways.running(journey.own_product(tmp_path)) as url:
        yield url


def test_a_visitor_finds_sees_signs_in_publishes_and_finds(page: Page, stack: Stack, troubles, new_product):
    # A visitor asks in plain words …
    page.goto(stack.url)
    page.get_by_role("combobox").first.fill("how much rain falls in Paris")
    page.keyboard.press("Enter")
    first = page.locator("article.tile").first
    expect(first).to_contain_text("precipitation")

    # … opens a product and sees it live …
    page.get_by_role("link", name="Global precipitation").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Global precipitation")
    expect(page.locator("#contract")).to_contain_text("precipitation_mm", timeout=10_000)
    expect(page.locator("#contract")).to_contain_text("answered in")
    expect(page.locator("#health")).to_contain_text("pass", timeout=10_000)

    # … down to the rows of an artifact …
    page.locator("#artifacts").get_by_role("link", name=re.compile("Monthly precipitation")).click()
    expect(page.get_by_role("region", name="Sample rows")).to_contain_text("Paris-Montsouris", timeout=10_000)

    # … and, new as a producer, signs in, publishes by a link, and finds it.
    took = journey.publish(page, stack.url, new_product)
    assert took.clicks <= 6
    assert took.fields <= 4
    assert troubles == []


def test_a_product_that_is_down_says_so_and_keeps_its_summary(page: Page, stack: Stack, troubles):
    page.goto(f"{stack.url}/products/oceans/sea-level-rise/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("#contract")).to_contain_text("Does not answer", timeout=15_000)
    expect(page.get_by_role("main")).to_contain_text(re.compile("sea", re.I))
    assert troubles == []


def test_a_slow_product_says_that_it_is_slow(page: Page, stack: Stack, troubles):
    page.goto(f"{stack.url}/products/storms/us-hurricane-landfalls/")
    expect(page.locator("#contract")).to_contain_text("Slow", timeout=15_000)
    expect(page.locator("#contract")).to_contain_text("answered in", timeout=15_000)
    assert troubles == []


@pytest.mark.parametrize("width", [360, 1440])
def test_no_page_scrolls_sideways(page: Page, stack: Stack, width):
    page.set_viewport_size({"width": width, "height": 800})
    for path in (
        "/",
        "/browse/",
        "/search/?q=rain",
        "/domains/",
        "/products/precipitation/global-precipitation/",
        "/styleguide/",
    ):
        page.goto(f"{stack.url}{path}")
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_the_api_browser_works_under_the_policy(page: Page, stack: Stack, troubles):
    page.goto(f"{stack.url}/api/v1/docs/")
    expect(page.get_by_text("/api/v1/resolve/{domain}/{name}")).to_be_visible(timeout=15_000)
    assert troubles == []


def test_without_scripts_one_can_search_read_and_open_the_live_parts(browser, stack: Stack):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(stack.url)
    page.get_by_role("searchbox").first.fill("wildfires")
    page.get_by_role("button", name="Search").first.click()
    page.get_by_role("link", name="Large US wildfires").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Large US wildfires")
    page.locator("#contract").get_by_role("link").first.click()
    page.reload()  # the worker was asked when the page was opened
    whole = page.get_by_role("link", name="Read the whole contract")
    expect(whole.or_(page.get_by_text("Asking")).first).to_be_visible()
    if whole.count():
        whole.first.click()
        expect(page.get_by_role("main")).to_contain_text("Schema")
    context.close()
