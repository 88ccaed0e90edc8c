"""What the gateway says about the state and the use of its product."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from gateway.documents import stamp
from gateway.freshness import age_of, allowed_age
from gateway.live import LiveProduct, Snapshot
from gateway.observatory import Faults, Known
from gateway.product import DataFile, PortArtifact
from gateway.protocol import (
    PROTOCOL_VERSION,
    Accesses,
    ArtifactVolume,
    Check,
    Freshness,
    Health,
    HealthStatus,
    IngestCounts,
    Metrics,
    ObservabilityResults,
    ObservationResult,
    RuleCounts,
    Volume,
)
from gateway.quality.results import NewestAge, newest_ages, quality_of
from gateway.readable import fault_of
from gateway.samples import DataError, count_rows
from gateway.usage import Usage
from gateway.watch import Look, updated_of

NOTHING = Known()
_SEVERITY: dict[HealthStatus, int] = {"pass": 0, "warn": 1, "fail": 2}


def health_of(live: LiveProduct, known: Known = NOTHING, notes: Sequence[str] = ()) -> Health:
    """Check the documents, open each data file, compare ages with the SLA. Blocking, but never for a source elsewhere.

    `fail` when data cannot be had; `warn` when an edit is broken (the state before it is served), a document does not
    fit the others, the rules of a role do not fit the data, data is older than its contract allows, broke a rule of it
    when last measured or could not be measured, or a source has not been looked at yet.

    Args:
        known: the last measurement and the last look at each source.
        notes: what else people should know.
    """
    product = live.snapshot.product
    entries = product.artifacts.values()
    now = datetime.now(UTC)
    checks = {"documents:valid": [_documents_check(live, now)]}
    remarks = product.notes + [note for entry in entries for note in entry.notes]
    checks["ports:complete"] = [
        Check(
            status="warn" if remarks else "pass", component_type="system", time=now, output="; ".join(remarks) or None
        )
    ]
    newest = newest_ages(known.results, now)
    groups: dict[str, list[Check]] = {
        "data:readable": [_data_check(entry, entry.data, now) for entry in entries if entry.data],
        "source:reachable": [
            _source_check(entry, known.looks[entry.artifact.id])
            for entry in entries
            if entry.artifact.id in known.looks
        ],
        "data:fresh": [check for entry in entries for check in _freshness_checks(entry, known, newest, now)],
    }
    told = list(notes)
    if results := known.results:
        groups["contract:met"] = [check for entry in entries if (check := _contract_check(entry, results))]
        groups["roles:valid"] = [check for entry in entries if (check := _roles_check(entry, known.roles, results))]
        told += [note for entry in entries if (note := _unevaluated(entry, results))]
    checks |= {name: found for name, found in groups.items() if found}
    every = [check for group in checks.values() for check in group]
    status = max((check.status for check in every), key=_SEVERITY.__getitem__)
    outputs = [check.output for check in every if check.output]
    return Health(
        status=status,
        version=PROTOCOL_VERSION,
        release_id=product.odps.content.get("version"),
        service_id=product.odps.content["id"],
        description=f"Gateway of the data product {product.odps.content.get('name') or product.odps.content['id']}",
        output="; ".join(outputs) or None,
        notes=told or None,
        checks=checks,
    )


def _documents_check(live: LiveProduct, now: datetime) -> Check:
    count = sum(1 for _ in live.snapshot.product.documents)
    if live.broken is None:
        return Check(status="pass", component_type="system", observed_value=count, observed_unit="documents", time=now)
    since = live.broken.since.isoformat(timespec="seconds")
    problems = "; ".join(live.broken.problems)
    return Check(
        status="warn",
        component_type="system",
        observed_value=len(live.broken.problems),
        observed_unit="problems",
        time=now,
        output=f"an edit seen at {since} is not valid, the state before it is served: {problems}",
    )


def _data_check(entry: PortArtifact, data: DataFile, now: datetime) -> Check:
    name = entry.artifact.name
    check = Check(status="pass", component_id=entry.artifact.id, component_type="datastore", time=now)
    fault, seen = fault_of(data.path, data.format), stamp(data.path)
    if fault is None and seen is not None:
        check.observed_value, check.observed_unit = seen[1], "bytes"
        return check
    check.output = f"{name}: {fault or f'{data.path.name} does not exist'}"
    check.status = "fail"
    check.affected_endpoints = [f"/discover/artifact/{entry.artifact.id}/sample"]
    return check


def _source_check(entry: PortArtifact, look: Look | None) -> Check:
    """Whether a folder, an address or a database can be reached."""
    name, own_id = entry.artifact.name, entry.artifact.id
    check = Check(status="pass", component_id=own_id, component_type="datastore", time=look.when if look else None)
    if look is None:
        check.status, check.output = "warn", f"{name}: its source has not been looked at yet"
    elif look.fault:
        check.status, check.output = "fail", f"{name}: {look.fault}"
        check.affected_endpoints = [f"/consume/{own_id}", f"/discover/artifact/{own_id}/sample"]
    return check


def _freshness_checks(
    entry: PortArtifact, known: Known, newest: dict[str, list[NewestAge]], now: datetime
) -> Iterator[Check]:
    """How old the content is, where its contract says how old it may be: as a whole, or in a column it names."""
    artifact, allowed = entry.artifact, allowed_age(entry.artifact.contract)
    for column, age, limit in newest.get(artifact.id, ()):
        yield _age_check(entry, now, age, limit, f"the newest {column} is {age / 86400:.1f} days old")
    updated = updated_of(entry, known.looks)
    if allowed is None or updated is None:
        return
    age_now = age_of(updated, now)
    if age_now is None:
        said = f"{artifact.name}: its last change is dated in the future, so nobody knows how old it is"
        yield Check(status="warn", component_id=artifact.id, component_type="datastore", time=now, output=said)
        return
    text = f"last changed {age_now / 86400:.1f} days ago"
    yield _age_check(entry, now, age_now, allowed.age.total_seconds(), text)


def _age_check(entry: PortArtifact, now: datetime, age: float, limit: float, text: str) -> Check:
    late = age > limit
    return Check(
        status="warn" if late else "pass",
        component_id=entry.artifact.id,
        component_type="datastore",
        observed_value=age,
        observed_unit="s",
        time=now,
        output=f"{entry.artifact.name}: {text}; its contract allows {limit / 86400:.1f}" if late else None,
    )


def _contract_check(entry: PortArtifact, results: ObservabilityResults) -> Check | None:
    """How many rules of its contract an artifact kept when last measured."""
    judged = [result for result in _rules_of(entry, results) if result.status not in ("skip", "unknown")]
    if not judged:
        return None
    faults = Counter(result.message for result in judged if result.status == "error")
    broken = [result.name for result in judged if result.status in ("fail", "warn")]
    said = [f"{count} rules unevaluated: {reason}" for reason, count in faults.most_common(1)]
    if broken:
        more = f" and {len(broken) - 5} more" if len(broken) > 5 else ""
        said.append(f"not met: {', '.join(broken[:5])}{more}")
    return Check(
        status="warn" if said else "pass",
        component_id=entry.artifact.id,
        component_type="datastore",
        observed_value=sum(result.status == "pass" for result in judged),
        observed_unit=f"of {len(judged)} rules",
        time=results.observed_at,
        output=f"{entry.artifact.name}: {'; '.join(said)}" if said else None,
    )


def _unevaluated(entry: PortArtifact, results: ObservabilityResults) -> str | None:
    """How many rules were not evaluated, and the reason that most have."""
    reasons = Counter(result.message for result in _rules_of(entry, results) if result.status in ("skip", "unknown"))
    if not reasons:
        return None
    [(reason, _)] = reasons.most_common(1)
    return f"{entry.artifact.name}: {reasons.total()} rules unevaluated: {reason}"


def _rules_of(entry: PortArtifact, results: ObservabilityResults) -> list[ObservationResult]:
    return [
        result
        for result in results.results
        if result.type == "check"
        and any(p.property == "artifactId" and p.value == entry.artifact.id for p in result.custom_properties or [])
    ]


def _roles_check(entry: PortArtifact, roles: Faults, results: ObservabilityResults) -> Check | None:
    """Whether the masks and filters of each role fit the data; where they do not, the role gets nothing."""
    faults = roles.get(entry.artifact.id)
    if not faults:
        return None
    broken = [f"role '{role[:80]}': {fault}" for role, fault in faults.items() if fault]
    return Check(
        status="warn" if broken else "pass",
        component_id=entry.artifact.id,
        component_type="system",
        observed_value=len(faults) - len(broken),
        observed_unit=f"of {len(faults)} roles",
        time=results.observed_at,
        output=f"{entry.artifact.name}: {'; '.join(broken[:5])}" if broken else None,
        affected_endpoints=[f"/consume/{entry.artifact.id}"] if broken else None,
    )


def _row_count(snapshot: Snapshot, entry: PortArtifact) -> int | None:
    """Rows of an artifact; counted once for each state of its file. Blocking."""
    own_id = entry.artifact.id
    if entry.data and own_id not in snapshot.counts:
        with snapshot.counting:
            if own_id not in snapshot.counts:
                try:
                    snapshot.counts[own_id] = count_rows(entry.data.path, entry.data.format)
                except DataError:
                    return None
    return snapshot.counts.get(own_id)


def metrics_of(
    snapshot: Snapshot,
    usage: Usage,
    accesses: dict[str, Any] | None = None,
    results: ObservabilityResults | None = None,
    ingest: IngestCounts | None = None,
) -> Metrics:
    """Use since the start, size and age of the data. Blocking: reads each data file once after it changed.

    Args:
        accesses: the sums of the access log.
        results: the last measurement.
        ingest: rows taken and refused at the door.
    """
    artifacts = [
        ArtifactVolume(
            id=entry.artifact.id,
            name=entry.artifact.name,
            bytes=entry.data.stamp[1],
            rows=_row_count(snapshot, entry),
            updated=entry.artifact.updated,
        )
        for entry in snapshot.product.artifacts.values()
        if entry.data and entry.data.stamp
    ]
    files = {e.data.path: e.data.stamp[1] for e in snapshot.product.artifacts.values() if e.data and e.data.stamp}
    updated = max((a.updated for a in artifacts if a.updated), default=None)
    return Metrics(
        started=usage.started,
        uptime_seconds=usage.uptime,
        requests=usage.requests(),
        latency_ms=usage.latency(),
        served=usage.served(),
        volume=Volume(bytes=sum(files.values()), rows=sum(a.rows or 0 for a in artifacts), artifacts=artifacts),
        freshness=Freshness(
            updated=updated,
            age_seconds=round((datetime.now(UTC) - updated).total_seconds(), 3) if updated else None,
        ),
        accesses=Accesses.model_validate({**accesses, "total": accesses["accesses"]}) if accesses else Accesses(),
        ingest=ingest or IngestCounts(),
        rules=_rules(results) if results else None,
    )


def _rules(results: ObservabilityResults) -> RuleCounts:
    statuses = Counter(result.status for result in results.results if result.type == "check")
    return RuleCounts(observed_at=results.observed_at, quality=quality_of(results), by_status=dict(statuses))


def prometheus(metrics: Metrics, usage: Usage) -> str:
    """The same as Prometheus text exposition format 0.0.4."""
    lines: list[str] = []

    def family(name: str, kind: str, text: str, *samples: tuple[str, float | None]) -> None:
        known = [(labels, value) for labels, value in samples if value is not None]
        if known:
            lines.extend((f"# HELP {name} {text}", f"# TYPE {name} {kind}"))
            lines.extend(f"{name}{labels} {value}" for labels, value in known)

    def of(label: str, value: str) -> str:
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{{{label}="{escaped}"}}'

    requests, latency, volume = metrics.requests, metrics.latency_ms, metrics.volume.artifacts
    family("gateway_start_time_seconds", "gauge", "Start, Unix time.", ("", metrics.started.timestamp()))
    family(
        "gateway_requests_total", "counter", "Requests by route.",
        *((of("route", route), count) for route, count in requests.by_endpoint.items()),
    )  # fmt: skip
    family(
        "gateway_responses_total", "counter", "Answers by status.",
        *((of("status", status), count) for status, count in requests.by_status.items()),
    )  # fmt: skip
    quantiles = (("0.5", latency.p50), ("0.95", latency.p95), ("0.99", latency.p99))
    name = "gateway_request_duration_seconds"
    family(name, "summary", "Time to answer.", *((of("quantile", q), v and v / 1000) for q, v in quantiles))
    if latency.count:
        lines.extend((f"{name}_sum {usage.seconds}", f"{name}_count {requests.total}"))
    family("gateway_served_bytes_total", "counter", "Body bytes sent.", ("", metrics.served.bytes))
    family("gateway_served_rows_total", "counter", "Sample rows sent.", ("", metrics.served.rows))
    family("gateway_data_bytes", "gauge", "Size of the data.", *((of("artifact", a.id), a.bytes) for a in volume))
    family("gateway_data_rows", "gauge", "Rows of the data.", *((of("artifact", a.id), a.rows) for a in volume))
    family(
        "gateway_data_updated_time_seconds", "gauge", "Last change of the data, Unix time.",
        *((of("artifact", a.id), a.updated.timestamp() if a.updated else None) for a in volume),
    )  # fmt: skip
    accesses = metrics.accesses
    family(
        "gateway_accesses_total", "counter", "Uses of consume and ingest.",
        *((of("action", action), count) for action, count in accesses.by_action.items()),
    )  # fmt: skip
    family(
        "gateway_consumers",
        "gauge",
        "Distinct consumers of late (log_days).",
        ("", accesses.consumers),
    )
    family(
        "gateway_ingest_rows_total", "counter", "Rows that came to the door.",
        (of("result", "accepted"), metrics.ingest.accepted), (of("result", "refused"), metrics.ingest.refused),
    )  # fmt: skip
    if metrics.rules:
        counts = metrics.rules.by_status.items()
        family(
            "gateway_rules", "gauge", "Rules by status.", *((of("status", status), count) for status, count in counts)
        )
        family("gateway_quality_ratio", "gauge", "Passed rules of those evaluated.", ("", metrics.rules.quality))
    return "\n".join(lines) + "\n"
