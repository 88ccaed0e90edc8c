"""Who gets a grant for a product's gateway until agreements decide: owners for their own, others for what is open."""

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit, urlunsplit

import structlog
from django.core.exceptions import PermissionDenied, ValidationError

from marketplace.accounts.grants import sign_grant
from marketplace.accounts.models import Role, User
from registry.access import may_edit
from registry.models import LISTED, AccessMode, Lifecycle, Link, Product, Rel

log = structlog.get_logger(__name__)

SECONDS = 600
DEFAULT_PORTS = {"http": 80, "https": 443}
CONSUMABLE = (Lifecycle.PUBLISHED, Lifecycle.DEPRECATED)


class NoGatewayError(Exception):
    """The product has no address that a grant could be for; the text says why and what to do."""


@dataclass(frozen=True)
class Grant:
    """A signed grant and what it is for. `expires_in` is in seconds, `token` goes into `Authorization: Bearer`."""

    token: str
    audience: str
    scope: str
    expires_in: int


def give_grant(actor: User, product: Product, scope: str, artifact: str = "") -> Grant:
    """A grant of ten minutes for the product's gateway. Three queries.

    `artifact` narrows `consume` to one artifact. Raises PermissionDenied for what the actor may not, ValidationError
    for an artifact with another scope, NoGatewayError, and NoSigningKeyError where the operator gave no key.
    """
    if artifact and scope != "consume":
        raise ValidationError({"artifact": f"Only consume is given for one artifact; leave it out with {scope}."})
    if not may_edit(actor, product):
        _require_open(product, scope)
    audience = gateway_of(product)
    if not actor.has_role(Role.ADMIN):
        _require_first_claim(product, audience)
    words = f"{scope}:{artifact}" if artifact else scope
    token = sign_grant(actor.username, audience, words, product=product.urn, seconds=SECONDS)
    log.info("grant signed", actor=actor.username, product=product.urn, scope=words, audience=audience)
    return Grant(token, audience, words, SECONDS)


def gateway_of(product: Product) -> str:
    """The base URL of the product's gateway: its first discovery link without `/discover`. One query.

    Raises NoGatewayError where there is none.
    """
    link = product.links.filter(rel=Rel.DISCOVERY).first()
    base = base_of(link.url) if link else None
    if base is None:
        raise NoGatewayError(
            f"{product.urn} has no gateway that takes grants: register a discovery link that ends in /discover."
        )
    return base


def base_of(url: str) -> str | None:
    """`https://example.org/rain` for `HTTPS://Example.org:443/rain/discover/`; None for what is no gateway."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    path = parts.path.rstrip("/")
    if parts.scheme not in DEFAULT_PORTS or not host or "@" in parts.netloc or not path.endswith("/discover"):
        return None
    host = f"[{host}]" if ":" in host else host
    netloc = host if port in (None, DEFAULT_PORTS[parts.scheme]) else f"{host}:{port}"
    return urlunsplit(SplitResult(parts.scheme, netloc, path.removesuffix("/discover"), "", ""))


def _require_open(product: Product, scope: str) -> None:
    """Raises PermissionDenied for all but consuming an open product that may be consumed now."""
    if scope != "consume":
        raise PermissionDenied(f"Only {product.owner.name} and administrators get {scope} for this product.")
    if product.access_mode != AccessMode.OPEN:
        raise PermissionDenied(f"This product is given on request. Ask {product.owner.name} for access.")
    if product.lifecycle not in CONSUMABLE:
        raise PermissionDenied(f"This product is {product.lifecycle}: it is not to be consumed for now.")


def _require_first_claim(product: Product, base: str) -> None:
    """Raises NoGatewayError where a listed product of another team named the same gateway before this one.

    Without this, whoever registers the address of somebody else's gateway would be given the keys to it. A draft claims
    nothing, so nobody can take a gateway away by a product that nobody sees. One query, which reads the links of that
    host. A gateway checks besides that the grant's `product` is its own.
    """
    host = urlsplit(base).hostname or ""
    others = Link.objects.filter(rel=Rel.DISCOVERY, url__icontains=host, product__lifecycle__in=LISTED)
    others = others.exclude(product__owner=product.owner_id)
    if product.is_listed and product.published_at:
        others = others.filter(product__published_at__lt=product.published_at)
    if any(base_of(url) == base for url in others.values_list("url", flat=True).iterator()):
        raise NoGatewayError(
            f"A product of another team, published before, names the same gateway, {base}. "
            "If the gateway is yours, ask an administrator to settle it."
        )
