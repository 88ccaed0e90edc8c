"""schema.org things as pages and files write them: names without prefix or address, references followed.

schema.org asks its readers to be lenient, and many of its documents are not exact JSON-LD, so nothing is expanded here;
contexts only tell which prefixes mean schema.org or Croissant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .read import text

MAX_DEPTH = 70
_ADDRESS = re.compile(r"https?://(?:www\.)?(?:schema\.org|mlcommons\.org/croissant)(?:/|$)", re.IGNORECASE)
_PREFIXES = ("schema", "sc", "sdo", "cr")
LABELS = ("name", "legalName", "headline", "alternateName", "title", "termCode", "givenName")

Thing = dict[str, Any]


class Things:
    """The things of a document. `top` are those not inside another."""

    def __init__(self, document: Any) -> None:
        self._prefixes = tuple(f"{prefix}:" for prefix in {*_PREFIXES, *_declared(document, 0)})
        self._by_id: dict[str, Thing] = {}
        self.top: list[Thing] = []
        for entry in document if isinstance(document, list) else [document]:
            self._add(entry)

    def _add(self, entry: Any) -> None:
        if not isinstance(entry, dict):
            return
        listed = entry.get("@graph")
        rest = {key: value for key, value in entry.items() if key not in ("@graph", "@context")}
        for item in [*(listed if isinstance(listed, list) else [listed]), rest]:
            plain = self._plain(item, 0) if isinstance(item, dict) and item else None
            if isinstance(plain, dict):
                self.top.append(plain)

    def name(self, written: str) -> str:
        """ "name" for "schema:name" and "https://schema.org/name"; other names as they are."""
        if found := _ADDRESS.match(written):
            return written[found.end() :].rpartition("/")[2] or written
        for prefix in self._prefixes:
            if written.startswith(prefix) and len(written) > len(prefix):
                return written[len(prefix) :]
        return written

    def _plain(self, value: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            return None
        if isinstance(value, list):
            items = sorted(value, key=_by_language) if any(_language(item) for item in value) else value
            return [self._plain(item, depth + 1) for item in items]
        if not isinstance(value, dict):
            return value
        for key in ("@value", "@list", "@set"):
            if key in value:
                return self._plain(value[key], depth + 1)
        thing: Thing = {}
        for key, item in value.items():
            if key != "@context":
                thing.setdefault(self.name(key), self._plain(item, depth + 1))
        if len(thing) > 1 and isinstance(identifier := thing.get("@id"), str):
            # A new dict each time: what is said in several places is put together without making circles.
            self._by_id[identifier] = {**thing, **self._by_id.get(identifier, {})}
        return thing

    def types(self, thing: Thing) -> tuple[str, ...]:
        said = thing.get("@type", thing.get("type"))
        return tuple(self.name(kind) for kind in _list(said) if isinstance(kind, str))

    def values(self, thing: Thing, *names: str) -> Iterator[Any]:
        """Everything these properties say, lists taken apart, references followed; never None."""
        for name in names:
            for value in _list(thing.get(name)):
                for item in value if isinstance(value, list) else [value]:
                    if isinstance(item, dict):
                        yield self._by_id.get(item["@id"], item) if isinstance(item.get("@id"), str) else item
                    elif item is not None:
                        yield item

    def things(self, thing: Thing, *names: str) -> list[Thing]:
        """The things these properties lead to; a text that is the id of one leads there too."""
        found = []
        for value in self.values(thing, *names):
            value = self._by_id.get(value, value) if isinstance(value, str) else value
            if isinstance(value, dict):
                found.append(value)
        return found

    def text(self, thing: Thing, *names: str) -> str | None:
        """The first text, or name of a thing, of these properties."""
        return next(iter(self.texts(thing, *names)), None)

    def texts(self, thing: Thing, *names: str) -> tuple[str, ...]:
        found = (self.label(value) if isinstance(value, dict) else text(value) for value in self.values(thing, *names))
        return tuple(dict.fromkeys(said for said in found if said))

    def label(self, thing: Thing) -> str | None:
        """What a thing is called, else its value or address."""
        for key in (*LABELS, "en", "value", "@value", "url", "@id"):
            for said in _list(thing.get(key)):
                if (found := text(said)) and not found.startswith("_:"):
                    return found
        return None

    def addresses(self, thing: Thing, *names: str) -> Iterator[str]:
        """Addresses: texts as they are, of things the address of their page, else their id."""
        for value in self.values(thing, *names):
            said = value
            if isinstance(value, dict):
                parts = [item for key in ("url", "contentUrl", "@id") for item in _list(value.get(key)) if item]
                said = parts[0] if parts else None
            if isinstance(said, dict):
                said = said.get("@id")
            if found := text(said):
                yield found


def speaks_schema_org(value: Any, depth: int = 0) -> bool:
    """Whether a context or a type, at the top or in the graph, names schema.org or Croissant."""
    if depth > 3:
        return False
    if isinstance(value, list):
        return any(speaks_schema_org(item, depth + 1) for item in value[:100])
    if not isinstance(value, dict):
        return False
    if _names_us(value.get("@context")) or any(_names_us(kind) for kind in _list(value.get("@type"))):
        return True
    return speaks_schema_org(value.get("@graph"), depth + 1)


def _names_us(value: Any) -> bool:
    if isinstance(value, str):
        return bool(_ADDRESS.match(value)) or value.startswith(tuple(f"{prefix}:" for prefix in _PREFIXES))
    if isinstance(value, list):
        return any(_names_us(item) for item in value[:50])
    if isinstance(value, dict):
        return any(isinstance(item, str) and _ADDRESS.match(item) for item in list(value.values())[:200])
    return False


def _declared(value: Any, depth: int) -> Iterator[str]:
    """Prefixes that the contexts of a document give to schema.org or Croissant."""
    if isinstance(value, list):
        for item in value[:100] if depth < 4 else ():
            yield from _declared(item, depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "@context" or (key == "@graph" and depth < 4):
                yield from _declared(item, depth + 1)
            elif depth and isinstance(item, str) and not key.startswith("@") and _ADDRESS.fullmatch(item):
                yield key


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _language(value: Any) -> str:
    said = value.get("@language") if isinstance(value, dict) else None
    return said.lower() if isinstance(said, str) else ""


def _by_language(value: Any) -> int:
    language = _language(value)
    return 0 if language.partition("-")[0] == "en" else 1 if not language else 2
