"""What a product's document does not say, and what its format has no place for: shown, so that nobody looks in vain."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from marketplace.live.view import ArtifactView, ContractView, Coverage, ProductView


@dataclass(frozen=True)
class Told:
    """All documents of a product that a consumer may look into."""

    product: ProductView
    artifacts: Sequence[ArtifactView]
    contracts: Sequence[ContractView]


Said = Callable[[Told], object]

# What a consumer wants to know before using a product, and how to tell that it is said somewhere.
WANTED: dict[str, Said] = {
    "license": lambda told: told.product.license or any(one.license for one in told.artifacts),
    "owner": lambda told: told.product.owner or told.product.publisher or _any(told, "team"),
    "support": lambda told: _any(told, "support"),
    "price": lambda told: told.product.prices or _any(told, "price"),
    "service levels": lambda told: _any(told, "sla"),
    "quality rules": lambda told: told.product.quality or any(one.rule_count for one in told.contracts),
    "columns": lambda told: any(one.schemas for one in told.artifacts) or any(x.column_count for x in told.contracts),
    "policies": lambda told: _any(told, "policies") or any(one.policies for one in told.artifacts),
    "limits of use": lambda told: _any(told, "limitations"),
    "where and when": lambda told: told.product.coverage != Coverage(),
    "how often it changes": lambda told: told.product.update_frequency or any(map(_frequency, told.contracts)),
    "what it is made from": lambda told: told.product.input_ports or told.product.sources,
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


def unsaid(told: Told) -> Unsaid:
    """What none of the product's documents says. Pure."""
    standard = told.product.standard
    missing = [name for name, said in WANTED.items() if not said(told)]
    cannot = next((names for start, names in CANNOT.items() if standard.startswith(start)), set[str]())
    return Unsaid(
        tuple(name for name in missing if name not in cannot),
        tuple(name for name in missing if name in cannot),
        standard,
    )


def _any(told: Told, field: str) -> bool:
    """Whether the product's document or one of the contracts says it."""
    return any(getattr(one, field) for one in (told.product, *told.contracts))


def _frequency(contract: ContractView) -> bool:
    return any(row.property.lower() in ("frequency", "freshness", "updatefrequency") for row in contract.sla)
