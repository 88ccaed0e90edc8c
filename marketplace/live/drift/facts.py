"""A contract as a tree of facts with one fingerprint: alike whatever the order of its columns, keys and lists.

What is not said, `false` and an empty list count as the same, as ODCS has it. Order counts only where ODCS gives it a
number of its own (`primaryKeyPosition`), or within one text. The version and our own remarks (`problems`) are no facts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal

from ..view import Column, ContractView, SchemaView

Kind = Literal["contract", "schema", "column"]

_NO_FACTS: dict[Kind, frozenset[str]] = {
    "contract": frozenset({"version", "problems", "schemas"}),
    "schema": frozenset({"name", "columns"}),
    "column": frozenset({"name", "path", "depth"}),  # they are the place in the tree
}


@dataclass(slots=True)
class Node:
    """A contract, a schema or a column. `step` is its name among its siblings, `digest` that of all below and in it."""

    kind: Kind
    step: str
    view: ContractView | SchemaView | Column
    facts: dict[str, Any]
    children: list[Node] = field(default_factory=list)
    digest: bytes = b""


def tree(contract: ContractView) -> Node:
    """The tree, with digests. Takes time in proportion to the columns, about 15 µs each."""
    root = Node("contract", "", contract, _facts("contract", contract))
    for schema in contract.schemas:
        node = Node("schema", schema.name, schema, _facts("schema", schema))
        _hang_columns(node, schema.columns)
        _seal(node)
        root.children.append(node)
    _seal(root)
    return root


def fingerprint(contract: ContractView) -> str:
    """64 hex digits; the same for contracts that `comparing.compare` finds no difference in, and for no others."""
    return tree(contract).digest.hex()


def _hang_columns(schema: Node, columns: Sequence[Column]) -> None:
    """Columns below the one they are nested in: the last before them that is less deep."""
    above: list[tuple[int, Node, str]] = []
    made: list[Node] = []
    for column in columns:
        while above and above[-1][0] >= column.depth:
            above.pop()
        parent, prefix = (above[-1][1], above[-1][2]) if above else (schema, "")
        path = column.path or column.name
        step = path[len(prefix) :] if prefix and path.startswith(prefix) else path if not prefix else column.name
        node = Node("column", step, column, _facts("column", column))
        parent.children.append(node)
        above.append((column.depth, node, path))
        made.append(node)
    for node in reversed(made):  # those below are sealed first
        _seal(node)


def _seal(node: Node) -> None:
    below = sorted((child.step, child.digest) for child in node.children)
    hashed = hashlib.sha256(_json(node.facts).encode())
    for step, digest in below:
        hashed.update(len(step).to_bytes(4, "big") + step.encode(errors="surrogatepass") + digest)
    node.digest = hashed.digest()


_known_names: dict[tuple[type[Any], frozenset[str]], tuple[str, ...]] = {}


def _names(cls: type[Any], left_out: frozenset[str]) -> tuple[str, ...]:
    """As `dataclasses.fields`, which is too slow to be asked for each column."""
    if (cls, left_out) not in _known_names:
        _known_names[cls, left_out] = tuple(found.name for found in fields(cls) if found.name not in left_out)
    return _known_names[cls, left_out]


_NOTHING: frozenset[str] = frozenset()


def _facts(kind: Kind, view: Any) -> dict[str, Any]:
    found = {}
    for name in _names(type(view), _NO_FACTS[kind]):
        value = getattr(view, name)
        if value and (plain := canonical(value)):
            found[name] = plain
    return found


def canonical(value: Any) -> Any:
    """The value as JSON values in an order of their own; falsy where it says nothing."""
    if isinstance(value, str | bool | int) or value is None:
        return value
    if isinstance(value, tuple | list):
        return sorted((entry for item in value if (entry := canonical(item))), key=_json)
    if is_dataclass(value) and not isinstance(value, type):
        names = _names(type(value), _NOTHING)
        return {name: entry for name in names if (entry := canonical(getattr(value, name)))}
    if isinstance(value, dict):
        return {str(key): canonical(item) for key, item in value.items()}
    return str(value)


def same(before: Any, after: Any) -> bool:
    """Whether two values are the same fact."""
    return bool(before == after or (canonical(before) or None) == (canonical(after) or None))


def key_of(value: Any) -> str:
    """The fact as one text, to compare and sort by."""
    return _json(canonical(value))


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def nested(nodes: Iterable[Node]) -> int:
    """How many columns these and those below them are."""
    count, waiting = 0, list(nodes)
    while waiting:
        node = waiting.pop()
        count += node.kind == "column"
        waiting.extend(node.children)
    return count
