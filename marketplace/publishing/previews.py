"""How a product will look to others, before it is published."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from marketplace.live.inspection import Inspection
from marketplace.publishing.forms import ProductForm
from registry.models import AccessMode, Domain, ProductType


@dataclass(frozen=True)
class PagePart:
    """A part of the page as consumers will see it: its first lines, and how many more there are."""

    title: str
    lines: Sequence[str]
    more: int = 0


@dataclass(frozen=True)
class PagePreview:
    """What the product's page will show from the product itself."""

    parts: Sequence[PagePart] = ()
    missing: Sequence[str] = ()


PREVIEW_LINES = 5


def page_preview(answer: Inspection) -> PagePreview:
    """The page's live parts, from what has just been answered. Pure."""
    assert answer.view is not None
    view, contracts = answer.view, answer.contracts
    columns = [
        f"{column.name} {column.logical_type or column.physical_type or ''}".strip()
        for described in (*contracts, *artifacts_of(answer))
        for schema in described.schemas
        for column in schema.columns
    ]
    promises = [row.text for row in (*view.sla, *(row for contract in contracts for row in contract.sla))]
    support = [channel.channel or channel.url or "" for channel in view.support]
    parts = {
        "Artifacts": [artifact.title or artifact.name for artifact in artifacts_of(answer)],
        "Columns": columns,
        "Service levels": promises,
        "License": [view.license.text] if view.license else [],
        "Support": [line for line in support if line],
    }
    return PagePreview(
        [
            PagePart(title, lines[:PREVIEW_LINES], max(0, len(lines) - PREVIEW_LINES))
            for title, lines in parts.items()
            if lines
        ],
        [title.lower() for title, lines in parts.items() if not lines],
    )


def artifacts_of(answer: Inspection) -> Sequence[Any]:
    """The artifacts of the gateway's own list, else of the document."""
    assert answer.view is not None
    listed = answer.live.artifacts.view if answer.live else None
    artifacts: Sequence[Any] = listed.artifacts if listed else answer.view.artifacts
    return artifacts


def tile_preview(form: ProductForm, latency_ms: int | None = None) -> dict[str, Any]:
    """The tile as others will see it, from what the form holds now. One query for the domain's path."""
    slug = str(form["domain"].value() or "")
    domain = Domain.objects.filter(slug=slug).first() if slug.isprintable() else None
    path = domain.path.split("/") if domain else []
    titles = dict(Domain.objects.filter(slug__in=path).values_list("slug", "title"))
    return {
        "title": form["title"].value() or "Your title",
        "url": "#preview",
        "domain_path": " / ".join(titles[part] for part in path) or "Domain",
        "summary": form["summary"].value() or "Your two or three sentences.",
        "type_label": dict(ProductType.choices).get(form["type"].value() or "", ""),
        "access_label": dict(AccessMode.choices).get(form["access_mode"].value() or "", ""),
        "state": "unknown" if latency_ms is None else "live",
        "latency_ms": latency_ms,
        "tags": [tag.strip() for tag in str(form["tags"].value() or "").split(",") if tag.strip()],
    }
