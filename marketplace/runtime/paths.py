"""Where the embedded default keeps its things: one folder, `var/` of the repository or MARKETPLACE_VAR."""

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

# sun_path of sockaddr_un holds 108 bytes with the closing zero on Linux, 104 elsewhere (unix(7)).
SOCKET_PATH_LIMIT = 103


class StartError(Exception):
    """Something the person at the keyboard can do something about; the text says what."""


@dataclass(frozen=True)
class Var:
    """The layout of the data folder. Cost: none, nothing is created until `create` is called."""

    root: Path

    @classmethod
    def from_environment(cls) -> "Var":
        """The folder MARKETPLACE_VAR names, else `var/` of the repository."""
        chosen = os.environ.get("MARKETPLACE_VAR", "").strip()
        return cls(Path(chosen).expanduser().resolve() if chosen else REPOSITORY / "var")

    @property
    def run(self) -> Path:
        """What is true only while something runs: locks, state, sockets."""
        return self.root / "run"

    @property
    def log(self) -> Path:
        """Log files of the databases."""
        return self.root / "log"

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data."""
        return self.root / "postgres"

    @property
    def valkey(self) -> Path:
        """Valkey's working folder; it stores nothing there."""
        return self.root / "valkey"

    @property
    def state(self) -> Path:
        """What the supervisor started, as JSON."""
        return self.run / "state.json"

    @property
    def sockets(self) -> Path:
        """Folder of the sockets: in `var/run`, or in the temporary folder where that path is too long for a socket.

        Always the same for the same `var/`, so that addresses are known before the servers run.
        """
        inside = self.run / "sockets"
        if len(os.fsencode(inside / "postgres" / ".s.PGSQL.5432.lock")) <= SOCKET_PATH_LIMIT:
            return inside
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"marketplace-{os.getuid()}-{digest}"

    def create(self) -> None:
        """Makes the folders. Raises StartError where that is not allowed."""
        self._refuse_foreign()
        try:
            for folder in (self.root, self.run, self.log, self.valkey):
                folder.mkdir(parents=True, exist_ok=True)
            self.sockets.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise StartError(
                f"Cannot use {self.root} for the marketplace's data: {error.strerror} ({error.filename}). "
                "Make it writable for you, or name another folder with MARKETPLACE_VAR=/some/folder."
            ) from error
        found = self.sockets.lstat()
        # The temporary folder belongs to everybody: somebody else may have put a folder of that name there first.
        ours = found.st_uid == os.getuid() or self.sockets.is_relative_to(self.root)
        if not stat.S_ISDIR(found.st_mode) or not ours:
            raise StartError(f"{self.sockets} is not a folder of yours. Remove it, or set TMPDIR to another folder.")
        self.sockets.chmod(0o711 if os.getuid() == 0 else 0o700)

    def _refuse_foreign(self) -> None:
        try:
            owner = self.root.stat().st_uid
        except OSError:
            return  # not there yet, or not to be seen: making it will say
        if os.getuid() not in (0, owner):
            raise StartError(
                f"{self.root} belongs to another user ({owner}), who ran the marketplace here before. Run it as that "
                "user, or name another folder with MARKETPLACE_VAR=/some/folder."
            )
