"""Columns from a JSON Schema, with references inside the same document only: others are named and never fetched."""

from __future__ import annotations

from itertools import islice
from typing import Any

from ..view import Column, NamedValue
from .read import any_text, flag, mapping, mappings, others, text, texts

MAX_DEPTH = 8
MAX_COLUMNS = 2000
MAX_REFERENCES = 20
MAX_KEYS = 200
MAX_WORK = 200_000

_KNOWN = {
    *("type", "format", "title", "description", "properties", "items", "required", "enum", "examples", "example"),
    *("deprecated", "$ref", "allOf", "oneOf", "anyOf", "const", "nullable"),
}


def resolved(value: Any, root: Any) -> dict[str, Any]:
    """The mapping that a local `$ref` (`#/a/b`) leads to, keys beside it winning. One that leads out is left out."""
    found = mapping(value)
    for _ in range(MAX_REFERENCES):
        reference = found.get("$ref")
        if not isinstance(reference, str):
            return found
        rest = {key: item for key, item in found.items() if key != "$ref"}
        target = at(root, reference)
        if target is None:
            return rest
        found = {**dict(islice(target.items(), MAX_KEYS)), **rest}
    return {}


def at(root: Any, reference: str) -> dict[str, Any] | None:
    """What a JSON pointer fragment names, where it is a mapping of this document."""
    if not reference.startswith("#/"):
        return None
    place = root
    for step in reference[2:].split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(place, dict) and key in place:
            place = place[key]
        elif isinstance(place, list) and key.isascii() and key.isdigit() and len(key) < 6 and int(key) < len(place):
            place = place[int(key)]
        else:
            return None
    return place if isinstance(place, dict) else None


def columns(schema: Any, root: Any, most: int = MAX_COLUMNS) -> tuple[Column, ...]:
    """At most `most` columns of an object, or of an array of objects; nested ones after their parent. Never raises."""
    walk = _Walk(root, most)
    top = walk.merged(schema)
    if top.get("type") == "array" or ("items" in top and "properties" not in top):
        top = walk.merged(top.get("items"))
    walk.add(top, "", 0)
    return tuple(walk.found)


class _Walk:
    """One walk through a schema, which ends when it has done too much, for references can make small into huge."""

    def __init__(self, root: Any, most: int) -> None:
        self.root = root
        self.most = most
        self.found: list[Column] = []
        self.work = 0

    def merged(self, value: Any) -> dict[str, Any]:
        """References followed, `allOf` laid together."""
        found = resolved(value, self.root)
        parts = found.get("allOf")
        if not isinstance(parts, list):
            return found
        properties: dict[str, Any] = {}
        required: list[str] = []
        merged: dict[str, Any] = {}
        for part in [*(resolved(entry, self.root) for entry in parts[:MAX_REFERENCES]), found]:
            own = mapping(part.get("properties"))
            self.work += len(own)
            if self.work > MAX_WORK:
                break
            properties.update(own)
            required.extend(texts(part.get("required")))
            merged.update({key: item for key, item in part.items() if key != "allOf"})
        return {**merged, "properties": properties, "required": required}

    def add(self, schema: dict[str, Any], prefix: str, depth: int) -> None:
        listed = schema.get("required")
        required = set(texts(listed)) if isinstance(listed, list) else None
        for key, value in mapping(schema.get("properties")).items():
            if len(self.found) >= self.most or self.work > MAX_WORK:
                return
            entry = self.merged(value)
            name = str(key)
            path = f"{prefix}{name}"
            self.found.append(_column(entry, value, name, path, depth, None if required is None else name in required))
            if depth >= MAX_DEPTH:
                continue
            self.add(entry, f"{path}.", depth + 1)
            if "items" in entry:
                self.add(self.merged(entry.get("items")), f"{path}[].", depth + 1)


def _column(entry: dict[str, Any], written: Any, name: str, path: str, depth: int, required: bool | None) -> Column:
    reference = text(mapping(written).get("$ref"))
    kind = ", ".join(said for said in texts(entry.get("type")) if said != "null")
    choices = entry.get("enum") if isinstance(entry.get("enum"), list) else []
    examples = entry.get("examples") if isinstance(entry.get("examples"), list) else [entry.get("example")]
    return Column(
        name=name,
        path=path,
        depth=depth,
        business_name=text(entry.get("title")),
        logical_type=kind or _choice(entry),
        description=text(entry.get("description")),
        required=required,
        deprecated=flag(entry.get("deprecated")) or False,
        format=text(entry.get("format")),
        options=others(entry, _KNOWN),
        examples=tuple(said for item in (examples or []) if (said := any_text(item)) is not None),
        enum=tuple(NamedValue(said, said) for item in (choices or []) if (said := any_text(item)) is not None),
        references=(reference,) if reference and not reference.startswith("#") else (),
    )


def _choice(entry: dict[str, Any]) -> str | None:
    """Such as "string or number" where the schema is a choice."""
    for key in ("oneOf", "anyOf"):
        kinds = dict.fromkeys(said for part in mappings(entry.get(key)) for said in texts(part.get("type")))
        if kinds:
            return " or ".join(kinds)
    return "object" if "properties" in entry else None
