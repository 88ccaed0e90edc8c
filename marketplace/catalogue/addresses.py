"""Addresses of what belongs to a product's page: its artifacts, contracts, guides and original documents."""

import hashlib

from django.urls import reverse

from marketplace.catalogue import artifact_ids
from registry.models import Product


def artifact(product: Product, artifact_id: str) -> str:
    """The artifact's page."""
    return reverse("catalogue:artifact", args=[*_address(product), artifact_ids.address(artifact_id)])


def contract(product: Product, part: str) -> str:
    """The page of the contract that is kept under this live part ("contract:…")."""
    return reverse("catalogue:contract", args=[*_address(product), slug_of(part)])


def original(product: Product, part: str) -> str:
    """The page of the document that this live part was read from."""
    return reverse("catalogue:original", args=[*_address(product), slug_of(part)])


def guide(product: Product, url: str) -> str:
    """The page that renders the guide at an address its product names."""
    return reverse("catalogue:guide", args=[*_address(product), guide_key(url)])


def table(product: Product) -> str:
    """Where further columns of the product's schemas come from; see `schemas.table`."""
    return reverse("catalogue:live-schema", args=_address(product))


def guide_key(url: str) -> str:
    """What stands for an address in the address of our page about it."""
    return hashlib.sha256(url.encode(errors="surrogatepass")).hexdigest()[:16]


def slug_of(part: str) -> str:
    """A live part's name as it stands in an address."""
    return part.replace(":", "-")


def part_of(slug: str) -> str:
    """The other way round."""
    return slug.replace("-", ":", 1)


def _address(product: Product) -> list[str]:
    return [product.domain.slug, product.name]
