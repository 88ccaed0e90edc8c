"""The one door out: every outgoing call of the marketplace goes through `Door.fetch`.

Everything behind a URL is hostile until proven otherwise. The name is resolved once, every address it has is checked,
and the connection goes to a checked address (so that a name server that changes its answer in between helps nobody);
TLS and the Host header still use the name. Redirects are followed by hand and checked like the first address. Size is
counted after decompression, and one deadline covers everything from the first packet to the last.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address
from typing import Any, NoReturn

import httpcore2
import httpx2

from .addresses import Network, address_allowed, checked_url
from .errors import FetchError

MAX_BYTES = 2 * 1024 * 1024
DEADLINE_SECONDS = 3.0
MAX_REDIRECTS = 4
FRESH_SECONDS_DEFAULT = 30
FRESH_SECONDS_MAX = 3600
KEEPALIVE_SECONDS = 4.0  # below uvicorn's 5 s, so that a connection is never reused while the other side closes it
MAX_CONNECTIONS = 500
NAME_LOOKUPS = 64  # threads of their own: name servers that hang keep nothing else waiting

Resolver = Callable[[str, int], Awaitable[list[str]]]
"""Host and port to IP addresses as texts. Raises OSError when the name is not known."""

Gate = Callable[[str], AbstractAsyncContextManager[None]]
"""Stands around each request by its URL, each hop of a redirect too. Waiting to get in does not count as slowness."""

_lookups = ThreadPoolExecutor(NAME_LOOKUPS, thread_name_prefix="live-names")

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


async def resolve(host: str, port: int) -> list[str]:
    """All addresses of a name, from the operating system's resolver, in its order and without repeats."""
    try:
        return [str(ip_address(host))]
    except ValueError:
        pass  # a name, or an unusual spelling of an address, which the system reads
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_lookups, look_up)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _refusal(host: str, address: str) -> str:
    if host.strip("[]") == address:
        return f"{address} is an internal address, to which the marketplace does not connect."
    return f"{host} leads to {address}, an address to which the marketplace does not connect."


class _CheckedNetwork(httpcore2.AsyncNetworkBackend):
    """Connects to names by way of the address rule. The only place in the marketplace where a connection is opened."""

    def __init__(self, resolver: Resolver, allowed_networks: tuple[Network, ...]) -> None:
        self._resolver = resolver
        self._allowed = allowed_networks
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (the signature is the library's)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        try:
            addresses = await self._resolver(host, port)
        except (OSError, UnicodeError) as exc:
            raise FetchError(
                "unreachable",
                f"The name {host} is not known to the name servers.",
                "Check the spelling of the address. If the name is new or internal, ask whoever runs it.",
            ) from exc
        refused = [address for address in addresses if not address_allowed(address, self._allowed)]
        if refused or not addresses:
            raise FetchError(
                "refused_address",
                _refusal(host, str(refused[0]) if refused else "no address"),
                "Use an address that is reachable from the public internet, or ask the operator to add the network to "
                "GATEWAY_ALLOWED_NETWORKS.",
            )
        failure: Exception | None = None
        for address in addresses:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore2.ConnectError as exc:
                failure = exc
        raise failure or httpcore2.ConnectError("no address answered")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class _Body(httpx2.AsyncByteStream):
    """The raw bytes of a response, with a cap of their own: one that decompresses to nothing may still be endless."""

    def __init__(self, response: httpcore2.Response, max_bytes: int) -> None:
        self._response = response
        self._max_bytes = max_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        async for chunk in self._response.aiter_stream():
            seen += len(chunk)
            if seen > self._max_bytes:
                raise _too_large(self._max_bytes)
            yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()


class Door:
    """A connection pool with the rules above. Belongs to the event loop it is first used in; `aclose()` at the end.

    It keeps no cookies, reads no proxy settings from the environment and sends no credentials.
    """

    def __init__(
        self,
        allowed_networks: Iterable[Network] = (),
        resolver: Resolver = resolve,
        ssl_context: ssl.SSLContext | None = None,
        user_agent: str = "data-mesh-marketplace/1",
    ) -> None:
        self._user_agent = user_agent
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=ssl_context or httpx2.create_ssl_context(trust_env=False),
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=MAX_CONNECTIONS,
            keepalive_expiry=KEEPALIVE_SECONDS,
            network_backend=_CheckedNetwork(resolver, tuple(allowed_networks)),
        )

    async def aclose(self) -> None:
        await self._pool.aclose()

    async def fetch(
        self,
        url: str,
        *,
        accept: str | None = None,
        etag: str | None = None,
        policy: Policy = DEFAULT_POLICY,
        gate: Gate | None = None,
    ) -> Fetched:
        """GET `url`. Raises FetchError for all that can go wrong, within `policy.deadline` seconds beyond the gate.

        With `etag` the request is conditional, and the answer may be `not_modified`.
        """
        target = checked_url(url)
        try:
            return await self._follow(target, accept, etag, policy, gate or _no_gate)
        except TimeoutError as exc:
            raise FetchError(
                "slow",
                f"{_where(target)} did not finish answering within {policy.deadline:g} seconds.",
                "Try again in a moment. If it stays slow, tell the product's owner; nothing is wrong on your side.",
            ) from exc

    async def _follow(
        self, target: httpx2.URL, accept: str | None, etag: str | None, policy: Policy, gate: Gate
    ) -> Fetched:
        seen = {str(target)}
        spent = 0.0
        for _ in range(policy.max_redirects + 1):
            async with gate(str(target)), asyncio.timeout(policy.deadline - spent):
                started = time.perf_counter() - spent
                async with self._send(target, accept, etag, policy.max_bytes) as response:
                    location = response.headers.get("location")
                    if response.status_code not in (301, 302, 303, 307, 308) or location is None:
                        return await _read(response, target, etag, policy, started)
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

    @asynccontextmanager
    async def _send(
        self, url: httpx2.URL, accept: str | None, etag: str | None, max_bytes: int
    ) -> AsyncIterator[httpx2.Response]:
        headers = {
            "Host": url.netloc.decode("ascii"),
            "User-Agent": self._user_agent,
            "Accept": accept or ACCEPTED,
            "Accept-Encoding": "gzip, deflate",
        }
        if etag and _HEADER_SAFE.fullmatch(etag):
            headers["If-None-Match"] = etag
        request = httpcore2.Request(
            "GET",
            httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=[(name.encode(), value.encode("ascii")) for name, value in headers.items()],
        )
        try:
            raw = await self._pool.handle_async_request(request)
            response = httpx2.Response(raw.status, headers=raw.headers, stream=_Body(raw, max_bytes))
            try:
                yield response
            finally:
                await raw.aclose()
        except FetchError:
            raise
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException, OSError) as exc:
            _explain(exc, url)
        except httpx2.HTTPError as exc:
            raise FetchError(
                "bad_content",
                f"{_where(url)} sent a body that cannot be decompressed.",
                "Tell the product's owner: the answer's Content-Encoding does not fit its content.",
            ) from exc


