"""Contexts of the live fragments, each from what `marketplace.live` knows at this moment."""

from collections.abc import Callable, Sequence
from typing import Any

from django.urls import reverse

from marketplace.catalogue import artifact_ids, documents, queries
from marketplace.catalogue.bounds import ROWS, Bounds
from marketplace.catalogue.contexts import Notice, Titled
from marketplace.catalogue.live_parts import WORDS, Polling, age, live, waiting_word
from marketplace.catalogue.rows import NameValue
from marketplace.catalogue.text import moment, web_address
from marketplace.catalogue.use import action
from marketplace.live.errors import Problem
from marketplace.live.state import NO_WORKERS, LiveArtifact, LiveProduct, Part
from marketplace.live.view import ArtifactView, ContractView, HealthView, MetricsView, ProductView
from registry.models import Product

Context = dict[str, Any]

NEVER = Polling("", 0)  # parts that arrive with the fragment they are in


def card(product: Product, found: LiveProduct, polling: Polling) -> Context:
    """The strip of the card: each interface with its state, and the promises in short."""
    said, contracts = found.product, _contracts(found)
    return {
        "live": live(found.index, polling, waiting=found.waiting),
        "action": action(product, found),
        "interfaces": _interfaces(found),
        "sla": next((row.text for contract in contracts for row in contract.sla), ""),
        "license": next((documents.term(artifact.license) for artifact in _artifacts(found) if artifact.license), None),
        "price": said.price.text if said and said.price else "",
        "support": next((row.channel for row in documents.support(said.support, Bounds())), "") if said else "",
    }


def artifacts(product: Product, found: LiveProduct, polling: Polling) -> Context:
    """What can be consumed."""
    bounds = Bounds()
    return {
        "live": live(found.artifacts, polling, said=_said(found)),
        "artifacts": bounds.rows(
            _artifacts(found),
            lambda a: documents.artifact(a, artifact_url(product, a.id), bounds),
            left_out=getattr(found.artifacts.view or found.metadata.view, "left_out", 0),
        ),
    }


def contract(product: Product, found: LiveProduct, polling: Polling) -> Context:
    """Every contract of the product."""
    shown = sorted((part for part in found.contracts if isinstance(part.view, ContractView)), key=_place(found))
    missing = [part for part in found.contracts if part.view is None and part.problem]
    head = _head(found.contract_list, found.contracts, shown)
    waiting = found.contract_list.waiting or any(part.waiting for part in found.contracts)
    bounds = Bounds()
    return {
        "live": live(head, polling, waiting=waiting, said=_said(found)),
        "contracts": [documents.contract(part.view, bounds, part.url or "") for part in shown],
        "notices": [Notice("warn", f"{part.url}: {part.message}", part.advice) for part in missing if shown],
    }


def health(product: Product, found: LiveProduct, polling: Polling) -> Context:
    """What the product says of its own health, and what it measures."""
    measured = found.metrics.view if isinstance(found.metrics.view, MetricsView) else None
    bounds = Bounds()
    return {
        "live": live(found.health, polling, waiting=found.health.waiting or found.metrics.waiting, said=_said(found)),
        "health": documents.health(found.health.view, bounds) if isinstance(found.health.view, HealthView) else None,
        "figures": documents.figures(measured) if measured else [],
        "metrics": documents.named(measured.metrics, bounds) if measured else [],
        "metrics_url": web_address(found.metrics.url),
    }


def team(product: Product, found: LiveProduct, polling: Polling) -> Context:
    """Who keeps the product, and where to ask; of the product, else of its first contract that says."""
    said: Sequence[ProductView | ContractView] = [x for x in (found.product, *_contracts(found)) if x]
    named = next((x.team for x in said if x.team and (x.team.members or x.team.description)), None)
    bounds = Bounds()
    return {
        "live": live(found.metadata, polling, said=_said(found)),
        "team": documents.members(named, bounds),
        "support": documents.support(next((x.support for x in said if x.support), ()), bounds),
        "description": (named.description or "") if named else "",
    }


def about(product: Product, found: LiveProduct, polling: Polling) -> Context:
    """What the product's own document says of purpose, limits, use and origin."""
    said = found.product
    return {"live": live(found.metadata, polling), "about": _about(said) if said else None}


SECTIONS: dict[str, Callable[[Product, LiveProduct, Polling], Context]] = {
    "about": about,
    "artifacts": artifacts,
    "contract": contract,
    "health": health,
    "team": team,
}


