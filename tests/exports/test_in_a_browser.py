"""The data block in a page: read by who wants it, run by nobody, and no offence against the page's own policy."""

import json

import pytest
from playwright.sync_api import Page

from marketplace.live import services as live
from registry.models import Product

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NASTY = "</script><script>window.ran=1</script><!--<script>"


def test_the_data_block_is_data(page: Page, live_server, setup_product):
    product = setup_product(title="Rain & snow", access_mode="open")
    # The registry takes no markup; a row written past it must not be able to do more.
    Product.objects.filter(pk=product.pk).update(title=NASTY)
    live.refresh(live.target_of(product.pk))
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.add_init_script(
        "document.addEventListener('securitypolicyviolation', e => console.log('violation ' + e.violatedDirective))"
    )
    page.goto(f"{live_server.url}{product.get_absolute_url()}")
    blocks = page.locator("head script[type='application/ld+json']")
    assert blocks.count() == 1
    assert json.loads(blocks.text_content() or "")["name"] == NASTY
    assert page.evaluate("window.ran") is None
    assert [text for text in said if "violation" in text or "Content Security Policy" in text] == []


def test_the_menu_opens_with_the_keyboard_and_leads_to_the_formats(page: Page, live_server, setup_product):
    product = setup_product()
    page.goto(f"{live_server.url}{product.get_absolute_url()}")
    page.get_by_text("Take it away as").focus()
    page.keyboard.press("Enter")
    link = page.get_by_role("link", name="DCAT and DPROD, Turtle")
    assert link.is_visible()
    answer = page.request.get(f"{live_server.url}{link.get_attribute('href')}")
    assert answer.headers["content-type"].startswith("text/turtle")
