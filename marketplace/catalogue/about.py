"""What a product's own document says of it, shaped for the section About."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.safestring import SafeString

from marketplace.catalogue import addresses, contracts, documents, queries
from marketplace.catalogue.bounds import ROWS, Bounds, Rows
from marketplace.catalogue.contexts import Titled
from marketplace.catalogue.coverage import CoverageBlock, coverage
from marketplace.catalogue.guides import artifacts_of, guides_of
from marketplace.catalogue.rows import LinkRow, NameValue, QualityRow, TermRow
from marketplace.catalogue.text import moment, web_address
from marketplace.catalogue.unsaid import Told, Unsaid, unsaid
from marketplace.live import view
from marketplace.live.state import LiveProduct
from registry.models import Product


@dataclass(frozen=True)
class Input:
    """What the product is made from; `product` where one here offers that contract."""

    name: str
    contract: str
    product: Titled | None
    url: str = ""


@dataclass(frozen=True)
class Plan:
    """A way to pay."""

    name: str
    price: str
    description: str
    offers: str


@dataclass(frozen=True)
class Port:
    """A management port."""

    name: str
    content: str
    url: str
    description: str


@dataclass(frozen=True)
class AboutBlock:
    """The section About. `unsaid`: what neither the document nor the contracts say."""

    purpose: SafeString
    limitations: SafeString
    usage: SafeString
    summary: SafeString
    license: TermRow | None
    price: str
    plans: Rows[Plan]
    policies: Rows[TermRow]
    coverage: CoverageBlock | None
    guides: Rows[LinkRow]
    inputs: Rows[Input]
    quality: Rows[QualityRow]
    facts: Rows[NameValue]
    ports: Rows[Port]
    custom: Rows[NameValue]
    problems: Rows[str]
    unsaid: Unsaid
    original_url: str


def about_block(product: Product, found: LiveProduct, said: view.ProductView, bounds: Bounds) -> AboutBlock:
    """All the document says of the product as a whole. One query where it names contracts as inputs, else none."""
    promised = [part.view for part in contracts.parts(found.contracts)]
    return AboutBlock(
        summary=bounds.markdown("" if said.purpose or said.summary == product.summary else said.summary),
        purpose=bounds.markdown(said.purpose),
        usage=bounds.markdown(said.usage),
        limitations=bounds.markdown(said.limitations),
        license=documents.term(said.license),
        price=said.price.text if said.price else "",
        plans=bounds.rows(said.prices, _plan),
        policies=bounds.rows(said.policies, documents.term_row),
        coverage=coverage(said.coverage, bounds),
        guides=bounds.rows(
            guides_of(found), lambda guide: _guide(product, guide.title, guide.url, guide.kind, guide.here)
        ),
        inputs=bounds.rows(_inputs(said), lambda entry: entry),
        quality=bounds.rows(((rule, "") for rule in said.quality), contracts.quality_row),
        facts=bounds.rows(_facts(said), lambda fact: fact),
        ports=bounds.rows(said.management_ports, _port),
        custom=documents.named(said.custom, bounds),
        problems=bounds.texts(said.problems),
        unsaid=unsaid(Told(said, artifacts_of(found), promised)),
        original_url=addresses.original(product, found.metadata.name),
    )


def _plan(plan: view.PricePlan) -> Plan:
    return Plan(plan.name, plan.price.text if plan.price else "", plan.description or "", ", ".join(plan.offers))


def _port(port: view.ManagementPort) -> Port:
    return Port(port.name, port.content or port.type or "", web_address(port.url), port.description or "")


def _guide(product: Product, title: str, url: str, kind: str, here: bool) -> LinkRow:
    link = view.WebLink(url, kind, title)
    icon = documents.guide_icon(link)
    named = documents.in_plain_words(kind)
    return LinkRow(title, url, icon, named if named != title else "", addresses.guide(product, url) if here else "")


def _inputs(said: view.ProductView) -> Iterator[Input]:
    named = (port.contract_id for port in said.input_ports[:ROWS] if port.contract_id)
    offered = queries.offering(named)
    for port in said.input_ports:
        known = offered.get(port.contract_id or "")
        yield Input(
            port.name,
            " ".join(filter(None, (port.contract_id, port.version))),
            Titled(known.title, known.get_absolute_url()) if known else None,
        )
    for source in said.sources:
        url = web_address(source.url)
        yield Input(source.description or documents.short_address(source.url), source.type or "", None, url)


def _facts(said: view.ProductView) -> Iterator[NameValue]:
    pairs = (
        ("Version", said.version),
        ("Status", said.status),
        ("Type", documents.in_plain_words(said.type)),
        ("Standard", said.standard),
        ("Id", said.id),
        ("Domain, in its own words", said.domain),
        ("Tenant", said.tenant),
        ("Owner", said.owner),
        ("Published by", said.publisher),
        ("Created", moment(said.created)),
        ("Changed", moment(said.modified)),
        ("How often it changes", said.update_frequency),
        ("Language", said.language),
        ("Tags", ", ".join(said.tags[:50])),
    )
    yield from (NameValue(name, value, mono=False) for name, value in pairs if value)
