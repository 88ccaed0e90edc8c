"""The kept subscriptions, bounded in all, for each subscriber and for each destination."""

import json
import time
from dataclasses import dataclass
from typing import Any

from gateway.state import State

KIND = "subscription"

# Partial indexes: other kinds of items cost nothing, and counting never reads more rows than the bound.
_INDEXES = "".join(
    f"CREATE INDEX IF NOT EXISTS subscription_{key} ON item (json_extract(value, '$.{key}')) WHERE kind = '{KIND}';"
    for key in ("host", "ip", "subscriber")
)


class Full(Exception):  # noqa: N818 - an answer, not a fault
    """There are as many subscriptions as there may be; the text says of what, for people."""


@dataclass(frozen=True)
class Bounds:
    """How many subscriptions there may be."""

    in_all: int
    per_subscriber: int
    per_host: int


class Register:
    """The subscriptions of one product. Methods are quick and may be called from any thread."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._indexed = False

    def add(self, own_id: str, value: dict[str, Any], bounds: Bounds, expires: float | None = None) -> None:
        """Keep a subscription. `value` has its `subscriber`, and the `host` and `ip` that it goes to.

        Raises:
            Full: a bound is reached; nothing is kept then.
        """
        if not self._indexed:
            self.state.script(_INDEXES)
            self._indexed = True
        with self.state.transaction() as db:
            db.execute("DELETE FROM item WHERE kind = 'subscription' AND expires <= ?", (time.time(),))

            def full(condition: str, bound: int, *parameters: str) -> bool:
                counted = f"SELECT count(*) FROM (SELECT 1 FROM item WHERE kind = '{KIND}' {condition} LIMIT {bound})"  # noqa: S608 - texts of ours
                return bool(db.execute(counted, parameters).fetchone()[0] >= bound)

            if full("AND json_extract(value, '$.subscriber') = ?", bounds.per_subscriber, value["subscriber"]):
                raise Full(f"You have {bounds.per_subscriber} subscriptions already, which is the most there may be.")
            for key in ("host", "ip"):
                if full(f"AND json_extract(value, '$.{key}') = ?", bounds.per_host, value[key]):
                    told = f"{bounds.per_host} subscriptions go to this host already, which is the most there may be."
                    raise Full(told)
            if full("", bounds.in_all):
                raise Full(f"There are {bounds.in_all} subscriptions already, which is the most there may be.")
            row = (KIND, own_id, json.dumps(value), time.time(), expires)
            db.execute("INSERT INTO item VALUES (?, ?, ?, ?, ?)", row)

    def all(self) -> dict[str, dict[str, Any]]:
        """Every subscription by id."""
        return self.state.items(KIND)

    def find(self, own_id: str) -> dict[str, Any] | None:
        """One subscription, None when it has ended."""
        return self.state.item(KIND, own_id)

    def change(self, own_id: str, value: dict[str, Any]) -> bool:
        """Replace what is kept; False when it has ended."""
        return self.state.change(KIND, own_id, value)

    def remove(self, own_id: str) -> bool:
        """End a subscription; False when there is none."""
        return self.state.remove(KIND, own_id)

    def count(self) -> int:
        """How many there are."""
        return self.state.count(KIND) if self.state.kept else 0
