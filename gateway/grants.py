"""Grants: short-lived tokens that the marketplace signed, checked here against its public keys.

A grant is a JWT (RFC 7519) signed with EdDSA (Ed25519, RFC 8037) or ES256 (RFC 7518). What it must say is in
docs/gateway-protocol.md. No secret is kept here: the keys come from the issuer's JWKS (RFC 7517).
"""

import json
import re
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from gateway.config import GatewayConfig, Trust
from gateway.context import Context, context_of
from gateway.http import ProblemError
from gateway.lanes import CHECKING

MAX_TOKEN = 8_000
MAX_LIFE_SECONDS = 15 * 60
LEEWAY_SECONDS = 30
KEYS_FRESH_SECONDS = 600.0
KEYS_KEPT_SECONDS = 3600.0
REFETCH_SECONDS = 30.0
MAX_JWKS_BYTES = 64_000
MAX_KEYS = 50
_KEY_OF = {"EdDSA": ("OKP", "Ed25519"), "ES256": ("EC", "P-256")}


@dataclass(frozen=True)
class Grant:
    """What a valid token says. `subject` is the consumer; `role` chooses masks and row filters."""

    subject: str
    scopes: frozenset[str]
    issuer: str
    role: str | None = None
    agreement: str | None = None
    expires: float = 0.0

    def allows(self, scope: str) -> bool:
        """Whether this scope, or the wider one before its colon, was granted."""
        return scope in self.scopes or (":" in scope and scope.split(":")[0] in self.scopes)


@dataclass
class _Keys:
    """The key set of one address as last fetched."""

    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    fetched: float = float("-inf")
    tried: float = float("-inf")
    lock: threading.Lock = field(default_factory=threading.Lock)


class KeyStore:
    """Public keys by address of their JWKS, shared by all products of a process. Blocking: asks the network.

    A set is fresh for 10 minutes. An unknown key id asks again, once in 30 seconds at most. When the issuer does not
    answer, keys up to an hour old are still used; while it is asked, too, by whoever has a token of such a key.
    """

    def __init__(self) -> None:
        self._sets: dict[str, _Keys] = {}
        self._lock = threading.Lock()

    def key(self, url: str, kid: str, timeout: float = 5.0) -> dict[str, Any] | None:
        """The JWK with this id; None when the issuer has none.

        Raises:
            ConnectionError: the issuer does not answer and no usable keys are held.
        """
        with self._lock:
            held = self._sets.setdefault(url, _Keys())
        known = held.keys.get(kid) if time.monotonic() - held.fetched < KEYS_KEPT_SECONDS else None
        if not held.lock.acquire(blocking=known is None):
            return known  # somebody asks the issuer already; who has a key need not wait for the answer
        try:
            now = time.monotonic()
            fresh = now - held.fetched < KEYS_FRESH_SECONDS
            if (kid not in held.keys or not fresh) and now - held.tried >= REFETCH_SECONDS:
                held.tried = now
                found = _fetch(url, timeout)
                if found is not None:
                    held.keys, held.fetched = found, now
            if now - held.fetched > KEYS_KEPT_SECONDS:
                raise ConnectionError(url)
            return held.keys.get(kid)
        finally:
            held.lock.release()

    def forget(self) -> None:
        """Drop all keys, so that the next token asks again."""
        with self._lock:
            self._sets.clear()


KEYS = KeyStore()


def _fetch(url: str, timeout: float) -> dict[str, dict[str, Any]] | None:
    """Signing keys by id; None when the address does not give a key set. At most 64 kB, no redirects followed."""
    import httpx2  # here: only gateways that check grants need it

    try:
        with httpx2.stream("GET", url, timeout=timeout, follow_redirects=False) as answer:
            if answer.status_code != 200:
                return None
            raw = b""
            deadline = time.monotonic() + timeout
            for part in answer.iter_bytes():
                raw += part
                if len(raw) > MAX_JWKS_BYTES or time.monotonic() > deadline:
                    return None
        listed = json.loads(raw)["keys"][:MAX_KEYS]
        return {key["kid"]: key for key in listed if isinstance(key, dict) and isinstance(key.get("kid"), str)}
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, KeyError, TypeError, RecursionError):
        return None


def audience_of(context: Context) -> str | None:
    """What tokens must be made out to: as gateway.yaml says, else the base URL this gateway was started with."""
    return (context.config.audience or context.audience or "").rstrip("/") or None


async def grant_of(request: Request) -> Grant | None:
    """The grant that a request carries; None when it carries no token at all.

    Raises:
        ProblemError: 400 for a malformed Authorization header, 401 for a token that is not valid here, 503 when the
            issuer's keys cannot be had.
    """
    header = request.headers.get("authorization")
    if header is None:
        return None
    if len(request.headers.getlist("authorization")) > 1:
        raise ProblemError(400, "Two tokens", "There is more than one Authorization header.", "Send one.")
    scheme, _, token = header.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise unauthorized("The Authorization header is not 'Bearer <token>'.", "invalid_request")
    context = context_of(request)
    await context.refresh()
    config = context.config
    audience = audience_of(context)
    if not config.trust or audience is None:
        raise unauthorized(_unconfigured(config, audience), "invalid_token")
    odps = context.live.snapshot.product.odps.content
    domain, name = odps.get("domain"), odps.get("name")
    urn = f"urn:dp:{domain}:{name}" if domain and name else None
    return await CHECKING.run(check, token, config, audience, urn)


