"""The operator's signing keys: Ed25519, read from SIGNING_KEY. No message and no `repr` of here holds key material.

The settings read them in every process, most of which never sign: `cryptography` (20 MB) is imported when first used.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ALGORITHM = "EdDSA"  # RFC 8037
JWKS_SECONDS = 600  # how long gateways may keep the published keys
MAKE_ONE = "Make one with: openssl genpkey -algorithm ed25519"

# A PEM block with its line breaks (to the end where it is cut off), or a word without any.
_ENTRY = re.compile(r"-----BEGIN .*?(?:-----END [^-]*-----|\Z)|[^\s,]+", re.DOTALL)


@dataclass(frozen=True)
class SigningKey:
    """A private key and the name under which its public half is published."""

    seed: bytes = field(repr=False)
    """The 32 bytes of which RFC 8032 makes the key."""

    @cached_property
    def private(self) -> "Ed25519PrivateKey":
        """The key, to sign with."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.seed)

    @cached_property
    def _public(self) -> dict[str, str]:
        """The public key's members that RFC 7638 hashes, in its order."""
        raw = self.private.public_key().public_bytes_raw()
        return {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}

    @property
    def kid(self) -> str:
        """The thumbprint of the public key (RFC 7638 with SHA-256)."""
        return _base64url(hashlib.sha256(json.dumps(self._public, separators=(",", ":")).encode()).digest())

    @property
    def jwk(self) -> dict[str, str]:
        """The public key as a JSON Web Key (RFC 8037)."""
        return {**self._public, "kid": self.kid, "use": "sig", "alg": ALGORITHM}


def parse(text: str) -> tuple[SigningKey, ...]:
    r"""The keys of a setting: PEM (PKCS #8) or the 32 bytes of a seed in base64, separated by commas or white space.

    `\n` written out stands for a line break, as env files have it. A key given twice counts once. No keys for an empty
    text. Raises ImproperlyConfigured, which says which entry is wrong and why.
    """
    entries = _ENTRY.findall(text.replace("\\n", "\n"))
    found: list[SigningKey] = []
    for number, entry in enumerate(entries, 1):
        try:
            key = SigningKey(_seed_of_pem(entry) if entry.startswith("-----BEGIN") else _seed(entry))
        except ValueError as error:
            place = f"entry {number} of {len(entries)}" if len(entries) > 1 else "its value"
            raise ImproperlyConfigured(f"SIGNING_KEY: {place} {error}. {MAKE_ONE}") from None  # the cause may quote it
        if key not in found:
            found.append(key)
    return tuple(found)


def jwks(keys: Sequence[SigningKey]) -> dict[str, Any]:
    """The public halves as a JSON Web Key Set (RFC 7517)."""
    return {"keys": [key.jwk for key in keys]}


def _seed_of_pem(entry: str) -> bytes:
    """Raises ValueError with a reason that does not quote the entry."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if "PRIVATE KEY" not in entry.splitlines()[0]:
        raise ValueError("is not a private key in PEM; give the private half, the public one follows from it")
    try:
        key = load_pem_private_key(entry.encode(), password=None)
    except TypeError:
        raise ValueError("is protected by a password; give it without") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("looks like PEM and cannot be read; is it complete?") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("is a private key of another kind than Ed25519")
    return key.private_bytes_raw()


def _seed(entry: str) -> bytes:
    """Raises ValueError as above."""
    plain = entry.translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        seed = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is neither a private key in PEM nor the base64 of a 32-byte seed") from None
    if len(seed) != 32:
        raise ValueError(f"is base64 of {len(seed)} bytes; the seed of an Ed25519 key has 32")
    return seed


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
