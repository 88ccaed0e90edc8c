"""PostgreSQL and Valkey over one data folder: started by one owner at a time, used by everybody who asks.

    with Servers(Var(folder)) as servers:          # start, stop at the end
        os.environ.update(servers.environment())   # DATABASE_URL, REDIS_URL

The servers end with the process that started them, also when that is killed.
"""

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from marketplace.runtime import postgres, processes
from marketplace.runtime.paths import StartError, Var
from marketplace.runtime.postgres import Postgres
from marketplace.runtime.valkey import Valkey

START_SECONDS = 60.0


class BusyError(StartError):
    """Another running process owns the data folder."""


class Owner:
    """The lock on a data folder. The kernel frees it however its holder ends, so it is never stale."""

    def __init__(self, var: Var) -> None:
        self.path = var.run / "owner.lock"
        self._file: IO[str] | None = None

    def claim(self, what: str) -> None:
        """Takes the lock for this process and notes `what` it is. Raises BusyError, naming the holder."""
        file = self.path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.close()
            pid, holder = self.holder()
            raise BusyError(
                f"{self.path.parent.parent} is in use by `{holder}` (process {pid}). Stop that one first (Ctrl-C in "
                f"its window, or `kill {pid}`), or run beside it with other data and other ports: "
                "MARKETPLACE_VAR=/tmp/second PORT=8001 DEMO_GATEWAY_PORT=8200 make run"
            ) from error
        file.seek(0)
        file.truncate()
        json.dump({"pid": os.getpid(), "what": what}, file)
        file.flush()
        self._file = file

    def release(self) -> None:
        """Gives the lock back; nothing happens where it is not held."""
        if self._file:
            self._file.close()
            self._file = None

    def holder(self) -> tuple[int, str]:
        """Process number and description last noted; (0, "another process") before anything was."""
        try:
            noted = json.loads(self.path.read_text())
            return int(noted["pid"]), str(noted["what"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0, "another process"


class Servers:
    """The two embedded servers of one data folder. `durable` off is for tests: faster, safe against kills of ours only.

    Raises from `start`: BusyError where another process owns the folder, StartError with what to do for all else.
    """

    def __init__(self, var: Var, *, durable: bool = True) -> None:
        self.var = var
        self.postgres = Postgres(var, durable)
        self.valkey = Valkey(var)
        self.owner = Owner(var)
        self._users: IO[str] | None = None
        self._running: list[subprocess.Popen[bytes]] = []

    def environment(self) -> dict[str, str]:
        """DATABASE_URL and REDIS_URL. Known before the servers run."""
        return {"DATABASE_URL": self.postgres.url, "REDIS_URL": self.valkey.url}

    # The owner's part

    def claim(self, what: str) -> None:
        """Makes the folders, takes the lock, and ends what a killed run left. Raises BusyError or StartError."""
        self.var.create()
        self.owner.claim(what)
        self._ready_file.unlink(missing_ok=True)
        processes.end(processes.leftovers(read_identities(self.var.state)))
        self.var.state.unlink(missing_ok=True)

    def prepare(self) -> None:
        """Clears stale files of both; creates PostgreSQL's data the first time (about 3 s)."""
        self.postgres.prepare()
        self.valkey.prepare()

    def start(self, what: str = "", say: Callable[[str], None] = lambda text: None) -> Self:
        """Starts both and returns when both answer (1 s, the first time 4 s). `say` gets progress in words.

        Call it from a thread that lives as long as the servers should: they end with it.
        """
        self.claim(what or " ".join(Path(part).name for part in sys.argv[:2]))
        try:
            if not (self.var.postgres / "PG_VERSION").exists():
                say(f"creating a new database in {self.var.postgres} (a few seconds, only this once)")
            self.prepare()
            self._running = [self.postgres.start(), self.valkey.start()]
            self._wait()
            self.postgres.create_database()
            self.mark_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def mark_ready(self) -> None:
        """Tells those who wait in `attach` that they may go on."""
        self._ready_file.write_text(str(os.getpid()))

    def _wait(self) -> None:
        until = time.monotonic() + START_SECONDS
        both: tuple[Postgres | Valkey, ...] = (self.postgres, self.valkey)
        for process, server in zip(self._running, both, strict=True):
            while not server.is_ready():
                if process.poll() is not None or time.monotonic() > until:
                    raise StartError(
                        f"The embedded {type(server).__name__} did not start. The end of {server.log}:\n"
                        f"{server.last_log_lines()}"
                    )
                time.sleep(0.02)

    def stop(self) -> None:
        """Stops what `start` started, Valkey first, and gives the folder back. Safe to call twice."""
        self._ready_file.unlink(missing_ok=True)
        for process in reversed(self._running):
            if process is self._running[0]:
                postgres.stop(process)
            else:
                process.terminate()
                try:
                    process.wait(3)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        self._running = []
        self.owner.release()

    def wait_for_users(self, say: Callable[[str], None]) -> None:
        """Returns when nobody who attached is left. KeyboardInterrupt passes through."""
        with self._users_file.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                say("waiting for other commands that use the database this one started (Ctrl-C: do not wait)")
                fcntl.flock(file, fcntl.LOCK_EX)

    # Everybody else's part

    def attach(self) -> None:
        """Returns when the owner's servers answer; a `manage.py` that owns them waits for `detach` before it ends.

        Raises StartError after a minute, or when the owner goes away meanwhile.
        """
        file = self._users_file.open("a+")
        fcntl.flock(file, fcntl.LOCK_SH)
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            pid, holder = self.owner.holder()
            if time.monotonic() > until or processes.Identity.of(pid) is None:
                file.close()
                raise StartError(f"`{holder}` (process {pid}) owns {self.var.root}, but its database does not answer.")
            time.sleep(0.05)
        self._users = file

    def detach(self) -> None:
        """Says that this process needs the owner's servers no more."""
        if self._users:
            self._users.close()
            self._users = None

    def _answers(self) -> bool:
        try:
            ready = int(self._ready_file.read_text()) == self.owner.holder()[0]
        except (OSError, ValueError):
            return False
        return ready and self.postgres.is_ready() and self.valkey.is_ready()

    @property
    def _ready_file(self) -> Path:
        return self.var.run / "servers-ready"

    @property
    def _users_file(self) -> Path:
        return self.var.run / "users.lock"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def read_identities(state: Path) -> list[processes.Identity]:
    """The processes a supervisor's state file names; none where there is no readable file."""
    try:
        noted = json.loads(state.read_text())["processes"].values()
        return [processes.Identity(int(entry["pid"]), float(entry["created"])) for entry in noted if entry.get("pid")]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []


def for_tests(folder: Path) -> Servers:
    """Both servers in `folder`, running, fast rather than durable; the caller calls `stop`. Takes about 3 s.

    Meant for one pytest session: start it in the controller, put `environment()` into os.environ, and the workers
    inherit it.
    """
    return Servers(Var(folder.resolve()), durable=False).start("pytest")
