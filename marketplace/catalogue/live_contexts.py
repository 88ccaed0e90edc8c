"""Contexts of the live sections of the product page, each from what `marketplace.live` knows at this moment."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.template import loader
from django.utils.safestring import SafeString

from marketplace.catalogue import addresses, contracts, documents, promises
from marketplace.catalogue.about import about_block
from marketplace.catalogue.bounds import Bounds
from marketplace.catalogue.contexts import Notice
from marketplace.catalogue.guides import artifacts_of
from marketplace.catalogue.kept import Kept
from marketplace.catalogue.live_parts import WORDS, Live, Polling, age, failing_since, live, waiting_word
from marketplace.catalogue.text import web_address
from marketplace.catalogue.timeline import entries, planned
from marketplace.catalogue.use import action
from marketplace.live.drift.versions import order
from marketplace.live.errors import Problem
from marketplace.live.state import NO_WORKERS, LiveProduct, Part
from marketplace.live.view import ContractView, HealthView, MetricsView, ProductView, SlaRow
from marketplace.trust.contexts import in_short
from registry.models import Product

Context = dict[str, Any]


def _card(product: Product, found: LiveProduct) -> Context:
    """The strip of the card: each interface with its state, and the promises in short."""
    said, promised = found.product, _contracts(found)
    return {
        "action": action(product, found),
        "interfaces": _interfaces(found),
        "sla": next((row.text for row in _objectives(found)), ""),
        "dates": planned(_objectives(found)),
        "license": next((documents.term_row(license) for license in _licenses(found)), None),
        "price": price_of(said, promised),
        "support": next((row.channel for row in documents.support(said.support, Bounds())), "") if said else "",
        "trust": in_short(product, found),
    }


def _artifacts(product: Product, found: LiveProduct) -> Context:
    """What can be consumed."""
    bounds = Bounds()
    return {
        "artifacts": bounds.rows(
            artifacts_of(found),
            lambda a: documents.artifact(a, addresses.artifact(product, a.id), bounds),
            left_out=getattr(found.artifacts.view or found.metadata.view, "left_out", 0),
        )
    }


def _contract(product: Product, found: LiveProduct) -> Context:
    """Every contract of the product."""
    shown = _in_place(found)
    missing = [part for part in found.contracts if part.view is None and part.problem]
    bounds = Bounds()
    return {
        "contracts": [contracts.contract(product, part, None, bounds, whole=False) for part in shown],
        "contracts_more": getattr(found.contract_list.view, "left_out", 0),
        "notices": [Notice("warn", f"{part.url}: {part.message}", part.advice) for part in missing if shown],
    }


def _contract_head(found: LiveProduct, polling: Polling) -> Live:
    waiting = found.contract_list.waiting or any(part.waiting for part in found.contracts)
    head = _head(found.contract_list, found.contracts, _in_place(found))
    return live(head, polling, waiting=waiting, said=_said(found))


def _health(product: Product, found: LiveProduct) -> Context:
    """What the product says of its own health, and what it measures."""
    measured = measured_by(found)
    bounds = Bounds()
    return {
        "health": documents.health(found.health.view, bounds) if isinstance(found.health.view, HealthView) else None,
        "promises": promises.rows(_objectives(found), measured, bounds),
        "figures": documents.figures(measured) if measured else [],
        "metrics": documents.named(measured.metrics, bounds) if measured else [],
        "metrics_url": web_address(found.metrics.url),
    }


def _health_head(found: LiveProduct, polling: Polling) -> Live:
    return live(found.health, polling, waiting=found.health.waiting or found.metrics.waiting, said=_said(found))


def _team(product: Product, found: LiveProduct) -> Context:
    """Who keeps the product, and where to ask; of the product, else of its first contract that says."""
    said: Sequence[ProductView | ContractView] = [x for x in (found.product, *_contracts(found)) if x]
    named = next((x.team for x in said if x.team and (x.team.members or x.team.description)), None)
    bounds = Bounds()
    return {
        "team": documents.members(named, bounds),
        "support": documents.support(next((x.support for x in said if x.support), ()), bounds),
        "description": (named.description or "") if named else "",
    }


def _about(product: Product, found: LiveProduct) -> Context:
    """What the product's own document says of purpose, limits, use and origin."""
    said = found.product
    return {"about": about_block(product, found, said, Bounds()) if said else None}


