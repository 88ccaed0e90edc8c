"""The JSON-LD that a web page carries in its `<script type="application/ld+json">` elements; nothing else of it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

MAX_SCRIPTS = 500

_SCRIPT = re.compile(r"<script\b[^<>]{0,2000}>", re.IGNORECASE)
_SCRIPT_END = re.compile(r"</script", re.IGNORECASE)


class _StartTag(HTMLParser):
    """Reads the attributes of one start tag."""

    media_type = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.media_type = (dict(attrs).get("type") or "").partition(";")[0].strip().lower()


def embedded(text: str) -> tuple[list[Any], int]:
    """The JSON-LD values of a page, in its order, and how many scripts of that kind could not be read.

    Takes the page apart by its script elements alone, so that the cost grows with its length and no faster.
    """
    found: list[Any] = []
    broken = 0
    position = 0
    for _ in range(MAX_SCRIPTS):
        start = _SCRIPT.search(text, position)
        if start is None:
            break
        end = _SCRIPT_END.search(text, start.end())
        position = end.start() if end else len(text)
        commented = text.rfind("<!--", 0, start.start()) > text.rfind("-->", 0, start.start())
        tag = _StartTag()
        tag.feed(start.group())
        if tag.media_type != "application/ld+json" or commented:
            continue
        content = text[start.end() : position].strip().removeprefix("<!--").removesuffix("-->").strip()
        try:
            # Line breaks within texts are not JSON, but common in pages.
            found.append(json.loads(content, strict=False, parse_constant=str))
        except (ValueError, RecursionError):
            broken += 1
    return found, broken
