"""Wire models of the gateway protocol: the one definition, for the gateway that answers and for every client that asks.

JSON names are camelCase, as in ODPS and ODCS. Readers ignore fields they do not know, so that a later minor version of
the protocol can add some. ODPS and ODCS documents themselves travel as written and are not modelled here.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

PROTOCOL_VERSION = "1"

KINDS = ("table", "file", "image set", "document", "model", "notebook", "query", "stream", "report")
"""What an artifact can be. A reader shows other words as they come."""

ACCESS_RIGHTS = ("open", "on request")

MAX_SAMPLE_ROWS = 100

MEDIA_JSON = "application/json"
MEDIA_YAML = "application/yaml"  # RFC 9512
MEDIA_PROBLEM = "application/problem+json"  # RFC 9457
MEDIA_HEALTH = "application/health+json"  # draft-inadarei-api-health-check-06
MEDIA_OPENAPI = "application/vnd.oai.openapi+json;version=3.1"
MEDIA_CLOUDEVENT = "application/cloudevents+json; charset=utf-8"
MEDIA_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"

OORS_VERSION = "v0.8.1"

HealthStatus = Literal["pass", "warn", "fail"]


class Wire(BaseModel):
    """Base of all wire models: camelCase on the wire, snake_case in Python, unknown fields ignored."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", serialize_by_alias=True)

    def to_json(self) -> bytes:
        """The JSON text of this model, UTF-8; nulls are written, since a null inside a document is part of it."""
        return self.model_dump_json().encode()


class Terse(Wire):
    """A model whose standard leaves out what does not apply, instead of null."""

    def to_json(self) -> bytes:
        """The JSON text of this model, UTF-8, nulls left out."""
        return self.model_dump_json(exclude_none=True).encode()


class Link(Wire):
    """A typed link. `href` may be relative to the address it was read from (RFC 3986): join before use."""

    rel: str
    href: str
    type: str | None = None
    title: str | None = None


class Linked(Wire):
    """A model that carries links."""

    links: list[Link] = Field(default_factory=list)

    def href(self, rel: str) -> str | None:
        """`href` of the first link with this relation; None when there is none."""
        return next((link.href for link in self.links if link.rel == rel), None)


class Policy(Wire):
    """A policy that a product says applies to an artifact."""

    name: str
    id: str | None = None
    url: str | None = None
    description: str | None = None


class Index(Linked):
    """`GET /discover`: what this product is and where everything else of it is.

    Link relations: `self`, `service-desc` (RFC 8631), `metadata`, `artifacts`, `artifact` (one each), `contract`
    (one for each contract version), `health`, `metrics`, `lineage`.
    """

    protocol_version: str
    id: str
    name: str
    title: str
    domain: str | None = None
    status: str | None = None
    version: str | None = None
    summary: str | None = None
    tags: list[str] = Field(default_factory=list)


class ArtifactSummary(Linked):
    """One ODPS output port. Link relations: `self`, `sample` (when rows can be shown), `contract`, `download`, and
    `query` and `orders` of what has rows and columns."""

    id: str
    name: str
    title: str
    kind: str
    summary: str | None = None
    version: str | None = None
    type: str | None = None
    """The port's ODPS `type`, as written."""
    format: str | None = None
    deprecated: bool = False
    tags: list[str] = Field(default_factory=list)
    policies: list[Policy] = Field(default_factory=list)
    access_rights: str | None = None
    license: str | None = None
    contract_id: str | None = None
    contract_version: str | None = None
    """Version of the contract document that is served for this artifact."""
    updated: datetime | None = None
    """When the content last changed."""


class ArtifactList(Wire):
    """`GET /discover/artifacts`."""

    product_id: str
    artifacts: list[ArtifactSummary] = Field(default_factory=list)


class Artifact(ArtifactSummary):
    """`GET /discover/artifact/{id}/metadata`: an artifact with its documents, both as written."""

    port: dict[str, Any] = Field(default_factory=dict)
    """The ODPS output port."""
    contract: dict[str, Any] | None = None
    """The ODCS contract; null when the gateway does not have it."""


