"""Which marketplace, and with which token: from the environment, else from a file that only its owner can read."""

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")
DEFAULT_URL = "http://127.0.0.1:8000"


class CredentialsError(Exception):
    """The file of `mesh login` cannot be used; the text says what to do."""


@dataclass(frozen=True)
class Credentials:
    """An address and the token for it; empty where there is none. The token is in no text that this makes."""

    url: str
    token: str = ""

    def __repr__(self) -> str:
        return f"Credentials(url={self.url!r}, token={'…' if self.token else ''!r})"

    @property
    def is_open_to_listeners(self) -> bool:
        """Whether the token would go over a network unencrypted."""
        parts = urlsplit(self.url)
        return bool(self.token) and parts.scheme == "http" and parts.hostname not in LOOPBACK


def path() -> Path:
    """Where `mesh login` keeps them: MESH_CONFIG, else mesh/login.json in the user's configuration folder."""
    if given := os.environ.get("MESH_CONFIG"):
        return Path(given)
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "mesh" / "login.json"


def load(url: str = "") -> Credentials:
    """For the address given, MESH_URL, or that of the last login. A stored token goes to its own marketplace only.

    Raises CredentialsError for a file that others can read, or that is damaged.
    """
    token = os.environ.get("MESH_TOKEN", "").strip()
    wanted = url or os.environ.get("MESH_URL", "")
    if wanted and token:
        return Credentials(wanted, token)
    stored = _stored()
    if not wanted:
        return Credentials(stored.url if stored else DEFAULT_URL, token or (stored.token if stored else ""))
    same = stored is not None and stored.url.rstrip("/") == wanted.rstrip("/")
    return Credentials(wanted, stored.token if stored and same else "")


def _stored() -> Credentials | None:
    file = path()
    if not file.is_file():
        return None
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise CredentialsError(f"Others can read the token in {file}. Run: chmod 600 {file}")
    try:
        found = json.loads(file.read_text("utf-8"))
        return Credentials(str(found["url"]), str(found["token"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CredentialsError(f"{file} cannot be read. Run `mesh login` again.") from error


def save(credentials: Credentials) -> Path:
    """Writes them for the owner's eyes only, whatever was there before; returns where."""
    file = path()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as output:
        json.dump({"url": credentials.url, "token": credentials.token}, output)
    new.replace(file)
    return file
