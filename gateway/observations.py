"""One measurement of a product, as results of the Open Observability Results Standard."""

import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from gateway.config import RoleRules
from gateway.freshness import age_of, allowed_age
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
    ObservationStatus,
    Target,
)
from gateway.quality.results import overall, result_of
from gateway.quality.rules import Rule, rules_of
from gateway.quality.runner import Outcome, measure
from gateway.samples import DataError
from gateway.sources import Source, source_of
from gateway.watch import Look, updated_of

PROCESS = "data-product-gateway"


class Found(NamedTuple):
    """What measuring one artifact found: results of its rules, and a fault (or None) for each role with rules."""

    results: list[ObservationResult]
    roles: dict[str, str | None]


def measured(product: Product, entry: PortArtifact, settings: ObserveConfig) -> Found:
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
    return Found([result_for(rule, outcomes[rule.id], entry) for rule in rules], {**faults, **unclear})


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


def result_for(rule: Rule, outcome: Outcome, entry: PortArtifact) -> ObservationResult:
    artifact = entry.artifact
    return result_of(
        rule,
        outcome,
        artifact_id=artifact.id,
        artifact=artifact.name,
        contract_id=artifact.contract_id or "",
        contract_version=artifact.contract_version or "",
    )


def freshness_results(product: Product, looks: dict[str, Look | None], now: datetime) -> list[ObservationResult]:
    """The age of each artifact whose contract promises one of it as a whole."""
    results = []
    for entry in product.artifacts.values():
        artifact, allowed = entry.artifact, allowed_age(entry.artifact.contract)
        if allowed is None:
            continue
        limit = allowed.age.total_seconds()
        updated = updated_of(entry, looks)
        age = age_of(updated, now) if updated else None
        status: ObservationStatus = "skip" if age is None else "fail" if age > limit else "pass"
        message = "Not evaluated. Nobody knows when it last changed." if age is None else None
        if updated and age is None:
            status, message = "warn", f"It is dated in the future ({updated.isoformat(timespec='seconds')})."
        results.append(
            ObservationResult(
                id=f"{artifact.name}/freshness",
                type="metric",
                name=f"Age of {artifact.title}",
                status=status,
                relates_to=f"slaProperties/{allowed.properties[0]}",
                dimension="timeliness",
                target=Target(resource_type="dataset", resource_identifier=artifact.name),
                measure=Measure(metric="age", value=age, threshold={"mustBeLessOrEqualTo": limit}, unit="seconds"),
                message=message,
                custom_properties=[
                    CustomProperty(property="artifactId", value=artifact.id),
                    CustomProperty(property="contractId", value=artifact.contract_id),
                    CustomProperty(property="contractVersion", value=artifact.contract_version),
                ],
            )
        )
    return results


def document_of(
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
