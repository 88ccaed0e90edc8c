"""From six questions to a published product and its checklist, in a browser; no page is wider than a phone."""

import io
import os
import zipfile
from pathlib import Path
from typing import Literal

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from marketplace.live import services as live
from registry.services import LinkData
from tests import gateways

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHOTS = os.environ.get("SHOTS")
AXE = os.environ.get("AXE")  # a file with axe-core; by hand


@pytest.fixture
def signed_in(page: Page, live_server):
    def sign_in(person):
        client = Client()
        client.force_login(person)
        cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
        page.context.add_cookies([cookie])
        return page

    return sign_in


def looked_at(page: Page, name: str) -> None:
    """The page fits a phone and a desk, and is kept as pictures where somebody wants to look at it."""
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), name
        if AXE:
            page.evaluate(Path(AXE).read_text())
            said = "v => v.id + ' ' + v.nodes.map(n => n.html).join()"
            assert page.evaluate(f"axe.run().then(r => r.violations.map({said}))") == [], name
        schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
        for scheme in schemes if SHOTS else ():
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=f"{SHOTS}/{name}-{width}-{scheme}.png", full_page=True)


def test_six_questions_a_listing_its_files_and_what_they_lack(
    signed_in, live_server, celery_worker, producer, team, precipitation
):
    page = signed_in(producer)
    page.goto(f"{live_server.url}/publish/")
    page.get_by_role("link", name="Answer six questions").click()
    page.get_by_role("button", name="Keep and go on").press("Enter")
    page.get_by_label("Title", exact=True).fill("Harbour tides")
    page.get_by_label("What is in it").fill("High and low water of forty harbours, every day since 1990.")
    page.get_by_label("Domain").select_option("precipitation")
    page.get_by_label("Who", exact=True).fill("Harbour masters, and the flood desk.")
    page.get_by_label("What for").fill("To plan departures.")
    page.get_by_label("Columns").fill("harbour, text\nhigh, colour")
    page.get_by_role("button", name="Keep and go on").press("Enter")
    expect(page.get_by_text("Line 2: 'colour' is no type.")).to_be_visible()
    looked_at(page, "questions")
    page.get_by_label("Columns").fill("harbour, text\nhigh, number")
    page.get_by_role("button", name="Keep and go on").press("Enter")
    expect(page.get_by_role("heading", name="Harbour tides")).to_be_visible()
    looked_at(page, "check")
    with page.expect_download() as waited:
        page.get_by_role("link", name="harbour-tides.zip").click()
    with zipfile.ZipFile(io.BytesIO(waited.value.path().read_bytes())) as packed:
        assert "harbour-tides/product.odps.yaml" in packed.namelist()
    page.get_by_role("button", name="Publish", exact=True).press("Enter")
    expect(page.get_by_role("heading", name="Harbour tides is published.")).to_be_visible()
    expect(page.get_by_text("No document names a license")).to_be_visible(timeout=20_000)
    looked_at(page, "done")


def test_the_score_the_checklist_and_what_it_asks_for(signed_in, live_server, setup_product, producer, steward):
    page = signed_in(producer)
    with gateways.running("precipitation/global-precipitation") as gateway:
        product = setup_product("global-precipitation", links=[LinkData("discovery", f"{gateway}/discover")])
        live.refresh(live.target_of(product.pk))
        page.goto(f"{live_server.url}{product.get_absolute_url()}")
        expect(page.get_by_role("link", name="95 of 100")).to_be_visible(timeout=20_000)
        looked_at(page, "product")
        page.get_by_role("link", name="95 of 100").press("Enter")
        expect(page.get_by_role("heading", name="What would raise it most")).to_be_visible()
        looked_at(page, "fair")
        page.get_by_role("link", name="Its checklist").press("Enter")
        expect(page.get_by_text("How it is written").first).to_be_visible()
        looked_at(page, "checklist")
        page.goto(f"{live_server.url}/publish/precipitation/global-precipitation/lifecycle/")
        expect(page.get_by_text("No member of its team")).to_be_visible(timeout=20_000)
        looked_at(page, "manage")
    page = signed_in(steward)
    page.goto(f"{live_server.url}/governance/checklist/")
    looked_at(page, "policy")
    page.get_by_label("Privacy classification").select_option("Needed to publish")
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_text("Changed by steward")).to_be_visible()
