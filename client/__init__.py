"""The marketplace for programs: a library over its REST API, and the command `mesh`. Imports nothing of the server."""

from client.errors import MarketplaceError, NotFoundError, NotSignedInError, RefusedError, UnreachableError
from client.marketplace import Marketplace
from client.models import Change, Found, Hit, Link, Outcome, Person, Product, Resolved

__all__ = [
    "Change",
    "Found",
    "Hit",
    "Link",
    "Marketplace",
    "MarketplaceError",
    "NotFoundError",
    "NotSignedInError",
    "Outcome",
    "Person",
    "Product",
    "RefusedError",
    "Resolved",
    "UnreachableError",
]
