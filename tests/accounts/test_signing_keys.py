"""The operator's keys: read strictly, published without their private halves, never in a message."""

import base64
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.core.exceptions import ImproperlyConfigured

from marketplace.accounts import keys
from marketplace.runtime.bootstrap import default_environment, signing_key
from marketplace.runtime.embedded import Servers
from marketplace.runtime.paths import StartError, Var

JWKS = "/.well-known/jwks.json"
# RFC 8037, appendix A: a key with its published thumbprint.
RFC_SEED = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
RFC_X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
RFC_KID = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def pem(key: Any, password: bytes | None = None) -> str:
    protection: serialization.KeySerializationEncryption
    protection = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return str(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection), "ascii")


def new() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def kids(text):
    return [key.kid for key in keys.parse(text)]


def test_a_seed_gives_the_key_of_the_rfc():
    (key,) = keys.parse(RFC_SEED)
    assert key.jwk == {"kty": "OKP", "crv": "Ed25519", "x": RFC_X, "kid": RFC_KID, "use": "sig", "alg": "EdDSA"}


def test_pem_and_every_spelling_of_base64_are_the_same_key():
    key = keys.parse(RFC_SEED)[0].private
    raw = key.private_bytes_raw()
    spellings = [
        pem(key),
        pem(key).replace("\n", "\\n"),
        pem(key).replace("\n", "\r\n"),
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode(),
        f"  {RFC_SEED}\n",
    ]
    assert [kids(text) for text in spellings] == [[RFC_KID]] * len(spellings)


@pytest.mark.parametrize("between", [",", "\n\n", "\n", ", ", " , \n"])
def test_several_keys_keep_their_order(between):
    made = [new(), new(), new()]
    wanted = [keys.SigningKey(key.private_bytes_raw()).kid for key in made]
    texts = [pem(made[0]).strip(), base64.b64encode(made[1].private_bytes_raw()).decode(), pem(made[2]).strip()]
    assert kids(between.join(texts)) == wanted
    assert kids(between.join([*texts, texts[0]])) == wanted


def test_no_keys_for_nothing():
    assert keys.parse("") == keys.parse(" \n , ") == ()


BAD: dict[str, tuple[Callable[[], str], str]] = {
    "too short": (lambda: base64.b64encode(b"x" * 31).decode(), "31 bytes"),
    "not base64": (lambda: "secret!material*" * 3, "neither"),
    "beyond ASCII": (lambda: "sécret" * 8, "neither"),
    "cut PEM": (lambda: pem(new())[:70], "is it complete"),
    "spoilt PEM": (lambda: pem(new()).replace("MC4", "AAA"), "cannot be read"),
    "RSA": (lambda: pem(rsa.generate_private_key(65537, 2048)), "another kind"),
    "ECDSA": (lambda: pem(ec.generate_private_key(ec.SECP256R1())), "another kind"),
    "password": (lambda: pem(new(), b"open sesame"), "password"),
    "public": (
        lambda: (
            new()
            .public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode()
        ),
        "not a private key",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_key_is_refused_without_quoting_it(what):
    make, reason = BAD[what]
    text = make()
    with pytest.raises(ImproperlyConfigured, match=reason) as caught:
        keys.parse(f"{RFC_SEED},{text}")
    message = str(caught.value)
    assert "SIGNING_KEY: entry 2 of" in message and "openssl genpkey -algorithm ed25519" in message
    assert caught.value.__cause__ is None and caught.value.__suppress_context__
    for piece in (RFC_SEED, *text.split()):
        assert len(piece) < 12 or piece not in message


def start(**environment):
    given = {**os.environ, **environment}
    code = "import marketplace.settings as s; print(s.SIGNING_KEYS)"
    return subprocess.run([sys.executable, "-c", code], env=given, capture_output=True, text=True, cwd=root())


def root():
    return Path(__file__).resolve().parents[2]


def test_a_wrong_setting_refuses_to_start_and_shows_no_key():
    secret = base64.b64encode(b"thirty-three bytes are one over..").decode()
    run = start(SIGNING_KEY=secret)
    assert run.returncode != 0
    assert "SIGNING_KEY: its value is base64 of 33 bytes; the seed of an Ed25519 key has 32." in run.stderr
    assert secret not in run.stderr + run.stdout


def test_settings_that_are_printed_show_no_key():
    run = start(SIGNING_KEY=RFC_SEED)
    assert run.returncode == 0, run.stderr
    assert "SigningKey" in run.stdout
    assert RFC_SEED not in run.stdout and RFC_SEED[4:20] not in run.stdout


def test_a_process_that_does_not_sign_does_not_load_the_cryptography():
    # The package itself is small, and redis looks whether it is there; what is large is below it.
    code = "import sys, marketplace.settings as s; print(len(s.SIGNING_KEYS), 'cryptography.hazmat' in sys.modules)"
    given = {**os.environ, "SIGNING_KEY": RFC_SEED}
    run = subprocess.run([sys.executable, "-c", code], env=given, capture_output=True, text=True, cwd=root())
    assert run.stdout.split() == ["1", "False"], run.stderr


def test_the_published_keys_are_public_halves_and_may_be_cached(client, settings):
    settings.SIGNING_KEYS = keys.parse(f"{RFC_SEED},{pem(new())}")
    answer = client.get(JWKS)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/jwk-set+json"
    assert "public" in answer.headers["Cache-Control"] and "max-age=600" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers
    published = answer.json()["keys"]
    assert [key["kid"] for key in published] == [key.kid for key in settings.SIGNING_KEYS]
    assert all(set(key) == {"kty", "crv", "x", "kid", "use", "alg"} for key in published)
    assert client.post(JWKS).status_code == 405


def test_without_keys_the_set_is_empty(client, settings):
    settings.SIGNING_KEYS = ()
    assert client.get(JWKS).json() == {"keys": []}


def test_the_embedded_default_makes_one_key_and_keeps_it_private(tmp_path, monkeypatch):
    monkeypatch.delenv("SIGNING_KEY", raising=False)
    servers = Servers(Var(tmp_path / "var"))
    made = default_environment(servers)["SIGNING_KEY"]
    assert len(keys.parse(made)) == 1
    assert default_environment(servers)["SIGNING_KEY"] == made
    kept = tmp_path / "var" / "signing_key"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [path.name for path in kept.parent.glob("signing_key*")] == ["signing_key"]
    monkeypatch.setenv("SIGNING_KEY", RFC_SEED)
    assert default_environment(servers)["SIGNING_KEY"] == RFC_SEED


def test_a_key_that_cannot_be_kept_is_said(tmp_path):
    (tmp_path / "var" / "signing_key").mkdir(parents=True)
    with pytest.raises(StartError, match="signing_key"):
        signing_key(Var(tmp_path / "var"))
