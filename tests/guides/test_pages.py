"""The guides as pages: what they link to is there, what they name exists, and nothing in them is anything but text."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import typer
from django.urls import resolve

from client.__main__ import cli as mesh
from gateway.__main__ import cli as gateway
from marketplace.guides import shelf
from marketplace.guides.rendering import render

REPOSITORY = Path(__file__).resolve().parents[2]
PATHS = ["/guides/", *(f"/guides/{slug}/" for slug in shelf.ORDER)]
BESIDE = "http://127.0.0.1:8000", "http://127.0.0.1:8000", "/guides/"


class Links(HTMLParser):
    """`hrefs` and `ids` of a page, and the names of its regions."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.hrefs: list[str] = []
        self.ids: list[str] = []
        self.regions: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        if tag == "a" and named.get("href"):
            self.hrefs.append(named["href"])
        if named.get("role") == "region":
            self.regions.append(named["aria-label"])
        if named.get("id"):
            self.ids.append(named["id"])


def text_of(slug):
    return (REPOSITORY / "docs" / "guides" / f"{slug}.md").read_text("utf-8")


def test_every_file_is_a_guide_and_stands_in_order():
    assert {path.stem for path in (REPOSITORY / "docs" / "guides").glob("*.md")} == set(shelf.ORDER)


@pytest.mark.parametrize("path", PATHS)
def test_every_link_and_anchor_leads_somewhere(client, db, path):
    page = Links(client.get(path).content.decode())
    assert len(page.ids) == len(set(page.ids))
    assert len(page.regions) == len(set(page.regions))
    for href in dict.fromkeys(page.hrefs):
        target, _, anchor = href.partition("#")
        assert not target or target.startswith("/"), href
        answer = client.get(target or path, follow=True)
        assert answer.status_code == 200, href
        if anchor:
            assert anchor in Links(answer.content.decode()).ids, href


def test_the_list_leads_to_each_and_each_to_the_next(client, db):
    listed = Links(client.get("/guides/").content.decode()).hrefs
    assert [href for href in listed if href in PATHS[1:]] == PATHS[1:]
    for number, path in enumerate(PATHS[1:], 1):
        answer = client.get(path).content.decode()
        assert re.findall(r'rel="prev" href="([^"]+)"', answer) == PATHS[1:][max(0, number - 2) : number - 1]
        assert re.findall(r'rel="next" href="([^"]+)"', answer) == PATHS[number + 1 : number + 2]


def test_reading_asks_nothing_of_the_database(client, db, django_assert_num_queries):
    for path in PATHS:
        with django_assert_num_queries(0):
            assert client.get(path).status_code == 200


def test_guides_are_in_the_header_the_footer_and_empty_places(client, db):
    assert client.get("/").content.decode().count('href="/guides/"') >= 3  # the bar, the menu of a phone, the footer
    assert 'href="/guides/publish/"' in client.get("/browse/").content.decode()
    assert 'href="/guides/find-data/"' in client.get("/search/?q=nothing+here").content.decode()


def test_a_guide_there_is_none_of_is_not_found(client, db):
    for path in ("/guides/nowhere/", "/guides/../settings/", "/guides/architecture/"):
        assert client.get(path).status_code == 404


def test_commands_carry_the_address_of_this_marketplace(client, db, settings):
    settings.PUBLIC_URL = "https://marketplace.example"
    page = client.get("/guides/automate/").content.decode()
    assert "export MESH_URL=https://marketplace.example" in page
    assert "127.0.0.1:8000" not in page


@pytest.mark.parametrize("slug", shelf.ORDER)
def test_every_path_of_the_api_exists(slug):
    paths = re.findall(r"(?<![\w/])(?:http://127\.0\.0\.1:8000)?(/api/v1/[^\s'\"`)?]*)", text_of(slug))
    for path in paths:
        assert resolve(path).func.__name__ != "not_found", path


@pytest.mark.parametrize("slug", shelf.ORDER)
def test_every_setting_and_variable_is_documented(slug):
    documents = [*(REPOSITORY / "docs").glob("*.md"), *(REPOSITORY / "gateway" / "commands").glob("*.py")]
    known = "".join(path.read_text("utf-8") for path in documents)
    for name in re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", text_of(slug)):
        assert name in known, name


@pytest.mark.parametrize("slug", shelf.ORDER)
def test_every_command_that_is_named_exists(slug):
    commands = {"mesh": typer.main.get_command(mesh).commands, "gateway": typer.main.get_command(gateway).commands}
    for program, command in re.findall(r"`(mesh|gateway) (\w+)", text_of(slug)):
        assert command in commands[program], command


@pytest.mark.parametrize("slug", shelf.ORDER)
def test_what_is_to_be_pressed_is_on_a_page(slug):
    pages = "".join(
        path.read_text("utf-8")
        for kind in ("templates/**/*.html", "marketplace/**/*.py")
        for path in REPOSITORY.glob(kind)
    )
    for words in re.findall(r"\*\*([^*]+)\*\*", text_of(slug)):
        words = " ".join(words.split())
        assert words in pages or words.capitalize() in pages, words


@pytest.mark.parametrize(
    ("hostile", "kept"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;"),
        ("[x](javascript:alert(1))", "javascript:alert(1)"),
        ("[x](data:text/html,<script>)", "data:text/html"),
        ("![x](https://elsewhere.example/pixel)", "pixel"),
        ("<img src=x onerror=alert(1)>", "&lt;img"),
    ],
)
def test_markup_in_a_guide_stays_text(hostile, kept):
    page = render(f"# Title\n\nLead.\n\n## {hostile}\n\n{hostile}\n", *BESIDE)
    html = "".join(str(block.html) for block in page.blocks)
    assert kept in html
    assert not re.search(r"<script|<img|href=\"(javascript|data)", html)


def test_headings_of_one_name_have_anchors_of_their_own():
    page = render("# T\n\nLead *here*,\nin two lines.\n\n## Use it\n\nText.\n\n## Use it\n\n## 用\n", *BESIDE)
    assert page.lead == "Lead here, in two lines."
    assert [heading.id for heading in page.headings] == ["use-it", "use-it-2", "section"]


@pytest.mark.parametrize("text", ["", "Lead first.\n", "# Title\n\n## No lead\n", "## Too low\n\nLead.\n"])
def test_a_guide_without_title_and_lead_is_refused(text):
    with pytest.raises(ValueError, match="title"):
        render(text, *BESIDE)


@pytest.mark.browser
def test_guides_read_well_on_a_phone_and_their_commands_are_copied(live_server, page, context):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.set_viewport_size({"width": 360, "height": 780})
    for path in PATHS:
        page.goto(f"{live_server.url}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") == 360, path
    page.get_by_role("button", name="Copy Shell, part 1").click()
    page.get_by_text("Copied").first.wait_for()
    assert "export MESH_URL" in page.evaluate("navigator.clipboard.readText()")