async def _read(
    response: httpx2.Response, url: httpx2.URL, etag: str | None, policy: Policy, started: float
) -> Fetched:
    media_type, charset = _media_type(response.headers.get("content-type", ""))
    not_modified = response.status_code == 304 and etag is not None
    if not not_modified and not response.is_success and media_type not in policy.error_media_types:
        _bad_status(response.status_code, url)
    body = b""
    if not not_modified:
        length = response.headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length[:12]) > policy.max_bytes:
            raise _too_large(policy.max_bytes)
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > policy.max_bytes:
                raise _too_large(policy.max_bytes)
            chunks.append(chunk)
        body = b"".join(chunks)
    answered_etag = response.headers.get("etag")
    return Fetched(
        status=response.status_code,
        url=str(url),
        media_type=media_type,
        charset=charset,
        body=body,
        etag=answered_etag if answered_etag and _HEADER_SAFE.fullmatch(answered_etag) else None,
        cache_seconds=cache_seconds(response.headers.get("cache-control", ""), response.headers.get("age", "")),
        elapsed_ms=round((time.perf_counter() - started) * 1000),
        not_modified=not_modified,
    )


_HEADER_SAFE = re.compile(r"[\x20-\x7e]{1,512}")


def _no_gate(_url: str) -> AbstractAsyncContextManager[None]:
    return nullcontext()


def _next_hop(current: httpx2.URL, location: str) -> httpx2.URL:
    try:
        target = checked_url(str(current.join(location)))
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


def _bad_status(status: int, url: httpx2.URL) -> NoReturn:
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


def _explain(exc: BaseException, url: httpx2.URL) -> NoReturn:
    where = _where(url)
    if _caused_by(exc, ssl.SSLError):
        raise FetchError(
            "tls",
            f"The secure connection to {where} failed: its certificate cannot be trusted "
            "or does not belong to that name.",
            "The owner has to mend the certificate. The marketplace does not look past it.",
        ) from exc
    if isinstance(exc, (httpcore2.ConnectError, OSError)):
        raise FetchError(
            "unreachable",
            f"Nothing answers at {where}.",
            "Check the host and the port. If they are right, the gateway is not running or not reachable from here.",
        ) from exc
    if isinstance(exc, httpcore2.TimeoutException):
        raise FetchError("slow", f"{where} did not answer in time.", "Try again in a moment.") from exc
    broken_off = "peer closed connection", "Server disconnected"  # how h11 and httpcore say it
    if isinstance(exc, httpcore2.NetworkError) or str(exc).startswith(broken_off):
        raise FetchError(
            "unreachable",
            f"{where} broke the connection off in the middle.",
            "Try again. If it stays so, tell the product's owner.",
        ) from exc
    raise FetchError(
        "bad_content",
        f"{where} did not answer in proper HTTP.",
        "Check that the address and port belong to a web service, and http or https is right.",
    ) from exc


def _caused_by(exc: BaseException | None, kind: type[BaseException]) -> bool:
    while exc is not None:
        if isinstance(exc, kind) or any(isinstance(arg, kind) for arg in exc.args):
            return True
        exc = exc.__cause__ or exc.__context__
    return False


def _where(url: httpx2.URL) -> str:
    return url.netloc.decode("ascii", "replace")


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
