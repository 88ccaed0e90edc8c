"""Text of other people's documents: structure passes, everything that could act does not."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.catalogue.documents import short_address
from marketplace.catalogue.live_parts import age
from marketplace.catalogue.text import TAGS, markdown, moment, web_address


def elements(html: str) -> list[tuple[str, dict[str, str]]]:
    """The tags that a browser would see, with their attributes."""
    found: list[tuple[str, dict[str, str]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, {name: value or "" for name, value in attrs}))

    Reader().feed(html)
    return found


def test_markdown_keeps_structure() -> None:
    html = markdown("# Title\n\nSome **bold** and `code`.\n\n- one\n- two\n\n[docs](https://docs.example/a)")
    assert "<h4>Title</h4>" in html
    assert "<strong>bold</strong>" in html
    assert "<li>one</li>" in html
    assert '<a href="https://docs.example/a" rel="nofollow noopener">docs</a>' in html


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "[x](&#106;avascript:alert(1))",
        "![x](https://evil.example/pixel.png)",
        "<a href='javascript:alert(1)'>x</a>",
        "<svg/onload=alert(1)>",
        "<javascript:alert(1)>",
        '<https://evil.example/" onclick="alert(1)>',
    ],
)
def test_markdown_lets_nothing_act(hostile: str) -> None:
    for tag, attributes in elements(markdown(hostile)):
        assert tag in TAGS
        assert set(attributes) <= {"href", "rel"}
        assert attributes.get("href", "https://").startswith(("https://", "http://", "mailto:"))


@given(st.text(max_size=300))
def test_markdown_never_fails_and_never_scripts(text: str) -> None:
    assert {tag for tag, _ in elements(markdown(text))} <= TAGS


@given(st.one_of(st.none(), st.text(max_size=60)))
def test_a_moment_never_fails(text: str | None) -> None:
    assert isinstance(moment(text), str)


def test_moments_are_read_as_dates_and_other_text_stays() -> None:
    assert moment("2024-03-01") == "1 Mar 2024"
    assert moment("2024-03-01T00:00:00Z") == "1 Mar 2024"
    assert moment("2026-11-21T04:11:46.320161Z") == "21 Nov 2026, 04:11 UTC"
    assert moment("2026-11-21T06:11:46+02:00") == "21 Nov 2026, 04:11 UTC"
    assert moment("20240301") == "20240301"
    assert moment("99.5") == "99.5"
    assert moment(None) == ""


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59.999999-14:00", "0001-01-01T00:00:00+14:00"])
def test_a_moment_at_the_end_of_the_calendar_stays_as_it_is_written(text: str) -> None:
    assert moment(text) == text


def test_only_web_addresses_become_links() -> None:
    assert web_address("https://example.org/a") == "https://example.org/a"
    assert web_address("mailto:a@example.org") == "mailto:a@example.org"
    for other in ("javascript:alert(1)", " java\nscript:x", "slack://channel", "/local", "https://a b", None, ""):
        assert web_address(other) == ""


def test_addresses_are_shortened_to_what_tells_them_apart() -> None:
    assert short_address("https://www.etalab.gouv.fr/licence/") == "etalab.gouv.fr/licence"


def test_ages_are_said_in_words() -> None:
    ages = {0: "now", 40: "40 s ago", 600: "10 min ago", 3 * 3600: "3 h ago"}
    assert {seconds: age(seconds) for seconds in ages} == ages
    assert age(None) == ""
