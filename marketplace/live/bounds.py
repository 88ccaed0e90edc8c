"""How much of an answer is kept and shown: a product that says more than anybody reads slows nobody's page.

Applied once, by the worker, before an answer is cached. What is left out is counted, so that pages can say so; the
document itself stays whole at its source.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from functools import cache
from operator import is_
from typing import Any, TypeVar

from .view import ArtifactsView, ArtifactView, CatalogueView, ContractView, ProductView, SampleView, SchemaView

COLUMNS = 2000  # of a contract, over all its schemas; of a product's artifacts that say theirs themselves
ENTRIES = 500  # of any other list: artifacts, rules, ports, people, properties
SAMPLE_COLUMNS = 200
CELL = 500  # characters
TEXT = 20_000  # characters of any one text

T = TypeVar("T")


def bounded(view: T) -> T:
    """The view with every list and text cut to what is kept. Pure; the same view where nothing is too long."""
    if isinstance(view, CatalogueView):
        return view  # listing.listed has cut it, and keeps more entries than any other list
    if isinstance(view, SampleView):
        return _sample(view)  # type: ignore[return-value] # T is SampleView here
    if isinstance(view, ContractView):
        view = replace(view, schemas=_schemas(view.schemas, [COLUMNS]))
    if isinstance(view, ArtifactsView | ProductView) and (
        len(view.artifacts) > ENTRIES or any(one.schemas for one in view.artifacts)
    ):
        left_out = view.left_out + max(0, len(view.artifacts) - ENTRIES)
        view = replace(view, artifacts=_artifacts(view.artifacts[:ENTRIES]), left_out=left_out)
    result: T = _cut(view)
    return result


def _artifacts(artifacts: tuple[ArtifactView, ...]) -> tuple[ArtifactView, ...]:
    """With the columns that they say themselves, as many together as a contract may have."""
    room = [COLUMNS]
    return tuple(replace(one, schemas=_schemas(one.schemas, room)) if one.schemas else one for one in artifacts)


def _schemas(schemas: tuple[SchemaView, ...], room: list[int]) -> tuple[SchemaView, ...]:
    kept = []
    for schema in schemas[:ENTRIES]:
        taken = schema.columns[: room[0]]
        room[0] -= len(taken)
        kept.append(replace(schema, columns=taken, left_out=schema.left_out + len(schema.columns) - len(taken)))
    return tuple(kept)


def _sample(view: SampleView) -> SampleView:
    rows = tuple(
        tuple(cell if cell is None or len(cell) <= CELL else cell[:CELL] + "…" for cell in row[:SAMPLE_COLUMNS])
        for row in view.rows[:100]
    )
    columns = tuple(column[:CELL] for column in view.columns[:SAMPLE_COLUMNS])
    return replace(view, columns=columns, rows=rows, left_out=view.left_out + len(view.columns) - len(columns))


def _cut(value: Any, name: str = "") -> Any:
    """Texts, lists and what is in them; `columns` were counted before."""
    if isinstance(value, str):
        return value if len(value) <= TEXT else value[:TEXT] + "…"
    if isinstance(value, tuple):
        kept = tuple(_cut(entry) for entry in (value if name == "columns" else value[:ENTRIES]))
        same = len(kept) == len(value) and all(map(is_, kept, value))
        return value if same else kept
    if isinstance(value, dict):
        fits = len(value) <= ENTRIES and all(
            len(key) <= CELL and len(str(entry)) <= TEXT for key, entry in value.items()
        )
        return value if fits else {key[:CELL]: _cut(entry) for key, entry in list(value.items())[:ENTRIES]}
    changed = {}
    for field in _names_of(type(value)):  # type: ignore[arg-type] # mypy takes no class for hashable
        before = getattr(value, field)
        # Most fields say nothing or little, and a contract has thousands.
        if not before or (type(before) is str and len(before) <= TEXT):
            continue
        after = _cut(before, field)
        if after is not before:
            changed[field] = after
    return replace(value, **changed) if changed else value


@cache
def _names_of(cls: type[Any]) -> tuple[str, ...]:
    """The fields of a view's class; none of what is no view."""
    return tuple(field.name for field in fields(cls)) if is_dataclass(cls) else ()
