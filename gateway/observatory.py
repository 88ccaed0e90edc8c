"""What a product's gateway has observed: measures the data against the contracts, on a schedule and when asked."""

import logging
import secrets
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from gateway.config import GatewayConfig, RoleRules
from gateway.freshness import age_of, allowed_age
from gateway.live import LiveProduct
from gateway.observation import ObserveConfig
from gateway.product import PortArtifact, Product, custom
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
from gateway.samples import DataError
from gateway.schedule import Handle, scheduler
from gateway.sources import Source, source_of
from gateway.state import State

log = logging.getLogger(__name__)

RESULTS = "observability-results"
PROCESS = "data-product-gateway"

Listener = Callable[[ObservabilityResults | None, ObservabilityResults], None]


class Found(NamedTuple):
    """What measuring one artifact found: results of its rules, and a fault (or None) for each role with rules."""

    results: list[ObservationResult]
    roles: dict[str, str | None]


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
            results += _measured(product, entry, self.config().observe).results
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


def _measured(product: Product, entry: PortArtifact, settings: ObserveConfig) -> Found:
    """The results of one artifact's contract, and whether the rules of its roles fit the data."""
    contract = entry.artifact.contract or {}
    rules = rules_of(contract)
    objects = {found["name"]: found for found in contract.get("schema") or []}
    roles, unclear = role_rules(product, entry)
    try:
        source, reason = measured_source(product, entry), None
    except DataError as error:
        source, reason = None, f"The data cannot be read: {error}."
    if source is None:
        reason = reason or "The contract names no data file here."
    elif not source.tabular:
        reason = f"Rows of the format {source.format or 'unknown'} cannot be measured."
    own = data_object(entry, source, list(objects.values()))
    outcomes: dict[str, Outcome] = {}
    for name in objects:
        mine = [rule for rule in rules if rule.object == name]
        why = reason or (None if objects[name] is own else f"The data here is of {own and own['name']}, not {name}.")
        outcomes |= {rule.id: Outcome("skip", message=rule.unmeasured or why) for rule in mine if why}
    mine = [rule for rule in rules if rule.id not in outcomes]
    measurable = own if any(not rule.unmeasured for rule in mine) else None
    faults: dict[str, str | None] = {}
    if source is not None and reason is None and (measurable or roles):
        done = measure(source, measurable, mine, settings.measuring(), roles)
        outcomes |= {rule.id: outcome for rule, outcome in zip(mine, done.outcomes, strict=True)}
        faults = done.roles
    elif roles and source is not None:
        faults = dict.fromkeys(roles, "its format cannot be filtered")
    outcomes = {rule.id: Outcome("skip", message=rule.unmeasured) for rule in mine} | outcomes
    return Found([_result(rule, outcomes[rule.id], entry) for rule in rules], {**faults, **unclear})


def measured_source(product: Product, entry: PortArtifact) -> Source | None:
    """The source of an artifact; a contract's path that is a folder is all files of its format. Raises DataError."""
    source = source_of(product, entry)
    if source is not None and source.type == "file" and Path(source.path or "").is_dir():
        return replace(source, type="folder", pattern=f"*.{source.format}")
    return source


def data_object(entry: PortArtifact, source: Source | None, objects: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The schema object that the data is: the only one, the one named like port, file or table, or the first."""
    names = {entry.artifact.name.casefold()} | ({entry.data.path.stem.casefold()} if entry.data else set())
    if source is not None and source.table:
        names.add(source.table.rpartition(".")[2].casefold())
    for found in objects:
        if {str(found.get(key, "")).casefold() for key in ("name", "physicalName")} & names:
            return found
    return objects[0] if objects else None


def role_rules(product: Product, entry: PortArtifact) -> tuple[dict[str, dict[str, Any]], dict[str, str | None]]:
    """Masks and filter of each role that has some, and what is wrong with those that cannot be understood."""
    own = product.config.config.artifact(entry.artifact.name, entry.artifact.id).roles
    if own:
        return {role: rules.model_dump() for role, rules in own.items() if rules.mask or rules.filter}, {}
    found: dict[str, dict[str, Any]] = {}
    unclear: dict[str, str | None] = {}
    for role in (entry.artifact.contract or {}).get("roles") or []:
        given = {name: value for name in ("mask", "filter") if (value := custom(role, name)) is not None}
        try:
            if given:
                found[role["role"]] = RoleRules.model_validate(given).model_dump()
        except ValueError:
            unclear[role["role"]] = "its rules in the contract cannot be understood"
    return found, unclear


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
