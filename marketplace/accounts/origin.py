"""Where a request comes from, as far as it can be known."""

import ipaddress
from collections.abc import Sequence

from django.conf import settings
from django.http import HttpRequest

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_address(request: HttpRequest) -> IPAddress | None:
    """The caller's address, or None where it is not known.

    Behind TRUSTED_PROXIES proxies it is the one that the outermost of them saw: each appends whom it saw to
    X-Forwarded-For, and whatever stands further left was written by the caller. A request with fewer entries did not
    pass them all, so only the connection itself says where it comes from.
    """
    seen = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    proxies = settings.TRUSTED_PROXIES
    text = seen[-proxies] if 0 < proxies <= len(seen) else ""
    return _address(text) if text.strip() else _address(request.META.get("REMOTE_ADDR", ""))


def comes_from(request: HttpRequest, networks: Sequence[IPNetwork]) -> bool:
    """Whether the caller is surely in one of the networks.

    No where a proxy passed the request on that is not counted in TRUSTED_PROXIES: the connection is then the proxy's.
    """
    if not settings.TRUSTED_PROXIES and any(
        name in request.META for name in ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")
    ):
        return False
    address = client_address(request)
    return address is not None and any(address in network for network in networks)


def _address(text: str) -> IPAddress | None:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
