"""What a product's gateway has observed: measures the data against the contracts, on a schedule and when asked."""

import logging
import secrets
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.config import GatewayConfig
from gateway.freshness import age_of, allowed_age
from gateway.live import LiveProduct
from gateway.observation import ObserveConfig
from gateway.product import PortArtifact, Product
from gateway.protocol import (
    ContractReference,
    CustomProperty,
    Measure,
    ObservabilityResults,
    ObservationResult,
    ObservationRun,
    ObservationSource,
    Target,
)
from gateway.quality.results import overall, result_of
from gateway.quality.rules import Rule, rules_of
from gateway.quality.runner import Outcome, measure
from gateway.schedule import Handle, scheduler
from gateway.state import State

log = logging.getLogger(__name__)

RESULTS = "observability-results"
PROCESS = "data-product-gateway"
READABLE = ("csv", "tsv", "json", "geojson", "jsonl", "parquet")

Listener = Callable[[ObservabilityResults | None, ObservabilityResults], None]


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
        self.listeners: list[Listener] = []
        self._lock = threading.Lock()
        self._last: ObservabilityResults | None = None
        self._key: str | None = None
        self._loaded = False
        self._asked: Handle | None = None
        self._done: Future[None] | None = None
        self._timer: Handle | None = None
        self._running_since: datetime | None = None

    # -- what is known --------------------------------------------------------------------------------------------

    def last(self) -> ObservabilityResults | None:
        """The last completed measurement; None before the first. Reads the state once."""
        with self._lock:
            if not self._loaded:
                kept = self.state.get(RESULTS) if self.state.kept else None
                if kept:
                    self._last = ObservabilityResults.model_validate(kept["document"])
                    self._key = kept["key"]
                self._loaded = True
            return self._last

    def current(self) -> bool:
        """Whether the last measurement is of the documents and data as they are now. A stat for each file."""
        return self.last() is not None and self._key == _key(self.live.snapshot.product)

    def shown(self) -> ObservabilityResults:
        """The last results; before the first measurement every rule as `skip`, which says that none was evaluated."""
        return self.last() or self._pending()

    def _pending(self) -> ObservabilityResults:
        product = self.live.snapshot.product
        waiting = Outcome("skip", message="The first measurement has not ended yet.")
        results = [
            _result(rule, waiting, entry)
            for entry in product.artifacts.values()
            for rule in rules_of(entry.artifact.contract or {})
        ]
        run = ObservationRun(state="running", started_at=self._running_since)
        return _document(product, results, run, str(uuid.uuid4()))

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
            age = (datetime.now(UTC) - last.observed_at).total_seconds()
            every = self._every()
            if not every or age < every:
                return self._done
        with self._lock:
            if self._done is None:
                self._done = Future()
                wait = 0.0
                if last:
                    since = (datetime.now(UTC) - last.observed_at).total_seconds()
                    wait = max(0.0, self.config().observe.pause_seconds - since)
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
        """Measure now and then by the schedule, until `stop`. Does nothing the second time, or without a schedule."""
        every = self._every()
        if not every or self._timer is not None:
            return
        wait = 1 + secrets.randbelow(1000) / 100  # not all products of a process at once
        last = self.last()
        if last and self.current():
            wait = max(wait, every - (datetime.now(UTC) - last.observed_at).total_seconds())
        self._timer = scheduler.after(wait, "measure", self._tick)

    def _tick(self) -> None:
        every = self._every()
        self._timer = scheduler.after(every, "measure", self._tick)
        if self.live.changed():
            self.live.reload()
        self.run()

    def stop(self) -> None:
        """End the schedule. A measurement under way ends by itself."""
        for handle in (self._timer, self._asked):
            if handle is not None:
                handle.cancel()
        with self._lock:
            self._timer = self._asked = self._done = None

    def run(self) -> ObservabilityResults:
        """Measure now. Blocking: a process for each artifact, one after the other. Never raises for what data does."""
        product = self.live.snapshot.product
        started = self._running_since = datetime.now(UTC)
        key = _key(product)
        results: list[ObservationResult] = []
        for entry in product.artifacts.values():
            results += _measured(entry, self.config().observe)
        results += freshness_results(product, datetime.now(UTC))
        run = ObservationRun(state="completed", started_at=started)
        document = _document(product, results, run, str(uuid.uuid4()))
        before = self.last()
        with self._lock:
            self._last, self._key = document, key
        self._running_since = None
        self.state.put(RESULTS, {"key": key, "document": document.model_dump(mode="json", exclude_none=True)})
        for listener in self.listeners:
            try:
                listener(before, document)
            except Exception:
                log.exception("a listener to observations failed")
        return document


def _key(product: Product) -> str:
    """The state of documents and data that a measurement is of."""
    documents = [(document.path.name, document.stamp) for document in product.documents]
    data = [(entry.artifact.id, entry.data.stamp if entry.data else None) for entry in product.artifacts.values()]
    return str((documents, data))


