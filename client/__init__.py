"""The marketplace for programs: a library over its REST API, and the command `mesh`. Imports nothing of the server."""

from client.errors import MarketplaceError, NotFoundError, NotSignedInError, RefusedError, UnreachableError
from client.marketplace import Marketplace
from client.models import (
    Change,
    Checklist,
    ContractChange,
    ContractDiff,
    Dataset,
    Event,
    Found,
    Hit,
    Lack,
    Link,
    Offer,
    Outcome,
    Person,
    Product,
    Resolved,
)

__all__ = [
    "Change",
    "Checklist",
    "ContractChange",
    "ContractDiff",
    "Dataset",
    "Event",
    "Found",
    "Hit",
    "Lack",
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
