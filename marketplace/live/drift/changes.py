"""One change of a contract, and the kinds there are. docs/drift.md says of each why it has its level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .versions import LEVELS, Level

STORED_NAME = 120  # characters of a schema's or column's name that the event log keeps

KINDS: dict[str, str] = {
    "schema.added": "Schema added",
    "schema.removed": "Schema removed",
    "schema.renamed": "Schema looks renamed",
    "column.added": "Column added",
    "column.removed": "Column removed",
    "column.renamed": "Column looks renamed",
    "type": "Type changed",
    "physical_name": "Physical name changed",
    "required": "Required changed",
    "unique": "Unique changed",
    "key": "Primary key changed",
    "format": "Format changed",
    "limit": "Limit changed",
    "values": "Allowed values changed",
    "partition": "Partitioning changed",
    "classification": "Classification changed",
    "deprecated": "Deprecation changed",
    "relationship": "Relationship changed",
    "quality": "Quality rule changed",
    "sla": "Service level changed",
    "server.added": "Server added",
    "server.removed": "Server removed",
    "server.changed": "Server changed",
    "role.added": "Role added",
    "role.removed": "Role removed",
    "role.changed": "Role changed",
    "price": "Price changed",
    "policy": "Policy changed",
    "status": "Status changed",
    "id": "Contract id changed",
    "team": "Team or support changed",
    "description": "Description changed",
    "metadata": "Metadata changed",
    "not_compared": "More columns than are compared",
}


@dataclass(frozen=True, slots=True)
class Change:
    """A change: `kind` is one of KINDS; where it is, by schema and column; what it was, what it is, as text.

    `attribute` names what changed, as the view calls it (`options.maxLength`), `name` which entry of a list (a rule, a
    server). `before`, `after`, `name` and `attribute` hold the producer's own text: shown, and never stored.
    """

    kind: str
    level: Level
    attribute: str = ""
    schema: str = ""
    column: str = ""
    name: str = ""
    before: str = ""
    after: str = ""
    renamed_to: str = ""

    @property
    def text(self) -> str:
        return KINDS[self.kind]

    @property
    def breaking(self) -> bool:
        return self.level == "major"

    @property
    def order(self) -> tuple[Any, ...]:
        """The gravest first, then by place."""
        place = (self.schema, self.column, self.kind, self.attribute, self.name, self.before, self.after)
        return (-LEVELS.index(self.level), *place)

    def stored(self) -> dict[str, str]:
        """What the event log may keep of it: which kind, how grave, the names of schema and column. No other text."""
        row = {
            "kind": self.kind,
            "level": self.level,
            "schema": name_only(self.schema),
            "column": name_only(self.column),
            "renamed_to": name_only(self.renamed_to),
        }
        return {key: value for key, value in row.items() if value}


def name_only(text: str, limit: int = STORED_NAME) -> str:
    """A name that PostgreSQL takes and a line can hold: no control characters, no half surrogates, not too long."""
    clean = "".join(char for char in text[: 4 * limit] if char.isprintable())
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def highest(changes: tuple[Change, ...]) -> Level | None:
    """The level of them all together: the gravest; None for no change."""
    return max((change.level for change in changes), key=LEVELS.index, default=None)
