"""A product's life with the keyboard alone, on a phone too: confirm, undo, compare. No page is wider than the phone."""

import os
from typing import Literal

import pytest
from django.test import Client
from playwright.sync_api import Page

from marketplace.accounts.services import create_team
from marketplace.live import services as live
from registry import services, transfers
from registry.services import LinkData
from tests import gateways

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAGES = "/publish/precipitation/wind-scales/"
SHOTS = os.environ.get("SHOTS")


@pytest.fixture
def signed_in(page: Page, live_server, producer):
    client = Client()
    client.force_login(producer)
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    return page


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def press(page: Page, role: Literal["link", "button"], name: str) -> None:
    page.get_by_role(role, name=name).first.focus()
    page.keyboard.press("Enter")


def shot(page: Page, name: str) -> None:
    if SHOTS and page.viewport_size:
        for dark in (False, True):
            scheme: Literal["dark", "light"] = "dark" if dark else "light"
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=f"{SHOTS}/{name}-{page.viewport_size['width']}-{scheme}.png", full_page=True)


@pytest.mark.parametrize("width", [360, 1280])
def test_a_product_s_life_with_the_keyboard(signed_in: Page, live_server, setup_product, producer, outsider, width):
    page = signed_in
    page.set_viewport_size({"width": width, "height": 800})
    with gateways.running("wind/wind-scales") as gateway:
        links = [LinkData("discovery", f"{gateway}/discover"), LinkData("observability", "https://old.example/health")]
        product = setup_product("wind-scales", title="Old title", summary="An old summary.", tags=["old"], links=links)
        live.refresh(live.target_of(product.pk))
        page.goto(f"{live_server.url}{PAGES}lifecycle/")
        assert fits(page)
        press(page, "link", "Deprecate")
        page.get_by_label("Message").fill("A finer grid is coming.")
        shot(page, "confirm")
        assert fits(page)
        press(page, "button", "Deprecate")
        page.get_by_text("This product is deprecated").wait_for()
        shot(page, "deprecated")
        assert fits(page)
        press(page, "button", "Undo")
        page.get_by_text("Undone.").wait_for()
        product.refresh_from_db()
        assert product.lifecycle == "published"

        live.refresh(live.target_of(product.pk))
        page.goto(f"{live_server.url}{PAGES}compare/")
        page.get_by_role("button", name="Take over").wait_for()
        shot(page, "compare")
        assert fits(page)
        press(page, "button", "Take over")
        page.get_by_text("Taken over.").wait_for()
    product.refresh_from_db()
    assert product.title != "Old title"

    team = create_team("Receivers", members=(outsider, producer))
    transfers.transfer(producer, product, team)
    services.pause(producer, product)
    page.goto(f"{live_server.url}{PAGES}lifecycle/")
    shot(page, "manage")
    assert fits(page)
    page.goto(f"{live_server.url}/publish/mine/")
    shot(page, "mine")
    assert fits(page)
