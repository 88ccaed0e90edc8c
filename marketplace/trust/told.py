"""All that a product's own documents say at this moment, in one place, and how much of it is known. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from marketplace.live.state import LiveProduct, Part
from marketplace.live.view import (
    ArtifactView,
    Column,
    ContractView,
    HealthView,
    NamedValue,
    ProductView,
    WebLink,
)

SHOWN = 120  # characters of a foreign text within a sentence of ours


@dataclass(frozen=True, slots=True)
class Unread:
    """A contract that is named and could not be read: where it is, and why."""

    url: str
    problem: str
    waiting: bool


@dataclass(frozen=True, slots=True)
class Told:
    """What a product says of itself.

    `known`: it answered within the last day, or offers nothing to ask. `complete`: no document is missing that could
    say more; `health_known` the same of its health. `answers`: it answers now. `asking`: an answer is under way.
    `problem`: why it does not answer, in words. `columns`: all that are described. `custom`: by the name as `plain` has
    it.
    """

    product: ProductView | None = None
    artifacts: tuple[ArtifactView, ...] = ()
    contracts: tuple[ContractView, ...] = ()
    unread: tuple[Unread, ...] = ()
    health: bool = False
    health_known: bool = False
    known: bool = False
    complete: bool = False
    answers: bool = False
    asking: bool = False
    age_seconds: int | None = None
    problem: str = ""
    columns: tuple[Column, ...] = ()
    custom: Mapping[str, str] = field(default_factory=dict)

    @property
    def documents(self) -> tuple[ProductView | ContractView, ...]:
        """The product's document, then its contracts."""
        return ((self.product,) if self.product else ()) + self.contracts

    @property
    def links(self) -> Iterator[WebLink]:
        """Every link to further documentation, of documents and artifacts."""
        for one in (*self.documents, *self.artifacts):
            yield from one.documentation


def told_by(found: LiveProduct | None) -> Told:
    """What is known of a product by now; nothing where it was never asked."""
    if found is None:
        return Told()
    said, listing = found.product, found.contract_list
    artifacts = next((p.view.artifacts for p in (found.artifacts, found.metadata) if p.view and p.view.artifacts), ())
    contracts = tuple(part.view for part in found.contracts if isinstance(part.view, ContractView))
    documents = (found.metadata, found.artifacts, listing, *found.contracts)
    named = (x.custom for x in (said, *contracts, *artifacts) if x)
    return Told(
        product=said,
        artifacts=artifacts,
        contracts=contracts,
        unread=tuple(_unread(part) for part in found.contracts if part.view is None),
        health=isinstance(found.health.view, HealthView),
        health_known=_settled(found.health),
        known=_settled(found.metadata),
        complete=all(map(_settled, documents)),
        answers=said is not None and found.metadata.state in ("live", "slow", "loading"),
        asking=found.waiting,
        age_seconds=found.metadata.age_seconds,
        problem=found.metadata.message or found.index.message,
        columns=tuple(
            column for one in (*contracts, *artifacts) for schema in one.schemas for column in schema.columns
        ),
        custom=_by_name(value for values in named for value in values),
    )


def _settled(part: Part) -> bool:
    """Whether it is known what the part says: it answered, or there is no such part."""
    return part.view is not None or part.state == "never"


def _unread(part: Part) -> Unread:
    return Unread(part.url or part.name, part.message, part.waiting)


def _by_name(values: Iterable[NamedValue]) -> dict[str, str]:
    found: dict[str, str] = {}
    for value in values:
        if value.value.strip():
            found.setdefault(plain(value.name), value.value)
    return found


def plain(name: str) -> str:
    """A name as it is compared: small letters and digits only, so that dataSteward and data_steward are one."""
    return re.sub(r"[\W_]", "", name.lower())


def short(text: str) -> str:
    """A foreign text within a sentence of ours: one line, not long."""
    flat = " ".join(text[: 4 * SHOWN].split())
    return flat if len(flat) <= SHOWN else f"{flat[: SHOWN - 1].rstrip()}…"
