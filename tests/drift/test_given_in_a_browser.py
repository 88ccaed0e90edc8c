"""Two contracts compared by keyboard on a phone, and a token for a team: what came is there without loading again."""

import json

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from marketplace.accounts.models import ApiToken

from .contracts import rain

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def test_on_a_phone_with_the_keyboard(page: Page, live_server, celery_worker, producer, team):
    client = Client()
    client.force_login(producer)
    value = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": value, "url": live_server.url}])
    page.set_viewport_size({"width": 360, "height": 800})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    newer = rain()
    newer["version"] = "1.5.0"
    newer["schema"][0]["properties"][0]["name"] = "a_name_that_is_too_long_for_any_telephone_to_show_in_one_line" * 2
    page.goto(f"{live_server.url}/contract-changes/")
    before = page.get_by_role("group", name="Before")
    before.get_by_label("or its text").fill(json.dumps(rain()))
    page.get_by_role("button", name="Compare").press("Enter")
    expect(page.get_by_text("Give one of the three")).to_be_visible()
    expect(before.get_by_label("or its text")).to_have_value(json.dumps(rain()))
    page.get_by_role("group", name="After").get_by_label("or its text").fill(json.dumps(newer))
    page.get_by_role("button", name="Compare").press("Enter")
    expect(page.get_by_text("own step is too small")).to_be_visible(timeout=20_000)
    assert fits(page)

    page.goto(f"{live_server.url}/accounts/tokens/")
    page.get_by_label("Name").fill("pipeline")
    page.get_by_label("Acts for").select_option(label=team.name)
    page.get_by_role("button", name="Make a token").press("Enter")
    expect(page.get_by_text("Everybody in the team sees that it is there")).to_be_visible()
    assert fits(page)
    page.get_by_role("button", name="Revoke pipeline").press("Enter")
    expect(page.get_by_text("The token pipeline is revoked")).to_be_visible()
    assert not ApiToken.objects.exists()
    assert [line for line in said if "422" not in line] == []
