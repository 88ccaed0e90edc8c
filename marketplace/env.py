"""The environment, read by helpers that fail loudly.

Every setting of the marketplace is declared by one call here, with a sentence of help; `DECLARED` lists them all, and a
test compares it with docs/settings.md.
"""

import ipaddress
import os
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Declared:
    """One setting: its name in the environment, what it does, and its default as written in the documentation."""

    name: str
    help: str
    default: str


DECLARED: dict[str, Declared] = {}


def text(name: str, default: str, help: str) -> str:
    """The variable as text, or the default where it is absent."""
    DECLARED[name] = Declared(name, help, default)
    return os.environ.get(name, default).strip()


def flag(name: str, default: bool, help: str) -> bool:
    """A yes/no variable. Raises ImproperlyConfigured for anything that is neither."""
    raw = text(name, "1" if default else "0", help).lower()
    if raw in {"1", "true", "yes", "on"}:
        return True
    if raw in {"0", "false", "no", "off", ""}:
        return False
    raise ImproperlyConfigured(f"{name} is {raw!r}; it must be 1 or 0.")


def number(name: str, default: int, help: str) -> int:
    """A whole number. Raises ImproperlyConfigured for anything else."""
    raw = text(name, str(default), help)
    try:
        return int(raw)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is {raw!r}; it must be a whole number.") from error


def words(name: str, default: str, help: str) -> list[str]:
    """A comma-separated list, blanks dropped."""
    return [word.strip() for word in text(name, default, help).split(",") if word.strip()]


def networks(name: str, default: str, help: str) -> list[IPNetwork]:
    """A comma-separated list of CIDR networks. Raises ImproperlyConfigured for what is not one."""
    found: list[IPNetwork] = []
    for word in words(name, default, help):
        try:
            found.append(ipaddress.ip_network(word))
        except ValueError as error:
            raise ImproperlyConfigured(f"{name} names {word!r}, which is not a network like 10.1.0.0/16.") from error
    return found


def database(url: str) -> dict[str, object]:
    """Django's connection settings from a PostgreSQL URL; `?host=` names a socket folder.

    Raises ImproperlyConfigured where the URL is not one of PostgreSQL.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"} or len(parts.path) < 2:
        raise ImproperlyConfigured("DATABASE_URL must look like postgresql://user:password@host:5432/name.")
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    host = query.pop("host", None) or unquote(parts.hostname or "")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(query.pop("port", None) or parts.port or ""),
        "OPTIONS": query,
    }


def celery_broker(url: str) -> str:
    """Celery's spelling of a Redis URL: a socket is `redis+socket://` there."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    database_number = parse_qs(parts.query).get("db", ["0"])[-1]
    return f"redis+socket://{parts.path}?virtual_host={database_number}"


# Both addresses of `localhost`: a name is refused when one of its addresses is.
DEMO_NETWORKS: list[IPNetwork] = [ipaddress.ip_network("127.0.0.1/32"), ipaddress.ip_network("::1/128")]


def email(url: str) -> dict[str, object]:
    """Django's mail settings from an SMTP URL; an empty one writes mail to the log.

    Raises ImproperlyConfigured where the URL is not smtp://.
    """
    if not url:
        backend = "django.core.mail.backends.console.EmailBackend"
        return {"backend": backend, "host": "", "port": 25, "user": "", "password": "", "tls": False}
    parts = urlsplit(url)
    if parts.scheme != "smtp" or not parts.hostname:
        raise ImproperlyConfigured("EMAIL_URL must look like smtp://user:password@host:587?tls=1.")
    return {
        "backend": "django.core.mail.backends.smtp.EmailBackend",
        "host": parts.hostname,
        "port": parts.port or 25,
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "tls": parse_qs(parts.query).get("tls", ["0"])[-1] == "1",
    }
