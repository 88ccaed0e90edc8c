"""How the REST API knows who asks: `Authorization: Token <token>`, beside the session of the pages."""

import structlog
from django.conf import settings
from django.core.cache import cache
from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from knox.auth import TokenAuthentication as KnoxAuthentication
from knox.crypto import hash_token
from prometheus_client import Counter
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from marketplace.accounts import queries, scope, tokens
from marketplace.accounts.backends import is_near
from marketplace.accounts.models import ApiToken, User

log = structlog.get_logger(__name__)

REFUSED = Counter("api_tokens_refused_total", "API requests with a token that was refused, by reason.", ["reason"])
WINDOW = 60  # seconds over which wrong tokens of one address are counted

ADVICE = "Make one at /accounts/tokens/ and send it as: Authorization: Token <token>."
MESSAGES = {
    "unknown": f"This token is not known here: it was mistyped or revoked. {ADVICE}",
    "expired": f"This token has expired. {ADVICE}",
    "inactive": "The account of this token is closed. Ask an administrator.",
    "demo": "Tokens of demo accounts work only while the demo is on, and only from the machine it runs on.",
}


class RefusedTokenError(AuthenticationFailed):
    """A token that does not work; the detail says why and what to do, and never repeats the token."""

    def __init__(self, reason: str) -> None:
        super().__init__(MESSAGES[reason])
        self.reason = reason


class TokenAuthentication(KnoxAuthentication):
    """Tokens of ours: hashed, expiring, revocable. One query, and one more a minute to note the use.

    The one of a team does no more than `scope` lists: PermissionDenied for all else.
    """

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """The person and the token; None where the request carries none. Raises RefusedTokenError."""
        try:
            found: tuple[User, ApiToken] | None = super().authenticate(request)
            if found and _is_demo(*found) and not (settings.DEMO and is_near(request._request)):
                raise RefusedTokenError("demo")
        except AuthenticationFailed as error:
            # Knox itself refuses headers that are no token's.
            refused = error if isinstance(error, RefusedTokenError) else RefusedTokenError("unknown")
            _note_refusal(request.META.get("REMOTE_ADDR", ""), refused.reason)
            raise refused from None
        if found:
            tokens.note_use(found[1])
            if found[0].service_of_id:
                scope.require(request._request)
        return found

    def authenticate_credentials(self, token: bytes) -> tuple[User, ApiToken]:
        """The person of a token. Raises RefusedTokenError."""
        found = queries.token_by_digest(hash_token(token.decode("utf-8", "replace")))
        if found is None:
            raise RefusedTokenError("unknown")
        if found.has_expired:
            raise RefusedTokenError("expired")
        if not found.user.is_active:
            raise RefusedTokenError("inactive")
        return found.user, found


class TokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]
    """How the OpenAPI schema tells of it; known to drf-spectacular by being defined."""

    target_class = "marketplace.accounts.authentication.TokenAuthentication"
    name = "apiToken"


def _is_demo(user: User, token: ApiToken) -> bool:
    return user.is_demo or token.is_demo


def _note_refusal(address: str, reason: str) -> None:
    """Logs how often an address was refused within a minute, at the 1st, 10th, 100th… time. The token is not logged."""
    REFUSED.labels(reason).inc()
    key = f"wrong-tokens:{address}"
    cache.add(key, 0, timeout=WINDOW)
    try:
        count = cache.incr(key)
    except ValueError:  # it ran out between the two calls
        count = 1
    if str(count).strip("0") == "1":
        log.warning("API token refused", address=address, reason=reason, refused=count, seconds=WINDOW)
