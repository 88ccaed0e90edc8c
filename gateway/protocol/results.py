"""OORS 0.8 observability results."""

from datetime import datetime
from typing import Any, Literal

from gateway.protocol.base import OORS_VERSION, Terse

ObservationStatus = Literal["pass", "warn", "fail", "error", "skip", "unknown"]
"""OORS: `error` could not be evaluated, `skip` was not evaluated; neither counts as a pass."""


class CustomProperty(Terse):
    """A property that a Bitol standard has no field for."""

    property: str
    value: Any = None


class Target(Terse):
    """What was observed."""

    resource_type: str
    resource_identifier: str | list[str]


class Measure(Terse):
    """What was measured, and what it must be: one ODCS operator such as `mustBe` and its value."""

    metric: str
    value: Any = None
    threshold: dict[str, Any] | None = None
    unit: str | None = None
    row_count: int | None = None
    failed_row_count: int | None = None


class ObservationResult(Terse):
    """One OORS result. Custom properties: `artifactId`, `contractId`, `contractVersion`."""

    id: str
    type: Literal["check", "metric"]
    name: str
    status: ObservationStatus
    relates_to: str | None = None
    severity: str | None = None
    dimension: str | None = None
    target: Target | None = None
    measure: Measure | None = None
    message: str | None = None
    tags: list[str] | None = None
    custom_properties: list[CustomProperty] | None = None


class ObservationSource(Terse):
    """Who observed."""

    process: str
    run_id: str | None = None
    vendor: str | None = None


class ObservationRun(Terse):
    """The run that observed; `state` is `running` or `completed`."""

    state: str
    started_at: datetime | None = None


class ContractReference(Terse):
    """The contract whose promises were observed."""

    contract_id: str
    standard: str = "ODCS"
    version: str | None = None


class ObservabilityResults(Terse):
    """`GET /observe/results`: OORS 0.8. `contract` stands when all results are of one contract."""

    api_version: str = OORS_VERSION
    kind: Literal["ObservabilityResults"] = "ObservabilityResults"
    id: str
    observed_at: datetime
    source: ObservationSource
    run: ObservationRun | None = None
    contract: ContractReference | None = None
    results: list[ObservationResult]
    status: ObservationStatus | None = None
    custom_properties: list[CustomProperty] | None = None
