"""What a product's documents say, shaped for the templates. All texts are foreign; Markdown ones are sanitised HTML."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain

from marketplace.catalogue.bounds import (
    CELL_TEXT,
    COLUMN_RULES,
    COLUMN_TEXT,
    SAMPLE_CELLS,
    SAMPLE_COLUMNS,
    SAMPLE_ROWS,
    SCHEMAS,
    Bounds,
    Rows,
    cut,
)
from marketplace.catalogue.rows import (
    ArtifactRow,
    CheckRow,
    ColumnRow,
    ContractBlock,
    Health,
    LinkRow,
    Member,
    NameValue,
    QualityRow,
    RoleRow,
    Sample,
    SchemaBlock,
    ServerRow,
    SlaRow,
    SupportRow,
    TermRow,
)
from marketplace.catalogue.text import moment, web_address
from marketplace.live import view

# Symbols of static/icons.svg by kind of artifact, as the gateway protocol names them.
ICONS = {
    "table": "table-2",
    "file": "file-text",
    "image set": "image",
    "images": "image",
    "document": "file-text",
    "model": "box",
    "notebook": "notebook-text",
    "query": "terminal",
    "stream": "radio",
    "report": "chart-column",
}


LABELS = {
    "self": "Metadata",
    "metadata": "Metadata",
    "sample": "Sample rows",
    "contract": "Contract",
    "consume": "Consume",
    "documentation": "Documentation",
}


def contract(found: view.ContractView, bounds: Bounds, source_url: str = "") -> ContractBlock:
    """A contract, of `source_url`; its columns' rules are in the rows, and in `quality` together with all others."""
    return ContractBlock(
        id=found.id or "",
        name=found.name or (found.schemas[0].name if found.schemas else "") or found.id or "Contract",
        version=found.version or "",
        status=found.status or "",
        standard=found.standard,
        source_url=web_address(source_url),
        description=bounds.markdown(found.purpose),
        limitations=bounds.markdown(found.limitations),
        usage=bounds.markdown(found.usage),
        schemas=bounds.rows(found.schemas, partial(_schema, bounds=bounds), SCHEMAS),
        quality=bounds.rows(chain(_rules(found.quality, ""), *map(_schema_rules, found.schemas)), _quality),
        sla=bounds.rows(found.sla, _sla),
        servers=bounds.rows(found.servers, partial(_server, bounds=bounds)),
        team=members(found.team, bounds),
        support=support(found.support, bounds),
        roles=bounds.rows(found.roles, _role),
        price=found.price.text if found.price else "",
        documentation=documentation(found.documentation, bounds),
        column_count=found.column_count,
        rule_count=found.rule_count,
    )


def members(team: view.Team | None, bounds: Bounds) -> Rows[Member]:
    """The people of a team, those who left last."""
    people = sorted(team.members, key=lambda person: bool(person.date_out)) if team else []
    return bounds.rows(people, _member)


def _member(person: view.Person) -> Member:
    role = (person.role or "") if person.role != person.label else ""
    return Member(person.label, role, moment(person.date_in), moment(person.date_out))


def support(channels: Sequence[view.SupportChannel], bounds: Bounds) -> Rows[SupportRow]:
    """Where to ask for help."""
    return bounds.rows(channels, _channel)


def _channel(channel: view.SupportChannel) -> SupportRow:
    url = web_address(channel.url)
    text = "" if url else channel.url or ""
    return SupportRow(channel.channel or channel.tool or "Support", url, text, channel.description or "")


def documentation(links: Sequence[view.WebLink], bounds: Bounds) -> Rows[LinkRow]:
    """Links out of a document, those that are web addresses."""
    return bounds.rows(
        (link for link in links if web_address(link.url)),
        lambda link: LinkRow(link.description or link.type or link.url, web_address(link.url)),
    )


def term(found: view.Term | None) -> TermRow | None:
    """A license or policy; an address that stands for the text is shortened to what tells it apart."""
    return _term(found) if found else None


def short_address(url: str) -> str:
    """An address without what all have: "creativecommons.org/licenses/by/4.0"."""
    return url.split("://", 1)[-1].removeprefix("www.").rstrip("/")


def artifact(found: view.ArtifactView, url: str, bounds: Bounds) -> ArtifactRow:
    """An artifact; `url` is its page here."""
    return ArtifactRow(
        id=found.id,
        name=found.title or found.name,
        url=url,
        kind=found.kind or "",
        icon=ICONS.get((found.kind or "").lower(), "box"),
        format=found.format or "",
        version=found.version or "",
        updated=moment(found.updated),
        summary=bounds.markdown(found.summary),
        contract_id=found.contract_id or "",
        contract_version=found.contract_version or "",
        deprecated=found.deprecated,
        tags=bounds.texts(found.tags),
        license=term(found.license),
        policies=bounds.rows(found.policies, _term),
        access=found.access or "",
        documentation=documentation(found.documentation, bounds),
        links=bounds.rows(
            ((rel, web_address(href)) for rel, href in found.links.items() if web_address(href)),
            lambda link: LinkRow(LABELS.get(link[0], link[0]), link[1]),
        ),
    )


