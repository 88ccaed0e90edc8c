"""Facts → schema.org Dataset in JSON-LD: https://schema.org/Dataset"""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from marketplace.exports.facts import Facts
from marketplace.exports.odps import filled
from marketplace.live.view import ArtifactView
from registry.models import Rel

CATALOGUE = "Data Mesh Marketplace"
# What could end the element or begin another stands escaped, as JSON allows it everywhere inside texts.
_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def document(facts: Facts, most_artifacts: int | None = None) -> dict[str, Any]:
    """The document; at most so many artifacts where a number is given."""
    said = facts.said
    return filled(
        **{"@context": "https://schema.org/", "@type": "Dataset", "@id": facts.page},
        identifier=facts.urn,
        name=facts.title,
        description=facts.summary,
        url=facts.page,
        keywords=list(facts.tags),
        about={"@type": "DefinedTerm", "name": facts.domain_title, "termCode": facts.domain, "url": facts.domain_page},
        publisher=filled(**{"@type": "Organization"}, name=facts.owner, email=facts.owner_email),
        conditionsOfAccess="Open" if facts.is_open else "On request",
        includedInDataCatalog={"@type": "DataCatalog", "name": CATALOGUE, "url": f"{settings.PUBLIC_URL}/"},
        subjectOf=[
            filled(
                **{"@type": "DigitalDocument"},
                name=link.title or str(Rel(link.rel).label),
                url=link.url,
                encodingFormat=link.media_type,
            )
            for link in facts.related
        ],
        isBasedOn=list(facts.urls(Rel.SOURCE)),
        distribution=[
            *({"@type": "DataDownload", "url": url} for url in facts.urls(Rel.CONSUMPTION)),
            *map(_download, facts.artifacts[:most_artifacts]),
        ],
        version=said.version if said else None,
        license=(said.license.url or said.license.text) if said and said.license else None,
        dateModified=said.modified if said else None,
        datePublished=said.created if said else None,
        inLanguage=said.language if said else None,
        temporalCoverage=list(facts.coverage.intervals),
        spatialCoverage=[
            *({"@type": "Place", "geo": _shape(*box)} for box in facts.coverage.bboxes),
            *({"@type": "Place", "name": place} for place in facts.coverage.places),
        ],
    )


def _shape(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    return {"@type": "GeoShape", "box": f"{south} {west} {north} {east}"}


def _download(artifact: ArtifactView) -> dict[str, Any]:
    license_ = artifact.license
    return filled(
        **{"@type": "DataDownload"},
        name=artifact.title or artifact.name,
        description=artifact.summary,
        encodingFormat=artifact.format,
        contentUrl=artifact.links.get("download"),
        url=artifact.links.get("access") or artifact.links.get("consume"),
        license=(license_.url or license_.text) if license_ else None,
        dateModified=artifact.updated,
    )


def script(facts: Facts, most_artifacts: int = 20) -> SafeString:
    """The document as a data block for the head of a page. A browser runs no part of it, whatever it holds."""
    written = json.dumps(document(facts, most_artifacts), ensure_ascii=True).translate(_ESCAPES)
    return format_html('<script type="application/ld+json">{}</script>', mark_safe(written))  # noqa: S308 # escaped above
