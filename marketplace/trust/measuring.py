"""How each check of the FAIR score is judged. Pure."""

from __future__ import annotations

from marketplace.trust import judging
from marketplace.trust.entry import Entry
from marketplace.trust.findings import Finding, met, missing, unknown, unsaid
from marketplace.trust.told import Told, plain, short

SUMMARY_CHARACTERS = 80
KEYWORDS = 3
_OFFERS = ("consume", "download", "query", "orders")
_SOURCES = {"source", "sources", "provenance", "lineage", "transformationimplementation", "derivedfrom"}

license = judging.rights
contract = judging.contract
objectives = judging.objectives


def identifier(entry: Entry, told: Told) -> Finding:
    if told.product and told.product.id:
        return met(f"{short(told.product.id)}.")
    return unsaid(told, "Its document has no id.")


def summary(entry: Entry, told: Told) -> Finding:
    length = len(entry.summary)
    said = f"Its summary has {length:,} character{'s' if length != 1 else ''}."
    return met(said) if length >= SUMMARY_CHARACTERS else missing(said)


def keywords(entry: Entry, told: Told) -> Finding:
    found = {tag.lower() for tag in entry.tags}
    for document in told.documents:
        found.update(tag.lower() for tag in document.tags)
    if len(found) >= KEYWORDS:
        return met(f"{len(found)} of them, such as {short(', '.join(sorted(found)[:KEYWORDS]))}.")
    return unsaid(told, f"There {'is one' if len(found) == 1 else f'are {len(found)}'}.")


def contents(entry: Entry, told: Told) -> Finding:
    named = [artifact for artifact in told.artifacts if artifact.title or artifact.summary]
    if not told.artifacts:
        return unsaid(told, "It lists nothing that can be consumed.")
    if len(named) == len(told.artifacts):
        return met(f"{len(named)}, each with a title or a description.")
    return unsaid(told, f"{len(named):,} of {len(told.artifacts):,} have a title or a description.")


def listed(entry: Entry, told: Told) -> Finding:
    return met("Everybody can find it here.") if entry.listed else missing("Only its team sees it.")


def answers(entry: Entry, told: Told) -> Finding:
    if told.answers:
        return met("It answers at its own address.")
    if told.product is None and not told.known:
        return unknown(told, "the product")
    return missing(f"It does not answer now. {short(told.problem)}".strip())


def protocol(entry: Entry, told: Told) -> Finding:
    if any(rel in artifact.links for artifact in told.artifacts for rel in _OFFERS) or entry.urls("consumption"):
        return met("HTTP: it gives the address.")
    servers = [server for contract in told.contracts for server in contract.servers if server.type]
    if servers:
        return met(f"By the servers of a contract: {short(', '.join(sorted({str(s.type) for s in servers})))}.")
    return unsaid(told, "It gives no address and no server that the data are read from.")


def conditions(entry: Entry, told: Told) -> Finding:
    said = [artifact.access for artifact in told.artifacts if artifact.access]
    said += [value for key in ("accessrights", "access") if (value := told.custom.get(key))]
    if said:
        return met(f"{short(said[0]).capitalize()}.")
    roles = [role.role for contract in told.contracts for role in contract.roles]
    if roles:
        return met(f"By role: {short(', '.join(roles[:5]))}.")
    return unsaid(told, "Its documents do not say it; only the listing does.")


def support(entry: Entry, told: Told) -> Finding:
    channels = [channel for document in told.documents for channel in document.support]
    reached = next((channel for channel in channels if channel.url or channel.channel), None)
    if reached:
        return met(f"{short(reached.channel or reached.url or '')}.")
    return unsaid(told, "No support channel is named.")


def health(entry: Entry, told: Told) -> Finding:
    if told.health:
        return met("It says how it is.")
    if told.health_known:
        return missing("It offers no health to be asked.")
    return unknown(told, "its health")


def standard(entry: Entry, told: Told) -> Finding:
    if told.product is None:
        return unsaid(told, "There is no document.")
    faults = sum(len(document.problems) for document in told.documents)
    if faults:
        return missing(f"{faults:,} thing{'s are' if faults != 1 else ' is'} not as the standard wants.")
    return met(f"{short(told.product.standard)}.")


def types(entry: Entry, told: Told) -> Finding:
    columns = told.columns
    typed = sum(bool(column.logical_type or column.physical_type) for column in columns)
    if columns and typed == len(columns):
        return met(f"{typed:,} column{'s' if typed != 1 else ''}.")
    return unsaid(told, f"{typed:,} of {len(columns):,} columns have one." if columns else "No column is described.")


def formats(entry: Entry, told: Told) -> Finding:
    said = {artifact.format for artifact in told.artifacts if artifact.format}
    said |= {server.type for contract in told.contracts for server in contract.servers if server.type}
    if said:
        return met(f"{short(', '.join(sorted(map(str, said))))}.")
    return unsaid(told, "Neither its ports nor the servers of its contracts say one.")


def meaning(entry: Entry, told: Told) -> Finding:
    columns = told.columns
    described = sum(bool(column.description or column.business_name) for column in columns)
    if columns and described >= 0.9 * len(columns):
        return met(f"{described:,} of {len(columns):,} columns are described.")
    return unsaid(told, f"{described:,} of {len(columns):,} columns are described." if columns else "There are none.")


def references(entry: Entry, told: Told) -> Finding:
    product = told.product
    count = sum(1 for _ in told.links) + (len(product.input_ports) + len(product.sources) if product else 0)
    count += sum(bool(column.references) for column in told.columns)
    if count:
        return met(f"{count:,} reference{'s' if count != 1 else ''}.")
    return unsaid(told, "It names no input and links nothing.")


def provenance(entry: Entry, told: Told) -> Finding:
    product = told.product
    if product and product.input_ports:
        return met(f"From {short(product.input_ports[0].name)}.")
    if product and product.sources:
        return met(f"From {short(product.sources[0].description or product.sources[0].url)}.")
    if any(artifact.input_contracts for artifact in told.artifacts):
        return met("Its ports name the contracts they are made from.")
    named = next((link for link in told.links if plain(link.type or "") in _SOURCES), None)
    if named:
        return met(f"{short(named.description or named.url)}.")
    if said := next((told.custom[key] for key in sorted(_SOURCES) if key in told.custom), ""):
        return met(f"{short(said)}.")
    if any(column.transform for column in told.columns):
        return met("Its columns say how they were made.")
    return unsaid(told, "It names neither input ports nor sources.")


def version(entry: Entry, told: Told) -> Finding:
    if told.product and told.product.version:
        return met(f"{short(told.product.version)}.")
    return unsaid(told, "Its document has none.")


def quality(entry: Entry, told: Told) -> Finding:
    rules = sum(contract.rule_count for contract in told.contracts) + len(told.product.quality if told.product else ())
    return met(f"{rules:,} rule{'s' if rules != 1 else ''}.") if rules else unsaid(told, "It has none.")


def use(entry: Entry, told: Told) -> Finding:
    if any(document.usage or document.limitations for document in told.documents):
        return met("It says how to use it, or its limits.")
    return unsaid(told, "Neither its usage nor its limitations are said.")
