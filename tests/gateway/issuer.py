"""An issuer of grants for the tests: keys, tokens, and a real JWKS address on loopback."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

AUDIENCE = "https://rain.example.org"


class Issuer:
    """Serves its public keys; `fetches` counts how often they were asked for."""

    def __init__(self) -> None:
        self.private: dict[str, Any] = {}
        self.fetches = 0
        self.status = 200
        self.add("one", "EdDSA")
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.fetches += 1
                body = json.dumps({"keys": issuer.jwks()}).encode()
                self.send_response(issuer.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.name = f"http://127.0.0.1:{self.server.server_port}"
        self.jwks_url = f"{self.name}/.well-known/jwks.json"

    def add(self, kid: str, algorithm: str) -> None:
        """Make a key pair."""
        eddsa = algorithm == "EdDSA"
        key = ed25519.Ed25519PrivateKey.generate() if eddsa else ec.generate_private_key(ec.SECP256R1())
        self.private[kid] = (algorithm, key)

    def jwks(self) -> list[dict[str, Any]]:
        """The public keys as JWKs."""
        found = []
        for kid, (algorithm, key) in self.private.items():
            kind = jwt.get_algorithm_by_name(algorithm)
            found.append({**json.loads(kind.to_jwk(key.public_key())), "kid": kid, "alg": algorithm, "use": "sig"})
        return found

    def claims(self, scope: str = "consume", **other: Any) -> dict[str, Any]:
        """Claims that are valid; a None in `other` leaves one out."""
        now = int(time.time())
        claims = {
            "iss": self.name,
            "aud": AUDIENCE,
            "sub": "ada",
            "iat": now,
            "exp": now + 600,
            "scope": scope,
            **other,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, scope: str = "consume", kid: str = "one", **other: Any) -> str:
        """A signed token."""
        algorithm, key = self.private[kid]
        return jwt.encode(self.claims(scope, **other), key, algorithm=algorithm, headers={"kid": kid})

    def bearer(self, scope: str = "consume", **other: Any) -> dict[str, str]:
        """Request headers with a token."""
        return {"Authorization": f"Bearer {self.token(scope, **other)}"}

    def trust(self) -> dict[str, Any]:
        """The part of gateway.yaml that trusts this issuer."""
        return {"audience": AUDIENCE, "trust": [{"issuer": self.name, "jwks_url": self.jwks_url}]}

    def close(self) -> None:
        """Stop serving keys."""
        self.server.shutdown()
        self.server.server_close()
