"""What a product's document does not say, and what its format has no place for: shown, so that nobody looks in vain."""

from collections.abc import Callable
from dataclasses import dataclass

from marketplace.live.view import ContractView, ProductView

Said = Callable[[ProductView, list[ContractView]], object]

# What a consumer wants to know before using a product, and how to tell that it is said somewhere.
WANTED: dict[str, Said] = {
    "license": lambda p, c: p.license or any(a.license for a in p.artifacts),
    "owner": lambda p, c: p.owner or p.publisher or p.team or any(x.team for x in c),
    "support": lambda p, c: p.support or any(x.support for x in c),
    "price": lambda p, c: p.price or p.prices or any(x.price for x in c),
    "service levels": lambda p, c: p.sla or any(x.sla for x in c),
    "quality rules": lambda p, c: p.quality or any(x.rule_count for x in c),
    "columns": lambda p, c: any(a.schemas for a in p.artifacts) or any(x.column_count for x in c),
    "policies": lambda p, c: p.policies or any(a.policies for a in p.artifacts) or any(x.policies for x in c),
    "limits of use": lambda p, c: p.limitations or any(x.limitations for x in c),
    "where and when": lambda p, c: p.coverage.bboxes or p.coverage.intervals or p.coverage.places,
    "how often it changes": lambda p, c: p.update_frequency or any(_frequency(x) for x in c),
    "what it is made from": lambda p, c: p.input_ports or p.sources,
}

_PROMISES = {"service levels", "quality rules", "limits of use"}
# What a format has no place for, by how its standard's name begins. A product can still say it in a contract.
CANNOT: dict[str, set[str]] = {
    "CKAN": _PROMISES | {"price", "columns", "what it is made from"},
    "DCAT-US": _PROMISES | {"price", "columns"},
    "DCAT": {"service levels", "limits of use"},
    "DPROD": {"service levels", "limits of use"},
    "Data Package": _PROMISES | {"price", "where and when", "how often it changes"},
    "DPDS": {"price", "where and when", "limits of use"},
    "OpenAPI": {"price", "service levels", "quality rules", "where and when", "what it is made from"},
    "STAC": _PROMISES | {"price", "policies", "how often it changes"},
    "schema.org": {"service levels", "limits of use"},
}


@dataclass(frozen=True)
class Unsaid:
    """`not_said`: the format could; `no_place`: it has no field for it."""

    not_said: tuple[str, ...]
    no_place: tuple[str, ...]
    standard: str


def unsaid(product: ProductView, contracts: list[ContractView]) -> Unsaid:
    """What neither the product's document nor its contracts say. Pure."""
    missing = [name for name, said in WANTED.items() if not said(product, contracts)]
    cannot = next((names for start, names in CANNOT.items() if product.standard.startswith(start)), set[str]())
    return Unsaid(
        tuple(name for name in missing if name not in cannot),
        tuple(name for name in missing if name in cannot),
        product.standard,
    )


def _frequency(contract: ContractView) -> bool:
    return any(row.property.lower() in ("frequency", "freshness", "updatefrequency") for row in contract.sla)