def artifact(product: Product, found: LiveArtifact, polling: Polling) -> Context:
    """One artifact, its schema and its sample rows."""
    view, part, sample = found.artifact, found.contract, found.sample.view
    contract_view = part.view if part and isinstance(part.view, ContractView) else None
    gone = Notice(
        "warn",
        "The product no longer lists this artifact.",
        "Its owner may have renamed or withdrawn it.",
        "See its artifacts",
        product.get_absolute_url(),
    )
    bounds = Bounds()
    return {
        "live": live(found.product.artifacts, polling, waiting=found.waiting),
        "artifact": documents.artifact(view, artifact_url(product, view.id), bounds) if view else None,
        "schemas": documents.contract(contract_view, bounds).schemas if contract_view else [],
        "schemas_url": web_address(part.url) if part else "",
        "contract_live": live(part, NEVER) if part and not contract_view else None,
        "sample_live": live(found.sample, NEVER),
        "sample": documents.sample(sample) if sample else None,
        "notices": [gone] if found.gone else [],
    }


def artifact_url(product: Product, artifact_id: str) -> str:
    """The artifact's page."""
    return reverse("catalogue:artifact", args=[product.domain.slug, product.name, artifact_ids.address(artifact_id)])


def _said(found: LiveProduct) -> Problem | None:
    """Why the product does not answer at all; the first section and the card say it, the others need not.

    That nobody asks it is said by each, for then the others have no word of their own.
    """
    return found.index.problem if found.index.problem != NO_WORKERS else None


def _contracts(found: LiveProduct) -> list[ContractView]:
    return [part.view for part in found.contracts if isinstance(part.view, ContractView)]


def _artifacts(found: LiveProduct) -> Sequence[ArtifactView]:
    listed = found.artifacts.view or found.metadata.view
    return listed.artifacts if listed else ()


def _place(found: LiveProduct) -> Callable[[Part], int]:
    """Orders contracts as the artifacts they belong to; those of none come last."""
    order = {artifact.contract_id: place for place, artifact in reversed(list(enumerate(_artifacts(found))))}
    return lambda part: order.get(part.view.id, len(order))


def _head(listing: Part, parts: Sequence[Part], shown: Sequence[Part]) -> Part:
    """The part that stands for all: an old one, else the first shown, else one to come, else a failed one."""
    if not parts:
        return listing
    if shown:
        return next((part for part in shown if part.state == "last_seen"), shown[0])
    return next((part for part in parts if part.waiting), parts[0])


def _interfaces(found: LiveProduct) -> list[dict[str, Any]]:
    rows = [
        ("Discovery", found.index, ""),
        ("Health", found.health, _health_line(found.health)),
        ("Metrics", found.metrics, ""),
    ]
    return [
        {
            "name": name,
            "state": "unknown" if part.state == "unavailable" else part.state,
            "state_word": waiting_word(part) if part.waiting else WORDS[part.state],
            "age": "" if part.state == "loading" else age(part.age_seconds),
            "latency_ms": None if part.waiting or part.state in ("down", "last_seen", "never") else part.latency_ms,
            "detail": (part.message if part.problem != found.index.problem else "") or detail,
            "next_check": "",
        }
        for name, part, detail in rows
    ]


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


def _about(said: ProductView) -> dict[str, Any]:
    facts = [
        ("Version", said.version),
        ("Status", said.status),
        ("Standard", said.standard),
        ("Id", said.id),
        ("Domain, in its own words", said.domain),
        ("Created", moment(said.created)),
    ]
    bounds = Bounds()
    named = (port.contract_id for port in said.input_ports[:ROWS] if port.contract_id)
    offered = queries.offering(named)
    return {
        "purpose": bounds.markdown(said.purpose),
        "limitations": bounds.markdown(said.limitations),
        "usage": bounds.markdown(said.usage),
        "facts": [NameValue(name, value, mono=False) for name, value in facts if value],
        "inputs": bounds.rows(
            said.input_ports,
            lambda port: {
                "name": port.name,
                "contract": " ".join(filter(None, (port.contract_id, port.version))),
                "product": _offered(offered.get(port.contract_id or "")),
            },
        ),
        "documentation": documents.documentation(said.documentation, bounds),
        "custom": documents.named(said.custom, bounds),
    }


def _offered(product: Product | None) -> Titled | None:
    return Titled(product.title, product.get_absolute_url()) if product else None
