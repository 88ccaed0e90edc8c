"""Health and metrics."""

from datetime import datetime
from typing import Any

from pydantic import Field

from gateway.protocol.base import HealthStatus, Terse, Wire


class Check(Terse):
    """One measurement of a health answer (draft-inadarei-api-health-check, section 4)."""

    status: HealthStatus
    component_id: str | None = None
    component_type: str | None = None
    observed_value: Any = None
    observed_unit: str | None = None
    time: datetime | None = None
    output: str | None = None
    affected_endpoints: list[str] | None = None


class Health(Terse):
    """`GET /observe/health`, `application/health+json`; HTTP 200 for pass and warn, 503 for fail."""

    status: HealthStatus
    version: str | None = None
    """Protocol version."""
    release_id: str | None = None
    """Version of the data product."""
    service_id: str | None = None
    """Id of the data product."""
    description: str | None = None
    output: str | None = None
    notes: list[str] | None = None
    checks: dict[str, list[Check]] = Field(default_factory=dict)


class Requests(Wire):
    """Requests answered since the start."""

    total: int = 0
    by_endpoint: dict[str, int] = Field(default_factory=dict)
    by_status: dict[str, int] = Field(default_factory=dict)


class Latency(Wire):
    """Time to answer in milliseconds, over the last `count` requests; null before the first."""

    count: int = 0
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


class Served(Wire):
    """Sent to clients since the start: body bytes of all answers, rows of samples."""

    bytes: int = 0
    rows: int = 0


class ArtifactVolume(Wire):
    """Size of one artifact's data; `rows` is null where the format has none or the file is too large to count."""

    id: str
    name: str
    bytes: int
    rows: int | None = None
    updated: datetime | None = None


class Volume(Wire):
    """Size of all data of the product; `rows` sums those that are known."""

    bytes: int = 0
    rows: int = 0
    artifacts: list[ArtifactVolume] = Field(default_factory=list)


class Freshness(Wire):
    """When any data of the product last changed, and how many seconds ago that was."""

    updated: datetime | None = None
    age_seconds: float | None = None


class Accesses(Wire):
    """Uses of consume and ingest since the product was first served; kept over restarts."""

    total: int = 0
    refused: int = 0
    consumers: int = 0
    """Distinct consumers that showed a grant, in the days that the access log keeps (90 unless configured)."""
    rows: int = 0
    bytes: int = 0
    ingested: int = 0
    by_artifact: dict[str, int] = Field(default_factory=dict)
    by_action: dict[str, int] = Field(default_factory=dict)


class IngestCounts(Wire):
    """Rows that came to the door since the product was first served: taken, and refused for what the contract says."""

    accepted: int = 0
    refused: int = 0
    calls: int = 0
    last: datetime | None = None


class RuleCounts(Wire):
    """The contracts' rules by status when the data was last measured, and the share of passed ones, 0 to 1."""

    observed_at: datetime
    quality: float | None = None
    by_status: dict[str, int] = Field(default_factory=dict)


class Metrics(Wire):
    """`GET /observe/metrics` as JSON."""

    started: datetime
    uptime_seconds: float
    requests: Requests
    latency_ms: Latency
    served: Served
    volume: Volume
    freshness: Freshness
    accesses: Accesses = Field(default_factory=Accesses)
    ingest: IngestCounts = Field(default_factory=IngestCounts)
    rules: RuleCounts | None = None
    """Null before the first measurement."""