def _history(product: Product, found: LiveProduct) -> Context:
    """What happened to the product, newest first. One query."""
    return {"entries": entries(product, found)}


def _history_head(found: LiveProduct, polling: Polling) -> Live:
    waiting = any(part.waiting for part in (found.metadata, found.artifacts, *found.contracts))
    return live(found.metadata, polling, waiting=waiting, said=_said(found))


def _documents(found: LiveProduct) -> tuple[Part, ...]:
    return found.index, found.metadata, found.artifacts, found.contract_list, *found.contracts


def _listing(found: LiveProduct) -> tuple[Part, ...]:
    return found.index, found.metadata, found.artifacts


def _all(found: LiveProduct) -> tuple[Part, ...]:
    return found.parts


@dataclass(frozen=True)
class Section:
    """A live part of the product page.

    `head`: its state; `body`: what its template gets; `reads`: the parts of the product that both are made of. A body
    is kept as HTML and made anew where these, or the product's listing, have changed; one that also tells what happens
    in the marketplace is not. `frame` is the template around it, which of a section without one gets the body itself.
    """

    title: str
    template: str
    head: Callable[[LiveProduct, Polling], Live]
    body: Callable[[Product, LiveProduct], Context]
    reads: Callable[[LiveProduct], Sequence[Part]]
    is_kept: bool = True
    frame: str = "catalogue/_section.html"

    def context(self, name: str, product: Product, found: LiveProduct, polling: Polling) -> Context:
        """For its frame."""
        shown = self.head(found, polling)
        context = {"live": shown, "part": name, "part_title": self.title}
        if not self.template:
            return {**context, **self.body(product, found)}

        def make() -> SafeString:
            html = loader.get_template(self.template).render({"live": shown, **self.body(product, found)})
            return SafeString(html)  # the template made it

        if not self.is_kept:
            return {**context, "body": make()}
        said = tuple((part.content, part.url, part.problem) for part in self.reads(found))
        return {
            **context,
            "body": BODIES.html((name, product.pk, product.revision, shown.state, shown.source_url, said), make),
        }


BODIES = Kept(8_000_000)
CARD = Section(
    "In short",
    "",
    lambda found, polling: live(found.index, polling, waiting=found.waiting),
    _card,
    _all,
    frame="catalogue/_live_card.html",
)
SECTIONS = {
    "about": Section(
        "About", "catalogue/_about.html", lambda found, polling: live(found.metadata, polling), _about, _documents
    ),
    "artifacts": Section(
        "Artifacts",
        "catalogue/_artifacts.html",
        lambda found, polling: live(found.artifacts, polling, said=_said(found)),
        _artifacts,
        _listing,
    ),
    "contract": Section("Contract", "catalogue/_contract.html", _contract_head, _contract, _documents),
    "health": Section("Health", "catalogue/_health.html", _health_head, _health, _all),
    "team": Section(
        "Team and support",
        "catalogue/_team.html",
        lambda found, polling: live(found.metadata, polling, said=_said(found)),
        _team,
        _documents,
    ),
    "history": Section("History", "catalogue/_history.html", _history_head, _history, _documents, is_kept=False),
}


def _said(found: LiveProduct) -> Problem | None:
    """Why the product does not answer at all; the first section and the card say it, the others need not.

    That nobody asks it is said by each, for then the others have no word of their own.
    """
    return found.index.problem if found.index.problem != NO_WORKERS else None


def _newest_first(found: LiveProduct) -> list[Part]:
    """The parts that hold a contract; of one in several versions the newest comes first, for that one holds."""
    known = [part for part in found.contracts if isinstance(part.view, ContractView)]
    return sorted(known, key=lambda part: order(part.view.version), reverse=True)


def _contracts(found: LiveProduct) -> list[ContractView]:
    return [part.view for part in _in_place(found)]


def _in_place(found: LiveProduct) -> list[Part]:
    return sorted(_newest_first(found), key=_place(found))


