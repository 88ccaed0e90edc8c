"""The one honest view that every format turns into. Pages and the API know nothing but this.

All texts are foreign: plain text, possibly Markdown, never safe HTML. None or empty means that the document does not
say, never that we left it out. `to_json` and `from_json` carry a view through the cache; both are exact.
"""

from __future__ import annotations

import builtins
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True)
class NamedValue:
    """A custom property or any other pair: `value` as text, structures as JSON."""

    name: str
    value: str
    description: str | None = None


@dataclass(frozen=True, slots=True)
class WebLink:
    """A link out of the document. `url` is http(s) and nothing else; what else a document wrote is not a link here."""

    url: str
    type: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A team member, with the time on the team: `date_in`, `date_out` as written. Succession is human lineage."""

    username: str | None = None
    name: str | None = None
    role: str | None = None
    description: str | None = None
    date_in: str | None = None
    date_out: str | None = None
    replaced_by: str | None = None

    @property
    def label(self) -> str:
        return self.name or self.username or self.role or "unnamed"


@dataclass(frozen=True, slots=True)
class Team:
    name: str | None = None
    description: str | None = None
    members: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True)
class SupportChannel:
    channel: str | None = None
    url: str | None = None
    description: str | None = None
    tool: str | None = None
    scope: str | None = None
    invitation_url: str | None = None


@dataclass(frozen=True, slots=True)
class Price:
    amount: str | None = None
    currency: str | None = None
    unit: str | None = None

    @property
    def text(self) -> str:
        """Such as "9.95 USD per megabyte"."""
        money = " ".join(part for part in (self.amount, self.currency) if part)
        return f"{money} per {self.unit}" if money and self.unit else money or self.unit or ""


@dataclass(frozen=True, slots=True)
class PricePlan:
    """One of several ways to pay."""

    name: str
    price: Price | None = None
    description: str | None = None
    offers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Term:
    """One thing a consumer has to know: a license, a policy, an access right. `url` is http(s) where there is one."""

    text: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """Where and when. `bboxes`: west, south, east, north in degrees (WGS 84); `intervals`: "start/end" as written,
    ".." for an open end; `places`: what has a name and no coordinates."""

    bboxes: tuple[tuple[float, float, float, float], ...] = ()
    intervals: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ArtifactView:
    """One thing that can be consumed. `links`: relation (self, sample, contract, consume, download…) to absolute URL.

    `schemas` are the columns of an artifact that says them itself, without a contract.
    """

    id: str
    name: str
    title: str | None = None
    kind: str | None = None
    format: str | None = None
    summary: str | None = None
    updated: str | None = None
    version: str | None = None
    contract_id: str | None = None
    contract_version: str | None = None
    deprecated: bool = False
    tags: tuple[str, ...] = ()
    license: Term | None = None
    policies: tuple[Term, ...] = ()
    access: str | None = None
    links: dict[str, str] = field(default_factory=dict)
    documentation: tuple[WebLink, ...] = ()
    input_contracts: tuple[str, ...] = ()
    custom: tuple[NamedValue, ...] = ()
    schemas: tuple[SchemaView, ...] = ()


@dataclass(frozen=True, slots=True)
class InputPort:
    """What the product is made from: lineage to another product's contract."""

    name: str
    contract_id: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class ManagementPort:
    name: str
    content: str | None = None
    type: str | None = None
    url: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class ProductView:
    """What a product says about itself. `standard` is the format and its version, such as "ODPS v1.1.0".

    `sla` and `quality` are what the product promises without a contract; `prices` are its price plans where it has
    several; `problems` name what in the document is not as its standard wants it, with the place.
    """

    standard: str
    id: str | None = None
    title: str | None = None
    summary: str | None = None
    purpose: str | None = None
    limitations: str | None = None
    usage: str | None = None
    version: str | None = None
    status: str | None = None
    type: str | None = None
    domain: str | None = None
    tenant: str | None = None
    owner: str | None = None
    created: str | None = None
    tags: tuple[str, ...] = ()
    artifacts: tuple[ArtifactView, ...] = ()
    input_ports: tuple[InputPort, ...] = ()
    management_ports: tuple[ManagementPort, ...] = ()
    team: Team | None = None
    support: tuple[SupportChannel, ...] = ()
    price: Price | None = None
    documentation: tuple[WebLink, ...] = ()
    custom: tuple[NamedValue, ...] = ()
    license: Term | None = None
    publisher: str | None = None
    update_frequency: str | None = None
    modified: str | None = None
    language: str | None = None
    coverage: Coverage = Coverage()
    sla: tuple[SlaRow, ...] = ()
    quality: tuple[QualityRule, ...] = ()
    prices: tuple[PricePlan, ...] = ()
    policies: tuple[Term, ...] = ()
    sources: tuple[WebLink, ...] = ()
    problems: tuple[str, ...] = ()
    left_out: int = 0  # artifacts that were too many to keep


