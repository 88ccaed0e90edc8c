"""From what the cache knows to what a page shows: one clear state for each part. Pure, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from .errors import Problem
from .record import Record
from .view import (
    ArtifactsView,
    ArtifactView,
    ContractListView,
    ContractView,
    HealthView,
    IndexView,
    MetricsView,
    ProductView,
    SampleView,
)

State = Literal["loading", "live", "slow", "last_seen", "down", "never", "unavailable"]
"""
loading      asked less than a second ago; `view` may hold the answer of before
live         answered, and still fresh
slow         not answered for over a second (`waiting`), or answered in more than a second
last_seen    the last attempt failed (`problem` says why); `view` is from before, at most 24 h old
down         the last attempt failed, and nothing was seen in 24 h
never        the product declares no such interface (`problem` says so)
unavailable  the marketplace itself cannot ask now: Redis or the workers are away (`problem` says what an operator does)
"""

SLOW_MS = 1000
NO_WORKER_SECONDS = 6.0

CACHE_DOWN = Problem(
    "cache_down",
    "Live answers are not available right now; what is registered is shown all the same.",
    "Reload in a minute. For the operator: Redis does not answer; check REDIS_URL and the server.",
)
NO_WORKERS = Problem(
    "no_workers",
    "Live answers are late: no worker has taken up the question.",
    "Reload in a minute. For the operator: start a Celery worker for the queue `live`.",
)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a product as a page shows it.

    `view` is the last good answer, in any state; `age_seconds` and `seen_at` say how old it is, `latency_ms` how long
    it took, `url` where it came from. `waiting`: an answer is under way, ask again shortly. `failing_since`: the first
    of the failures since it last answered, a day back at most; None where it does not fail.
    """

    name: str
    state: State
    view: Any = None
    seen_at: datetime | None = None
    age_seconds: int | None = None
    latency_ms: int | None = None
    url: str | None = None
    asked_at: datetime | None = None
    waiting: bool = False
    problem: Problem | None = None
    failing_since: datetime | None = None
    content: int = 0  # another number for another view, in the same process

    @property
    def message(self) -> str:
        return self.problem.message if self.problem else ""

    @property
    def advice(self) -> str:
        return self.problem.advice if self.problem else ""


@dataclass(frozen=True, slots=True)
class LiveProduct:
    """A product as it answers now. `views` of the parts, in order: IndexView, ProductView, ArtifactsView,
    ContractListView, HealthView, MetricsView; each of `contracts` a ContractView. `waiting`: ask again shortly."""

    product_id: int
    index: Part
    metadata: Part
    artifacts: Part
    contract_list: Part
    contracts: tuple[Part, ...]
    health: Part
    metrics: Part
    asked_at: datetime | None = None

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts, for the live strip."""
        return (
            self.index, self.metadata, self.artifacts, self.contract_list, *self.contracts, self.health, self.metrics
        )  # fmt: skip

    @property
    def waiting(self) -> bool:
        return any(part.waiting for part in self.parts)

    @property
    def product(self) -> ProductView | None:
        """The metadata where they are, else None."""
        return self.metadata.view if isinstance(self.metadata.view, ProductView) else None

    def artifact(self, artifact_id: str) -> ArtifactView | None:
        """The artifact with this id, from the list or else from the product's document."""
        for part in (self.artifacts, self.metadata):
            for artifact in getattr(part.view, "artifacts", ()):
                if artifact.id == artifact_id:
                    found: ArtifactView = artifact
                    return found
        return None

    def contract_of(self, artifact: ArtifactView) -> Part | None:
        """The part with the artifact's contract: by its link, else by id and version, else by id."""
        link = artifact.links.get("contract")
        for part in self.contracts:
            if link and part.url == link:
                return part
        known = [part for part in self.contracts if isinstance(part.view, ContractView)]
        for part in known:
            if (part.view.id, part.view.version) == (artifact.contract_id, artifact.contract_version):
                return part
        return next((part for part in known if artifact.contract_id and part.view.id == artifact.contract_id), None)


