"""How each line of the checklist is judged. Each is pure and takes what no document promised it would find."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.utils.text import slugify

from marketplace.live.view import Person, Term
from marketplace.trust.entry import Entry
from marketplace.trust.findings import Finding, met, missing, unsaid
from marketplace.trust.told import Told, plain, short

READ = 500  # characters of a foreign text that are looked through
_AGREEMENT = re.compile(r"agreement|terms[ -]of[ -](use|service)|data ?sharing|\bDSA\b|\bEULA\b", re.I)
_ACCESS = re.compile(r"access|\bopen\b|usage|\buse\b|permission|entitle|authori[sz]|confidential", re.I)
_AGREEMENTS = {"agreement", "dsa", "datasharingagreement", "termsofuse", "termsofservice", "dataagreement"}
_ACCESS_POLICIES = {"accesspolicy", "dataaccesspolicy", "accesscontrolpolicy"}
_RIGHTS = {"license", "licence", "rights", "distributionrights", "usagerights"}
_PRIVACY = {
    *("classification", "dataclassification", "privacy", "privacyclassification", "sensitivity", "confidentiality"),
    *("containspersonaldata", "personaldata", "pii", "containspii"),
}
_STEWARDS = {"steward", "datasteward"}
_OPEN = {"open", "public", "openaccess"}
_TYPES = {
    "sourcealigned": "source-aligned",
    "aggregate": "aggregate",
    "consumeraligned": "consumer-aligned",
}


def owner(entry: Entry, told: Told) -> Finding:
    """A registered product always has one."""
    person = told.product.owner if told.product else None
    more = f", and its document names {short(person)}" if person else ""
    return met(f"{entry.owner} owns it{more}.")


def steward(entry: Entry, told: Told) -> Finding:
    """A present member of a team with that role, or a property of that name."""
    for person in _members(told):
        if person.role and "steward" in person.role.lower():
            return met(f"{short(person.label)} is its {short(person.role)}.")
    if named := _property(told, _STEWARDS):
        return met(f"Named: {short(named)}.")
    return unsaid(told, "No member of its team has the role of a data steward.")


def _members(told: Told) -> Iterator[Person]:
    for document in told.documents:
        if document.team:
            yield from (person for person in document.team.members if not person.date_out)


def name(entry: Entry, told: Told) -> Finding:
    """The registry keeps it so."""
    return met(f"{entry.urn} leads to this product only.")


def description(entry: Entry, told: Told) -> Finding:
    if not entry.summary.strip():
        return missing("There is no summary.")
    words = len(entry.summary.split())
    return met(f"Its summary has {words} word{'s' if words != 1 else ''}.")


def agreement(entry: Entry, told: Told) -> Finding:
    """A link, a policy or a property that says so; of an open product the license."""
    for link in told.links:
        if plain(link.type or "") in _AGREEMENTS or _AGREEMENT.search((link.description or "")[:READ]):
            return met(f"Linked: {short(link.description or link.url)}.")
    for policy in _policies(told):
        if _AGREEMENT.search(policy.text[:READ]):
            return met(f"Named: {short(policy.text)}.")
    if said := _property(told, _AGREEMENTS):
        return met(f"Named: {short(said)}.")
    if entry.access_mode == "open" and (license := _license(told)):
        return met(f"It is open, and its license is the agreement: {short(license)}.")
    return unsaid(told, "No document names a data sharing agreement or terms of use.")


def access(entry: Entry, told: Told) -> Finding:
    """The listing says it always; it must not say otherwise than the product."""
    listed_open = entry.access_mode == "open"
    listed = "open" if listed_open else "on request"
    said = [artifact.access for artifact in told.artifacts if artifact.access]
    said = said or [value for key in ("accessrights", "access") if (value := told.custom.get(key))]
    if said and listed_open and not any(plain(text) in _OPEN for text in said):
        return missing(f"Listed as open, but the product itself says: {short(said[0])}.")
    if said and not listed_open and all(plain(text) in _OPEN for text in said):
        return missing(f"Listed as on request, but the product itself says: {short(said[0])}.")
    return met(f"Listed as {listed}" + (", as the product says itself." if said else "."))


def access_policy(entry: Entry, told: Told) -> Finding:
    """A policy that speaks of access or use, or roles with their approvers in a contract."""
    named = [policy.text for policy in _policies(told)]
    named += [link.description or link.url for link in told.links if "policy" in plain(link.type or "")]
    if about := [text for text in named if _ACCESS.search(text[:READ])]:
        return met(f"Named: {short(about[0])}.")
    if said := _property(told, _ACCESS_POLICIES):
        return met(f"Named: {short(said)}.")
    roles = [role.role for contract in told.contracts for role in contract.roles]
    if roles:
        return met(f"A contract says who may have it by role: {short(', '.join(roles[:5]))}.")
    if named:
        return unsaid(told, f"It names policies ({short(', '.join(named[:3]))}), but none on access.")
    return unsaid(told, "No document names a policy on access, or roles and who approves them.")


def rights(entry: Entry, told: Told) -> Finding:
    if license := _license(told):
        return met(f"License: {short(license)}.")
    return unsaid(told, "No document names a license or other rights of use.")


def objectives(entry: Entry, told: Told) -> Finding:
    rows = [row.text for document in told.documents for row in document.sla]
    if rows:
        more = f", and {len(rows) - 1} more" if len(rows) > 1 else ""
        return met(f"Promised: {short(rows[0])}{more}.")
    return unsaid(told, "No service level objective is promised, neither by the product nor by a contract.")


def contract(entry: Entry, told: Told) -> Finding:
    """A contract that can be read. One that is named only is said to be so, with what came instead."""
    readable = {document.id for document in told.contracts}
    bound = [artifact for artifact in told.artifacts if artifact.contract_id in readable]
    if bound:
        first = bound[0]
        return met(f"{short(first.title or first.name)} has the contract {short(first.contract_id or '')}.")
    if told.contracts:
        return met(f"Its contract is {short(told.contracts[0].id or told.contracts[0].name or 'without a name')}.")
    failed = [unread for unread in told.unread if not unread.waiting]
    if failed:
        return missing(f"It names a contract that cannot be read ({short(failed[0].url)}): {short(failed[0].problem)}")
    named = [artifact.contract_id for artifact in told.artifacts if artifact.contract_id]
    if named:
        return unsaid(told, f"It names the contract {short(named[0])}, and does not serve it.")
    if not told.artifacts:
        return unsaid(told, "It lists no output port.")
    return unsaid(told, "None of its output ports has a contract.")


def kind(entry: Entry, told: Told) -> Finding:
    """The listing's type; what only the product says is not lost, but has to be taken over."""
    said = _TYPES.get(plain((told.product.type if told.product else None) or ""))
    if entry.type:
        return met(f"{entry.type.capitalize()}.")
    if said:
        return missing(f"The listing does not say it; the product says {said}.")
    return missing("The listing does not say whether it is source-aligned, aggregate or consumer-aligned.")


