"""The one door out: every outgoing call of the marketplace goes through `Door.fetch`.

Everything behind a URL is hostile until proven otherwise. The name is resolved once, every address it has is checked,
and the connection goes to a checked address (so that a name server that changes its answer in between helps nobody);
TLS and the Host header still use the name. Redirects are followed by hand and checked like the first address. Size is
counted after decompression, and one deadline covers everything from the first packet to the last.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache, partial
from ipaddress import ip_address
from typing import NoReturn

import httpx2

from .addresses import Network, Place, address_allowed, place_of
from .errors import FetchError
from .names import Names, Resolver
from .unpacking import PackingError, TooLargeError, WireError
from .wire import Answer, BrokenOffError, Connection, Headers, Origin, Wire

MAX_BYTES = 2 * 1024 * 1024
DEADLINE_SECONDS = 3.0
MAX_REDIRECTS = 4
FRESH_SECONDS_DEFAULT = 30
FRESH_SECONDS_MAX = 3600
KEEPALIVE_SECONDS = 4.0  # below uvicorn's 5 s, so that a connection is never reused while the other side closes it
MAX_CONNECTIONS = 500
NEXT_ADDRESS_SECONDS = 1.0  # after which a name's next address is tried: one that is dead must not use up the deadline

Gate = Callable[[str], AbstractAsyncContextManager[None]]
"""Stands around each request by its URL, each hop of a redirect too. Waiting to get in does not count as slowness."""

ACCEPTED = (
    "application/json, application/yaml;q=0.9, application/ld+json;q=0.9, text/turtle;q=0.8, "
    "application/rdf+xml;q=0.7, text/html;q=0.6, */*;q=0.5"
)


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits of one call. `deadline` in seconds, for everything; `max_bytes` of the body after decompression.

    `error_media_types`: media types whose body is an answer even where the status says error (a failing service answers
    503 with `application/health+json`, draft-inadarei-api-health-check).
    """

    deadline: float = DEADLINE_SECONDS
    max_bytes: int = MAX_BYTES
    max_redirects: int = MAX_REDIRECTS
    error_media_types: frozenset[str] = field(default_factory=frozenset)


DEFAULT_POLICY = Policy()
HEALTH_POLICY = Policy(error_media_types=frozenset({"application/health+json"}))


@dataclass(frozen=True, slots=True)
class Fetched:
    """One answer. `url` is where it came from in the end; `body` is decompressed; `cache_seconds` says how long it is
    fresh (0–3600); `elapsed_ms` is from asking to the last byte, redirects included. With `not_modified` the body is
    empty and what the caller has under this ETag still holds."""

    status: int
    url: str
    media_type: str
    charset: str | None
    body: bytes
    etag: str | None
    cache_seconds: int
    elapsed_ms: int
    not_modified: bool = False


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _refusal(host: str, address: str) -> str:
    if _is_address(host):
        return f"{address} is an internal address, to which the marketplace does not connect."
    return f"{host} leads to {address}, an address to which the marketplace does not connect."


class _CheckedNetwork:
    """Connects to names by way of the address rule. The only place in the marketplace where a connection is opened."""

    def __init__(self, resolver: Resolver, allowed_networks: tuple[Network, ...], ssl_context: ssl.SSLContext) -> None:
        self._resolver = resolver
        self._may_connect = lru_cache(1024)(lambda address: address_allowed(address, allowed_networks))
        self._ssl_context = ssl_context

    async def connect(self, origin: Origin, make: Callable[[], Connection]) -> Connection:
        host, port = origin.host, origin.port
        try:
            addresses = await self._resolver(host, port)
        except (OSError, UnicodeError) as exc:
            raise FetchError(
                "unreachable",
                f"The name {host} is not known to the name servers.",
                "Check the spelling of the address. If the name is new or internal, ask whoever runs it.",
            ) from exc
        refused = [address for address in addresses if not self._may_connect(address)]
        if refused or not addresses:
            raise FetchError(
                "refused_address",
                _refusal(host, str(refused[0]) if refused else "no address"),
                "Use an address that is reachable from the public internet, or ask the operator to add the network to "
                "GATEWAY_ALLOWED_NETWORKS.",
            )
        loop = asyncio.get_running_loop()
        context, name = (self._ssl_context, host) if origin.scheme == "https" else (None, None)
        failure: OSError | None = None
        for address in addresses:
            patience = None if address == addresses[-1] else NEXT_ADDRESS_SECONDS
            try:
                async with asyncio.timeout(patience):
                    _, opened = await loop.create_connection(make, address, port, ssl=context, server_hostname=name)
            except ssl.SSLError:
                raise  # it answered; another address of the same name is no better
            except OSError as exc:
                failure = exc
            else:
                return opened
        raise failure or OSError("no address answered")