def measured_by(found: LiveProduct) -> MetricsView | None:
    """What the product measures of itself."""
    return found.metrics.view if isinstance(found.metrics.view, MetricsView) else None


def _objectives(found: LiveProduct) -> list[SlaRow]:
    """The product's service levels and those of its contracts, what several promise alike once."""
    own = found.product.sla if found.product else ()
    every = (*own, *(row for contract in _contracts(found) for row in contract.sla))
    first: dict[Any, SlaRow] = {}
    for row in every:
        first.setdefault((row.property, row.value, row.unit), row)
    return list(first.values())


def _licenses(found: LiveProduct) -> Iterator[Any]:
    if found.product and found.product.license:
        yield found.product.license
    yield from (artifact.license for artifact in artifacts_of(found) if artifact.license)


def price_of(said: ProductView | None, promised: Sequence[ContractView]) -> str:
    """The product's price, else the first of its plans, else that of its first contract with one."""
    if said and said.price:
        return said.price.text
    if said and said.prices:
        first = said.prices[0]
        return f"{first.name}: {first.price.text}" if first.price else first.name
    return next((contract.price.text for contract in promised if contract.price), "")


def _place(found: LiveProduct) -> Callable[[Part], int]:
    """Orders contracts as the artifacts they belong to; those of none come last."""
    order = {artifact.contract_id: place for place, artifact in reversed(list(enumerate(artifacts_of(found))))}
    return lambda part: order.get(part.view.id, len(order))


def _head(listing: Part, parts: Sequence[Part], shown: Sequence[Part]) -> Part:
    """The part that stands for all: an old one, else the first shown, else one to come, else a failed one."""
    if not parts:
        return listing
    if shown:
        return next((part for part in shown if part.state == "last_seen"), shown[0])
    return next((part for part in parts if part.waiting), parts[0])


def _interfaces(found: LiveProduct) -> list[dict[str, Any]]:
    """Each interface with its state, age and latency; one line where one document is all of them."""
    rows: list[tuple[str, Part, str]] = [("Discovery", found.index, "")]
    if found.index.url is None or found.metadata.url != found.index.url:
        rows += [("Metadata", found.metadata, ""), ("Artifacts", found.artifacts, "")]
    rows.append(_contracts_line(found))
    rows += [("Health", found.health, _health_line(found.health)), ("Metrics", found.metrics, "")]
    return [
        {
            "name": name,
            "state": "unknown" if part.state == "unavailable" else part.state,
            "state_word": waiting_word(part) if part.waiting else WORDS[part.state],
            "age": "" if part.state == "loading" else age(part.age_seconds),
            "latency_ms": None if part.waiting or part.state in ("down", "last_seen", "never") else part.latency_ms,
            "detail": detail or " ".join(filter(None, (failing_since(part), _more(part, found)))),
            "next_check": "",
        }
        for name, part, detail in rows
    ]


def _more(part: Part, found: LiveProduct) -> str:
    """Its problem in words, where neither the product as a whole has it nor its state's word says it."""
    return part.message if part.state != "never" and part.problem not in (found.index.problem, None) else ""


def _contracts_line(found: LiveProduct) -> tuple[str, Part, str]:
    """The slowest or worst of the contracts stands for all."""
    if not found.contracts:
        return "Contracts", found.contract_list, ""
    order = ("down", "last_seen", "unavailable", "loading", "slow", "live", "never")
    worst = min(found.contracts, key=lambda part: (order.index(part.state), -(part.latency_ms or 0)))
    return ("Contracts" if len(found.contracts) > 1 else "Contract"), worst, ""


_HEALTH_LINES = {
    "pass": "It says that all is well.",
    "warn": "It says that something needs attention.",
    "fail": "It says that it is not well.",
}


def _health_line(part: Part) -> str:
    said = part.view if isinstance(part.view, HealthView) else None
    if said is None or part.state not in ("live", "slow"):
        return ""
    line = _HEALTH_LINES.get(said.status or "", "")
    more = said.output or said.description or ""
    return f"{line} {more}".strip() if said.status != "pass" else line
