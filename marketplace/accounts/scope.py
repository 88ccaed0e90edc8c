"""What the token of a team may do: read what the team may read, and keep its products in order. Nothing else.

Listed by the names of the addresses, so that a new address is refused until somebody puts it here.
"""

from django.http import HttpRequest
from rest_framework.exceptions import PermissionDenied

READING = frozenset({"GET", "HEAD", "OPTIONS"})
WRITING = frozenset(
    {
        "product-list", "product-detail", "products-batch", "purposes", "comparison",
        "inspections", "register", "catalogues", "given-contracts",
        "product-publish", "product-pause", "product-resume", "product-deprecate", "product-retire", "product-undo",
    }
)  # fmt: skip


def allows(name: str, method: str) -> bool:
    """Whether a team's token may use this method of the API's address of this name."""
    return method in READING or name in WRITING


def require(request: HttpRequest) -> None:
    """Raises PermissionDenied where a team's token does not reach."""
    match = request.resolver_match
    if not allows(match.url_name or "" if match else "", request.method or ""):
        raise PermissionDenied(
            "The token of a team registers, changes and publishes the team's products and moves them through their "
            "lifecycle. For this, send the token of a person."
        )