def domain(entry: Entry, told: Told) -> Finding:
    said = told.product.domain if told.product else None
    other = said and slugify(said) not in (entry.domain, slugify(entry.domain_title))
    return met(f"{entry.domain_title}{f'; its own document says {short(said)}' if said and other else ''}.")


def privacy(entry: Entry, told: Told) -> Finding:
    """One classification for all of it, or one for each column."""
    if said := _property(told, _PRIVACY):
        plain_answer = said.strip().lower() in ("true", "false", "yes", "no")
        return met(f"{'Personal data' if plain_answer else 'Classified'}: {short(said)}.")
    columns = told.columns
    classified = [column for column in columns if column.classification]
    if columns and len(classified) == len(columns):
        levels = sorted({str(column.classification) for column in classified})
        return met(f"Every column is classified: {short(', '.join(levels))}.")
    if classified:
        return unsaid(told, f"{len(classified):,} of {len(columns):,} columns are classified.")
    return unsaid(told, "Neither the product nor its columns have a classification.")


def _property(told: Told, names: set[str]) -> str:
    """The value of the first custom property of one of these names."""
    return next((value for key, value in told.custom.items() if key in names), "")


def _policies(told: Told) -> Iterator[Term]:
    for document in told.documents:
        yield from document.policies
    for artifact in told.artifacts:
        yield from artifact.policies


def _license(told: Told) -> str:
    """Of the product, else of an artifact, else of a property or a link of that name."""
    terms = [told.product.license] if told.product else []
    terms += [artifact.license for artifact in told.artifacts]
    if named := next((term.text for term in terms if term), ""):
        return named
    if said := _property(told, _RIGHTS):
        return said
    return next((link.description or link.url for link in told.links if plain(link.type or "") in _RIGHTS), "")