class Door:
    """A connection pool with the rules above. Belongs to the event loop it is first used in; `aclose()` at the end.

    It keeps no cookies, reads no proxy settings from the environment and sends no credentials.
    """

    def __init__(
        self,
        allowed_networks: Iterable[Network] = (),
        resolver: Resolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
        user_agent: str = "data-mesh-marketplace/1",
    ) -> None:
        self._user_agent = user_agent
        context = ssl_context or httpx2.create_ssl_context(trust_env=False)
        context.set_alpn_protocols(["http/1.1"])
        network = _CheckedNetwork(resolver or Names(), tuple(allowed_networks), context)
        self._wire = Wire(network.connect, most=MAX_CONNECTIONS, keep_seconds=KEEPALIVE_SECONDS)

    async def aclose(self) -> None:
        self._wire.close()

    async def fetch(
        self,
        url: str,
        *,
        accept: str | None = None,
        etag: str | None = None,
        policy: Policy = DEFAULT_POLICY,
        gate: Gate | None = None,
        patience: float = 0.0,
    ) -> Fetched:
        """GET `url`. Raises FetchError for all that can go wrong, within `policy.deadline` seconds beyond the gate and
        the wait for one of the door's connections.

        With `etag` the request is conditional, and the answer may be `not_modified`. `patience` as in Wire.exchange.
        """
        target = place_of(url)
        try:
            return await self._follow(target, accept, etag, policy, gate or _no_gate, patience)
        except TimeoutError as exc:
            raise FetchError(
                "slow",
                f"{_where(target)} did not finish answering within {policy.deadline:g} seconds.",
                "Try again in a moment. If it stays slow, tell the product's owner; nothing is wrong on your side.",
            ) from exc

    async def _follow(
        self, target: Place, accept: str | None, etag: str | None, policy: Policy, gate: Gate, patience: float
    ) -> Fetched:
        seen = {str(target)}
        spent = 0.0
        for _ in range(policy.max_redirects + 1):
            async with gate(str(target)), self._wire.room, asyncio.timeout(policy.deadline - spent):
                started = time.perf_counter() - spent
                answer = await self._ask(target, accept, etag, policy, patience)
                started += answer.waited
                location = answer.headers.get("location")
                if answer.status not in _REDIRECTS or location is None:
                    return _fetched(answer, target, etag, started)
            spent = time.perf_counter() - started
            target = _next_hop(target, location)
            if str(target) in seen:
                raise FetchError(
                    "bad_redirect",
                    f"{_where(target)} redirects in a circle.",
                    "Use the address the product finally answers at; its owner has to mend the redirect.",
                )
            seen.add(str(target))
        raise FetchError(
            "bad_redirect",
            f"The address redirects more than {policy.max_redirects} times.",
            "Use the address the product finally answers at.",
        )

    async def _ask(self, url: Place, accept: str | None, etag: str | None, policy: Policy, patience: float) -> Answer:
        condition = f"If-None-Match: {etag}\r\n" if etag and _HEADER_SAFE.fullmatch(etag) else ""
        head = (
            f"GET {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nUser-Agent: {self._user_agent}\r\n"
            f"Accept: {accept or ACCEPTED}\r\nAccept-Encoding: gzip, deflate\r\n{condition}\r\n"
        )
        origin = Origin(url.scheme, url.host, url.port)
        judge = partial(_wanted, url, etag, policy)
        try:
            return await self._wire.exchange(origin, head.encode("ascii"), judge, policy.max_bytes, patience)
        except TooLargeError as exc:
            raise _too_large(policy.max_bytes) from exc
        except (WireError, OSError) as exc:
            _explain(exc, url)


_REDIRECTS = (301, 302, 303, 307, 308)


def _wanted(url: Place, etag: str | None, policy: Policy, status: int, headers: Headers) -> bool:
    """Whether the body of this answer is to be read. Raises FetchError where the answer is none."""
    if status == 304 and etag is not None:
        return True
    if status in _REDIRECTS and "location" in headers:
        return False
    if not 200 <= status < 300 and _media_type(headers.get("content-type", ""))[0] not in policy.error_media_types:
        _bad_status(status, url)
    length = headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:12]) > policy.max_bytes:
        raise _too_large(policy.max_bytes)
    return True


