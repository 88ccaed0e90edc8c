"""Following and saving with the keyboard alone, on a phone: what is pressed says what it did and keeps the focus."""

from collections.abc import Callable

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from marketplace.accounts.models import User
from marketplace.notices import delivery, queries
from registry import events
from registry import services as registry
from registry.models import Product

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def signed_in(page: Page, live_server, consumer: User) -> Page:
    client = Client()
    client.force_login(consumer)
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    page.set_viewport_size({"width": 360, "height": 740})
    return page


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def test_following_saving_and_reading_with_the_keyboard(
    signed_in: Page, live_server, setup_product: Callable[..., Product], producer: User, consumer: User
) -> None:
    page, product = signed_in, setup_product(title="Daily rain " + "of-long-names" * 6)
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.goto(live_server.url + product.get_absolute_url())
    page.get_by_role("button", name="Follow").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Following")).to_be_focused()
    expect(page.locator("#announcer")).to_have_text(f"You follow {product.title} now.")
    assert fits(page)

    page.goto(f"{live_server.url}/search/?q=daily+rain")
    page.locator("summary", has_text="Save this search").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Name").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Saved as daily rain.").wait_for()
    assert fits(page)

    registry.pause(producer, product)
    events.deliver(delivery.SUBSCRIBER)
    page.goto(f"{live_server.url}/dashboard/")
    page.get_by_role("link", name="Inbox: 1 unread").focus()
    assert fits(page)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Mark all as read").focus()
    assert fits(page)
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Inbox", exact=True).wait_for()
    assert queries.unread_count(consumer) == 0
    for path in ("/follows/", "/saved-searches/"):
        page.goto(live_server.url + path)
        assert fits(page), path
    assert faults == []

    page.goto(live_server.url + product.get_absolute_url())
    page.context.clear_cookies(name="csrftoken")  # as where cookies were removed while the page stood open
    page.get_by_role("button", name="Following").click()
    expect(page.locator("[data-toasts]")).to_contain_text("That did not work. Reload the page and try again.")
    assert queries.follow_of(consumer, product) is not None
