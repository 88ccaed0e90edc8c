"""The other ODPS, of opendataproducts.org (Linux Foundation), 2.x to 4.x: https://opendataproducts.org

The versions place the same parts differently: the details below `product.details.<language>` (3 and 4) or
`product.<language>` (2), the other parts below `product` or beside it, as lists, named packages or `declarative`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..view import (
    ArtifactView,
    Coverage,
    NamedValue,
    Price,
    PricePlan,
    ProductView,
    QualityRule,
    SlaRow,
    SupportChannel,
    Term,
    WebLink,
)
from .json_schema import at
from .read import any_text, flag, mail_or_web, mapping, mappings, others, stable_id, text, texts, web_url

NAME = "ODPS of opendataproducts.org"
LANGUAGE = "en"
MAX_DEPTH = 6
MAX_FOUND = 200

_PARTS = {
    *("contract", "pricingPlans", "SLA", "dataQuality", "dataAccess", "license", "dataHolder", "support", "dataOps"),
    *("productStrategy", "paymentGateways", "details", "recommendedDataProducts"),
}
_DETAILS_KNOWN = {
    *("name", "productID", "description", "valueProposition", "visibility", "status", "version", "productVersion"),
    *("type", "categories", "tags", "issues", "useCases", "contentSample", "recommendedDataProducts", "keywords"),
    *("created", "updated", "updateFrequency", "logoURL"),
}
_ACCESS = {"outputPorttype", "accessURL", "specsURL", "x-files", "authenticationMethod", "format", "interface"}


def matches(document: Any) -> bool:
    """Found by the `product` root, which has details or is written by language; Bitol's documents have a kind."""
    if not isinstance(document, dict) or "kind" in document or not isinstance(document.get("product"), dict):
        return False
    return "opendataproducts" in (text(document.get("schema")) or "") or bool(_details(document["product"]))


def product(document: Any, base_url: str | None = None) -> ProductView:
    """The product view, in English where there is a choice. Takes any document and never raises."""
    doc = mapping(document)
    root = mapping(doc.get("product"))
    language, details = _details(root) or (None, {})
    holder = mapping(_in_language(_part(doc, "dataHolder")))
    license_part = mapping(_in_language(_part(doc, "license")))
    scope = mapping(license_part.get("scope"))
    plans = tuple(_plans(_part(doc, "pricingPlans")))
    definition = text(scope.get("definition"))
    return ProductView(
        standard=f"{NAME} {_version(doc, root)}".strip(),
        id=text(details.get("productID")),
        title=text(details.get("name")),
        summary=text(details.get("description")),
        purpose=text(details.get("valueProposition")),
        limitations=text(details.get("issues")),
        version=text(details.get("productVersion")) or text(details.get("version")),
        status=text(details.get("status")),
        type=text(details.get("type")),
        owner=text(holder.get("contactName")) or text(holder.get("legalName")),
        domain=text(holder.get("businessDomain")),
        created=text(details.get("created")),
        tags=tuple(
            dict.fromkeys(said for key in ("tags", "keywords", "categories") for said in texts(details.get(key)))
        ),
        artifacts=tuple(_artifacts(doc, details, base_url))[:MAX_FOUND],
        support=tuple(_support(doc, holder)),
        price=plans[0].price if len(plans) == 1 else None,
        documentation=tuple(_documentation(doc, root, details, base_url)),
        custom=others(details, _DETAILS_KNOWN)
        + tuple(_custom(doc, details, license_part))
        + others(doc, _PARTS | {"schema", "version", "product"}),
        license=Term(definition, web_url(definition)) if definition else None,
        publisher=text(holder.get("legalName")),
        update_frequency=text(details.get("updateFrequency")),
        modified=text(details.get("updated")),
        language=language,
        coverage=Coverage(places=texts(scope.get("geographicalArea"))),
        sla=tuple(_sla(_part(doc, "SLA"))),
        quality=tuple(_quality(_part(doc, "dataQuality"))),
        prices=plans,
        policies=tuple(_policies(license_part)),
        problems=tuple(_problems(doc, details)),
    )


