"""Where a gateway may send things: public addresses, and internal ones only when its operator says so."""

import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address
from urllib.parse import urlsplit

MAX_URL_LENGTH = 2048

# The IANA special-purpose registries. `ipaddress.is_private` and `is_global` each let some of these through.
_NOT_PUBLIC_V4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16",
            "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24",
            "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)  # fmt: skip
_GLOBAL_UNICAST_V6 = IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")))


class AddressError(Exception):
    """An address nothing is sent to; the text says why, for people."""


@dataclass(frozen=True)
class Destination:
    """A checked URL: connect to `ip`, and to no other."""

    url: str
    scheme: str
    host: str
    port: int
    target: str
    ip: str


def is_public(text: str) -> bool:
    """Whether this is the address of a machine on the public internet. False for what is no address."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_V4)
    return address in _GLOBAL_UNICAST_V6 and not any(address in network for network in _NOT_PUBLIC_V6)


def parsed(url: str) -> tuple[str, str, int, str]:
    """Scheme, host (small letters, no dot at its end), port and request target of a URL. Asks nobody.

    Raises:
        AddressError: no http(s) URL, or a user name in it.
    """
    if len(url) > MAX_URL_LENGTH or any(ord(char) <= 32 or ord(char) == 127 for char in url):
        raise AddressError(f"The address is longer than {MAX_URL_LENGTH} characters or has spaces in it.")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname or ""
        if ":" not in host:
            host = host.encode("idna").decode().lower().rstrip(".")
            if re.search(r"[^a-z0-9._-]", host):  # IDNA turns some signs into others, such as spaces
                raise AddressError("This is not a readable address.")
    except (ValueError, UnicodeError) as error:
        raise AddressError("This is not a readable address.") from error
    if parts.scheme not in ("http", "https") or not host:
        raise AddressError("Only addresses that begin with http:// or https:// and name a host are possible.")
    if "@" in parts.netloc:
        raise AddressError("The address contains a user name or password.")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, host, port or (443 if parts.scheme == "https" else 80), target


def checked(url: str, *, allow_internal: bool) -> Destination:
    """Resolve a URL once and check every address it has. Blocking: asks the resolver.

    Raises:
        AddressError: no http(s) URL, a user name in it, no such host, or an internal address that is not allowed.
    """
    scheme, host, port, target = parsed(url)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressError(f"The host {host} cannot be found.") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not allow_internal and not all(is_public(address) for address in addresses):
        raise AddressError(f"{host} is on an internal network, and this gateway sends nothing there.")
    return Destination(url, scheme, host, port, target, addresses[0])
