"""What the product page says of its exports."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.safestring import SafeString

from marketplace.exports import schema_org
from marketplace.exports.facts import facts_of
from marketplace.exports.formats import FORMATS
from marketplace.live.state import LiveProduct
from registry.models import Product


@dataclass(frozen=True)
class Representation:
    """Another form of the same product."""

    label: str
    media_type: str
    url: str


@dataclass(frozen=True)
class TakeAway:
    """The forms a product can be taken away in, and its description for crawlers, ready for the head of a page."""

    formats: tuple[Representation, ...]
    json_ld: SafeString


def take_away(product: Product, seen: LiveProduct) -> TakeAway | None:
    """None for a product that is not listed: nothing of it leaves. No query, no I/O."""
    if not product.is_listed:
        return None
    page = product.get_absolute_url()
    return TakeAway(
        tuple(Representation(f.label, f.media_type, f"{page}{f.file}") for f in FORMATS),
        schema_org.script(facts_of(product, seen)),
    )
