"""Which URLs the marketplace may ask, and which network addresses it may connect to. Pure functions, no I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import httpx2

from .errors import FetchError

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

MAX_URL_LENGTH = 2048

# Ports no HTTP service lives on: the low ones except the web's own, and the usual data stores and desktops above them.
_PORTS_BELOW_1024 = frozenset({80, 443, 591, 1023})
_PORTS_REFUSED = frozenset({1433, 1521, 2049, 2375, 2379, 3306, 3389, 5432, 5672, 5900, 6000, 6379, 11211, 27017})

# The IANA special-purpose registries, and what is not in them but is as internal. `ipaddress.is_private` and
# `is_global` are not enough: each lets some of these through.
_NOT_PUBLIC_V4 = tuple(
    IPv4Network(net)
    for net in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT; also a cloud's metadata service
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's host agent
        "169.254.0.0/16",  # link local; cloud metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # IETF protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_GLOBAL_UNICAST_V6 = IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(
    IPv6Network(net)
    for net in (
        "2001::/23",  # IETF protocol assignments, Teredo, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: carries an IPv4 address
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)


def address_allowed(ip: Address | str, allowed_networks: Iterable[Network] = ()) -> bool:
    """Whether we may connect to `ip`: it is public unicast, or the operator named a network it lies in.

    An IPv4 address dressed as IPv6 (mapped, NAT64, 6to4) is refused as such: a name that means IPv4 can say so with
    an A record. Anything unreadable, or with a scope id, is refused.
    """
    try:
        address = ip_address(ip) if isinstance(ip, str) else ip
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.scope_id:
        return False
    if any(address.version == net.version and address in net for net in allowed_networks):
        return True
    if isinstance(address, IPv4Address):
        return not any(address in net for net in _NOT_PUBLIC_V4)
    return address in _GLOBAL_UNICAST_V6 and not any(address in net for net in _NOT_PUBLIC_V6)


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks from CIDR texts. Raises ValueError on one that is not a network."""
    return tuple(ip_network(text.strip()) for text in texts if text.strip())


@dataclass(frozen=True, slots=True)
class Place:
    """A URL that may be asked, in the parts that a request is made of; `path` with the query. No fragment."""

    scheme: str
    host: str
    port: int
    netloc: str
    path: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}{self.path}"


# What nearly every address looks like, and nothing in it that a parser could read in two ways.
_PLAIN = re.compile(
    r"(https?)://([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::([1-9][0-9]{3,4}))?"
    r"((?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?)"
)


def place_of(url: str) -> Place:
    """The parts of a URL that may be asked. Raises FetchError("bad_url") as `checked_url`.

    Addresses in the usual form are not given to the general parser, which takes ten times as long.
    """
    plain = _PLAIN.fullmatch(url) if len(url) <= MAX_URL_LENGTH and ".." not in url and "xn--" not in url else None
    if plain is None:
        parsed = checked_url(url)
        port = parsed.port or _DEFAULT_PORTS[parsed.scheme]
        host, path = parsed.raw_host.decode("ascii"), parsed.raw_path.decode("ascii")
        return Place(parsed.scheme, host, port, parsed.netloc.decode("ascii"), path)
    scheme, host, written, path = plain.groups()
    if written is None:
        return Place(scheme, host, _DEFAULT_PORTS[scheme], host, path or "/")
    port = int(written)
    _check_port(port)
    return Place(scheme, host, port, f"{host}:{written}", path or "/")


_DEFAULT_PORTS = {"http": 80, "https": 443}


def checked_url(url: str) -> httpx2.URL:
    """The URL parsed, without its fragment. Raises FetchError("bad_url") with the reason in plain words."""
    if len(url) > MAX_URL_LENGTH:
        raise _bad_url(f"The address is longer than {MAX_URL_LENGTH} characters.")
    try:
        parsed = httpx2.URL(url.strip())
    except (httpx2.InvalidURL, ValueError, UnicodeError) as exc:
        raise _bad_url("This is not a readable address.") from exc
    if parsed.scheme not in ("http", "https"):
        raise _bad_url("Only addresses that begin with http:// or https:// can be asked.")
    if not parsed.host or any(char.isspace() for char in parsed.host) or "%" in parsed.host:
        raise _bad_url("The address names no host.")
    if parsed.userinfo:
        raise _bad_url("The address contains a user name or password.")
    if parsed.port is not None:
        _check_port(parsed.port)
    return parsed.copy_with(fragment=None)


def _check_port(port: int) -> None:
    if not 0 < port < 65536 or port in _PORTS_REFUSED or (port < 1024 and port not in _PORTS_BELOW_1024):
        raise _bad_url(f"Port {port} is not one a web service answers on.")


def _bad_url(reason: str) -> FetchError:
    return FetchError("bad_url", reason, "Paste the full address, such as https://data.example.org/discover.")
