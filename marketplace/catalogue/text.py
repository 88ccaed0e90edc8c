"""Foreign text made fit to show: Markdown to sanitised HTML, and web addresses told from everything else."""

import string
from datetime import UTC, datetime, time
from functools import lru_cache

import nh3
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt

MARKDOWN_LIMIT = 20_000  # characters; a description beyond this is cut
KEPT = 4_000  # texts that a process keeps as HTML …
SHORT = 1_000  # … each of at most so many characters
TAGS = {"p", "br", "em", "strong", "code", "pre", "ul", "ol", "li", "blockquote", "a", "hr"}
TAGS |= {"h2", "h3", "h4", "h5", "h6"}
TAGS |= {"table", "thead", "tbody", "tr", "th", "td"}
# What may be wider than the page scrolls by itself, with the keyboard too.
_WIDE = {
    "<table>": '<div class="prose__wide" tabindex="0" role="group" aria-label="Table"><table>',
    "</table>": "</table></div>",
    "<pre>": '<pre tabindex="0" role="group" aria-label="Code">',
}
_parser = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table").disable("image")


def markdown(text: str | None, lower: int = 3) -> SafeString:
    """Markdown as HTML that holds nothing but text structure and links out (http, https, mailto).

    The parser escapes HTML in the source, and nh3 then lets through only the tags above: two locks, so that a mistake
    in one of them opens nothing. Headings are lowered by `lower` levels, to fit below the page's own.
    """
    if not text:
        return SafeString("")
    text = cut(text, MARKDOWN_LIMIT)
    return _short(text, lower) if len(text) <= SHORT else _rendered(text, lower)


def cut(text: str, limit: int) -> str:
    """The beginning of a text, with a mark where it is not the whole."""
    return text if len(text) <= limit else text[:limit] + " …"


def _rendered(text: str, lower: int) -> SafeString:
    tokens = _parser.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + lower)}"
    html = _parser.renderer.render(tokens, _parser.options, {})
    clean = nh3.clean(
        html,
        tags=TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener",
    )
    for found, wider in _WIDE.items():  # nh3 let no attribute through, and text holds no bare angle bracket
        clean = clean.replace(found, wider)
    return SafeString(clean)


@lru_cache(maxsize=KEPT)
def _short(text: str, lower: int) -> SafeString:
    """What a column means is read again by everybody who looks at its table."""
    return _rendered(text, lower)


_MARKUP = dict.fromkeys(map(ord, string.punctuation + "\t\n\r\f\v"))


def markup_count(text: str) -> int:
    """How many characters of the text mean something to Markdown, or may: ASCII punctuation and line ends."""
    return len(text) - len(text.translate(_MARKUP))


def web_address(url: str | None) -> str:
    """The address where it may become a link (http, https, mailto), else an empty string."""
    url = (url or "").strip()
    if any(ord(char) <= 32 for char in url):
        return ""
    return url if url.lower().startswith(("http://", "https://", "mailto:")) else ""


def moment(text: str | None) -> str:
    """A date or time of a document for reading, like "1 Mar 2024" or "21 Nov 2026, 04:11 UTC"; other text as it is."""
    text = text or ""
    try:
        when = datetime.fromisoformat(text)
        when = when.astimezone(UTC) if when.tzinfo else when
    except (ValueError, OverflowError):  # the first and the last day there is have no other time zone
        return text
    if len(text) < len("2024-03-01"):
        return text  # "20240301" is a date to Python, but as likely a number
    day = f"{when.day} {when:%b %Y}"
    if when.time() == time(0):
        return day
    return f"{day}, {when:%H:%M}{' UTC' if when.tzinfo else ''}"