async def require(request: Request, scope: str) -> Grant:
    """The grant of a request, which must allow `scope`.

    Raises:
        ProblemError: 401 without a valid token, 403 when it does not allow the scope; both with WWW-Authenticate.
    """
    grant = await grant_of(request)
    if grant is None:
        context = context_of(request)
        await context.refresh()
        config, audience = context.config, audience_of(context)
        if not config.trust or audience is None:
            raise unauthorized(_unconfigured(config, audience))
        raise unauthorized(f"This needs a token with the scope {scope}, and the request has none.")
    if not grant.allows(scope):
        raise ProblemError(
            403,
            "Not allowed",
            f"The token does not have the scope {scope}.",
            "Ask for access in the marketplace, then use the token it gives for this.",
            {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{_quotable(scope)}"'},
        )
    return grant


def _unconfigured(config: GatewayConfig, audience: str | None) -> str:
    missing = [] if config.trust else ["trust (issuer and jwks_url of the marketplace)"]
    missing += [] if audience else ["audience (or start it with --base-url)"]
    return f"This gateway takes no tokens yet: its gateway.yaml has no {' and no '.join(missing)}."


def unauthorized(detail: str, error: str | None = None) -> ProblemError:
    """A 401 with the challenge of RFC 6750."""
    challenge = 'Bearer realm="data product"' + (f', error="{error}"' if error else "")
    action = "Get a token for this product in the marketplace and send it as Authorization: Bearer <token>."
    return ProblemError(401, "Token needed" if error is None else "Token refused", detail, action,
                        {"WWW-Authenticate": challenge})  # fmt: skip


def check(token: str, config: GatewayConfig, audience: str, product: str | None = None) -> Grant:
    """Check a token: form, algorithm, issuer, key, signature, audience, times, claims. Blocking.

    Args:
        product: the URN of the product; a token with a claim `product` must name it.

    Raises:
        ProblemError: 401 with what is wrong with it (never what is in it), 503 when keys cannot be had.
    """
    import jwt  # here: loads cryptography, which open products do not need

    if len(token) > MAX_TOKEN:
        raise _refused(f"it is longer than {MAX_TOKEN} characters")
    try:
        header = jwt.get_unverified_header(token)
        unverified = jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise _refused("it is not a JWT") from error
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in _KEY_OF:
        raise _refused("it is not signed with EdDSA or ES256")
    if not isinstance(kid, str) or not kid or "crit" in header:
        raise _refused("its header names no key, or has critical extensions")
    trust = next((t for t in config.trust if t.issuer == unverified.get("iss")), None)
    if trust is None:
        raise _refused("its issuer is not trusted here")
    key = _public_key(trust, kid, algorithm)
    try:
        claims = jwt.decode(
            token,
            key=key,
            algorithms=[algorithm],
            audience=[audience, audience + "/"],
            issuer=trust.issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "aud", "iss", "sub"]},
        )
    except jwt.ExpiredSignatureError as error:
        raise _refused("it has expired") from error
    except jwt.ImmatureSignatureError as error:
        raise _refused("it is not valid yet") from error
    except jwt.InvalidAudienceError as error:
        raise _refused("it was made out to another product") from error
    except jwt.MissingRequiredClaimError as error:
        raise _refused(f"it lacks the claim {error.claim}") from error
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
        raise _refused("its signature or its claims are not valid") from error
    if not all(type(claims[name]) in (int, float) for name in ("exp", "iat")):
        raise _refused("its times are not numbers")
    if claims["exp"] - claims["iat"] > MAX_LIFE_SECONDS:
        raise _refused("it is valid for longer than 15 minutes")
    if product is not None and claims.get("product", product) != product:
        raise _refused("it was made out to another product")
    return _grant(claims)


def _public_key(trust: Trust, kid: str, algorithm: str) -> Any:
    import jwt

    try:
        jwk = KEYS.key(trust.jwks_url, kid)
    except ConnectionError as error:
        detail = "The keys of the token's issuer cannot be had at the moment, so the token cannot be checked."
        raise ProblemError(503, "Keys unavailable", detail, "Try again shortly.", {"Retry-After": "30"}) from error
    if jwk is None:
        raise _refused("its issuer has no such key")
    kind = (jwk.get("kty"), jwk.get("crv"))
    if kind != _KEY_OF[algorithm] or jwk.get("alg", algorithm) != algorithm or jwk.get("use", "sig") != "sig":
        raise _refused("its key is not for this algorithm")
    try:
        public: dict[str, Any] = {name: jwk[name] for name in ("kty", "crv", "x", "y") if name in jwk}
        return jwt.PyJWK(public, algorithm=algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise _refused("its key cannot be used") from error


def _grant(claims: dict[str, Any]) -> Grant:
    subject, scope = claims.get("sub"), claims.get("scope", "")
    role, agreement = claims.get("role"), claims.get("agreement")
    if not subject or not all(_plain_text(part) for part in (subject, role, agreement) if part is not None):
        raise _refused("its subject, role or agreement is not a plain text of up to 200 characters")
    if not isinstance(scope, str):
        raise _refused("its scope is not a text")
    return Grant(subject, frozenset(scope.split()), claims["iss"], role, agreement, float(claims["exp"]))


def _plain_text(value: Any) -> bool:
    """Whether it can be written to a log and to a file: printable, which lone surrogates are not."""
    return isinstance(value, str) and len(value) <= 200 and value.isprintable()


def _refused(why: str) -> ProblemError:
    return unauthorized(f"The token is refused: {why}.", "invalid_token")


def _quotable(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9:._ -]", "", text)[:200]
