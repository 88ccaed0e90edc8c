"""The gateway protocol, version 1 (docs/gateway-protocol.md): index, artifacts, sample, health and metrics.

The wire models are `gateway.protocol`'s; here their JSON is read leniently, so that one odd field does not hide
the rest.
"""

from __future__ import annotations

from typing import Any, Literal

from gateway.protocol import MAX_SAMPLE_ROWS

from ..view import (
    ArtifactsView,
    ArtifactView,
    Check,
    HealthView,
    IndexView,
    Metric,
    MetricsView,
    ProductView,
    Ref,
    SampleView,
    Term,
)
from .read import any_text, flag, mapping, mappings, text, texts, web_url

NAME = "Gateway protocol"


def matches(document: Any) -> bool:
    """Found by `protocolVersion` beside a list of links."""
    return isinstance(document, dict) and "protocolVersion" in document and isinstance(document.get("links"), list)


def index(document: Any, base_url: str) -> IndexView:
    """The index with its links made absolute. Never raises."""
    doc = mapping(document)
    return IndexView(
        standard=" ".join(part for part in (NAME, text(doc.get("protocolVersion"))) if part),
        id=text(doc.get("id")),
        name=text(doc.get("name")),
        title=text(doc.get("title")) or text(doc.get("name")),
        domain=text(doc.get("domain")),
        status=text(doc.get("status")),
        version=text(doc.get("version")),
        summary=text(doc.get("summary")),
        tags=texts(doc.get("tags")),
        links=_links(doc, base_url),
    )


def product(document: Any, base_url: str | None = None) -> ProductView:
    """What the index alone says about the product, until its metadata are there."""
    seen = index(document, base_url or "")
    return ProductView(
        standard=seen.standard,
        id=seen.id,
        title=seen.title,
        summary=seen.summary,
        version=seen.version,
        status=seen.status,
        domain=seen.domain,
        tags=seen.tags,
    )


def _links(doc: dict[str, Any], base_url: str) -> tuple[Ref, ...]:
    return tuple(
        Ref(rel, url, text(link.get("title")))
        for link in mappings(doc.get("links"))
        if (rel := text(link.get("rel"))) and (url := web_url(link.get("href"), base_url))
    )


def artifacts(document: Any, base_url: str) -> ArtifactsView:
    """`GET /discover/artifacts`; a bare list is taken too."""
    entries = document.get("artifacts") if isinstance(document, dict) else document
    return ArtifactsView(tuple(found for entry in mappings(entries) if (found := artifact(entry, base_url))))


def artifact(document: Any, base_url: str) -> ArtifactView | None:
    """One artifact, from the list or from its own address; None where it has neither id nor name."""
    entry = mapping(document)
    name = text(entry.get("name")) or text(entry.get("id"))
    if name is None:
        return None
    license_text = text(entry.get("license"))
    return ArtifactView(
        id=text(entry.get("id")) or name,
        name=name,
        title=text(entry.get("title")),
        kind=text(entry.get("kind")) or text(entry.get("type")),
        format=text(entry.get("format")),
        summary=text(entry.get("summary")),
        updated=text(entry.get("updated")),
        version=text(entry.get("version")),
        contract_id=text(entry.get("contractId")),
        contract_version=text(entry.get("contractVersion")),
        deprecated=flag(entry.get("deprecated")) or False,
        tags=texts(entry.get("tags")),
        license=Term(license_text, web_url(license_text)) if license_text else None,
        policies=tuple(
            Term(said, web_url(policy.get("url")))
            for policy in mappings(entry.get("policies"))
            if (said := text(policy.get("name")) or text(policy.get("id")))
        ),
        access=text(entry.get("accessRights")),
        links={ref.rel: ref.url for ref in reversed(_links(entry, base_url))},
    )


def sample(document: Any) -> SampleView:
    """`GET /discover/artifact/{id}/sample`: at most 100 rows, each cut or filled to the columns there are."""
    doc = mapping(document)
    columns = tuple(any_text(name) or "" for name in _list(doc.get("columns")))
    rows = []
    for row in _list(doc.get("rows"))[:MAX_SAMPLE_ROWS]:
        if isinstance(row, dict):
            columns = columns or tuple(row)
            cells = [row.get(name) for name in columns]
        else:
            cells = row if isinstance(row, list) else [row]
        shown = [_cell(cell) for cell in cells[: len(columns)]]
        rows.append(tuple(shown + [None] * (len(columns) - len(shown))))
    return SampleView(columns, tuple(rows), flag(doc.get("hasMore")), text(doc.get("updated")))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _cell(value: Any) -> str | None:
    """A cell as text; an empty text stays one, for it is not a missing value."""
    return value if isinstance(value, str) and len(value) <= 1000 else any_text(value)


def health(document: Any) -> HealthView:
    """`application/health+json`, draft-inadarei-api-health-check-06 (`ok`, `up`, `error`, `down` are its synonyms)."""
    doc = mapping(document)
    checks = [
        Check(
            name=str(name),
            status=_status(entry.get("status")),
            value=" ".join(
                part for part in (any_text(entry.get("observedValue")), text(entry.get("observedUnit"))) if part
            )
            or None,
            time=text(entry.get("time")),
            output=text(entry.get("output")),
        )
        for name, entries in mapping(doc.get("checks")).items()
        for entry in mappings(entries)
    ]
    return HealthView(
        status=_status(doc.get("status")),
        description=text(doc.get("description")),
        version=text(doc.get("releaseId")) or text(doc.get("version")),
        output=text(doc.get("output")),
        notes=texts(doc.get("notes")),
        checks=tuple(checks),
    )


def _status(value: Any) -> Literal["pass", "warn", "fail"] | None:
    said = (text(value) or "").lower()
    if said in ("pass", "ok", "up"):
        return "pass"
    if said == "warn":
        return "warn"
    if said in ("fail", "error", "down"):
        return "fail"
    return None


def metrics(document: Any) -> MetricsView:
    """`GET /observe/metrics` as flat names; lists (per artifact) are left to the artifacts."""
    found: list[Metric] = []
    _flatten(mapping(document), "", found)
    return MetricsView(tuple(found))


def _flatten(values: dict[str, Any], prefix: str, found: list[Metric]) -> None:
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            _flatten(value, f"{name}.", found)
        elif (said := text(value)) is not None:
            found.append(Metric(name, said))
