"""What a judge answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from marketplace.trust.entry import Entry
from marketplace.trust.told import Told

State = Literal["met", "missing", "unknown"]
Where = Literal["listing", "product", "contract"]
"""Where something is put right: in the registered listing, in the product's own document, in a data contract."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`reason` is a sentence; texts of the product in it are foreign, and short."""

    state: State
    reason: str


Judge = Callable[[Entry, Told], Finding]


def met(reason: str) -> Finding:
    return Finding("met", reason)


def missing(reason: str) -> Finding:
    return Finding("missing", reason)


def unsaid(told: Told, reason: str) -> Finding:
    """None of the documents says it: missing where all of them are there, else not known."""
    if told.complete:
        return missing(reason)
    return unknown(told, "one of its documents" if told.known else "the product")


def unknown(told: Told, what: str) -> Finding:
    """It cannot be said now, since `what` is not there."""
    if told.asking:
        return Finding("unknown", "Not known yet: the product is being asked.")
    return Finding("unknown", f"Not known while {what} does not answer.")
