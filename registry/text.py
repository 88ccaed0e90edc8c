"""Texts as the registry keeps them. Pure: no Django settings, no database."""

import re

from django.utils.html import strip_tags
from django.utils.text import slugify

# Control characters, and those that reverse or hide what is shown (Unicode bidirectional controls, byte order mark).
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
PARAGRAPH = re.compile(r"\n\s*\n")


def plain_text(text: str) -> str:
    """Text without markup, control characters and stray white space; paragraphs (blank lines) are kept."""
    text = strip_tags(text).replace("\r\n", "\n").replace("\r", "\n")
    text = CONTROL.sub("", text)
    paragraphs = [" ".join(part.split()) for part in PARAGRAPH.split(text)]
    return "\n\n".join(part for part in paragraphs if part)


def cut(text: str, limit: int) -> str:
    """The sentences that fit; where not even one does, the words that fit and an ellipsis."""
    if len(text) <= limit:
        return text
    head = text[:limit]
    end = max(head.rfind(mark) for mark in (". ", "! ", "? ", ".\n", "\n\n"))
    return head[: end + 1].rstrip() if end > 0 else head[: limit - 1].rsplit(" ", 1)[0].rstrip() + "…"


def name_from(text: str, limit: int = 63) -> str:
    """The name in an address that a title gives: small letters, digits, single hyphens; empty where nothing is left."""
    return re.sub(r"[-_]+", "-", slugify(text)).strip("-")[:limit].rstrip("-")
