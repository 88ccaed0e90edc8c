"""Who may do what with an entry of the registry."""

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404

from marketplace.accounts.models import Role, User
from registry import queries
from registry.models import Product

Visitor = User | AnonymousUser


def person(visitor: Visitor) -> User | None:
    """The signed-in person, or None for a visitor."""
    return visitor if isinstance(visitor, User) else None


def may_edit(visitor: Visitor, product: Product) -> bool:
    """The owning team and administrators. One query."""
    user = person(visitor)
    if user is None:
        return False
    return user.has_role(Role.ADMIN) or product.owner.members.filter(pk=user.pk).exists()


def product_or_404(visitor: Visitor, domain: str, name: str) -> Product:
    """The product if the visitor may see it. Raises Http404 as below."""
    return visible_or_404(visitor, queries.by_address(domain, name), domain, name)


def visible_or_404(visitor: Visitor, product: Product | None, domain: str, name: str) -> Product:
    """The product that was found at this address, if the visitor may see it.

    Raises Http404 where there is none, and for drafts and retired products of others, whose existence is theirs.
    """
    if product is None or not (product.is_listed or may_edit(visitor, product)):
        raise Http404(f"There is no data product {name!r} in the domain {domain!r}.")
    return product


def editable_or_403(visitor: Visitor, domain: str, name: str) -> Product:
    """The product if the visitor may change it.

    Raises Http404 as above, PermissionDenied for a visible one of others.
    """
    product = product_or_404(visitor, domain, name)
    if not may_edit(visitor, product):
        raise PermissionDenied(f"Only {product.owner.name} may change this product.")
    return product
