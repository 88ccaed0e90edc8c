"""Facts → a dataset of DCAT-US 1.1 (data.json of Project Open Data): https://resources.data.gov/resources/dcat-us/

`modified` is the data's, so it is there only where the product says it; bureau and programme codes are for federal
agencies and never written.
"""

from __future__ import annotations

import re
from typing import Any

from marketplace.exports.facts import Facts
from marketplace.exports.odps import filled
from marketplace.live.view import ArtifactView
from registry.models import Rel

SCHEMA = "https://project-open-data.cio.gov/v1.1/schema"
HEAD = {
    "@context": f"{SCHEMA}/catalog.jsonld",
    "@type": "dcat:Catalog",
    "conformsTo": SCHEMA,
    "describedBy": f"{SCHEMA}/catalog.json",
}
_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:?\d\d)?)?")
_MEDIA_TYPE = re.compile(r"[-\w]+/[-\w]+(\.[-\w]+)*([+][-\w]+)?", re.ASCII)


def document(facts: Facts) -> dict[str, Any]:
    """A catalogue of this one product."""
    return {**HEAD, "dataset": [dataset(facts)]}


def dataset(facts: Facts) -> dict[str, Any]:
    """The product as a dataset. What neither the registry nor the product says is left out."""
    said, coverage = facts.said, facts.coverage
    return filled(
        **{"@type": "dcat:Dataset"},
        identifier=facts.urn,
        title=facts.title,
        description=facts.summary,
        keyword=list(facts.tags),
        theme=[facts.domain_title],
        publisher={"@type": "org:Organization", "name": facts.owner},
        contactPoint=filled(
            **{"@type": "vcard:Contact"},
            fn=facts.owner,
            hasEmail=f"mailto:{facts.owner_email}" if facts.owner_email else None,
        ),
        accessLevel="public" if facts.is_open else "restricted public",
        rights=None if facts.is_open else "On request: the owner decides who may consume it.",
        landingPage=facts.page,
        references=list(dict.fromkeys((*(link.url for link in facts.related), *facts.urls(Rel.SOURCE)))),
        modified=_date(said.modified) if said else None,
        issued=_date(said.created) if said else None,
        license=said.license.url if said and said.license else None,
        temporal=next((text for text in coverage.intervals if _is_closed(text)), None),
        spatial=_spatial(facts),
        distribution=[
            *({"@type": "dcat:Distribution", "accessURL": url} for url in facts.urls(Rel.CONSUMPTION)),
            *(made for artifact in facts.artifacts if len(made := _distribution(artifact)) > 1),
        ],
    )


def _date(text: str | None) -> str | None:
    return text if text and _DATE.fullmatch(text) else None


def _is_closed(interval: str) -> bool:
    start, _, end = interval.partition("/")
    return bool(_DATE.fullmatch(start) and _DATE.fullmatch(end))


def _spatial(facts: Facts) -> str | None:
    boxes, places = facts.coverage.bboxes, facts.coverage.places
    return ",".join(map(str, boxes[0])) if boxes else places[0] if places else None


def _distribution(artifact: ArtifactView) -> dict[str, Any]:
    format_ = artifact.format or ""
    media_type = format_ if _MEDIA_TYPE.fullmatch(format_) else None
    download = artifact.links.get("download")
    access = artifact.links.get("access") or artifact.links.get("consume")
    return filled(
        **{"@type": "dcat:Distribution"},
        title=artifact.title or artifact.name,
        description=artifact.summary,
        mediaType=media_type,
        format=None if media_type else format_,
        # The standard wants a media type beside downloadURL; without one the address is still where access begins.
        downloadURL=download if media_type else None,
        accessURL=access or (None if media_type else download),
    )