@dataclass(frozen=True, slots=True)
class QualityRule:
    """A data quality rule: `text` is the rule in plain words, such as "no null values" or "between 0 and 500"."""

    text: str
    name: str | None = None
    dimension: str | None = None
    severity: str | None = None
    type: str | None = None
    description: str | None = None
    business_impact: str | None = None
    query: str | None = None
    engine: str | None = None
    schedule: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One column or field. `path` names nested fields from the root ("address.city", "items[].price"); `depth` from 0.

    `required`, `unique` are None where the contract does not say.
    """

    name: str
    path: str
    depth: int = 0
    business_name: str | None = None
    logical_type: str | None = None
    physical_type: str | None = None
    physical_name: str | None = None
    description: str | None = None
    required: bool | None = None
    unique: bool | None = None
    primary_key: bool = False
    primary_key_position: int | None = None
    partitioned: bool = False
    critical: bool = False
    deprecated: bool = False
    classification: str | None = None
    semantic_type: str | None = None
    format: str | None = None
    options: tuple[NamedValue, ...] = ()
    examples: tuple[str, ...] = ()
    enum: tuple[NamedValue, ...] = ()
    tags: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    transform: str | None = None
    quality: tuple[QualityRule, ...] = ()
    documentation: tuple[WebLink, ...] = ()
    custom: tuple[NamedValue, ...] = ()


@dataclass(frozen=True, slots=True)
class SchemaView:
    """One table, file, topic or document of a contract; `columns` in order, nested ones after their parent."""

    name: str
    business_name: str | None = None
    physical_name: str | None = None
    logical_type: str | None = None
    physical_type: str | None = None
    description: str | None = None
    granularity: str | None = None
    deprecated: bool = False
    tags: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    quality: tuple[QualityRule, ...] = ()
    references: tuple[str, ...] = ()
    documentation: tuple[WebLink, ...] = ()
    custom: tuple[NamedValue, ...] = ()
    left_out: int = 0  # columns that were too many to keep


@dataclass(frozen=True, slots=True)
class SlaRow:
    """One service level objective. `text` is the row in words, such as "latency: 4 d"."""

    property: str
    value: str | None = None
    unit: str | None = None
    element: str | None = None
    driver: str | None = None
    description: str | None = None
    schedule: str | None = None

    @builtins.property  # the field of the standard hides the name
    def text(self) -> str:
        amount = " ".join(part for part in (self.value, self.unit) if part)
        return f"{self.property}: {amount}" if amount else self.property


@dataclass(frozen=True, slots=True)
class Server:
    """Where the data is. `settings` are the server's own keys (host, port, database, location…), in their order."""

    name: str | None = None
    type: str | None = None
    environment: str | None = None
    description: str | None = None
    settings: tuple[NamedValue, ...] = ()


