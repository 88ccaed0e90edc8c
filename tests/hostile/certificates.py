"""Certificates made for a test: an authority that the worker trusts, and servers that are not in order."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """Vouches for what it is asked to; `file` holds its own certificate."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("Authority of the tests")
        self._made = 0
        own = _begun(self._name, self._name, self._key.public_key(), days=2)
        own = own.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.file = folder / "authority.pem"
        self.file.write_bytes(own.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def server(self, name: str, *, days: int = 2, vouched: bool = True) -> ssl.SSLContext:
        """A server's side of TLS with a certificate of that name; with negative `days` it is over."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer, signing = (self._name, self._key) if vouched else (_name(name), key)
        wanted = _begun(_name(name), issuer, key.public_key(), days=days)
        wanted = wanted.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        certificate = wanted.sign(signing, hashes.SHA256())
        self._made += 1
        file = self._folder / f"server-{self._made}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _begun(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=10))
        .not_valid_after(now + timedelta(days=days))
    )
