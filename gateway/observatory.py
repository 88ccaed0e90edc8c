"""What a product's gateway has observed: measures the data against the contracts, on a schedule and when asked."""

import logging
import math
import secrets
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import NamedTuple

from gateway.config import GatewayConfig
from gateway.documents import stamp
from gateway.live import LiveProduct
from gateway.observations import document_of, freshness_results, measured, result_for
from gateway.product import PortArtifact, Product
from gateway.protocol import (
    ObservabilityResults,
    ObservationResult,
    ObservationRun,
)
from gateway.quality.rules import rules_of
from gateway.quality.runner import Outcome
from gateway.samples import DataError
from gateway.schedule import Handle, Repeated, scheduler
from gateway.sources import files_of, source_of
from gateway.state import State
from gateway.watch import Look, Watch

log = logging.getLogger(__name__)

RESULTS = "observability-results"

ELSEWHERE_SECONDS = 300.0
Faults = dict[str, dict[str, str | None]]
"""By artifact id and role, why the rules of the role do not fit the data; None where they do."""
Listener = Callable[[ObservabilityResults | None, ObservabilityResults], None]


class Known(NamedTuple):
    """What is known of the data: the last measurement, faults of roles by artifact id, the last look at each source."""

    results: ObservabilityResults | None = None
    roles: Faults = {}
    looks: dict[str, Look | None] = {}


class Observatory:
    """The observations of one product. All methods may be called from any thread.

    Args:
        config: gives the settings as they are now.
        listeners: called after each measurement with the results before (None at first) and now, in the thread that
            measured.
    """

    def __init__(self, live: LiveProduct, state: State, config: Callable[[], GatewayConfig]) -> None:
        self.live = live
        self.state = state
        self.config = config
        self.watch = Watch(live, config)
        self.listeners: list[Listener] = []
        self._lock = threading.Lock()
        self._last: ObservabilityResults | None = None
        self._key: str | None = None
        self._loaded = False
        self._asked: Handle | None = None
        self._done: Future[None] | None = None
        self._roles: Faults = {}
        self._timer: Repeated | None = None
        self._running_since: datetime | None = None

    # -- what is known --------------------------------------------------------------------------------------------

    def last(self) -> ObservabilityResults | None:
        """The last completed measurement; None before the first. Reads the state once."""
        with self._lock:
            if not self._loaded:
                kept = self.state.get(RESULTS) if self.state.kept else None
                try:
                    if kept:
                        self._last = ObservabilityResults.model_validate(kept["document"])
                        self._key, self._roles = kept["key"], kept.get("roles") or {}
                except (ValueError, KeyError, TypeError):  # of another version: it is measured again
                    log.warning("the last results kept cannot be read")
                self._loaded = True
            return self._last

    def known(self) -> Known:
        """What health is told from, as far as it is known now. Never waits for a source."""
        last = self.last()
        return Known(last, self._roles, self.watch.seen())

    def current(self) -> bool:
        """Whether the last measurement is of the documents and data as they are now. A stat for each file.

        Nothing tells when data elsewhere changes: there a measurement counts as of now for some minutes.
        """
        last, product = self.last(), self.live.snapshot.product
        if last is None or self._key != _key(product):
            return False
        return _age(last) < max(self._every(), ELSEWHERE_SECONDS) or not _elsewhere(product)

    def shown(self) -> ObservabilityResults:
        """The last results; before the first measurement every rule as `skip`, which says that none was evaluated."""
        return self.last() or self._pending()

    def _pending(self) -> ObservabilityResults:
        product = self.live.snapshot.product
        waiting = Outcome("skip", message="The first measurement has not ended yet.")
        results = [
            result_for(rule, waiting, entry)
            for entry in product.artifacts.values()
            for rule in rules_of(entry.artifact.contract or {})
        ]
        run = ObservationRun(state="running", started_at=self._running_since)
        return document_of(product, results, run, str(uuid.uuid4()))

    def _every(self) -> float:
        """Seconds between two measurements by schedule; 0 is none."""
        return self.config().schedule.quality_minutes * 60

    # -- measuring ------------------------------------------------------------------------------------------------

    def ask(self) -> "Future[None] | None":
        """Measure soon, in the background, unless it is under way or was just done for the same state.

        Returns:
            Done when the measurement is; None when there is nothing to wait for.
        """
        last = self.last()
        if last and self.current():
            every = self._every()
            if not every or _age(last) < every:
                return self._done
        with self._lock:
            if self._done is None:
                self._done = Future()
                wait = max(0.0, self.config().observe.pause_seconds - _age(last)) if last else 0.0
                self._asked = scheduler.after(wait, "measure", self._asked_run)
            return self._done

    def _asked_run(self) -> None:
        try:
            self.run()
        finally:
            with self._lock:
                done, self._asked, self._done = self._done, None, None
            if done is not None:
                done.set_result(None)

    def start(self) -> None:
        """Measure now and then by the schedule, until `stop`. Does nothing the second time."""
        if self._timer is not None:
            return
        wait = 1 + secrets.randbelow(1000) / 100  # not all products of a process at once
        last = self.last()
        if last and self.current():
            wait = max(wait, self._every() - _age(last))
        self._timer = Repeated(scheduler, "measure", self._tick, self._every)
        self._timer.start(wait)
        self.watch.start()

    def _tick(self) -> None:
        if self.live.changed():
            self.live.reload()
        self.run()

    def stop(self) -> None:
        """End the schedule. A measurement under way ends by itself."""
        self.watch.stop()
        for job in (self._timer, self._asked):
            if job is not None:
                job.cancel()
        with self._lock:
            self._timer = self._asked = self._done = None

    def run(self) -> ObservabilityResults:
        """Measure now. Blocking: a process for each artifact, one after the other. Never raises for what data does."""
        product = self.live.snapshot.product
        started = self._running_since = datetime.now(UTC)
        key = _key(product)
        results: list[ObservationResult] = []
        roles: Faults = {}
        for entry in product.artifacts.values():
            found = measured(product, entry, self.config().observe)
            results += found.results
            roles[entry.artifact.id] = found.roles
        results += freshness_results(product, self.watch.seen(), datetime.now(UTC))
        run = ObservationRun(state="completed", started_at=started)
        document = document_of(product, results, run, str(uuid.uuid4()))
        before = self.last()
        with self._lock:
            self._last, self._key, self._roles = document, key, roles
        self._running_since = None
        kept = {"key": key, "document": document.model_dump(mode="json", exclude_none=True), "roles": roles}
        self.state.put(RESULTS, kept)
        for listener in self.listeners:
            try:
                listener(before, document)
            except Exception:
                log.exception("a listener to observations failed")
        return document


def _age(results: ObservabilityResults) -> float:
    """Seconds since a measurement; without end when its time is still to come: the clock was put back since."""
    age = (datetime.now(UTC) - results.observed_at).total_seconds()
    return age if age >= 0 else math.inf


def _elsewhere(product: Product) -> bool:
    sources = (own.source for own in product.config.config.artifacts.values())
    return any(source is not None and source.type in ("http", "sql") for source in sources)


def _key(product: Product) -> str:
    """The state of documents, settings and data that a measurement is of."""
    documents = [(document.path.name, document.stamp) for document in product.documents]
    data = [(entry.artifact.id, _stamp(product, entry)) for entry in product.artifacts.values()]
    return str((documents, product.config.stamp, data))


def _stamp(product: Product, entry: PortArtifact) -> object:
    if entry.data:
        return entry.data.stamp
    try:
        source = source_of(product, entry)
        return [stamp(path) for path in files_of(source)] if source and source.type == "folder" else None
    except DataError:
        return None
