"""One DCAT or DPROD resource (dataset, service, distribution, data product) as the view shows it."""

from __future__ import annotations

from typing import Any

from ..view import (
    ArtifactView,
    Coverage,
    InputPort,
    NamedValue,
    Person,
    ProductView,
    SupportChannel,
    Team,
    Term,
    WebLink,
)
from . import linked
from .catalogue import artifact_id
from .linked import Graph, Node, last_part
from .places import box_of
from .read import interval, mail_or_web, text, web_url

_DOCUMENTS = ("dcat:landingPage", "foaf:page", "foaf:homepage", "dct:isReferencedBy", "dct:conformsTo", "rdfs:seeAlso")
_CONFIDENTIAL = (
    "dct:accessRights",
    "dct:rights",
    "odrl:hasPolicy",
    "dcatap:applicableLegislation",
    "dprod:informationSensitivityClassification",
)


def identifier_of(graph: Graph, node: Node) -> str | None:
    """What a catalogue knows a resource by: its identifier, else its address."""
    return graph.text(node, "dct:identifier", "dcat:identifier", "dc:identifier") or node.address


class Resources:
    """Reads the nodes of a graph into the view. `standard` is what the view says it was read as."""

    def __init__(self, graph: Graph, base_url: str | None, standard: str) -> None:
        self.graph = graph
        self.base = (base_url or "").partition("#")[0] or None
        self.standard = standard

    def product(self, node: Node, problem: str | None = None) -> ProductView:
        graph = self.graph
        identifier = identifier_of(graph, node)
        status = graph.said(node, "dprod:lifecycleStatus", "dprod:lifecycle", "adms:status")
        summary = graph.text(node, "dct:description", "rdfs:comment", "schema:description", "skos:definition")
        keywords = graph.all_said(node, "dcat:keyword")
        themes = tuple(
            name for theme in graph.linked(node, "dcat:theme") if (name := graph.text(theme, *linked.LABELS))
        )
        problems = [problem] if problem else []
        problems += [
            f"The {what} is missing ({name})."
            for what, name, found in (
                ("title", "dct:title", graph.text(node, *linked.LABELS)),
                ("description", "dct:description", summary),
            )
            if not found
        ]
        return ProductView(
            standard=self.standard,
            id=identifier,
            title=graph.text(node, *linked.LABELS),
            summary=summary,
            purpose=graph.text(node, "dprod:purpose"),
            version=graph.text(node, "dcat:version", "owl:versionInfo", "pav:version", "schema:version"),
            status=last_part(status) if status else None,
            type=self._name(node, "dct:type"),
            domain=self._name(node, "dprod:domain"),
            owner=graph.said(node, "dprod:dataProductOwner", "dct:rightsHolder"),
            created=graph.text(node, "dct:issued", "dct:created"),
            tags=tuple(dict.fromkeys((*keywords, *themes))),
            artifacts=self._artifacts(node, identifier),
            input_ports=tuple(
                InputPort(label)
                for port in graph.linked(node, "dprod:inputPort", "dprod:inputDataset")
                if (label := graph.label(port))
            ),
            team=self._team(node),
            support=tuple(self._support(contact) for contact in graph.linked(node, "dcat:contactPoint")),
            documentation=self._web_links(node, *_DOCUMENTS),
            custom=self._measured(node),
            license=self._term(node, "dct:license"),
            publisher=graph.said(node, "dct:publisher"),
            update_frequency=self._name(node, "dct:accrualPeriodicity"),
            modified=graph.text(node, "dct:modified"),
            language=", ".join(last_part(said) for said in graph.all_said(node, "dct:language")) or None,
            coverage=Coverage(*self._places(node)),
            policies=self._terms(node, *_CONFIDENTIAL),
            sources=self._web_links(node, "dct:source", "prov:wasDerivedFrom"),
            problems=tuple(problems),
        )

    def _name(self, node: Node, *names: str) -> str | None:
        """What it is called, or the end of its address: "DAILY" of "…/authority/frequency/DAILY"."""
        said = self.graph.said(node, *names)
        return last_part(said) if said and web_url(said) else said

    def _terms(self, node: Node, *names: str) -> tuple[Term, ...]:
        found = [Term(said) for value in self.graph.values(node, *names) if (said := text(value.text))]
        for other in self.graph.linked(node, *names):
            if (label := _authority(self.graph.label(other))) and label not in [term.text for term in found]:
                found.append(Term(label, web_url(other.address)))
        return tuple(Term(term.text, term.url or web_url(term.text)) for term in found)

    def _term(self, node: Node, *names: str) -> Term | None:
        return next(iter(self._terms(node, *names)), None)

    def _web_links(self, node: Node, *names: str) -> tuple[WebLink, ...]:
        found: dict[str, WebLink] = {}
        for name in names:
            kind = name.partition(":")[2]
            for value in self.graph.values(node, name):
                target = self.graph.nodes.get(value.ref or "")
                address: str | None = value.ref or value.text
                if target and target.blank:
                    inner = next(iter(self.graph.values(target, "foaf:homepage", "schema:url", "dct:identifier")), None)
                    address = (inner.ref or inner.text) if inner else None
                if url := web_url(address, self.base if value.ref else None):
                    label = self.graph.text(target, *linked.LABELS) if target else None
                    found.setdefault(url, WebLink(url, kind, label))
        return tuple(found.values())

    def _team(self, node: Node) -> Team | None:
        members = tuple(
            Person(name=self.graph.label(person), role=role)
            for name, role in (("dct:creator", "creator"), ("dct:contributor", "contributor"))
            for person in self.graph.linked(node, name)
        )
        members += tuple(
            Person(name=value.text, role="creator")
            for value in self.graph.values(node, "dct:creator")
            if value.text and value.text not in self.graph.nodes
        )
        return Team(members=members) if members else None

    def _support(self, contact: Node) -> SupportChannel:
        graph = self.graph
        mail = next(
            (value.ref or value.text for value in graph.values(contact, "vcard:hasEmail", "vcard:email", "foaf:mbox")),
            None,
        )
        page = next((link.url for link in self._web_links(contact, "vcard:hasURL", "foaf:homepage")), None)
        return SupportChannel(
            channel=graph.text(contact, *linked.LABELS),
            url=mail_or_web(mail) or page or web_url(contact.address),
            description=graph.said(contact, "vcard:hasTelephone", "vcard:tel"),
        )

    def _measured(self, node: Node) -> tuple[NamedValue, ...]:
        """Quality as measured (DQV), and remarks on the version."""
        graph = self.graph
        found = []
        for measurement in graph.linked(node, "dqv:hasQualityMeasurement"):
            metric = next(iter(graph.linked(measurement, "dqv:isMeasurementOf")), None)
            value = graph.text(measurement, "dqv:value")
            if metric and value:
                name = graph.text(metric, *linked.LABELS) or last_part(metric.id)
                found.append(NamedValue(name, value, graph.text(metric, "skos:definition")))
        notes = graph.text(node, "adms:versionNotes")
        return (*found, NamedValue("version notes", notes)) if notes else tuple(found)

    def _places(self, node: Node) -> tuple[Any, tuple[str, ...], tuple[str, ...]]:
        """The arguments of Coverage: boxes, intervals, places."""
        graph = self.graph
        boxes, places, intervals = [], [], []
        for value in graph.values(node, "dct:spatial"):
            location = graph.nodes.get(value.ref or "") or Node(value.ref or "_:none")
            written = [value.text] if value.text else []
            written += [
                said.text or "" for said in graph.values(location, "dcat:bbox", "locn:geometry", "dcat:centroid")
            ]
            found = [box for geometry in written if (box := box_of(geometry))]
            boxes += found[:1]  # the same place in several notations
            name = graph.label(location) if value.ref else value.text
            if name and not (found and name == value.text):
                places.append(name)
        for value in graph.values(node, "dct:temporal"):
            period = graph.nodes.get(value.ref or "") or Node("_:none")
            start = graph.text(period, "dcat:startDate", "schema:startDate")
            end = graph.text(period, "dcat:endDate", "schema:endDate")
            start = start or self._instant(period, "time:hasBeginning")
            end = end or self._instant(period, "time:hasEnd")
            said = interval(start, end) or graph.label(period) if value.ref else value.text
            intervals += [said] if said else []
        return tuple(dict.fromkeys(boxes)), tuple(dict.fromkeys(intervals)), tuple(dict.fromkeys(places))

    def _instant(self, period: Node, name: str) -> str | None:
        graph = self.graph
        for instant in graph.linked(period, name):
            if said := graph.text(instant, "time:inXSDDate", "time:inXSDDateTimeStamp", "time:inXSDDateTime"):
                return said
            if said := graph.text(instant, "time:inXSDgYear", "time:inXSDgYearMonth"):
                return said
            for position in graph.linked(instant, "time:inTimePosition"):
                system = graph.said(position, "time:hasTRS")
                if said := graph.text(position, "time:numericPosition"):
                    return f"{said} ({last_part(system)})" if system else said
        return None

    def _artifacts(self, node: Node, product_id: str | None) -> tuple[ArtifactView, ...]:
        """Distributions and services of a dataset; output ports and datasets of a data product; a lone one itself."""
        graph = self.graph
        found: dict[str, tuple[Node, Node | None]] = {}
        if any(kind in ("dcat:Distribution", "dcat:DataService") for kind in node.types):
            found[node.id] = (node, None)
        datasets = graph.linked(node, "dprod:outputDataset")
        for owner in (node, *datasets):
            distributions = graph.linked(owner, "dcat:distribution", "adms:sample")
            distributions += graph.pointing(owner, "dprod:isDistributionOf")
            for distribution in distributions:
                found.setdefault(distribution.id, (distribution, owner if owner is not node else None))
            for service in graph.pointing(owner, "dcat:servesDataset"):
                found.setdefault(service.id, (service, None))
        for port in graph.linked(node, "dprod:outputPort"):
            offered = graph.linked(port, "dprod:isAccessServiceOf")
            found[port.id] = (port, offered[0] if offered else None)
            for distribution in offered:
                found.pop(distribution.id, None)
        for dataset in datasets:
            if not any(owner is dataset for _, owner in found.values()):
                found.setdefault(dataset.id, (dataset, None))
        license_ = self._term(node, "dct:license")
        return tuple(
            self._artifact(part, behind, artifact_id(product_id, identifier_of(graph, part), index), license_)
            for index, (part, behind) in enumerate(found.values())
        )

    def _artifact(self, part: Node, behind: Node | None, id_: str, license_: Term | None) -> ArtifactView:
        """`behind`: the distribution a port gives access to, or the dataset a distribution is of."""
        graph = self.graph
        described = [part, *([behind] if behind else [])]
        if behind:
            described += graph.linked(behind, "dprod:isDistributionOf")
        services = graph.linked(part, "dcat:accessService")
        links: dict[str, str] = {}
        for source in (*described, *services):
            for rel, name in (
                ("download", "dcat:downloadURL"),
                ("access", "dcat:accessURL"),
                ("service", "dcat:endpointURL"),
                ("description", "dcat:endpointDescription"),
            ):
                for link in self._web_links(source, name):
                    links.setdefault(rel, link.url)
        title = self._first(described, *linked.LABELS)
        service = "dcat:DataService" in part.types or (bool(services or "service" in links) and "download" not in links)
        kind = "API" if service else "file" if "download" in links else None
        format_ = _format(self._first_said(described, "dcat:mediaType", "dct:mediaType", "dct:format"))
        address = last_part(part.address) if part.address else None
        size = self._first(described, "dcat:byteSize")
        return ArtifactView(
            id=id_,
            name=title or format_ or address or next(iter(links.values()), id_),
            title=title,
            kind=kind,
            format=format_,
            summary=self._first(described, "dct:description", "rdfs:comment"),
            updated=self._first(described, "dct:modified", "dct:issued"),
            version=self._first(described, "dcat:version", "owl:versionInfo"),
            license=next((term for source in described if (term := self._term(source, "dct:license"))), license_),
            policies=self._terms(part, "odrl:hasPolicy", "dct:rights", "dcatap:applicableLegislation"),
            access=_authority(self._first_said(described, "dct:accessRights")),
            links=links,
            documentation=tuple(link for source in described for link in self._web_links(source, *_DOCUMENTS)),
            custom=(NamedValue("size in bytes", size),) if size else (),
        )

    def _first(self, nodes: list[Node], *names: str) -> str | None:
        return next((said for node in nodes if (said := self.graph.text(node, *names))), None)

    def _first_said(self, nodes: list[Node], *names: str) -> str | None:
        return next((said for node in nodes if (said := self.graph.said(node, *names))), None)


def _authority(said: str | None) -> str | None:
    """ "NON_PUBLIC" of the EU's address for it; else as written."""
    return last_part(said) if said and "publications.europa.eu/resource/authority/" in said else said


def _format(said: str | None) -> str | None:
    """ "text/csv" of IANA's address for it, "CSV" of the EU's; else as written."""
    if not said or "://" not in said:
        return said
    _, found, media_type = said.partition("/media-types/")
    return media_type if found else last_part(said)
