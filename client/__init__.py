"""The marketplace for programs: a library over its REST API, and the command `mesh`. Imports nothing of the server."""

from client.errors import MarketplaceError, NotFoundError, NotSignedInError, RefusedError, UnreachableError
from client.marketplace import Marketplace
from client.models import (
    Change,
    ContractChange,
    ContractDiff,
    Event,
    Found,
    Hit,
    Link,
    Offer,
    Outcome,
    Person,
    Product,
    Resolved,
)

__all__ = [
    "Change",
    "ContractChange",
    "ContractDiff",
    "Event",
    "Found",
    "Hit",
    "Link",
    "Marketplace",
    "MarketplaceError",
    "NotFoundError",
    "NotSignedInError",
    "Offer",
    "Outcome",
    "Person",
    "Product",
    "RefusedError",
    "Resolved",
    "UnreachableError",
]
