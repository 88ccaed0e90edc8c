"""Writes `contract.drifted` where a contract is not what it was: once a change, however many workers see it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count

from registry import events
from registry.events import NewEvent
from registry.models import Product

from ..cache import CacheDownError
from ..models import ContractPrint
from ..record import READING
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

_STATE = tuple(found.name for found in fields(State))


@dataclass(slots=True)
class _Offered:
    """One contract id as it is offered now: its versions, and their fingerprints."""

    versions: dict[str, ContractView]
    prints: Prints


@dataclass(frozen=True, slots=True)
class Offer:
    """What a product offers now. `before`: views of earlier that may be what was shown last; `complete`: these are all
    its contracts; `asked_at`: epoch seconds before the first question was put."""

    product_id: int
    offered: Sequence[ContractView]
    before: Sequence[ContractView] = ()
    complete: bool = True
    asked_at: float = 0.0


def notice(offers: Sequence[Offer]) -> None:
    """Compares what products, each named once, offer now with what they showed last, and records what changed.

    However many products: one query where nothing changed, three at first sight; besides, a transaction for each
    product with a change. Raises DatabaseError.
    """
    now = {offer.product_id: _by_contract(offer.offered) for offer in offers}
    rows = _rows(now)
    for offer in offers:  # of an answer that was overtaken nothing is kept
        known, found = rows.get(offer.product_id, {}), now[offer.product_id]
        late = [contract for contract in found if contract in known and known[contract].asked_at > offer.asked_at]
        for contract in late:
            del found[contract]
    _remember(offers, now, rows)
    old: dict[int, dict[str, Kept]] = {}
    with contextlib.suppress(CacheDownError):
        old = kept.read_many(now)
    after: dict[int, dict[str, Kept]] = {}
    for offer in offers:
        one, found = offer.product_id, now[offer.product_id]
        moved = _moved(offer, found, rows.get(one, {}), old.get(one, {}))
        after[one] = {
            contract: _kept(old.get(one, {}).get(contract, Kept()), entry, contract in moved, moved.get(contract))
            for contract, entry in found.items()
        }
    with contextlib.suppress(CacheDownError):
        kept.write({one: entries for one, entries in after.items() if entries})


def _rows(now: Mapping[int, Mapping[str, object]]) -> dict[int, dict[str, ContractPrint]]:
    """What is remembered of these, by product and contract."""
    contracts = {contract for found in now.values() for contract in found}
    rows: dict[int, dict[str, ContractPrint]] = {}
    for row in ContractPrint.objects.filter(product_id__in=now, contract__in=contracts):
        if row.contract in now[row.product_id]:
            rows.setdefault(row.product_id, {})[row.contract] = row
    return rows


def _moved(
    offer: Offer, now: dict[str, _Offered], rows: dict[str, ContractPrint], old: dict[str, Kept]
) -> dict[str, Comparison | None]:
    """Records what changed of one product; by contract."""
    news = {c: now[c] for c in rows if c in now and _is_news(rows[c], now[c], offer.complete, offer.asked_at)}
    if not news:
        return {}
    candidates = {contract: list(entry.versions.values()) for contract, entry in old.items()}
    for earlier in offer.before:
        candidates.setdefault(contract_key(earlier), []).append(earlier)
    return _record(offer.product_id, news, candidates, offer.complete, offer.asked_at)


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


def _remember(
    offers: Sequence[Offer], now: Mapping[int, dict[str, _Offered]], rows: Mapping[int, dict[str, ContractPrint]]
) -> None:
    """Contracts seen for the first time: rows, and no events."""
    made = []
    for offer in offers:
        known = rows.get(offer.product_id, {})
        for contract, offered in now[offer.product_id].items():
            if contract not in known:
                state, _ = decide(State(), offered.prints, complete=True, asked_at=offer.asked_at, now=time.time())
                row = ContractPrint(contract=contract, generation=READING, **asdict(state))
                row.product_id = offer.product_id
                made.append(row)
    if not made:
        return
    _insert(made)
    products = {row.product_id for row in made}
    counted = ContractPrint.objects.filter(product_id__in=products).values("product_id").annotate(rows=Count("pk"))
    for product_id in counted.filter(rows__gt=MAX_CONTRACTS).values_list("product_id", flat=True):
        latest = ContractPrint.objects.filter(product_id=product_id).order_by("-asked_at", "-pk")
        beyond = list(latest.values_list("pk", flat=True)[MAX_CONTRACTS:])
        ContractPrint.objects.filter(pk__in=beyond).delete()


def _insert(rows: Sequence[ContractPrint]) -> None:
    """Where another worker was quicker, its row stands; what differs is noticed the next time."""
    try:
        with transaction.atomic():
            ContractPrint.objects.bulk_create(rows, ignore_conflicts=True)
    except IntegrityError:  # a product was removed meanwhile: the rows of the others
        there = set(Product.objects.filter(pk__in={row.product_id for row in rows}).values_list("pk", flat=True))
        with contextlib.suppress(IntegrityError):
            ContractPrint.objects.bulk_create([row for row in rows if row.product_id in there], ignore_conflicts=True)


def _is_news(row: ContractPrint, found: _Offered, complete: bool, asked_at: float) -> bool:
    """Whether the row has to be written; asked without a lock, so only to save one."""
    state = _state(row)
    after, _ = _decide(row.contract, state, found, complete, asked_at)
    return row.generation != READING or (after.version, after.prints) != (state.version, state.prints)


def _decide(contract: str, state: State, found: _Offered, complete: bool, asked_at: float) -> tuple[State, list[Move]]:
    # An artifact has no second version beside it.
    complete = complete or contract.startswith(ARTIFACT)
    return decide(state, found.prints, complete=complete, asked_at=asked_at, now=time.time())


def _state(row: ContractPrint) -> State:
    """What is remembered; nothing where another program made it, which may have read the same contract otherwise."""
    if row.generation != READING:
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
        row.generation = READING
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