def _details(root: dict[str, Any]) -> tuple[str | None, dict[str, Any]] | None:
    """The language chosen and the details in it; None where there are none."""
    place = root.get("details")
    by_language = mapping(place) if place is not None else {key: root[key] for key in root if key not in _PARTS}
    if text(by_language.get("name")):
        return None, by_language
    named = {key: value for key, value in by_language.items() if isinstance(value, dict) and value.get("name")}
    language = LANGUAGE if LANGUAGE in named else next(iter(named), None)
    return (language, named[language]) if language else None


def _in_language(value: Any) -> Any:
    """The English version where the mapping is by language; else the first; a list of such pairs counts as well."""
    if isinstance(value, list) and len(value) > 0 and all(isinstance(entry, dict) for entry in value):
        merged: dict[str, Any] = {}
        for entry in value:
            merged.update(entry)
        value = merged if any(_is_language(key) for key in merged) else value
    if not isinstance(value, dict):
        return value if value is not None else {}
    languages = [key for key in value if _is_language(key)]
    if LANGUAGE in value:
        return value[LANGUAGE]
    return value[languages[0]] if languages and len(languages) == len(value) else value


def _is_language(key: str) -> bool:
    return re.fullmatch(r"[a-z]{2}(-[A-Za-z]{2})?", key) is not None


def _part(doc: dict[str, Any], name: str) -> Any:
    """A part of the product, below it or beside it."""
    inside = mapping(doc.get("product")).get(name)
    return inside if inside is not None else doc.get(name)


def _version(doc: dict[str, Any], root: dict[str, Any]) -> str:
    said = re.search(r"/v(\d+(\.\d+)*)/", text(doc.get("schema")) or "")
    if said:
        return said[1]
    return text(doc.get("version")) or ("" if "details" in root else "2.x")


def _artifacts(doc: dict[str, Any], details: dict[str, Any], base_url: str | None) -> Iterator[ArtifactView]:
    contract = mapping(_part(doc, "contract"))
    contract_url = web_url(contract.get("contractURL"), base_url) or web_url(mapping(contract).get("$ref"), base_url)
    sample = web_url(details.get("contentSample"), base_url)
    accesses = list(_accesses(_part(doc, "dataAccess")))
    if not accesses and (contract or sample):
        accesses = [(text(contract.get("id")) or "sample", {})]
    for name, entry in accesses:
        links = {
            rel: url
            for rel, key in (("consume", "accessURL"), ("describedby", "specsURL"))
            if (url := web_url(entry.get(key)))
        }
        files = [url for written in texts(entry.get("x-files")) if (url := web_url(written.replace(" ", "%20")))]
        if len(files) == 1:
            links["download"] = files[0]
        if contract_url:
            links["contract"] = contract_url
        if sample:
            links["sample"] = sample
        documented = web_url(entry.get("documentationURL"))
        known = _ACCESS | {"name", "description", "documentationURL", "authenticationMethod", "$ref"}
        base = ArtifactView(
            id=stable_id(details.get("productID") or base_url, "access", name),
            name=name,
            title=text(_in_language(entry.get("name"))),
            kind=text(entry.get("outputPorttype")) or text(entry.get("interface")),
            format=text(entry.get("format")),
            summary=text(_in_language(entry.get("description"))),
            contract_id=text(contract.get("id")),
            contract_version=text(contract.get("contractVersion")),
            access=text(entry.get("authenticationMethod")),
            links=links,
            documentation=(WebLink(documented, "documentation"),) if documented else (),
            custom=_unlinked(entry) + others(entry, known),
        )
        if len(files) < 2:
            yield base
        for number, url in enumerate(files if len(files) > 1 else (), 1):
            yield ArtifactView(
                id=stable_id(details.get("productID") or base_url, "access", name, url),
                name=f"{name} {number}",
                title=url.rsplit("/", 1)[-1].replace("%20", " "),
                kind="file",
                contract_id=base.contract_id,
                contract_version=base.contract_version,
                access=base.access,
                links={**links, "download": url},
                documentation=base.documentation,
                custom=base.custom,
            )


