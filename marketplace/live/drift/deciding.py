"""Whether what a product shows now is a change, and whether it is told. Pure.

A contract changes where the version shown last gives way to another, and where a version changes in place.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .versions import order

DAY = 24 * 3600.0
TOLD_A_DAY = 3  # events with their changes; one more says that it keeps changing
MAX_VERSIONS = 50  # of a contract, whose fingerprints are kept

Prints = dict[str, str]


@dataclass(frozen=True, slots=True)
class State:
    """What is remembered of a contract; see `models.ContractPrint`. No prints: never seen. Times in epoch seconds."""

    version: str = ""
    prints: Prints = field(default_factory=dict)
    asked_at: float = 0.0
    changed_at: float = 0.0
    told_since: float = 0.0
    told: int = 0
    untold: int = 0


@dataclass(frozen=True, slots=True)
class Move:
    """One change: from which version to which, with their fingerprints; `told`: whether it is an event.

    `untold`: changes before it that were none.
    """

    before: str
    after: str
    print_before: str
    print_after: str
    keeps_changing: bool = False
    untold: int = 0
    told: bool = True


def decide(state: State, offered: Prints, *, complete: bool, asked_at: float, now: float) -> tuple[State, list[Move]]:
    """The state after these versions were seen, and each change since the last.

    `complete`: the versions are all that there are. `asked_at`: when the question was put; an answer to an older one
    than the last taken says nothing new.
    """
    if not offered or asked_at < state.asked_at:
        return state, []
    shown = max(offered, key=_rank)
    kept = _kept(state.prints, offered)
    if not state.prints:
        return replace(state, version=shown, prints=kept, asked_at=asked_at), []
    gone = complete and state.version not in offered
    if not (_rank(shown) > _rank(state.version) or gone):
        shown = state.version
    moves = [] if shown == state.version else [_move(state, offered, state.version, shown)]
    moves += [
        _move(state, offered, version, version)
        for version in sorted(offered, key=_rank)
        if version in state.prints
        and state.prints[version] != offered[version]
        # Where it became the one that is shown, that is told already.
        and not (moves and version == shown)
    ]
    state = replace(state, version=shown, prints=kept, asked_at=asked_at)
    said = []
    for move in moves:
        state, move = _tell(state, move, now)
        said.append(move)
    return state, said


def _rank(version: str) -> tuple[object, ...]:
    return (order(version), version)


def _move(state: State, offered: Prints, before: str, after: str) -> Move:
    return Move(before, after, state.prints.get(before, ""), offered[after])


def _kept(known: Prints, offered: Prints) -> Prints:
    """Those offered, and the highest of the others: a version that comes back can be told from one that changed."""
    others = sorted((version for version in known if version not in offered), key=_rank, reverse=True)
    room = max(0, MAX_VERSIONS - len(offered))
    first = sorted(offered, key=_rank, reverse=True)[:MAX_VERSIONS]
    return {**{version: offered[version] for version in first}, **{v: known[v] for v in others[:room]}}


def _tell(state: State, move: Move, now: float) -> tuple[State, Move]:
    """Bounds what is told: a gateway that changes for ever is told of once a day."""
    if now - state.told_since >= DAY:
        restless = state.told > TOLD_A_DAY and now - state.changed_at < DAY
        state = replace(state, told_since=now, told=TOLD_A_DAY if restless else 0)
    state = replace(state, changed_at=now)
    if state.told > TOLD_A_DAY:
        return replace(state, untold=state.untold + 1), replace(move, told=False)
    move = replace(move, keeps_changing=state.told == TOLD_A_DAY, untold=state.untold)
    return replace(state, told=state.told + 1, untold=0), move
