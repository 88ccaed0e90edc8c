"""Which removed and which added entry look like one that was renamed. A guess, and always said to be one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from ..view import Column, SchemaView
from .facts import Node

NAME_LENGTH = 100  # characters of a name that are compared
ENOUGH = 0.7
# Proofs beside the name that together make up for one that is quite another.
_SAME_WORDS = 0.5


@dataclass(slots=True)
class Guesser:
    """Guesses for one comparison. `budget`: pairs it may look at, so that a hostile contract costs no more than this;
    where it is used up, columns are said to be removed and added."""

    budget: int = 2_000

    def pairs(self, removed: Sequence[Node], added: Sequence[Node]) -> list[tuple[Node, Node]]:
        """Likely pairs, each entry in one at most. The same whatever the order of the entries."""
        if not removed or not added or len(removed) * len(added) > self.budget:
            return []
        self.budget -= len(removed) * len(added)
        scored = [
            (-found, old.step, new.step, old.digest, new.digest, old, new)
            for old in removed
            for new in added
            if (found := _likeness(old, new)) >= ENOUGH
        ]
        taken: set[int] = set()
        pairs = []
        for *_, old, new in sorted(scored, key=lambda row: row[:5]):
            if id(old) not in taken and id(new) not in taken:
                taken |= {id(old), id(new)}
                pairs.append((old, new))
        return pairs


def _likeness(old: Node, new: Node) -> float:
    """From 0 to 2; other types are never the same column."""
    if isinstance(old.view, Column) and isinstance(new.view, Column):
        was, now = old.view, new.view
        if (was.logical_type, was.physical_type) != (now.logical_type, now.physical_type):
            return 0.0
        proofs = ("physical_name", "business_name", "description")
    elif isinstance(old.view, SchemaView) and isinstance(new.view, SchemaView):
        columns, others = ({child.step for child in node.children} for node in (old, new))
        if not columns or len(columns & others) / len(columns | others) < 0.5:
            return 0.0
        return 0.5 + _name_likeness(old.step, new.step)
    else:
        return 0.0
    said = sum(bool(value := getattr(was, name)) and value == getattr(now, name) for name in proofs)
    return _name_likeness(old.step, new.step) + _SAME_WORDS * said


def _name_likeness(old: str, new: str) -> float:
    """1 for the same letters and digits, however they are joined."""
    was, now = ("".join(filter(str.isalnum, name[:NAME_LENGTH].casefold())) for name in (old, new))
    return SequenceMatcher(None, was, now, autojunk=False).ratio()