@dataclass(frozen=True, slots=True)
class Role:
    role: str
    access: str | None = None
    description: str | None = None
    approvers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContractView:
    """A data contract: what the producer promises. `quality` of the whole contract; columns carry their own.

    `problems` name what in the document is not as its standard wants it, with the place.
    """

    standard: str
    id: str | None = None
    name: str | None = None
    version: str | None = None
    status: str | None = None
    domain: str | None = None
    tenant: str | None = None
    data_product: str | None = None
    purpose: str | None = None
    limitations: str | None = None
    usage: str | None = None
    created: str | None = None
    tags: tuple[str, ...] = ()
    schemas: tuple[SchemaView, ...] = ()
    quality: tuple[QualityRule, ...] = ()
    sla: tuple[SlaRow, ...] = ()
    servers: tuple[Server, ...] = ()
    team: Team | None = None
    support: tuple[SupportChannel, ...] = ()
    roles: tuple[Role, ...] = ()
    price: Price | None = None
    documentation: tuple[WebLink, ...] = ()
    custom: tuple[NamedValue, ...] = ()
    policies: tuple[Term, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def column_count(self) -> int:
        return sum(len(schema.columns) for schema in self.schemas)

    @property
    def rule_count(self) -> int:
        """Quality rules on columns, schemas and the contract together."""
        on_columns = sum(len(column.quality) for schema in self.schemas for column in schema.columns)
        return len(self.quality) + sum(len(schema.quality) for schema in self.schemas) + on_columns


@dataclass(frozen=True, slots=True)
class Check:
    """One entry of a health document: `value` with its unit as written."""

    name: str
    status: Literal["pass", "warn", "fail"] | None = None
    value: str | None = None
    time: str | None = None
    output: str | None = None


@dataclass(frozen=True, slots=True)
class HealthView:
    """`application/health+json`. `status` is None where the document names none of pass, warn, fail."""

    status: Literal["pass", "warn", "fail"] | None = None
    description: str | None = None
    version: str | None = None
    output: str | None = None
    notes: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class MetricsView:
    """What the product measures of itself, flat: `requests.total`, `latencyMs.p95`, `volume.rows`…"""

    metrics: tuple[Metric, ...] = ()

    def value(self, name: str) -> str | None:
        return next((metric.value for metric in self.metrics if metric.name == name), None)


@dataclass(frozen=True, slots=True)
class SampleView:
    """Up to 100 rows as texts; None is a missing value. Each row is as long as `columns`."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()
    has_more: bool | None = None
    updated: str | None = None
    left_out: int = 0  # columns that were too many to keep


@dataclass(frozen=True, slots=True)
class Ref:
    """A typed link as an index gives it; `url` is absolute."""

    rel: str
    url: str
    title: str | None = None


@dataclass(frozen=True, slots=True)
class IndexView:
    """A gateway's own index: what the product is, and where everything else of it is."""

    standard: str
    id: str | None = None
    name: str | None = None
    title: str | None = None
    domain: str | None = None
    status: str | None = None
    version: str | None = None
    summary: str | None = None
    tags: tuple[str, ...] = ()
    links: tuple[Ref, ...] = ()

    def url(self, rel: str) -> str | None:
        """The first link of this relation."""
        return next((link.url for link in self.links if link.rel == rel), None)

    def urls(self, rel: str) -> tuple[str, ...]:
        return tuple(link.url for link in self.links if link.rel == rel)


@dataclass(frozen=True, slots=True)
class ArtifactsView:
    """The artifacts part of a product."""

    artifacts: tuple[ArtifactView, ...] = ()
    left_out: int = 0  # artifacts that were too many to keep


@dataclass(frozen=True, slots=True)
class ContractRef:
    """Where one contract is: the live part it is kept under, and its URL."""

    part: str
    url: str


@dataclass(frozen=True, slots=True)
class ContractListView:
    """The contracts a product names; `left_out` says how many more than we read."""

    refs: tuple[ContractRef, ...] = ()
    left_out: int = 0


_CACHED = (
    IndexView,
    ProductView,
    ArtifactsView,
    ContractListView,
    ContractView,
    HealthView,
    MetricsView,
    SampleView,
    ArtifactView,
)
VIEW_TYPES: dict[str, type[Any]] = {cls.__name__: cls for cls in _CACHED}
"""The views that the live cache holds, by name."""

T = TypeVar("T")


_adapters: dict[type[Any], TypeAdapter[Any]] = {}


def _adapter(cls: type[T]) -> TypeAdapter[T]:
    if cls not in _adapters:
        _adapters[cls] = TypeAdapter(cls)
    return _adapters[cls]


def to_json(view: Any) -> bytes:
    """Any of our dataclasses as JSON bytes."""
    return _adapter(type(view)).dump_json(view)


def to_dict(view: Any) -> dict[str, Any]:
    """Any of our dataclasses as plain JSON values, for the API."""
    result: dict[str, Any] = _adapter(type(view)).dump_python(view, mode="json")
    return result


def from_json(cls: type[T], data: bytes | str) -> T:
    """The dataclass back. Raises pydantic.ValidationError where an older version wrote another shape."""
    found: T = _adapter(cls).validate_json(data)
    return found
