"""What Croissant adds to a schema.org Dataset: record sets, which say the columns of the files.

Source: https://docs.mlcommons.org/croissant/docs/croissant-spec.html (1.0 and 1.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from ..view import ArtifactView, Column, NamedValue, SchemaView, Term
from .catalogue import artifact_id
from .read import any_text, flag, text
from .things import Thing, Things

MAX_FIELD_DEPTH = 8
MAX_EXAMPLES = 3
MAX_COLUMNS = 10_000  # fields may lead to each other; a tree of them can be made endless

_VERSION = re.compile(r"mlcommons\.org/croissant/(\d[\d.]*)")


def version(things: Things, dataset: Thing) -> str | None:
    """ "1.0" where the dataset says that it conforms to Croissant 1.0."""
    for said in things.addresses(dataset, "conformsTo", "dct:conformsTo", "http://purl.org/dc/terms/conformsTo"):
        if found := _VERSION.search(said):
            return found[1]
    return None


def record_sets(things: Things, dataset: Thing, product: str | None, license_: Term | None) -> Iterator[ArtifactView]:
    """Each record set as an artifact with its columns."""
    for index, entry in enumerate(things.things(dataset, "recordSet")):
        identifier = text(entry.get("@id"))
        name = things.text(entry, "name") or identifier or f"record set {index + 1}"
        description = things.text(entry, "description")
        columns = tuple(islice(_columns(things, entry, identifier or name), MAX_COLUMNS))
        yield ArtifactView(
            id=artifact_id(product, f"record set {identifier or index}", index),
            name=name,
            title=name,
            kind="record set",
            summary=description,
            license=license_,
            schemas=(SchemaView(name, description=description, columns=columns),),
        )


def _columns(things: Things, record_set: Thing, identifier: str) -> Iterator[Column]:
    keys = {text(key.get("@id")) for key in things.things(record_set, "key")}
    keys |= {value for value in things.values(record_set, "key") if isinstance(value, str)}
    rows = [row for row in things.values(record_set, "data") if isinstance(row, dict)]
    for entry in things.things(record_set, "field"):
        yield from _column(things, entry, identifier, keys, rows, "", 0)


def _column(
    things: Things,
    entry: Thing,
    parent: str,
    keys: set[str | None],
    rows: list[dict[str, Any]],
    prefix: str,
    depth: int,
) -> Iterator[Column]:
    identifier = text(entry.get("@id"))
    full = things.text(entry, "name") or identifier or "unnamed"
    name = full.removeprefix(f"{parent}/") or full
    source = next(iter(things.things(entry, "source")), {})
    extract = next(iter(things.things(source, "extract")), {})
    types = [things.name(said).rpartition("/")[2] for said in things.texts(entry, "dataType")]
    several = flag(entry.get("repeated")) or flag(entry.get("isArray"))
    examples = [row[key] for row in rows for key in (identifier, full, name) if key in row][:MAX_EXAMPLES]
    yield Column(
        name=name,
        path=f"{prefix}{name}",
        depth=depth,
        logical_type=f"array of {types[0]}" if types and several else types[0] if types else None,
        semantic_type=", ".join(types[1:]) or None,
        physical_name=things.text(extract, "column", "jsonPath", "fileProperty"),
        description=things.text(entry, "description"),
        primary_key=identifier in keys if identifier else False,
        examples=tuple(found for example in examples if (found := any_text(example)) is not None),
        references=tuple(
            f"→ {target}" for reference in things.things(entry, "references") if (target := _target(things, reference))
        ),
        custom=tuple(NamedValue("source", said) for said in [_origin(source)] if said),
    )
    if depth < MAX_FIELD_DEPTH:
        for inner in things.things(entry, "subField"):
            yield from _column(things, inner, full, keys, rows, f"{prefix}{name}.", depth + 1)


def _target(things: Things, reference: Thing) -> str | None:
    """The field a column leads to: "genders/label"."""
    inner = next(iter(things.things(reference, "field")), reference)
    return text(inner.get("@id")) or things.label(inner)


def _origin(source: Thing) -> str | None:
    """The file, file set or field that a column is taken from, by its id."""
    for key in ("fileObject", "fileSet", "recordSet", "field"):
        value = source.get(key)
        found = text(value.get("@id")) if isinstance(value, dict) else text(value)
        if found:
            return found
    return None