def sample(found: view.SampleView) -> Sample:
    """Sample rows of an artifact, as many columns and rows as a page can hold."""
    columns = found.columns[:SAMPLE_COLUMNS]
    rows = found.rows[: min(SAMPLE_ROWS, SAMPLE_CELLS // max(1, len(columns)))]
    return Sample(
        columns=[cut(name, CELL_TEXT) for name in columns],
        rows=[[value and cut(value, CELL_TEXT) for value in row[:SAMPLE_COLUMNS]] for row in rows],
        has_more=bool(found.has_more) or len(rows) < len(found.rows),
        more_columns=found.left_out + max(0, len(found.columns) - SAMPLE_COLUMNS),
        updated=moment(found.updated),
    )


_STATE_OF_HEALTH = {"pass": "live", "warn": "slow", "fail": "down"}


def health(found: view.HealthView, bounds: Bounds) -> Health:
    """A health document (application/health+json)."""
    return Health(
        status=found.status or "",
        state=_STATE_OF_HEALTH.get(found.status or "", "unknown"),
        description=found.description or "",
        output=found.output or "",
        notes=bounds.texts(found.notes),
        checks=bounds.rows(
            found.checks, lambda c: CheckRow(c.name, c.status or "", c.value or "", c.output or "", moment(c.time))
        ),
    )


# Metrics of the gateway protocol that a reader of business words wants first.
_HEADLINES = {
    "requests.total": "Questions answered",
    "latencyMs.p95": "95 of 100 within",
    "volume.rows": "Rows",
    "freshness.updated": "Data changed",
}


def figures(found: view.MetricsView) -> list[NameValue]:
    """The few metrics that everybody understands, in words."""
    said = {name: found.value(name) for name in _HEADLINES}
    return [NameValue(_HEADLINES[name], _figure(name, value)) for name, value in said.items() if value]


def _figure(name: str, value: str) -> str:
    try:
        number = float(value)
    except ValueError:
        return moment(value)
    return f"{number:,.0f}" + (" ms" if name.startswith("latencyMs") else "")


def named(pairs: Sequence[view.NamedValue | view.Metric], bounds: Bounds) -> Rows[NameValue]:
    """Pairs of a name and a value."""
    return bounds.rows(pairs, lambda pair: NameValue(pair.name, pair.value))


def _schema(schema: view.SchemaView, bounds: Bounds) -> SchemaBlock:
    description = bounds.markdown(schema.description, COLUMN_TEXT)
    columns = bounds.rows(schema.columns, partial(_column, bounds=bounds), left_out=schema.left_out)
    return SchemaBlock(schema.name, description, columns)


def _column(column: view.Column, bounds: Bounds) -> ColumnRow:
    return ColumnRow(
        name=column.path or column.name,
        depth=column.depth,
        business_name=column.business_name or "",
        type=column.physical_type or column.logical_type or "",
        required=bool(column.required),
        unique=bool(column.unique),
        primary_key=column.primary_key,
        classification=column.classification or "",
        description=bounds.markdown(column.description, COLUMN_TEXT),
        quality=bounds.rows(column.quality, _in_words, COLUMN_RULES),
    )


_Rule = tuple[view.QualityRule, str]


def _schema_rules(schema: view.SchemaView) -> Iterator[_Rule]:
    yield from _rules(schema.quality, schema.name)
    for column in schema.columns:
        yield from _rules(column.quality, column.path or column.name)


def _rules(rules: Sequence[view.QualityRule], element: str) -> Iterator[_Rule]:
    return ((rule, element) for rule in rules)


def _quality(found: _Rule) -> QualityRow:
    rule, element = found
    return QualityRow(rule.name or "", _in_words(rule), rule.dimension or "", rule.severity or "", element)


def _in_words(rule: view.QualityRule) -> str:
    """What the rule asks; of a query only its author's description says that."""
    return rule.description if rule.query and rule.description else rule.text


def _sla(row: view.SlaRow) -> SlaRow:
    return SlaRow(row.property, moment(row.value), row.unit or "", row.element or "", row.description or "")


def _role(role: view.Role) -> RoleRow:
    return RoleRow(role.role, role.access or "", role.description or "", ", ".join(role.approvers))


def _term(policy: view.Term) -> TermRow:
    url = web_address(policy.url)
    return TermRow(short_address(url) if url and policy.text == policy.url else policy.text, url)


def _server(server: view.Server, bounds: Bounds) -> ServerRow:
    return ServerRow(
        name=server.name or server.type or "Server",
        type=server.type or "",
        environment=server.environment or "",
        description=server.description or "",
        settings=named(server.settings, bounds),
    )
