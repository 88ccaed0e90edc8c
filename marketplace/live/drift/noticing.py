"""Writes `contract.drifted` where a contract is not what it was: once a change, however many workers see it."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from django.db import IntegrityError, transaction

from registry import events
from registry.events import NewEvent
from registry.models import Product

from .. import view
from ..cache import CacheDownError
from ..models import ContractPrint
from ..view import ContractView
from . import kept
from .changes import name_only
from .comparing import Comparison, compare
from .deciding import Move, Prints, State, decide
from .facts import fingerprint
from .kept import Kept
from .versions import LEVELS, judged

EVENT = "contract.drifted"
MAX_CHANGES = 50  # in one event
MAX_CONTRACTS = 200  # rows of one product; the longest unseen go
CONTRACT_ID, VERSION = 200, 100  # characters

ARTIFACT = "artifact:"  # the id of an artifact that says its columns without a contract begins so

READING = 1  # one more whenever the same document gives another view, else every contract seems to have changed
_STATE = tuple(found.name for found in fields(State))


def generation() -> str:
    """Changes with the shape of the view, and with READING."""
    shapes = (view.ContractView, view.SchemaView, view.Column, view.QualityRule, view.SlaRow, view.Server, view.Role)
    names = [f"{shape.__name__}.{found.name}" for shape in shapes for found in fields(shape)]
    return hashlib.sha256(f"{READING} {' '.join(names)}".encode()).hexdigest()[:12]


_GENERATION = generation()


@dataclass(slots=True)
class _Offered:
    """One contract id as it is offered now: its versions, and their fingerprints."""

    versions: dict[str, ContractView]
    prints: Prints


def notice(
    product_id: int, offered: Sequence[ContractView], before: Iterable[ContractView], *, complete: bool, asked_at: float
) -> None:
    """Compares what a product offers now with what it showed last, and records what changed.

    `before`: views of earlier that may be what was shown last. One query where nothing changed, three at first sight,
    else one transaction. Raises DatabaseError.
    """
    now = _by_contract(offered)
    rows = {row.contract: row for row in ContractPrint.objects.filter(product_id=product_id, contract__in=now)}
    # Of an answer that was overtaken nothing is kept either.
    now = {c: found for c, found in now.items() if c not in rows or rows[c].asked_at <= asked_at}
    _remember(product_id, {contract: found for contract, found in now.items() if contract not in rows}, asked_at)
    old: dict[str, Kept] = {}
    with contextlib.suppress(CacheDownError):
        old = kept.read(product_id, now)
    news = {c: now[c] for c in rows if c in now and _is_news(rows[c], now[c], complete, asked_at)}
    moved: dict[str, Comparison | None] = {}
    if news:
        candidates = {contract: list(entry.versions.values()) for contract, entry in old.items()}
        for earlier in before:
            candidates.setdefault(contract_key(earlier), []).append(earlier)
        moved = _record(product_id, news, candidates, complete, asked_at)
    with contextlib.suppress(CacheDownError):
        kept.write(product_id, {c: _kept(old.get(c, Kept()), now[c], c in moved, moved.get(c)) for c in now})


def contract_key(contract: ContractView) -> str:
    """The id under which a contract is remembered and looked up; "" for one without."""
    return name_only(contract.id or "", CONTRACT_ID)


def version_key(contract: ContractView) -> str:
    """The version as it is remembered."""
    return name_only(contract.version or "", VERSION)


def _by_contract(offered: Sequence[ContractView]) -> dict[str, _Offered]:
    found: dict[str, _Offered] = {}
    for contract in offered:
        entry = found.setdefault(contract_key(contract), _Offered({}, {}))
        version = version_key(contract)
        if version not in entry.versions:  # of two that call themselves alike the first listed counts
            entry.versions[version] = contract
            entry.prints[version] = fingerprint(contract)
    return found


def _remember(product_id: int, found: dict[str, _Offered], asked_at: float) -> None:
    """Contracts seen for the first time: rows, and no events."""
    if not found:
        return
    made = []
    for contract, offered in found.items():
        state, _ = decide(State(), offered.prints, complete=True, asked_at=asked_at, now=time.time())
        made.append(ContractPrint(product_id=product_id, contract=contract, generation=_GENERATION, **asdict(state)))
    try:
        # Where another worker was quicker, its row stands; what differs is noticed the next time.
        ContractPrint.objects.bulk_create(made, ignore_conflicts=True)
    except IntegrityError:
        return  # the product was removed meanwhile
    latest = ContractPrint.objects.filter(product_id=product_id).order_by("-asked_at", "-pk")
    beyond = list(latest.values_list("pk", flat=True)[MAX_CONTRACTS:])
    if beyond:
        ContractPrint.objects.filter(pk__in=beyond).delete()


def _is_news(row: ContractPrint, found: _Offered, complete: bool, asked_at: float) -> bool:
    """Whether the row has to be written; asked without a lock, so only to save one."""
    state = _state(row)
    after, _ = _decide(row.contract, state, found, complete, asked_at)
    return row.generation != _GENERATION or (after.version, after.prints) != (state.version, state.prints)


def _decide(contract: str, state: State, found: _Offered, complete: bool, asked_at: float) -> tuple[State, list[Move]]:
    # An artifact has no second version beside it.
    complete = complete or contract.startswith(ARTIFACT)
    return decide(state, found.prints, complete=complete, asked_at=asked_at, now=time.time())


def _state(row: ContractPrint) -> State:
    """What is remembered; nothing where another reading made it."""
    if row.generation != _GENERATION:
        return State(asked_at=row.asked_at)
    return State(**{name: getattr(row, name) for name in _STATE})


@transaction.atomic
def _record(
    product_id: int,
    now: dict[str, _Offered],
    candidates: dict[str, list[ContractView]],
    complete: bool,
    asked_at: float,
) -> dict[str, Comparison | None]:
    """Decides under lock, and writes rows and events; gives what changed by contract, None where that is not known."""
    product = Product.objects.select_related("domain").filter(pk=product_id).first()
    if product is None:
        return {}
    held = ContractPrint.objects.select_for_update().filter(product=product, contract__in=now)
    rows = list(held.order_by("pk"))
    moved: dict[str, Comparison | None] = {}
    found: list[NewEvent] = []
    for row in rows:
        offered = now[row.contract]
        after, moves = _decide(row.contract, _state(row), offered, complete, asked_at)
        for move in moves:
            comparison = _comparison(candidates.get(row.contract, []), move, offered)
            moved[row.contract] = moved.get(row.contract) or comparison
            if move.told:
                found.append(NewEvent(EVENT, product.urn, _data(row.contract, move, comparison)))
        for name in _STATE:
            setattr(row, name, getattr(after, name))
        row.generation = _GENERATION
    ContractPrint.objects.bulk_update(rows, [*_STATE, "generation"])
    if found:  # the last write: it holds the lock of the event log until commit
        events.record_many(found, None)
    return moved


def _comparison(candidates: list[ContractView], move: Move, offered: _Offered) -> Comparison | None:
    """The comparison with the very contract that was seen last; None where nobody has it any more."""
    for earlier in candidates:
        if version_key(earlier) == move.before and fingerprint(earlier) == move.print_before:
            return compare(earlier, offered.versions[move.after])
    return None


def _data(contract: str, move: Move, comparison: Comparison | None) -> dict[str, Any]:
    """What the event log keeps: no text of the contract but names of schemas and columns. See docs/drift.md."""
    changes = comparison.changes if comparison else ()
    same = move.print_before == move.print_after
    level = comparison.level if comparison else None
    known = comparison is not None or same
    return {
        "contract": contract,
        "version_before": move.before,
        "version_after": move.after,
        "fingerprint_before": move.print_before,
        "fingerprint_after": move.print_after,
        "known": known,
        "level": level,
        "counts": {name: comparison.count(name) for name in LEVELS} if comparison else {},
        "changes": [change.stored() for change in changes[:MAX_CHANGES]],
        "left_out": max(0, len(changes) - MAX_CHANGES),
        "suggested": comparison.suggested if comparison else None,
        "bump": judged(move.before, move.after, level, known=known),
        "keeps_changing": move.keeps_changing,
        "untold": move.untold,
    }


def _kept(old: Kept, offered: _Offered, changed: bool, comparison: Comparison | None) -> Kept:
    if not changed:
        return Kept(offered.versions, old.before, old.before_at)
    if comparison is None:  # what was before is not known: better nothing than something older
        return Kept(offered.versions)
    return Kept(offered.versions, comparison.before, time.time())
