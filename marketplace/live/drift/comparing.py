"""Two contracts compared: each change named and judged, and the version that all of them together deserve."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from ..view import Column, ContractView
from .changes import Change, highest
from .facts import Node, tree
from .judging import judge, shown
from .renames import Guesser
from .versions import Bump, Level, judged, suggested

MAX_PATH = 500  # characters of a column's path


@dataclass(frozen=True, slots=True)
class Comparison:
    """What lies between two contracts. `changes`: the gravest first; `level` is that of all together, None for none.

    `suggested` is the version that `after` deserves (None where the one before is not semantic), `bump` how the
    producer's own step compares with it.
    """

    before: ContractView
    after: ContractView
    fingerprint_before: str
    fingerprint_after: str
    changes: tuple[Change, ...] = ()

    @property
    def level(self) -> Level | None:
        return highest(self.changes)

    @property
    def suggested(self) -> str | None:
        return suggested(self.before.version, self.level)

    @property
    def bump(self) -> Bump:
        return judged(self.before.version, self.after.version, self.level)

    def count(self, level: Level) -> int:
        return sum(change.level == level for change in self.changes)


def compare(before: ContractView, after: ContractView) -> Comparison:
    """Every change from one contract to the other; none exactly where their fingerprints are the same. Pure.

    Takes time in proportion to the columns; those of an unchanged part are not looked at.
    """
    old, new = tree(before), tree(after)
    found = sorted(_Walk().changes(old, new), key=lambda change: change.order)
    return Comparison(before, after, old.digest.hex(), new.digest.hex(), tuple(found))


@dataclass(slots=True)
class _Walk:
    """Goes down the two trees side by side, where they differ and nowhere else."""

    guesser: Guesser = field(default_factory=Guesser)

    def changes(self, before: Node, after: Node) -> Iterator[Change]:
        waiting = [(before, after, "", "")]
        while waiting:
            old, new, schema, column = waiting.pop()
            if old.digest == new.digest:
                continue
            for change in judge(old, new):
                yield replace(change, schema=schema, column=column)
            pairs, removed, added = _matched(old.children, new.children)
            renamed = self.guesser.pairs(removed, added)
            for one, other in renamed:
                to = _place(other, schema, column)
                renamed_to = to[1] if one.kind == "column" else to[0]
                yield Change(f"{one.kind}.renamed", "major", "", *_place(one, schema, column), renamed_to=renamed_to)
            gone = {id(node) for pair in renamed for node in pair}
            for node in removed:
                if id(node) not in gone:
                    yield Change(f"{node.kind}.removed", "major", "", *_place(node, schema, column), before=_type(node))
            for node in added:
                if id(node) not in gone:
                    yield Change(f"{node.kind}.added", "minor", "", *_place(node, schema, column), after=_type(node))
            for one, other in (*pairs, *renamed):
                waiting.append((one, other, *_place(other, schema, column)))


def _place(node: Node, schema: str, column: str) -> tuple[str, str]:
    """Schema and column path of a node below these."""
    if node.kind == "schema":
        return node.step[:MAX_PATH], ""
    joint = "." if column and node.step[:1] not in (".", "[") else ""
    return schema, f"{column}{joint}{node.step}"[:MAX_PATH]


def _type(node: Node) -> str:
    view = node.view
    return shown(view.physical_type or view.logical_type) if isinstance(view, Column) else ""


Matched = tuple[list[tuple[Node, Node]], list[Node], list[Node]]


def _matched(old: Sequence[Node], new: Sequence[Node]) -> Matched:
    """(pairs that differ, removed, added), by name. Several of one name are told apart by content, not by order."""
    groups: defaultdict[str, tuple[list[Node], list[Node]]] = defaultdict(lambda: ([], []))
    for side, nodes in enumerate((old, new)):
        for node in nodes:
            groups[node.step][side].append(node)
    pairs, removed, added = [], [], []
    for befores, afters in groups.values():
        if len(befores) == len(afters) == 1:
            pairs.append((befores[0], afters[0]))
            continue
        left, right = _without_common(befores, afters)
        pairs += zip(left, right, strict=False)
        removed += left[len(right) :]
        added += right[len(left) :]
    return [pair for pair in pairs if pair[0].digest != pair[1].digest], removed, added


def _without_common(befores: list[Node], afters: list[Node]) -> tuple[list[Node], list[Node]]:
    counts: defaultdict[bytes, int] = defaultdict(int)
    for node in afters:
        counts[node.digest] += 1
    left = []
    for node in befores:
        if counts[node.digest]:
            counts[node.digest] -= 1
        else:
            left.append(node)
    right = []
    for node in afters:
        if counts[node.digest]:
            counts[node.digest] -= 1
            right.append(node)
    return sorted(left, key=lambda node: node.digest), sorted(right, key=lambda node: node.digest)
