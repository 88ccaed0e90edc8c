"""A real browser: what it sends makes a click, and the dashboard works on a phone, by keyboard and without scripts."""

from functools import partial

import pytest
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from marketplace.live import services as live
from marketplace.measure import flushing
from marketplace.measure.models import ProductDay, SearchClick
from registry import events
from registry.services import LinkData
from tests import gateways
from tests.measure.conftest import FIREFOX

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
HOME = "/dashboard/producer/"


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def note(said: list[str], message: ConsoleMessage) -> None:
    said.append(message.text)


def test_from_a_visitor_s_click_to_the_producer_s_dashboard(browser: Browser, live_server, setup_product, producer):
    with gateways.running("wind/wind-scales") as gateway:
        product = setup_product("wind-scales", links=[LinkData("discovery", f"{gateway}/discover")])
        live.refresh(live.target_of(product.pk))
        events.deliver("search")

        visitor = browser.new_page(user_agent=FIREFOX, base_url=live_server.url)
        visitor.goto("/search/?q=wind scales")
        visitor.get_by_role("link", name="Wind scales").click()
        visitor.wait_for_url(f"**{product.get_absolute_url()}")
        visitor.context.close()
        flushing.flush()
        assert SearchClick.objects.get().rank == 1
        assert ProductDay.objects.get().views == 1

        signed_in = Client()
        signed_in.force_login(producer)
        session = signed_in.cookies["sessionid"].value
        for scripts in (True, False):
            context = browser.new_context(
                java_script_enabled=scripts, viewport={"width": 360, "height": 800}, base_url=live_server.url
            )
            context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
            page = context.new_page()
            said: list[str] = []
            page.on("console", partial(note, said))
            page.goto(HOME)
            expect(page.get_by_text("their pages were opened once, and searches showed them once.")).to_be_visible()
            expect(page.get_by_role("img", name="1 in all").first).to_be_visible()
            if scripts:
                expect(page.get_by_role("region", name="What the gateways counted")).to_contain_text("All is well")
                assert fits(page)
            else:
                page.get_by_role("link", name="What the gateways counted").click()
                expect(page.get_by_text("All is well")).to_be_visible()
                page.go_back()
            page.get_by_role("link", name="Wind scales").first.focus()
            page.keyboard.press("Enter")
            expect(page.get_by_role("heading", level=1)).to_have_text("Wind scales")
            expect(page.get_by_role("rowheader", name="wind scales")).to_be_visible()
            page.get_by_role("link", name="Last 7 days").focus()
            page.keyboard.press("Enter")
            page.wait_for_url("**?days=7")
            if scripts:
                expect(page.get_by_text("Requests since it was started")).to_be_visible()
                assert fits(page)
            assert said == []
            context.close()