@dataclass(frozen=True, slots=True)
class LiveArtifact:
    """One artifact as it answers now. `artifact` is None while its product has not answered, or when it is `gone`."""

    product: LiveProduct
    artifact_id: str
    artifact: ArtifactView | None
    contract: Part | None
    sample: Part

    @property
    def gone(self) -> bool:
        """The product answered, and lists no such artifact."""
        return (
            self.artifact is None
            and self.product.artifacts.state in ("live", "slow", "last_seen")
            and not (self.product.artifacts.waiting or self.product.artifacts.view is None)
        )

    @property
    def waiting(self) -> bool:
        return self.product.waiting or self.sample.waiting


VIEW_OF_PART: dict[str, type[Any]] = {
    "index": IndexView,
    "metadata": ProductView,
    "artifacts": ArtifactsView,
    "contracts": ContractListView,
    "health": HealthView,
    "metrics": MetricsView,
    "sample": SampleView,
}


def unavailable(name: str, problem: Problem = CACHE_DOWN) -> Part:
    """The part while we cannot ask."""
    return Part(name, "unavailable", problem=problem)


def part_of(record: Record, name: str, now: float) -> Part:
    """The state of one part. `now` in epoch seconds."""
    seen = record.seen.get(name)
    failed = record.failed.get(name)
    if seen is not None and seen.kind != VIEW_OF_PART.get(name, ContractView).__name__:
        seen = None
    asked = record.waiting_since or record.asked_at
    answered_at = max(seen.at if seen else 0.0, failed.at if failed else 0.0)
    # The flight is taken an instant before its time is written.
    waiting = record.in_flight and (record.asked_at is None or answered_at < record.asked_at)
    state: State
    problem: Problem | None = None
    if failed is not None and failed.retry_at is None:
        state, problem, seen = "never", failed.problem, None
    elif waiting:
        late = record.waiting_since is not None and now - record.waiting_since > NO_WORKER_SECONDS
        if late:
            state, problem = ("last_seen" if seen else "unavailable"), NO_WORKERS
        else:
            state = "slow" if asked is not None and now - asked > SLOW_MS / 1000 else "loading"
            problem = failed.problem if failed and seen else None
    elif failed is not None:
        state, problem = ("last_seen" if seen else "down"), failed.problem
    elif seen is not None:
        state = "slow" if seen.latency_ms > SLOW_MS else "live"
    elif record.waiting_since is not None:
        state, problem = "unavailable", NO_WORKERS
    else:
        state = "loading"
    return Part(
        name=name,
        state=state,
        view=seen.view if seen else None,
        seen_at=_time(seen.at) if seen else None,
        age_seconds=max(0, int(now - seen.at)) if seen else None,
        latency_ms=seen.latency_ms if seen else None,
        url=(seen.url if seen else None) or (failed.url if failed else None),
        asked_at=_time(asked),
        waiting=waiting,
        problem=problem,
        failing_since=_time(failed.since) if failed is not None and failed.retry_at is not None else None,
        content=seen.content if seen else 0,
    )


def product_of(product_id: int, record: Record, now: float) -> LiveProduct:
    """All parts of a product. `now` in epoch seconds."""
    listing = part_of(record, "contracts", now)
    refs = listing.view.refs if isinstance(listing.view, ContractListView) else ()
    return LiveProduct(
        product_id=product_id,
        index=part_of(record, "index", now),
        metadata=part_of(record, "metadata", now),
        artifacts=part_of(record, "artifacts", now),
        contract_list=listing,
        contracts=tuple(_with_url(part_of(record, ref.part, now), ref.url) for ref in refs),
        health=part_of(record, "health", now),
        metrics=part_of(record, "metrics", now),
        asked_at=_time(record.asked_at),
    )


def product_unavailable(product_id: int) -> LiveProduct:
    """A product while Redis is away."""
    return LiveProduct(
        product_id=product_id,
        index=unavailable("index"),
        metadata=unavailable("metadata"),
        artifacts=unavailable("artifacts"),
        contract_list=unavailable("contracts"),
        contracts=(),
        health=unavailable("health"),
        metrics=unavailable("metrics"),
    )


def _with_url(part: Part, url: str) -> Part:
    if part.url:
        return part
    return replace(part, url=url)


def _time(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None else None
