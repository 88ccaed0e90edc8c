"""Descriptor formats, one module each, found by content. To add one: a module with `NAME`, `matches(document)` and
`product(document, base_url) -> ProductView`, and its name in `FORMATS` below.

Every function of a format module takes any parsed document, whatever is in it, and never raises but FetchError, where
the document is a catalogue of many datasets or cannot be read as what it says it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from ..errors import FetchError
from ..view import ContractView, ProductView
from . import (
    ckan,
    data_json,
    datapackage,
    dcat,
    dcs,
    dpds,
    gateway_index,
    lf_odps,
    linked,
    odcs,
    odps,
    openapi,
    schema_org,
    stac,
)
from .catalogue import Entry
from .known import explanation


class Format(Protocol):
    """What a format module offers."""

    NAME: str

    def matches(self, document: Any) -> bool: ...

    def product(self, document: Any, base_url: str | None = None) -> ProductView: ...


class ContractFormat(Format, Protocol):
    """What the module of a contract's format offers besides."""

    def contract(self, document: Any) -> ContractView: ...


FORMATS: tuple[Format, ...] = (
    gateway_index,
    odps,
    odcs,
    dcs,
    dpds,
    lf_odps,
    stac,
    datapackage,
    openapi,
    ckan,
    data_json,
    dcat,
    schema_org,
)

CONTRACTS: tuple[ContractFormat, ...] = (odcs, dcs)


def recognise(document: Any) -> Format:
    """The format module that reads this document. Raises FetchError("unknown_format") where there is none."""
    for module in FORMATS:
        if module.matches(document):
            return module
    if explained := explanation(document) or linked.explanation(document):
        raise FetchError("unknown_format", *explained)
    keys = ", ".join(list(document)[:5]) if isinstance(document, dict) else "a list"
    raise FetchError(
        "unknown_format",
        f"The document is none of the formats read here (it has: {keys[:200]}).",
        f"Read here: {', '.join(module.NAME for module in FORMATS)}. "
        "An ODPS document has kind: DataProduct, an ODCS contract has kind: DataContract.",
    )


class CatalogueFormat(Format, Protocol):
    """What the module of a format offers besides, whose documents may describe many datasets."""

    def datasets(self, document: Any, base_url: str | None = None) -> Iterator[Entry]: ...


CATALOGUES: tuple[CatalogueFormat, ...] = (stac, ckan, data_json, dcat, schema_org)


def entries_of(document: Any, base_url: str | None = None) -> Iterator[Entry]:
    """What a catalogue lists, in its order; nothing where the document is none. Raises FetchError as `product` does."""
    module = recognise(document)
    for catalogue in CATALOGUES:
        if catalogue is module:
            yield from catalogue.datasets(document, base_url)


def contract_of(document: Any) -> ContractView | None:
    """The contract that this document is, None where it is none. Never raises."""
    return next((module.contract(document) for module in CONTRACTS if module.matches(document)), None)
