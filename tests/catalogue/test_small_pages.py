"""What every site has: robots, an icon, the style guide, and pages for what goes wrong."""

from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client, RequestFactory
from django.views.defaults import server_error


def test_robots_keep_out_of_what_is_costly_or_private(client: Client) -> None:
    body = client.get("/robots.txt").content.decode()
    assert "Disallow: /publish/" in body
    assert "Disallow: /products/*/live/" in body


def test_browsers_that_ask_for_an_icon_get_one(client: Client) -> None:
    answer = client.get("/favicon.ico")
    assert answer.status_code == 302
    assert answer.headers["Location"].endswith(".svg")


def test_the_style_guide_renders(client: Client) -> None:
    assert client.get("/styleguide/").status_code == 200


def test_an_unknown_address_gets_a_page_with_a_way_on(client: Client, db: None) -> None:
    answer = client.get("/no/such/page/")
    assert answer.status_code == 404
    assert "/browse/" in answer.content.decode()


def test_the_page_for_our_own_faults_needs_nothing(rf: RequestFactory) -> None:
    answer = server_error(rf.get("/"))
    assert answer.status_code == 500
    assert "Something went wrong" in answer.content.decode()


@pytest.mark.parametrize("path", ["/", "/browse/", "/search/", "/domains/", "/robots.txt", "/live-tiles/"])
def test_pages_are_read_only(client: Client, db: None, path: str) -> None:
    assert client.post(path).status_code == 405
    assert client.head(path).status_code == 200


def test_the_schema_of_the_api_is_whole(tmp_path: Path) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))


def test_the_rules_of_a_password_stand_below_its_field(client: Client) -> None:
    page = client.get("/accounts/signup/").content.decode()
    assert page.index('id="id_password1"') < page.index('id="id_password1_helptext"')
    assert '<div class="field__help" id="id_password1_helptext"><ul>' in page


def test_the_sign_in_form_says_what_it_takes(client: Client) -> None:
    assert ">Username or e-mail</label>" in client.get("/accounts/login/").content.decode()
