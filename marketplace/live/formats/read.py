"""Reading foreign documents without trusting one type in them. Every function takes anything and never raises."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit
from uuid import NAMESPACE_URL, uuid5

from ..view import NamedValue, WebLink

MAX_TEXT = 20_000


def text(value: Any) -> str | None:
    """Scalars as text, without blanks around; anything else, and blank, is None. Very long text is cut and says so."""
    if value is None:  # most of what is asked for is not there
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return format(value, "g") if isinstance(value, float) and value.is_integer() is False else str(value)
    if not isinstance(value, str):
        return None
    stripped = value.strip()
    if len(stripped) > MAX_TEXT:
        return f"{stripped[:MAX_TEXT]} … (cut, {len(stripped):,} characters in the document)"
    return stripped or None


def any_text(value: Any) -> str | None:
    """Like `text`, but structures become JSON."""
    if isinstance(value, (dict, list)):
        return text(json.dumps(value, ensure_ascii=False, default=str)) if value else None
    return text(value)


def texts(value: Any) -> tuple[str, ...]:
    """A list of scalars; a single one counts as a list of one; a text with commas is not taken apart."""
    if value is None:
        return ()
    entries = value if isinstance(value, list) else [value]
    return tuple(found for entry in entries if (found := text(entry)) is not None)


def flag(value: Any) -> bool | None:
    """A truth value, also where it is written as text; None when it is neither."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    return None


def whole(value: Any) -> int | None:
    """A whole number, also where it is written as text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) < 19:
        return int(value)
    return None


def mapping(value: Any) -> dict[str, Any]:
    """The dict, or an empty one."""
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> Iterator[dict[str, Any]]:
    """The dicts in a list; a single dict counts as a list of one."""
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        yield from (entry for entry in value if isinstance(entry, dict))


def web_url(value: Any, base: str | None = None) -> str | None:
    """An absolute http(s) URL, relative ones joined to `base`; None for all else (javascript:, data:, file:…)."""
    written = text(value)
    if written is None or len(written) > 2048 or any(ord(char) <= 32 for char in written):
        return None
    try:
        absolute = urljoin(base, written) if base else written
        parts = urlsplit(absolute)
        if parts.scheme in ("http", "https") and parts.hostname and not parts.username and not parts.password:
            return absolute
    except ValueError:
        pass
    return None


def named_values(value: Any) -> tuple[NamedValue, ...]:
    """`customProperties` as Bitol writes them (a list of property and value), or an older plain mapping."""
    if not value:
        return ()
    if isinstance(value, dict) and "property" not in value:
        return tuple(NamedValue(str(key), any_text(item) or "") for key, item in value.items())
    return tuple(
        NamedValue(name, any_text(entry.get("value")) or "", text(entry.get("description")))
        for entry in mappings(value)
        if (name := text(entry.get("property")))
    )


def web_links(value: Any) -> tuple[WebLink, ...]:
    """`authoritativeDefinitions` as Bitol writes them. Entries without an http(s) URL are no links and left out."""
    if not value:
        return ()
    return tuple(
        WebLink(url, text(entry.get("type")), text(entry.get("description")))
        for entry in mappings(value)
        if (url := web_url(entry.get("url")))
    )


def stable_id(*parts: Any) -> str:
    """The same id for the same texts, for what a document gives no id: a UUID of version 5."""
    return str(uuid5(NAMESPACE_URL, "\n".join(any_text(part) or "" for part in parts)))


def bbox(value: Any) -> tuple[float, float, float, float] | None:
    """West, south, east, north in degrees from 4 or 6 numbers; None where they are not a place on Earth."""
    if not isinstance(value, list) or len(value) not in (4, 6):
        return None
    numbers = [_number(entry) for entry in value]
    corners = numbers if len(numbers) == 4 else [numbers[0], numbers[1], numbers[3], numbers[4]]
    west, south, east, north = corners
    if west is None or south is None or east is None or north is None:
        return None
    if abs(west) > 360 or abs(east) > 360 or not -90 <= south <= north <= 90:
        return None
    return west, south, east, north


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if abs(value) < 1e6 else None


def interval(start: Any, end: Any) -> str | None:
    """ "start/end" as written, ".." for an open end; None where neither is said."""
    first, last = text(start), text(end)
    return f"{first or '..'}/{last or '..'}" if first or last else None


def others(document: dict[str, Any], known: Container[str]) -> tuple[NamedValue, ...]:
    """What a document says beyond the keys that are read, so that nothing is dropped silently."""
    return tuple(
        NamedValue(str(key), found)
        for key, value in document.items()
        if key not in known and (found := any_text(value)) is not None
    )


_LABELS = ("name", "username", "channel", "role", "property", "metric", "value", "type")


def rest(place: str, value: Any, known: Container[str]) -> tuple[NamedValue, ...]:
    """What the entries of a list, or one object, say beyond the keys that are read.

    Each with its place, such as "team.members[ada].id": by name and not by number, so that their order means nothing.
    """
    if not value:
        return ()
    return tuple(
        NamedValue(f"{place}{_label(entry) if isinstance(value, list) else ''}.{found.name}", found.value)
        for entry in mappings(value)
        for found in others(entry, known)
    )


def _label(entry: dict[str, Any]) -> str:
    said = next((found for key in _LABELS if (found := text(entry.get(key)))), "")
    return f"[{said[:60]}]"


def other_links(value: Any, place: str = "authoritativeDefinitions") -> tuple[NamedValue, ...]:
    """What `web_links` leaves out: definitions whose address is none of the web, as they are written."""
    if not value:
        return ()
    entries = list(mappings(value))
    refused = (any_text(entry) for entry in entries if not web_url(entry.get("url")))
    kept = [entry for entry in entries if web_url(entry.get("url"))]
    return tuple(NamedValue(place, said) for said in refused if said) + rest(
        place, kept, {"url", "type", "description"}
    )


def mail_or_web(value: Any, base: str | None = None) -> str | None:
    """A `mailto:` address (also written without the scheme) or an http(s) URL; None for all else."""
    written = text(value)
    if written is None or any(ord(char) <= 32 for char in written):
        return None
    if written.lower().startswith("mailto:"):
        return written if "@" in written else None
    if "@" in written and ":" not in written and "/" not in written:
        return f"mailto:{written}"
    return web_url(written, base)
