"""Our own Markdown as the parts of a page: a title, a lead, text with anchors, and code to copy. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import nh3
from django.utils.safestring import SafeString
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.token import Token

LABELS = {"sh": "Shell", "yaml": "YAML", "json": "JSON", "python": "Python", "csv": "CSV"}
TAGS = {"p", "em", "strong", "code", "ul", "ol", "li", "blockquote", "a", "h2", "h3"}
TAGS |= {"table", "thead", "tbody", "tr", "th", "td"}
_parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


@dataclass(frozen=True)
class Heading:
    """A place of the page that can be linked to."""

    id: str
    title: str
    level: int


@dataclass(frozen=True)
class Block:
    """Text as HTML, or code: under `label`, and for readers under a `name` that no other code of the page has.

    `file` is what the code is to be saved as, where its fence says so.
    """

    html: SafeString | None
    code: str = ""
    id: str = ""
    label: str = ""
    name: str = ""
    file: str = ""


@dataclass(frozen=True)
class Rendered:
    """A page. The lead is its first paragraph, as plain text."""

    title: str
    lead: str
    headings: tuple[Heading, ...]
    blocks: tuple[Block, ...]


def render(text: str, base: str, example: str, guides: str) -> Rendered:
    """The page of a guide.

    `example` is the address that the text is written with; in code `base` stands instead, and a link to it leads to the
    path here. A link to a file beside it (`publish.md#links`) leads below the path `guides`. Raises ValueError where
    the text does not begin with a title and a paragraph.
    """
    tokens = _parser.parse(text)
    if [token.type for token in tokens[:6:3]] != ["heading_open", "paragraph_open"] or tokens[0].tag != "h1":
        raise ValueError("A guide begins with its title and one paragraph.")
    title, lead, rest = _plain(tokens[1]), _plain(tokens[4]), tokens[6:]
    headings = tuple(_anchored(rest))
    for link in _links(rest):
        link.attrSet("href", _address(str(link.attrGet("href")), example, guides))
    return Rendered(title, lead, headings, tuple(_blocks(rest, base, example)))


def _plain(inline: Token) -> str:
    return "".join(child.content if child.type != "softbreak" else " " for child in inline.children or ())


def _anchored(tokens: list[Token]) -> Iterator[Heading]:
    """The headings, each of which gets an id of its own."""
    seen: dict[str, int] = {}
    for token, inline in pairwise(tokens):
        if token.type == "heading_open":
            title = _plain(inline)
            slug = slugify(title) or "section"
            seen[slug] = seen.get(slug, 0) + 1
            anchor = slug if seen[slug] == 1 else f"{slug}-{seen[slug]}"
            token.attrSet("id", anchor)
            yield Heading(anchor, title, int(token.tag[1]))


def _links(tokens: Iterable[Token]) -> Iterator[Token]:
    for token in tokens:
        for child in token.children or ():
            if child.type == "link_open":
                yield child


def _address(url: str, example: str, guides: str) -> str:
    name, mark, anchor = url.partition("#")
    if name.endswith(".md") and "/" not in name:
        return f"{guides}{name.removesuffix('.md')}/{mark}{anchor}"
    return url.removeprefix(example) or "/" if url.startswith(example) else url


def _blocks(tokens: list[Token], base: str, example: str) -> Iterator[Block]:
    text: list[Token] = []
    number = 0
    for token in tokens:
        if token.type != "fence" or token.level:
            text.append(token)
            continue
        if text:
            yield Block(_html(text))
        number += 1
        language, _, file = token.info.strip().partition(" ")
        code = token.content.rstrip("\n").replace(example, base)
        label = file or LABELS.get(language, "Text")
        yield Block(None, code, f"code-{number}", label, f"{label}, part {number}", file)
        text = []
    if text:
        yield Block(_html(text))


def _html(tokens: list[Token]) -> SafeString:
    """The parser escapes HTML and nh3 lets nothing else through: two locks, though the text is our own."""
    options: Any = _parser.options
    html = _parser.renderer.render(tokens, options, {})
    attributes = {"a": {"href"}, "h2": {"id"}, "h3": {"id"}}
    clean = nh3.clean(html, tags=TAGS, attributes=attributes, url_schemes={"http", "https"}, link_rel="noopener")
    return SafeString(clean)  # nh3 made it safe