def _fetched(answer: Answer, url: Place, etag: str | None, started: float) -> Fetched:
    headers = answer.headers
    media_type, charset = _media_type(headers.get("content-type", ""))
    answered_etag = headers.get("etag")
    return Fetched(
        status=answer.status,
        url=str(url),
        media_type=media_type,
        charset=charset,
        body=answer.body,
        etag=answered_etag if answered_etag and _HEADER_SAFE.fullmatch(answered_etag) else None,
        cache_seconds=cache_seconds(headers.get("cache-control", ""), headers.get("age", "")),
        elapsed_ms=round((time.perf_counter() - started) * 1000),
        not_modified=answer.status == 304 and etag is not None,
    )


_HEADER_SAFE = re.compile(r"[\x20-\x7e]{1,512}")


def _no_gate(_url: str) -> AbstractAsyncContextManager[None]:
    return nullcontext()


def _next_hop(current: Place, location: str) -> Place:
    try:
        target = place_of(str(httpx2.URL(str(current)).join(location)))
    except (httpx2.InvalidURL, ValueError, UnicodeError) as exc:
        raise FetchError(
            "bad_redirect", f"{_where(current)} redirects to something that is not an address.", _MEND_REDIRECT
        ) from exc
    except FetchError as exc:
        raise FetchError(
            "bad_redirect", f"{_where(current)} redirects to what cannot be asked. {exc.message}", _MEND_REDIRECT
        ) from exc
    if current.scheme == "https" and target.scheme == "http":
        raise FetchError("bad_redirect", f"{_where(current)} redirects from https to unprotected http.", _MEND_REDIRECT)
    return target


_MEND_REDIRECT = "Tell the product's owner, or use the address the product finally answers at."


def _too_large(max_bytes: int) -> FetchError:
    return FetchError(
        "too_large",
        f"The answer is larger than {max_bytes / 1024 / 1024:.3g} MB, the most the marketplace reads.",
        "Point the link at a description of the data product, not at the data itself.",
    )


def _bad_status(status: int, url: Place) -> NoReturn:
    said = f"{_where(url)} answered with status {status}"
    if status in (401, 403):
        message, advice = (
            f"{said}: it does not let the marketplace read it.",
            "Discovery has to be readable without signing in. The owner can open it or register another address.",
        )
    elif status in (404, 410):
        message, advice = f"{said}: there is nothing at this address.", "Check the path, such as /discover at the end."
    elif status == 429:
        message, advice = f"{said}: it is asked too often.", "Wait a minute and look again."
    elif status >= 500:
        message, advice = f"{said}: it has a fault of its own.", "Look again later, or tell the product's owner."
    else:
        message, advice = f"{said}, which holds no document.", "Check the address with the product's owner."
    raise FetchError("bad_status", message, advice, status=status)


def _explain(exc: WireError | OSError, url: Place) -> NoReturn:
    where = _where(url)
    if isinstance(exc, ssl.SSLError):
        raise FetchError(
            "tls",
            f"The secure connection to {where} failed: its certificate cannot be trusted "
            "or does not belong to that name.",
            "The owner has to mend the certificate. The marketplace does not look past it.",
        ) from exc
    if isinstance(exc, OSError):
        raise FetchError(
            "unreachable",
            f"Nothing answers at {where}.",
            "Check the host and the port. If they are right, the gateway is not running or not reachable from here.",
        ) from exc
    if isinstance(exc, BrokenOffError):
        raise FetchError(
            "unreachable",
            f"{where} broke the connection off in the middle.",
            "Try again. If it stays so, tell the product's owner.",
        ) from exc
    if isinstance(exc, PackingError):
        raise FetchError(
            "bad_content",
            f"{where} sent a body that cannot be decompressed.",
            "Tell the product's owner: the answer's Content-Encoding does not fit its content.",
        ) from exc
    raise FetchError(
        "bad_content",
        f"{where} did not answer in proper HTTP.",
        "Check that the address and port belong to a web service, and http or https is right.",
    ) from exc


def _where(url: Place) -> str:
    return url.netloc


def _media_type(content_type: str) -> tuple[str, str | None]:
    media_type, *parameters = content_type.split(";")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return media_type.strip().lower(), value.strip().strip("\"'").lower() or None
    return media_type.strip().lower(), None


def cache_seconds(cache_control: str, age: str = "") -> int:
    """Freshness by Cache-Control (RFC 9111), in seconds; 30 where it says nothing, 3600 at most."""
    directives = {}
    for part in cache_control.lower().split(","):
        name, _, value = part.strip().partition("=")
        directives[name.strip()] = value.strip().strip('"')
    if "no-store" in directives or "no-cache" in directives:
        return 0
    for name in ("s-maxage", "max-age"):
        value = directives.get(name, "")
        if value.isascii() and value.isdigit():
            already = int(age[:9]) if age.isascii() and age.isdigit() else 0
            return max(0, min(int(value[:9]) - already, FRESH_SECONDS_MAX))
    return FRESH_SECONDS_DEFAULT
