"""What `manage.py` does first: sees to it that DATABASE_URL and REDIS_URL are set before the settings are read.

Where both are set, nothing here happens. Otherwise the command uses the embedded servers that already run over this
`var/`, or starts them for as long as it takes itself.
"""

import atexit
import base64
import contextlib
import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from marketplace.runtime.embedded import BusyError, Servers
from marketplace.runtime.paths import StartError, Var

# Commands that never ask the database: the addresses are enough for their settings.
WITHOUT_SERVERS = frozenset(
    {
        *("help", "version", "collectstatic", "findstatic", "makemessages", "compilemessages", "diffsettings"),
        *("startapp", "read_descriptors"),
    }
)


def embedded_needed() -> bool:
    """Whether one of the two addresses is missing from the environment."""
    return not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"))


def secret_key(var: Var) -> str:
    """The key of this `var/` for sessions and forms. Raises StartError where it cannot be kept."""
    return _kept(var, "secret_key", secrets.token_urlsafe(50))


def signing_key(var: Var) -> str:
    """The key of this `var/` for grants: an Ed25519 seed in base64. Raises StartError where it cannot be kept."""
    return _kept(var, "signing_key", base64.b64encode(secrets.token_bytes(32)).decode())


def _kept(var: Var, name: str, new: str) -> str:
    """The secret in this file, or `new`, written there once, readable by its owner alone."""
    path = var.root / name
    draft = path.with_name(f"{name}.{os.getpid()}.new")
    try:
        var.create()
        if not path.exists():
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(new)
            try:
                with contextlib.suppress(FileExistsError):  # another start was quicker: its secret counts
                    path.hardlink_to(draft)
            finally:
                draft.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise StartError(f"Cannot keep the secret in {path}: {error.strerror}.") from error


def default_environment(servers: Servers) -> dict[str, str]:
    """What the embedded default sets where the environment is silent: addresses, key, demo, no model downloads."""
    defaults = servers.environment() | {
        "DEMO": "1",
        "HF_HUB_OFFLINE": "1",
        "STATIC_ROOT": str(servers.var.root / "static"),
        "SECRET_KEY": os.environ.get("SECRET_KEY") or secret_key(servers.var),
        "SIGNING_KEY": os.environ.get("SIGNING_KEY") or signing_key(servers.var),
    }
    # A variable that is set but empty counts as silent for what the program cannot run without.
    return {
        key: os.environ.get(key) or value if key != "DEMO" else os.environ.get(key, value)
        for key, value in defaults.items()
    }


def ensure_services(arguments: Sequence[str]) -> None:
    """Called by manage.py with sys.argv. Ends the program with a clear message where it cannot go on.

    Cost: nothing where both addresses are set; 0.1 s to attach; 1 s to start (the first time 4 s).
    """
    if not embedded_needed():
        return
    command = next((word for word in arguments[1:] if not word.startswith("-")), "help")
    servers = Servers(Var.from_environment())
    try:
        os.environ.update(default_environment(servers))
        if command in WITHOUT_SERVERS or {"--help", "-h", "--version"} & set(arguments):
            return
        try:
            servers.start(f"manage.py {command}", say)
        except BusyError:
            servers.attach()
            atexit.register(servers.detach)
            return
    except StartError as problem:
        sys.exit(f"{Path(arguments[0]).name}: {problem}")
    atexit.register(finish, servers)


def finish(servers: Servers) -> None:
    """Stops the servers this command started, after the last other command that uses them."""
    try:
        servers.wait_for_users(say)
    except KeyboardInterrupt:
        say("stopping the database now")
    servers.stop()


def say(text: str) -> None:
    """Progress goes to stderr: stdout belongs to the command."""
    print(text, file=sys.stderr, flush=True)