class Sample(Wire):
    """`GET /discover/artifact/{id}/sample`: the first rows. Each row has one cell for each column."""

    artifact_id: str
    columns: list[str] = Field(default_factory=list)
    rows: list[list[Any]] = Field(default_factory=list)
    format: str | None = None
    has_more: bool = False
    """Whether the artifact has rows that are not shown here."""
    updated: datetime | None = None


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
    """Uses of consume and ingest in the access log, of the last 90 days; kept over restarts."""

    total: int = 0
    refused: int = 0
    consumers: int = 0
    """Distinct consumers that showed a grant."""
    rows: int = 0
    bytes: int = 0
    ingested: int = 0
    by_artifact: dict[str, int] = Field(default_factory=dict)
    by_action: dict[str, int] = Field(default_factory=dict)


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
    rules: RuleCounts | None = None
    """Null before the first measurement."""


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


class SubscriptionRequest(Wire):
    """`POST /observe/events/subscriptions`: where CloudEvents go, and which.

    `secret` is a Standard Webhooks secret (`whsec_` and base64 of 24 to 64 bytes); the gateway makes one when absent.
    """

    model_config = ConfigDict(extra="forbid")

    url: str = Field(max_length=2048)
    types: list[str] | None = Field(default=None, max_length=50)
    """CloudEvents types; all when absent. `health.*` means every type that begins so."""
    secret: str | None = Field(default=None, max_length=200)
    expires: datetime | None = None


class ThresholdRequest(SubscriptionRequest):
    """`POST /certify/subscriptions`: notices when the share of met policies or passed rules crosses a threshold."""

    measure: Literal["policies", "quality"] = "policies"
    threshold: float = Field(default=1.0, gt=0, le=1)


class SubscriptionOffer(Wire):
    """`GET /observe/events/subscriptions` and `GET /certify/subscriptions`: the types there are, and the room left."""

    types: list[str] = Field(default_factory=list)
    count: int = 0
    limit: int = 0


class Subscription(Linked):
    """An accepted subscription. Its `id` is what ends it: keep it. `secret` is only told once."""

    id: str
    url: str
    types: list[str] | None = None
    measure: str | None = None
    threshold: float | None = None
    expires: datetime | None = None
    created: datetime
    secret: str | None = None


class DeadLetter(Wire):
    """An event that could not be delivered."""

    subscription: str
    type: str
    event_id: str
    attempts: int
    last_error: str
    time: datetime


class DeadLetters(Wire):
    """`GET /observe/events/dead-letters`, newest first; `next` is the `before` of the next page."""

    entries: list[DeadLetter] = Field(default_factory=list)
    next: int | None = None


class PolicyResult(Terse):
    """Whether a policy is met, and the evidence."""

    id: str
    name: str
    met: bool
    message: str
    evidence: dict[str, Any] = Field(default_factory=dict)


class CertificationReport(Linked):
    """`GET /certify/report`: each policy with its result."""

    id: str
    product_id: str
    product_version: str | None = None
    status: Literal["OK", "NOT COMPLIANT"]
    evaluated_at: datetime
    policies: list[PolicyResult] = Field(default_factory=list)
    quality: float | None = None
    """Passed rules of those evaluated, 0 to 1; null when none was."""
    results_id: str | None = None
    """Id of the OORS document that the quality is from."""


class CertificationStatus(Linked):
    """`GET /certify/status`. Links: `report` (the one this is from), `reports` (earlier ones by `id` in `history`)."""

    status: Literal["OK", "NOT COMPLIANT"]
    evaluated_at: datetime
    policies: int
    met: int
    quality: float | None = None
    report_id: str
    history: list[str] = Field(default_factory=list)
    """Ids of reports kept, newest first."""


class PublishRequest(Wire):
    """`POST /certify/publish`: push the last report to a recipient; those of gateway.yaml when `url` is absent."""

    model_config = ConfigDict(extra="forbid")

    url: str | None = Field(default=None, max_length=2048)


