"""Publishing in a real browser: nothing typed is lost, suggestions fill the form, a catalogue is chosen from."""

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from bench.served import serving
from marketplace.live import inspection
from marketplace.publishing.models import CatalogueRun
from registry.models import Tag

from .written import catalogue, dataset

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def signed_in(page: Page, live_server, producer, team):
    client = Client()
    client.force_login(producer)
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    return page


def test_what_is_typed_outlives_a_reload_and_suggestions_fill_the_form(
    signed_in: Page, live_server, precipitation, wait_for
):
    Tag.objects.create(slug="tide-gauges", label="Tide gauges")
    page = signed_in
    page.goto(f"{live_server.url}/publish/new/")
    page.get_by_label("Title").fill("Precipitation at tide gauges")
    expect(page.get_by_label("Domain", exact=True)).to_have_value("precipitation", timeout=10_000)
    expect(page.locator("#advice")).to_contain_text("chosen for you")
    page.get_by_role("button", name="Tide gauges").click()
    expect(page.get_by_label("Tags")).to_have_value("Tide gauges")
    page.get_by_label("Summary").fill("What fell, hour by hour.")
    expect(page.locator("[data-page-preview]")).to_contain_text("hour by hour")
    kept = "Object.values(localStorage).join().includes('hour by hour')"
    wait_for(lambda: page.evaluate(kept))

    page.reload()
    expect(page.get_by_label("Summary")).to_have_value("What fell, hour by hour.")
    expect(page.get_by_label("Tags")).to_have_value("Tide gauges")
    expect(page.get_by_text("What you typed before is here again.")).to_be_visible()
    page.context.set_offline(True)
    page.get_by_role("button", name="Publish", exact=True).click()
    page.context.set_offline(False)
    page.goto(f"{live_server.url}/publish/new/")
    page.get_by_role("button", name="Fill in what I sent").click()
    expect(page.get_by_label("Summary")).to_have_value("What fell, hour by hour.")
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("is published")
    page.goto(f"{live_server.url}/publish/new/")
    expect(page.get_by_label("Title")).to_have_value("")
    expect(page.locator("[data-keep-note]")).to_be_hidden()


def test_a_catalogue_is_filtered_ticked_and_published(
    signed_in: Page, live_server, celery_worker, precipitation, wait_for
):
    page = signed_in
    page.set_viewport_size({"width": 360, "height": 800})
    with serving(catalogue([dataset(number) for number in range(12)])) as url:
        token = inspection.inspect_url(url)
        wait_for(lambda: inspection.inspection(token).catalogue)
    page.goto(f"{live_server.url}/publish/catalogue/{token}/")
    page.get_by_label("Show only those with").fill("gauge 1")
    page.get_by_label("Select all shown").check()
    expect(page.get_by_text("3 of 12 selected, 3 shown")).to_be_visible()
    page.get_by_label("Show only those with").fill("")
    page.get_by_label("Gauge 7").check()
    page.get_by_label("Domain for all").select_option("precipitation")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.get_by_role("button", name="Publish selected").click()
    expect(page.locator("#run-title")).to_contain_text("4 of 4 published", timeout=20_000)
    assert set(CatalogueRun.objects.get().chosen) == {f"dataset[{number}]" for number in (1, 7, 10, 11)}
    page.go_back()
    expect(page.get_by_text("4 of 12 selected").or_(page.get_by_text("0 of 12 selected"))).to_be_visible()
