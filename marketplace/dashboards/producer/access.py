"""Who may see the figures of a product: its own team, and administrators."""

from django.core.exceptions import PermissionDenied
from django.http import Http404

from registry import access, queries
from registry.access import Visitor
from registry.models import Product


def seen_by(visitor: Visitor, product: Product | None) -> Product:
    """The product, whose owner is prefetched.

    Raises Http404 where there is none, or only its team may know of it, and PermissionDenied for other listed ones.
    """
    mine = product is not None and access.may_edit(visitor, product)
    if product is None or not (product.is_listed or mine):
        raise Http404("There is no such data product.")
    if not mine:
        raise PermissionDenied(f"Only {product.owner.name} may see how this product is used.")
    return product


def by_address(visitor: Visitor, domain: str, name: str) -> Product:
    """The product at urn:dp:<domain>:<name>. Raises as above."""
    return seen_by(visitor, queries.products().filter(domain__slug=domain, name=name).first())