class Publication(Wire):
    """Where a report was pushed, and what the recipient answered."""

    url: str
    delivered: bool
    status: int | None = None
    message: str | None = None


class Published(Wire):
    """The answer to `POST /certify/publish`."""

    report_id: str
    recipients: list[Publication] = Field(default_factory=list)


class Problem(Terse):
    """An error (RFC 9457). `action` says what the reader can do about it."""

    model_config = ConfigDict(extra="allow")

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    instance: str | None = None
    action: str | None = None


class Pause(Wire):
    """`POST /control/pause` takes this; everything in it may be left out."""

    reason: str | None = Field(default=None, max_length=500)
    retry_after_seconds: int = Field(default=300, ge=1, le=604_800)


class Configure(Wire):
    """`POST /control/configure` takes this: limits by their names in gateway.yaml; null takes a change back."""

    limits: dict[str, float | int | None] = Field(default_factory=dict)


class ControlStatus(Wire):
    """What the control calls answer. `limits` are those changed at run time."""

    status: Literal["running", "paused"]
    since: datetime | None = None
    by: str | None = None
    reason: str | None = None
    retry_after_seconds: int | None = None
    limits: dict[str, float | int | None] = Field(default_factory=dict)


class Query(Wire):
    """`POST /consume/{artifact}/query`: one SELECT over the artifact, which is the table `data`."""

    sql: str = Field(min_length=1, max_length=20_000)
    limit: int | None = Field(default=None, ge=1)
    format: Literal["json", "csv"] = "json"


class QueryResult(Wire):
    """The answer to a query as JSON: each row one cell for each column; `truncated` when a limit cut it off."""

    columns: list[str] = Field(default_factory=list)
    types: list[str] = Field(default_factory=list)
    rows: list[list[Any]] = Field(default_factory=list)
    row_count: int = 0
    truncated: bool = False
    elapsed_ms: float = 0


class FolderFile(Wire):
    """One file of an artifact that is a folder."""

    name: str
    href: str
    bytes: int
    updated: datetime


class FolderListing(Wire):
    """`GET /consume/{artifact}` of an artifact that is a folder; `?file=` gives one of them."""

    artifact_id: str
    files: list[FolderFile] = Field(default_factory=list)
    has_more: bool = False


class OrderRequest(Wire):
    """`POST /consume/{artifact}/orders`: all rows, or those of a query."""

    sql: str | None = Field(default=None, min_length=1, max_length=20_000)
    format: Literal["csv", "jsonl", "parquet"] = "csv"


class Order(Linked):
    """An asynchronous order. Link relations: `self`, and `result` once it is ready."""

    id: str
    artifact_id: str
    status: Literal["accepted", "running", "ready", "failed", "cancelled", "expired"]
    format: str
    created: datetime
    updated: datetime
    expires: datetime | None = None
    rows: int | None = None
    """Rows written so far; all of them once ready."""
    bytes: int | None = None
    detail: str | None = None
    """Why it failed."""


class RefusedRow(Wire):
    """A row that the contract does not allow, counted from 1, and each reason."""

    row: int
    reasons: list[str] = Field(default_factory=list)


class IngestResult(Wire):
    """`POST /ingest/{artifact}`: how many rows were taken; of the refused, the first 100 with reasons."""

    accepted: int = 0
    refused: int = 0
    rows: list[RefusedRow] = Field(default_factory=list)


class ProductEntry(Linked):
    """One product of a process that serves many. Link relation: `discovery`."""

    id: str
    name: str
    domain: str | None = None


class BrokenProduct(Wire):
    """A product folder that could not be served when the process started, and why."""

    folder: str
    problems: list[str] = Field(default_factory=list)


class ProductList(Wire):
    """`GET /` of a process that serves many products, and those of its folders that it cannot serve."""

    products: list[ProductEntry] = Field(default_factory=list)
    broken: list[BrokenProduct] = Field(default_factory=list)
