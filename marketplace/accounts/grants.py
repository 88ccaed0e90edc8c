"""Grants: short-lived signed tokens that a gateway checks alone, against the published keys."""

import re
import secrets
import time

from django.conf import settings

from marketplace.accounts.keys import ALGORITHM

MAX_SECONDS = 900  # gateways refuse what lives longer (gateway protocol, version 1)
SCOPES = ("control", "consume", "observe", "certify")

# Words of the scope are printable ASCII without quotes and backslashes (RFC 6749, section 3.3).
SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")


class NoSigningKeyError(RuntimeError):
    """The operator gave no key to sign with."""

    def __init__(self) -> None:
        super().__init__(
            "This marketplace cannot sign grants: its operator has not set SIGNING_KEY (see docs/settings.md)."
        )


def sign_grant(
    subject: str,
    audience: str,
    scope: str,
    *,
    role: str = "",
    agreement: str = "",
    product: str = "",
    seconds: int = 600,
) -> str:
    """A JWT (RFC 7519) for one gateway: who (`sub`), where (`aud`, its base URL), what for (`scope`, blank-separated).

    `role` chooses the masks and filters of the gateway, `agreement` names the approved request, `product` is the
    URN the grant was given for. `seconds` from 1 to 900. Signed with the first of SIGNING_KEYS, `iss` is PUBLIC_URL.
    Raises ValueError for claims a gateway would refuse, NoSigningKeyError where there is no key. No query.
    """
    if not subject or not audience.startswith(("http://", "https://")):
        raise ValueError("A grant needs a subject, and an audience that is a web address.")
    if not SCOPE.fullmatch(scope):
        raise ValueError(f"{scope!r} is not a scope: words of printable ASCII with one blank between.")
    if not 1 <= seconds <= MAX_SECONDS:
        raise ValueError(f"A grant lives from 1 to {MAX_SECONDS} seconds, not {seconds}.")
    if not settings.SIGNING_KEYS:
        raise NoSigningKeyError
    import jwt  # here: with what it needs, 20 MB that a process without grants does not have

    key = settings.SIGNING_KEYS[0]
    now = int(time.time())
    claims = {
        "iss": settings.PUBLIC_URL,
        "sub": subject,
        "aud": audience,
        "scope": scope,
        "iat": now,
        "exp": now + seconds,
        "jti": secrets.token_urlsafe(16),
    }
    claims |= {name: v for name, v in (("role", role), ("agreement", agreement), ("product", product)) if v}
    return jwt.encode(claims, key.private, algorithm=ALGORITHM, headers={"kid": key.kid})
