"""How many rows were taken and refused at the door, by artifact; kept over restarts."""

import time
from datetime import UTC, datetime
from typing import Any

from gateway.protocol import IngestCounts, IngestResult
from gateway.state import State

COUNTS = "ingest.counts"


def counts(state: State) -> dict[str, dict[str, Any]]:
    """By artifact id: `accepted`, `refused` (rows), `calls`, `last` (POSIX seconds). One read."""
    return dict(state.get(COUNTS) or {}) if state.kept else {}


def add(state: State, own_id: str, result: IngestResult) -> None:
    """Count what came of one call. Call it from one thread at a time."""
    kept = counts(state)
    own = kept.setdefault(own_id, {"accepted": 0, "refused": 0, "calls": 0})
    own["accepted"] += result.accepted
    own["refused"] += result.refused
    own["calls"] += 1
    own["last"] = time.time()
    state.put(COUNTS, kept)


def totals(state: State) -> IngestCounts:
    """All artifacts together."""
    kept = counts(state).values()
    last = max((own["last"] for own in kept), default=None)
    return IngestCounts(
        accepted=sum(own["accepted"] for own in kept),
        refused=sum(own["refused"] for own in kept),
        calls=sum(own["calls"] for own in kept),
        last=datetime.fromtimestamp(last, UTC) if last else None,
    )
