"""A data contract shaped for the templates: in brief on the product page, whole on its own."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain

from marketplace.catalogue import addresses, promises, schemas
from marketplace.catalogue.bounds import Bounds, Rows
from marketplace.catalogue.documents import documentation, members, named, support, term_row
from marketplace.catalogue.drift_notice import changes_url
from marketplace.catalogue.rows import ContractBlock, NameValue, QualityRow, RoleRow, ServerRow
from marketplace.catalogue.text import moment, web_address
from marketplace.live import view
from marketplace.live.state import Part
from registry.models import Product

ARTIFACTS = 50  # that a contract's page names


def contract(
    product: Product, part: Part, measured: view.MetricsView | None, bounds: Bounds, *, whole: bool = True
) -> ContractBlock:
    """The contract of a live part whose view is one. In brief it has no lists but its schemas.

    The rules of its columns are in their rows, and in `quality` together with all others.
    """
    found: view.ContractView = part.view
    of = addresses.slug_of(part.name)
    return ContractBlock(
        id=found.id or "",
        name=found.name or (found.schemas[0].name if found.schemas else "") or found.id or "Contract",
        version=found.version or "",
        status=found.status or "",
        standard=found.standard,
        source_url=web_address(part.url),
        url=addresses.contract(product, part.name),
        changes_url=changes_url(product, found),
        original_url=addresses.original(product, part.name),
        facts=bounds.rows(_facts(found), lambda fact: fact),
        tags=bounds.texts(found.tags),
        description=bounds.markdown(found.purpose),
        limitations=bounds.markdown(found.limitations),
        usage=bounds.markdown(found.usage),
        schemas=schemas.tables(found.schemas, addresses.table(product), of, bounds),
        sla=promises.rows(found.sla if whole else (), measured, bounds),
        quality=bounds.rows(_all_rules(found) if whole else (), quality_row),
        servers=bounds.rows(found.servers if whole else (), partial(server, bounds=bounds)),
        team=members(found.team if whole else None, bounds),
        support=support(found.support if whole else (), bounds),
        roles=bounds.rows(found.roles if whole else (), _role),
        price=found.price.text if found.price else "",
        documentation=documentation(found.documentation if whole else (), bounds),
        policies=bounds.rows(found.policies, term_row),
        custom=named(found.custom if whole else (), bounds),
        problems=bounds.texts(found.problems),
        column_count=found.column_count,
        rule_count=found.rule_count,
    )


def _facts(found: view.ContractView) -> Iterator[NameValue]:
    pairs = (
        ("Id", found.id),
        ("Version", found.version),
        ("Status", found.status),
        ("Standard", found.standard),
        ("Data product", found.data_product),
        ("Domain", found.domain),
        ("Tenant", found.tenant),
        ("Written", moment(found.created)),
    )
    yield from (NameValue(name, value, mono=False) for name, value in pairs if value)


_Rule = tuple[view.QualityRule, str]


def _all_rules(found: view.ContractView) -> Iterator[_Rule]:
    return chain(_rules(found.quality, ""), *map(_schema_rules, found.schemas))


def _schema_rules(schema: view.SchemaView) -> Iterator[_Rule]:
    yield from _rules(schema.quality, schema.name)
    for column in schema.columns:
        yield from _rules(column.quality, column.path or column.name)


def _rules(rules: Sequence[view.QualityRule], element: str) -> Iterator[_Rule]:
    return ((rule, element) for rule in rules)


def quality_row(found: _Rule) -> QualityRow:
    """A rule and what it is about."""
    rule, element = found
    words = schemas.in_words(rule)
    schedule = f"schedule {rule.schedule}" if rule.schedule else None
    return QualityRow(
        rule.name or "",
        words,
        rule.dimension or "",
        rule.severity or "",
        element,
        description=rule.description if rule.description and rule.description != words else "",
        impact=rule.business_impact or "",
        query=rule.query or "",
        how=" · ".join(filter(None, (rule.type, rule.engine, schedule))),
    )


def _role(role: view.Role) -> RoleRow:
    return RoleRow(role.role, role.access or "", role.description or "", ", ".join(role.approvers))


def server(found: view.Server, bounds: Bounds) -> ServerRow:
    """Where the data is."""
    return ServerRow(
        name=found.name or found.type or "Server",
        type=found.type or "",
        environment=found.environment or "",
        description=found.description or "",
        settings=named(found.settings, bounds),
    )


def parts(found: Sequence[Part]) -> Rows[Part]:
    """Those of the parts that hold a contract."""
    return Rows(part for part in found if isinstance(part.view, view.ContractView))
