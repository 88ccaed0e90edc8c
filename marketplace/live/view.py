"""The one honest view that every format turns into. Pages and the API know nothing but this.

All texts are foreign: plain text, possibly Markdown, never safe HTML. None or empty means that the document does not
say, never that we left it out. `to_json` and `from_json` carry a view through the cache; both are exact.
"""

from __future__ import annotations

import hashlib
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, get_args, get_type_hints

from pydantic import TypeAdapter

from .contract_view import (
    Column,
    ContractView,
    NamedValue,
    Person,
    Price,
    QualityRule,
    Role,
    SchemaView,
    Server,
    SlaRow,
    SupportChannel,
    Team,
    Term,
    WebLink,
)

__all__ = [
    "VIEW_TYPES",
    "ArtifactView",
    "ArtifactsView",
    "CatalogueView",
    "Check",
    "Column",
    "ContractListView",
    "ContractRef",
    "ContractView",
    "Coverage",
    "HealthView",
    "IndexView",
    "InputPort",
    "ListedDataset",
    "ManagementPort",
    "Metric",
    "MetricsView",
    "NamedValue",
    "Person",
    "Price",
    "PricePlan",
    "ProductView",
    "QualityRule",
    "Ref",
    "Role",
    "SampleView",
    "SchemaView",
    "Server",
    "SlaRow",
    "SupportChannel",
    "Team",
    "Term",
    "WebLink",
    "from_json",
    "shape_of",
    "to_dict",
    "to_json",
]


@dataclass(frozen=True, slots=True)
class PricePlan:
    """One of several ways to pay."""

    name: str
    price: Price | None = None
    description: str | None = None
    offers: tuple[str, ...] = ()


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


@dataclass(frozen=True, slots=True)
class ListedDataset:
    """One dataset of a catalogue, as far as a list shows it. `place`: where it stands in the document; `url`: the
    address that leads to it alone. `problem` says why it cannot be registered, and is empty where it can."""

    place: str
    title: str = ""
    description: str = ""
    url: str = ""
    name: str = ""
    domain: str = ""
    publisher: str = ""
    tags: tuple[str, ...] = ()
    documentation: tuple[WebLink, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class CatalogueView:
    """What a catalogue lists; `left_out` says how many more than are kept."""

    standard: str
    datasets: tuple[ListedDataset, ...] = ()
    left_out: int = 0


_CACHED = (
    CatalogueView,
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


@cache
def shape_of(name: str) -> str:
    """Another text whenever a view of this name, or anything in it, has other fields. Raises KeyError for no view."""
    return hashlib.sha256(repr(_fields_of(VIEW_TYPES[name], set())).encode()).hexdigest()[:12]


def _fields_of(cls: Any, seen: set[Any]) -> list[Any]:
    if not is_dataclass(cls):
        return [found for argument in get_args(cls) for found in _fields_of(argument, seen)]
    if cls in seen:
        return []
    seen.add(cls)
    hints = get_type_hints(cls)
    # What stands for "no default" is written with its address, which is another in each process.
    defaults = {found.name: None if found.default is MISSING else repr(found.default) for found in fields(cls)}
    own = [(found.name, repr(hints[found.name]), defaults[found.name]) for found in fields(cls)]
    return [(repr(cls), own), *(below for found in fields(cls) for below in _fields_of(hints[found.name], seen))]