def _accesses(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The ways of access: one, a list of them, or packages by name."""
    part = _in_language(value)
    if isinstance(part, list):
        for number, entry in enumerate(mappings(part), 1):
            yield text(entry.get("name")) or text(entry.get("interface")) or f"access {number}", entry
        return
    if not isinstance(part, dict):
        return
    if any(key in part and not isinstance(part[key], dict) for key in _ACCESS):
        yield text(_in_language(part.get("name"))) or text(part.get("outputPorttype")) or "access", part
        return
    for name, entry in part.items():
        if isinstance(entry, dict):
            yield (text(entry.get("outputPorttype")) or name if name == "interface" else str(name)), entry


def _unlinked(entry: dict[str, Any]) -> tuple[NamedValue, ...]:
    """Addresses that are no http(s) addresses stay readable as text."""
    return tuple(
        NamedValue(key, written)
        for key in ("accessURL", "specsURL", "documentationURL", "x-files")
        for written in texts(entry.get(key))
        if not web_url(written.replace(" ", "%20"))
    )


def _plans(value: Any) -> Iterator[PricePlan]:
    part = mapping(value).get("declarative", value) if isinstance(value, dict) else value
    for entry in list(mappings(_in_language(part)))[:MAX_FOUND]:
        name = text(_in_language(entry.get("name")))
        if name is None:
            continue
        unit, duration = text(entry.get("unit")), text(entry.get("billingDuration"))
        transactions = text(entry.get("maxTransactionQuantity"))
        limit = f"up to {transactions} transactions" if transactions not in (None, "0") else None
        yield PricePlan(
            name=name,
            price=Price(text(entry.get("price")), text(entry.get("priceCurrency")), duration or unit),
            description=" · ".join(part for part in (unit, limit, text(entry.get("notes"))) if part) or None,
            offers=texts(entry.get("offering")),
        )


def _dimensions(value: Any, package: str | None = None, depth: int = 0) -> Iterator[tuple[str | None, dict[str, Any]]]:
    """Every entry with a `dimension`, with the name of the package it stands in."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, dict):
        if text(value.get("dimension")):
            yield package, value
            return
        for key, inner in value.items():
            named = package if key in ("declarative", "executable", "dimensions") else str(key)
            yield from _dimensions(inner, named, depth + 1)
    elif isinstance(value, list):
        for inner in value[:MAX_FOUND]:
            yield from _dimensions(inner, package, depth + 1)


def _sla(value: Any) -> Iterator[SlaRow]:
    for count, (package, entry) in enumerate(_dimensions(value)):
        if count >= MAX_FOUND:
            return
        measured = text(entry.get("type"))
        shown = text(_in_language(entry.get("displaytitle")))
        if entry.get("objective") is None and measured:
            continue  # how it is measured, of which the objective is said elsewhere
        yield SlaRow(
            property=text(entry.get("dimension")) or "unnamed",
            value=text(entry.get("objective")),
            unit=text(entry.get("unit")),
            element=package,
            description=text(_in_language(entry.get("description"))) or shown,
        )


def _quality(value: Any) -> Iterator[QualityRule]:
    for count, (package, entry) in enumerate(_dimensions(value)):
        if count >= MAX_FOUND:
            return
        dimension = text(entry.get("dimension")) or "unnamed"
        objective, unit = text(entry.get("objective")), text(entry.get("unit"))
        amount = (
            f"{objective} {'%' if unit in ('percentage', 'percent') else unit or ''}".strip() if objective else None
        )
        engine = text(entry.get("type"))
        said = f"{dimension}: {amount}" if amount else f"{dimension}, checked by {engine}" if engine else dimension
        yield QualityRule(
            text=f"{said} ({package})" if package and package != "default" else said,
            name=text(_in_language(entry.get("displaytitle"))),
            dimension=dimension,
            description=text(_in_language(entry.get("description"))),
            query=any_text(entry.get("spec")),
            engine=engine,
        )


def _support(doc: dict[str, Any], holder: dict[str, Any]) -> Iterator[SupportChannel]:
    found = _part(doc, "support")
    support = mapping(found if found is not None else mapping(_part(doc, "SLA")).get("support"))
    for part, whose in ((support, None), (holder, text(holder.get("legalName")))):
        for key, hours, tool in (
            ("email", "emailServiceHours", "email"),
            ("phoneNumber", "phoneServiceHours", "telephone"),
            ("telephone", "", "telephone"),
            ("documentationURL", "", "documentation"),
        ):
            if said := text(part.get(key)):
                url = mail_or_web(said) if tool != "telephone" else None
                yield SupportChannel(
                    channel=whose or said, url=url, description=text(part.get(hours)) or said, tool=tool
                )


def _documentation(
    doc: dict[str, Any], root: dict[str, Any], details: dict[str, Any], base_url: str | None
) -> Iterator[WebLink]:
    for entry in mappings(details.get("useCases")):
        case = mapping(entry.get("useCase")) or entry
        if url := web_url(case.get("useCaseURL"), base_url):
            yield WebLink(url, "use case", text(case.get("useCaseTitle")))
    for written in texts(details.get("recommendedDataProducts")) + texts(root.get("recommendedDataProducts")):
        if url := web_url(written, base_url):
            yield WebLink(url, "recommended data product")
    holder = mapping(_in_language(_part(doc, "dataHolder")))
    if url := web_url(holder.get("URL")):
        yield WebLink(url, "data holder", text(holder.get("legalName")))


def _policies(license_part: dict[str, Any]) -> Iterator[Term]:
    scope = mapping(license_part.get("scope"))
    if rights := ", ".join(texts(scope.get("rights"))):
        yield Term(f"rights: {rights}")
    if restrictions := text(scope.get("restrictions")):
        yield Term(f"restrictions: {restrictions}")
    for key in ("permanent", "exclusive"):
        if (agreed := flag(scope.get(key))) is not None:
            yield Term(f"{key}: {'yes' if agreed else 'no'}")
    for part in ("termination", "governance"):
        for key, value in mapping(license_part.get(part)).items():
            if said := any_text(value):
                yield Term(f"{key}: {said}")


def _custom(doc: dict[str, Any], details: dict[str, Any], license_part: dict[str, Any]) -> Iterator[NamedValue]:
    """The parts of which a page has no own place, as they are written."""
    for entry in mappings(details.get("useCases")):
        case = mapping(entry.get("useCase")) or entry
        if title := text(case.get("useCaseTitle")):
            yield NamedValue("use case", title, text(case.get("useCaseDescription")))
    for name in ("productStrategy", "dataOps", "paymentGateways"):
        if said := any_text(_part(doc, name)):
            yield NamedValue(name, said)
    if said := text(mapping(license_part.get("scope")).get("language")):
        yield NamedValue("license language", said)
    holder = mapping(_in_language(_part(doc, "dataHolder")))
    address = [text(holder.get(f"address{part}")) for part in ("Locality", "Region", "Country")]
    if place := ", ".join(dict.fromkeys(part for part in address if part)):
        yield NamedValue("data holder's place", place)


def _problems(doc: dict[str, Any], details: dict[str, Any]) -> Iterator[str]:
    for key in ("name", "productID", "visibility", "status", "type"):
        said = text(details.get(key))
        if said is None:
            yield f"product.details.{key}: a product has to have it"
        elif said.startswith("{{"):
            yield f"product.details.{key}: a template's blank, not filled in"
    for index, plan in enumerate(mappings(_in_language(mapping(_part(doc, "pricingPlans")).get("declarative")))):
        for key, value in plan.items():
            reference = text(mapping(value).get("$ref")) or ""
            if reference.startswith("#/") and at(doc, reference) is None and at(doc.get("product"), reference) is None:
                yield f"product.pricingPlans[{index}].{key}: {reference[:120]} is not in the document"
