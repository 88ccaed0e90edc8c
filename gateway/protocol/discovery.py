"""What a product says it is: index, artifacts, samples, and the index of a process that serves many."""

from datetime import datetime
from typing import Any

from pydantic import Field

from gateway.protocol.base import Linked, Wire


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
