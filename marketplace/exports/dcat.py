"""Facts → DCAT 3 with the types of DPROD, as JSON-LD and, made from the same, as Turtle.

The product is a dcat:Dataset and a dprod:DataProduct at the address of its page; the listing is its catalogue record.
Sources: https://www.w3.org/TR/vocab-dcat-3/, https://ekgf.github.io/dprod/.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from django.conf import settings

from marketplace.exports.facts import Facts, absolute, iri
from marketplace.exports.odps import filled
from marketplace.exports.schema_org import CATALOGUE
from marketplace.live.view import ArtifactView, SupportChannel, Term
from registry.models import Rel

_ACCESS_RIGHT = "http://publications.europa.eu/resource/authority/access-right/"
_MEDIA_TYPE = re.compile(r"[a-z]+/[\w.+-]+", re.ASCII)
_SERVICE_LINKS = ("service", "query", "consume", "order")

CONTEXT: dict[str, Any] = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "dprod": "https://ekgf.github.io/dprod/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "geo": "http://www.opengis.net/ont/geosparql#",
    "hydra": "http://www.w3.org/ns/hydra/core#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}


def document(facts: Facts) -> dict[str, Any]:
    """The product with the record of its listing."""
    return {"@context": CONTEXT, "@graph": [dataset(facts), record(facts)]}


def record(facts: Facts) -> dict[str, Any]:
    """When the marketplace listed it, which says nothing of when the data changed."""
    return filled(
        **{
            "@id": f"{facts.page}#record",
            "@type": "dcat:CatalogRecord",
            "foaf:primaryTopic": {"@id": facts.page},
            "dct:issued": _typed(facts.listed.isoformat(), "dateTime") if facts.listed else None,
            "dct:modified": _typed(facts.changed.isoformat(), "dateTime"),
        }
    )


def dataset(facts: Facts) -> dict[str, Any]:
    """The product as one node. What neither the registry nor the product says is left out."""
    said, coverage = facts.said, facts.coverage
    owner = filled(
        **{
            "@type": "foaf:Organization",
            "foaf:name": facts.owner,
            "foaf:mbox": {"@id": iri(f"mailto:{facts.owner_email}")} if facts.owner_email else None,
        }
    )
    distributions = [*map(_access, facts.urls(Rel.CONSUMPTION)), *_distributions(facts)]
    return filled(
        **{
            "@id": facts.page,
            "@type": ["dcat:Dataset", "dprod:DataProduct"],
            "dct:identifier": facts.urn,
            "dct:title": facts.title,
            "dct:description": facts.summary,
            "dcat:landingPage": {"@id": facts.page},
            "dcat:keyword": list(facts.tags),
            "dprod:domain": {"@id": facts.domain_page, "@type": "skos:Concept", "skos:prefLabel": facts.domain_title},
            "dprod:dataProductOwner": owner,
            "dct:publisher": {"@type": "foaf:Agent", "foaf:name": said.publisher} if said and said.publisher else owner,
            "dprod:lifecycleStatus": facts.lifecycle,
            "dct:type": facts.type,
            "dprod:purpose": (said.purpose if said else None) or "; ".join(case.title for case in facts.use_cases),
            "dcat:version": said.version if said else None,
            "dct:license": _term(said.license) if said else None,
            "dct:accessRights": {"@id": f"{_ACCESS_RIGHT}{'PUBLIC' if facts.is_open else 'RESTRICTED'}"},
            "dct:issued": _dated(said.created) if said else None,
            "dct:modified": _dated(said.modified) if said else None,
            "dct:language": said.language if said else None,
            "dct:accrualPeriodicity": _labelled("dct:Frequency", said.update_frequency) if said else None,
            "dct:spatial": [
                *({"@type": "dct:Location", "dcat:bbox": _box(*box)} for box in coverage.bboxes),
                *(_labelled("dct:Location", place) for place in coverage.places),
            ],
            "dct:temporal": list(map(_period, coverage.intervals)),
            "dcat:contactPoint": list(map(_contact, said.support)) if said else None,
            "foaf:page": [_page(link.url, link.title) for link in facts.related if link.rel == Rel.DOCUMENTATION],
            "rdfs:seeAlso": [
                _page(link.url, link.title or str(Rel(link.rel).label))
                for link in facts.related
                if link.rel != Rel.DOCUMENTATION
            ],
            "dct:source": [{"@id": iri(url)} for url in facts.urls(Rel.SOURCE)],
            "dprod:inputPort": [
                {"@type": "dcat:DataService", "dct:title": port.name} for port in (said.input_ports if said else ())
            ],
            "dcat:distribution": distributions,
            "dprod:outputPort": list(_ports(facts)),
        }
    )


def _distributions(facts: Facts) -> Iterator[dict[str, Any]]:
    for index, artifact in enumerate(facts.artifacts):
        yield filled(
            **{
                "@id": _part(facts, index),
                "@type": "dcat:Distribution",
                "dct:identifier": artifact.id,
                "dct:title": artifact.title or artifact.name,
                "dct:description": artifact.summary,
                "dct:license": _term(artifact.license),
                "dcat:mediaType": _format(artifact.format) if _is_media_type(artifact.format) else None,
                "dct:format": artifact.format if not _is_media_type(artifact.format) else None,
                "dcat:downloadURL": _target(artifact.links.get("download")),
                "dcat:accessURL": _target(artifact.links.get("access") or artifact.links.get("consume")),
                "dct:conformsTo": _target(artifact.links.get("contract")),
                "dct:modified": _dated(artifact.updated),
                "dcat:version": artifact.version,
            }
        )


def _ports(facts: Facts) -> Iterator[dict[str, Any]]:
    """An output port for each artifact that is also served."""
    for index, artifact in enumerate(facts.artifacts):
        if address := _endpoint(artifact):
            yield {
                "@id": f"{_part(facts, index)}-port",
                "@type": "dcat:DataService",
                "dct:title": artifact.title or artifact.name,
                "dcat:endpointURL": {"@id": iri(address)},
                "dprod:isAccessServiceOf": {"@id": _part(facts, index)},
            }


def _endpoint(artifact: ArtifactView) -> str | None:
    return next((artifact.links[rel] for rel in _SERVICE_LINKS if rel in artifact.links), None)


def _part(facts: Facts, index: int) -> str:
    return f"{facts.page}#artifact-{index + 1}"


def _access(url: str) -> dict[str, Any]:
    return {"@type": "dcat:Distribution", "dcat:accessURL": {"@id": iri(url)}}


def _target(url: str | None) -> dict[str, str] | None:
    return {"@id": iri(url)} if url else None


def _page(url: str, title: str) -> dict[str, Any]:
    return filled(**{"@id": iri(url), "dct:title": title})


def _labelled(kind: str, label: str | None) -> dict[str, Any] | None:
    return {"@type": kind, "rdfs:label": label} if label else None


def _term(term: Term | None) -> dict[str, Any] | None:
    if term is None:
        return None
    return {"@id": iri(term.url)} if term.url else _labelled("dct:LicenseDocument", term.text)


def _contact(channel: SupportChannel) -> dict[str, Any]:
    address = channel.url or ""
    kind = "vcard:hasEmail" if address.startswith("mailto:") else "vcard:hasURL"
    name = channel.channel or channel.description
    return filled(**{"@type": "vcard:Kind", "vcard:fn": name, kind: {"@id": iri(address)} if address else None})


def _is_media_type(format_: str | None) -> bool:
    return bool(format_ and _MEDIA_TYPE.fullmatch(format_))


def _format(media_type: str | None) -> dict[str, str]:
    return {"@id": f"https://www.iana.org/assignments/media-types/{media_type}"}


def _typed(value: str, kind: str) -> dict[str, str]:
    return {"@value": value, "@type": f"xsd:{kind}"}


def _dated(text: str | None) -> Any:
    """A date as one where it is one, else as the product wrote it."""
    if text and len(text) == 10:
        try:
            return _typed(date.fromisoformat(text).isoformat(), "date")
        except ValueError:
            pass
    return text


def _period(interval: str) -> dict[str, Any]:
    start, slash, end = interval.partition("/")
    if not slash:
        return {"@type": "dct:PeriodOfTime", "rdfs:label": interval}
    return filled(
        **{
            "@type": "dct:PeriodOfTime",
            "dcat:startDate": _dated(start) if start != ".." else None,
            "dcat:endDate": _dated(end) if end != ".." else None,
        }
    )


def _box(west: float, south: float, east: float, north: float) -> dict[str, str]:
    ring = ", ".join(f"{x} {y}" for x, y in ((west, south), (east, south), (east, north), (west, north), (west, south)))
    return {"@value": f"POLYGON(({ring}))", "@type": "geo:wktLiteral"}


def catalogue(page: Iterable[Facts], *, address: str, first: str, following: str | None, total: int) -> dict[str, Any]:
    """A page of the catalogue of everything listed; `following` is the address of the next one."""
    facts = list(page)
    catalog = absolute("/catalog")
    view = {"@id": address, "@type": "hydra:PartialCollectionView", "hydra:first": {"@id": first}}
    if following:
        view["hydra:next"] = {"@id": following}
    return {
        "@context": CONTEXT,
        "@graph": [
            {
                "@id": catalog,
                "@type": ["dcat:Catalog", "hydra:Collection"],
                "dct:title": CATALOGUE,
                "dct:description": "All listed data products of this marketplace.",
                "foaf:homepage": {"@id": f"{settings.PUBLIC_URL}/"},
                "hydra:totalItems": total,
                "hydra:view": view,
                "dcat:dataset": [{"@id": found.page} for found in facts],
                "dcat:record": [{"@id": f"{found.page}#record"} for found in facts],
            },
            *(node for found in facts for node in (dataset(found), record(found))),
        ],
    }


def turtle(document: dict[str, Any]) -> bytes:
    """A document of this module as Turtle. About 60 µs of CPU a statement; loads rdflib the first time."""
    import rdflib

    graph = rdflib.Graph(bind_namespaces="none")
    for prefix, namespace in CONTEXT.items():
        graph.bind(prefix, namespace)
    graph.parse(data=json.dumps(document), format="json-ld")
    # A product's JSON may say NUL in a text, which rdflib writes as it is and no reader takes.
    return graph.serialize(format="turtle", encoding="utf-8").replace(b"\x00", b"")
