"""The rows of what a product's documents say, as the templates want them. `SafeString` fields are sanitised HTML."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from marketplace.catalogue.bounds import Rows


@dataclass(frozen=True)
class ColumnRow:
    """A column of a schema table; nested ones by their path."""

    name: str
    depth: int
    business_name: str
    type: str
    required: bool
    unique: bool
    primary_key: bool
    classification: str
    description: SafeString
    quality: Rows[str]


@dataclass(frozen=True)
class SchemaBlock:
    """One table, file or topic of a contract."""

    name: str
    description: SafeString
    columns: Rows[ColumnRow]


@dataclass(frozen=True)
class QualityRow:
    """A quality rule in plain words, and where it applies."""

    name: str
    rule: str
    dimension: str
    severity: str
    element: str


@dataclass(frozen=True)
class SlaRow:
    """A service level objective."""

    property: str
    value: str
    unit: str
    element: str
    description: str


@dataclass(frozen=True)
class NameValue:
    """A name and a value."""

    name: str
    value: str
    mono: bool = True


@dataclass(frozen=True)
class ServerRow:
    """Where the data is."""

    name: str
    type: str
    environment: str
    description: str
    settings: Rows[NameValue]


@dataclass(frozen=True)
class Member:
    """Somebody of the team, with their time on it."""

    name: str
    role: str
    since: str
    until: str


@dataclass(frozen=True)
class SupportRow:
    """Where to ask. `url` is empty where the document's is not a web address; it is then in `text`."""

    channel: str
    url: str
    text: str
    description: str


@dataclass(frozen=True)
class RoleRow:
    """Who is given which access."""

    role: str
    access: str
    description: str
    approvers: str


@dataclass(frozen=True)
class LinkRow:
    """A link out of a document."""

    label: str
    url: str


@dataclass(frozen=True)
class ContractBlock:
    """A data contract as a page shows it."""

    id: str
    name: str
    version: str
    status: str
    standard: str
    source_url: str
    description: SafeString
    limitations: SafeString
    usage: SafeString
    schemas: Rows[SchemaBlock]
    quality: Rows[QualityRow]
    sla: Rows[SlaRow]
    servers: Rows[ServerRow]
    team: Rows[Member]
    support: Rows[SupportRow]
    roles: Rows[RoleRow]
    price: str
    documentation: Rows[LinkRow]
    column_count: int
    rule_count: int


@dataclass(frozen=True)
class TermRow:
    """A license or a policy; a link where the document gives one."""

    text: str
    url: str


@dataclass(frozen=True)
class ArtifactRow:
    """One thing that can be consumed."""

    id: str
    name: str
    url: str
    kind: str
    icon: str
    format: str
    version: str
    updated: str
    summary: SafeString
    contract_id: str
    contract_version: str
    deprecated: bool
    tags: Rows[str]
    license: TermRow | None
    policies: Rows[TermRow]
    access: str
    documentation: Rows[LinkRow]
    links: Rows[LinkRow]


@dataclass(frozen=True)
class Sample:
    """Sample rows; None is a missing value."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str | None]]
    has_more: bool
    more_columns: int
    updated: str


@dataclass(frozen=True)
class CheckRow:
    """One check of a health document."""

    name: str
    status: str
    value: str
    output: str
    time: str


@dataclass(frozen=True)
class Health:
    """What the product says of its own health. `state` is live, slow or down, as for the states of an answer."""

    status: str
    state: str
    description: str
    output: str
    notes: Rows[str]
    checks: Rows[CheckRow]
