"""The rows of what a product's documents say, as the templates want them. `SafeString` fields are sanitised HTML."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from marketplace.catalogue.bounds import Rows


@dataclass(frozen=True)
class NameValue:
    """A name and a value."""

    name: str
    value: str
    mono: bool = True


@dataclass(frozen=True)
class LinkRow:
    """A link out of a document. `icon` names a symbol of icons.svg; `page_url` shows what it leads to here."""

    label: str
    url: str
    icon: str = "external-link"
    type: str = ""
    page_url: str = ""


@dataclass(frozen=True)
class ColumnRow:
    """A column of a schema table; `path` from the root where it is nested."""

    name: str
    path: str
    depth: int
    business_name: str
    type: str
    physical_type: str
    required: bool
    unique: bool
    primary_key: bool
    key_position: int | None
    flags: Sequence[str]
    classification: str
    description: SafeString
    quality: Rows[str]
    details: Rows[NameValue]
    documentation: Rows[LinkRow]


@dataclass(frozen=True)
class SchemaBlock:
    """One table, file or topic with a page of its columns. `total` of all, `hits` of those that fit `question`.

    `of` and `number` say which schema it is at `url`, where other pages of it come from.
    """

    id: str
    name: str
    title: str
    description: SafeString
    facts: Rows[NameValue]
    documentation: Rows[LinkRow]
    columns: Rows[ColumnRow]
    total: int
    hits: int
    left_out: int
    url: str
    of: str
    number: int
    question: str
    page: int
    pages: int
    previous_url: str
    next_url: str


@dataclass(frozen=True)
class QualityRow:
    """A quality rule in plain words, and where it applies."""

    name: str
    rule: str
    dimension: str
    severity: str
    element: str
    description: str = ""
    impact: str = ""
    query: str = ""
    how: str = ""


@dataclass(frozen=True)
class Bar:
    """A bullet: how much was used of what is allowed, both in hundredths of the drawing's width."""

    measured: float
    allowed: float


@dataclass(frozen=True)
class SlaRow:
    """A service level objective, and beside it what the product measured. `verdict` is met, missed or empty."""

    property: str
    value: str
    unit: str
    element: str
    description: str
    driver: str = ""
    schedule: str = ""
    measured: str = ""
    verdict: str = ""
    bar: Bar | None = None


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
    """Somebody of the team, with their time on it, and who came after them."""

    name: str
    role: str
    since: str
    until: str
    description: str = ""
    successor: str = ""


@dataclass(frozen=True)
class SupportRow:
    """Where to ask. `url` is empty where the document's is not a web address; it is then in `text`."""

    channel: str
    url: str
    text: str
    description: str
    tool: str = ""
    scope: str = ""
    invitation_url: str = ""
    icon: str = "life-buoy"


@dataclass(frozen=True)
class RoleRow:
    """Who is given which access."""

    role: str
    access: str
    description: str
    approvers: str


@dataclass(frozen=True)
class TermRow:
    """A license or a policy; a link where the document gives one."""

    text: str
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
    url: str
    changes_url: str
    original_url: str
    facts: Rows[NameValue]
    tags: Rows[str]
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
    policies: Rows[TermRow]
    custom: Rows[NameValue]
    problems: Rows[str]
    column_count: int
    rule_count: int


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
    inputs: Rows[str]
    custom: Rows[NameValue]


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