def _measured(entry: PortArtifact, settings: ObserveConfig) -> list[ObservationResult]:
    """The results of one artifact's contract."""
    contract = entry.artifact.contract or {}
    rules = rules_of(contract)
    objects = {found["name"]: found for found in contract.get("schema") or []}
    own = data_object(entry, list(objects.values()))
    outcomes: dict[str, Outcome] = {}
    for name, found in objects.items():
        mine = [rule for rule in rules if rule.object == name]
        reason = _why_not(entry) or (
            None if found is own else f"The data here is of {own and own['name']}, not {name}."
        )
        if not mine:
            continue
        if reason or entry.data is None or entry.data.format is None:
            outcomes |= {rule.id: Outcome("skip", message=rule.unmeasured or reason) for rule in mine}
            continue
        files = data_files(entry.data.path, entry.data.format)
        if not files:
            missing = Outcome(
                "error", message=f"{entry.data.path.name} does not exist or holds no {entry.data.format}."
            )
            outcomes |= {rule.id: missing for rule in mine}
            continue
        done = measure(files, entry.data.format, found, mine, settings.measuring())
        outcomes |= {rule.id: outcome for rule, outcome in zip(mine, done, strict=True)}
    return [_result(rule, outcomes[rule.id], entry) for rule in rules]


def _why_not(entry: PortArtifact) -> str | None:
    if entry.data is None:
        return "The contract names no data file here."
    if entry.data.format not in READABLE:
        return f"Rows of the format {entry.data.format or 'unknown'} cannot be measured."
    return None


def data_object(entry: PortArtifact, objects: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The schema object that the artifact's data file is: the only one, the one named like port or file, the first."""
    names = {entry.artifact.name.casefold()} | ({entry.data.path.stem.casefold()} if entry.data else set())
    for found in objects:
        if {str(found.get(key, "")).casefold() for key in ("name", "physicalName")} & names:
            return found
    return objects[0] if objects else None


def data_files(path: Path, format: str) -> list[Path]:
    """A file, or the files of a format in a folder, by name."""
    if path.is_dir():
        endings = {"jsonl": ("jsonl", "ndjson"), "tsv": ("tsv", "tab")}.get(format, (format,))
        return sorted(found for ending in endings for found in path.rglob(f"*.{ending}") if found.is_file())
    return [path] if path.is_file() else []


def _result(rule: Rule, outcome: Outcome, entry: PortArtifact) -> ObservationResult:
    artifact = entry.artifact
    return result_of(
        rule,
        outcome,
        artifact_id=artifact.id,
        artifact=artifact.name,
        contract_id=artifact.contract_id or "",
        contract_version=artifact.contract_version or "",
    )


def freshness_results(product: Product, now: datetime) -> list[ObservationResult]:
    """The age of each artifact whose contract promises one."""
    results = []
    for entry in product.artifacts.values():
        artifact, allowed = entry.artifact, allowed_age(entry.artifact.contract)
        if allowed is None:
            continue
        limit = allowed.age.total_seconds()
        age = age_of(artifact.updated, now) if artifact.updated else None
        late = age is not None and age > limit
        results.append(
            ObservationResult(
                id=f"{artifact.name}/freshness",
                type="metric",
                name=f"Age of {artifact.title}",
                status="skip" if age is None else "fail" if late else "pass",
                relates_to=f"slaProperties/{allowed.properties[0]}",
                dimension="timeliness",
                target=Target(resource_type="dataset", resource_identifier=artifact.name),
                measure=Measure(metric="age", value=age, threshold={"mustBeLessOrEqualTo": limit}, unit="seconds"),
                message="Not evaluated. Nobody knows when it last changed." if age is None else None,
                custom_properties=[
                    CustomProperty(property="artifactId", value=artifact.id),
                    CustomProperty(property="contractId", value=artifact.contract_id),
                    CustomProperty(property="contractVersion", value=artifact.contract_version),
                ],
            )
        )
    return results


def _document(
    product: Product, results: list[ObservationResult], run: ObservationRun, run_id: str
) -> ObservabilityResults:
    seen: Counter[str] = Counter()
    for result in results:  # two ports may have one name
        seen[result.id] += 1
        if seen[result.id] > 1:
            result.id = f"{result.id}-{seen[result.id]}"
    if not results:  # OORS wants at least one
        results = [
            ObservationResult(
                id="contracts",
                type="check",
                name="Contracts with rules",
                status="skip",
                message="Not evaluated. No contract of this product has rules.",
            )
        ]
    document = ObservabilityResults(
        id=str(uuid.uuid4()),
        observed_at=datetime.now(UTC),
        source=ObservationSource(process=PROCESS, run_id=run_id, vendor="gateway"),
        run=run,
        results=results,
        custom_properties=[CustomProperty(property="productId", value=product.odps.content["id"])],
    )
    return narrowed(document, lambda _: True) or document


def narrowed(document: ObservabilityResults, wanted: Callable[[dict[str, Any]], bool]) -> ObservabilityResults | None:
    """The document with only the results whose custom properties are wanted; None when none is.

    `contract` is said when all are of one contract (OORS: a document with a contract holds nothing else).
    """
    kept = [(result, {p.property: p.value for p in result.custom_properties or []}) for result in document.results]
    kept = [(result, own) for result, own in kept if wanted(own)]
    if not kept:
        return None
    contracts = {(own.get("contractId"), own.get("contractVersion")) for _, own in kept}
    ((contract_id, version),) = contracts if len(contracts) == 1 else ((None, None),)
    results = [result for result, _ in kept]
    return document.model_copy(
        update={
            "results": results,
            "status": overall(result.status for result in results),
            "contract": ContractReference(contract_id=contract_id, version=version) if contract_id else None,
        }
    )
