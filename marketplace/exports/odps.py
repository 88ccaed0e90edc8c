"""Facts → Bitol Open Data Product Standard 1.1.0, for a product that has no ODPS document of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from marketplace.exports.facts import Facts
from marketplace.live.view import ArtifactView, Person, WebLink
from registry.models import Lifecycle, Rel

_TYPES = {"source-aligned": "sourceAligned", "aggregate": "aggregate", "consumer-aligned": "consumerAligned"}
_CONTENT: dict[str, str] = {
    Rel.DISCOVERY: "discoverability",
    Rel.OBSERVABILITY: "observability",
    Rel.CONTROL: "control",
    Rel.CERTIFICATION: "certification",
}


def document(facts: Facts) -> dict[str, Any]:
    """The document. What neither the registry nor the product says is left out."""
    said = facts.said
    return filled(
        apiVersion="v1.1.0",
        kind="DataProduct",
        id=facts.urn,
        name=facts.name,
        version=said.version if said else None,
        status="active" if facts.lifecycle == Lifecycle.PUBLISHED else facts.lifecycle,
        deprecated=facts.lifecycle == Lifecycle.DEPRECATED or None,
        type=_TYPES.get(facts.type) or (said.type if said else None),
        domain=facts.domain,
        tenant=said.tenant if said else None,
        description=filled(
            purpose=(said.purpose if said else None) or facts.summary,
            limitations=said.limitations if said else None,
            usage=said.usage if said else None,
        ),
        authoritativeDefinitions=list(_definitions(facts)),
        customProperties=_custom(
            title=facts.title,
            summary=facts.summary,
            listing=facts.page,
            useCases=[
                filled(
                    useCase=case.title,
                    goal=case.goal,
                    hypothesis=case.hypothesis,
                    measure=case.measure,
                    target=case.target,
                )
                for case in facts.use_cases
            ],
            license=said.license.text if said and said.license else None,
            updateFrequency=said.update_frequency if said else None,
            language=said.language if said else None,
            temporalCoverage=list(facts.coverage.intervals),
            spatialCoverage=[list(box) for box in facts.coverage.bboxes],
            places=list(facts.coverage.places),
        ),
        tags=list(facts.tags),
        inputPorts=list(_inputs(facts)),
        outputPorts=list(_outputs(facts)),
        managementPorts=[
            filled(name=_numbered(link.rel, index), content=_CONTENT[link.rel], url=link.url, description=link.title)
            for index, link in enumerate(link for link in facts.links if link.rel in _CONTENT)
        ],
        support=list(_support(facts)),
        team=filled(name=facts.owner, members=list(_members(said.team.members if said and said.team else ()))),
        productCreatedTs=_moment(said.created) if said else None,
    )


def filled(**fields: Any) -> dict[str, Any]:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {}, ())}


def _custom(**values: Any) -> list[dict[str, Any]]:
    return [{"property": name, "value": value} for name, value in filled(**values).items()]


def _numbered(name: str, index: int) -> str:
    return name if index == 0 else f"{name}-{index + 1}"


def _definitions(facts: Facts) -> Iterator[dict[str, Any]]:
    """Registered links that are no management port, then the documents the product names."""
    seen = set()
    for link in facts.links:
        if link.rel not in _CONTENT and link.url not in seen:
            seen.add(link.url)
            yield filled(type=link.rel, url=link.url, description=link.title)
    for web in facts.said.documentation if facts.said else ():
        if web.url not in seen:
            seen.add(web.url)
            yield _definition(web)


def _definition(link: WebLink) -> dict[str, Any]:
    return filled(type=link.type or "documentation", url=link.url, description=link.description)


def _inputs(facts: Facts) -> Iterator[dict[str, Any]]:
    if facts.said and facts.said.input_ports:
        for port in facts.said.input_ports:
            yield filled(name=port.name, contractId=port.contract_id, version=port.version)
        return
    for known in facts.ports:
        if known.direction == "in":
            yield filled(name=known.port, contractId=known.contract_id, version=known.contract_version)


def _outputs(facts: Facts) -> Iterator[dict[str, Any]]:
    if facts.artifacts:
        yield from map(_output, facts.artifacts)
        return
    for known in facts.ports:
        if known.direction == "out":
            yield filled(name=known.port, contractId=known.contract_id, version=known.contract_version)


def _output(artifact: ArtifactView) -> dict[str, Any]:
    links = [{"type": rel, "url": url} for rel, url in artifact.links.items() if rel != "self"]
    return filled(
        id=artifact.id,
        name=artifact.name,
        description=artifact.summary,
        type=artifact.kind,
        version=artifact.contract_version or artifact.version,
        contractId=artifact.contract_id,
        deprecated=artifact.deprecated or None,
        tags=list(artifact.tags),
        customProperties=_custom(
            title=artifact.title,
            format=artifact.format,
            license=artifact.license.text if artifact.license else None,
            accessRights=artifact.access,
        ),
        authoritativeDefinitions=links + [_definition(link) for link in artifact.documentation],
    )


def _support(facts: Facts) -> Iterator[dict[str, Any]]:
    if facts.owner_email:
        yield {"channel": facts.owner, "url": f"mailto:{facts.owner_email}", "tool": "email"}
    for channel in facts.said.support if facts.said else ():
        if channel.channel and channel.url:
            yield filled(
                channel=channel.channel,
                url=channel.url,
                description=channel.description,
                tool=channel.tool,
                scope=channel.scope,
                invitationUrl=channel.invitation_url,
            )


def _members(people: Iterable[Person]) -> Iterator[dict[str, Any]]:
    for person in people:
        if person.username:
            yield filled(
                username=person.username,
                name=person.name,
                role=person.role,
                description=person.description,
                dateIn=person.date_in,
                dateOut=person.date_out,
                replacedByUsername=person.replaced_by,
            )


def _moment(text: str | None) -> str | None:
    """Only a whole timestamp: the standard takes no bare date."""
    return text if text and "T" in text else None
