"""What a data contract says, and the small things that contracts and products say alike; see view.py."""

from __future__ import annotations

import builtins
from dataclasses import dataclass


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
class Term:
    """One thing a consumer has to know: a license, a policy, an access right. `url` is http(s) where there is one."""

    text: str
    url: str | None = None


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
