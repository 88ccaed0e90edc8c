"""What a gateway must remember between starts: one small SQLite file for each served product.

Three shapes cover what the rooms of the gateway keep, so that none of them writes SQL for ordinary things:

* a **setting**: one JSON value under a name (`paused`, `last-quality`);
* an **item**: a JSON object of a kind with an id, which can change and can expire (a subscription, an order);
* a **log entry**: a JSON object added to the end of a named log and never changed, the oldest dropped past a limit
  (accesses, dead letters, reports).

A room that must sum or filter in SQL adds its own table with `State.script` and reads it with `State.query`.

Where the directory cannot be written the state is kept in memory: everything works, and is lost at the end. `durable`
and `reason` say so, for `/observe/health`.

The file is opened at first use (a gateway of 100 products that keeps nothing opens nothing). All methods may be called
from any thread and from several processes on the same file; each is one transaction and takes well under a
millisecond on an ordinary disk.
"""

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

STATE_DIR = ".gateway"
STATE_FILE = "state.sqlite3"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS item (
    kind TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL, created REAL NOT NULL, expires REAL,
    PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entry (
    number INTEGER PRIMARY KEY AUTOINCREMENT, log TEXT NOT NULL, time REAL NOT NULL, value TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS entry_of_log ON entry (log, number);
"""


@dataclass(frozen=True)
class Entry:
    """One entry of a log. `number` grows and is never used twice in one state; `time` is POSIX seconds."""

    number: int
    time: float
    value: dict[str, Any]


class State:
    """The memory of one product's gateway.

    Args:
        directory: where `state.sqlite3` is or will be made; None keeps the state in memory.
    """

    def __init__(self, directory: Path | None) -> None:
        self.directory = directory
        self.durable = directory is not None
        self.reason: str | None = None if directory else "No state directory was given."
        self._own = False
        """Whether it is inside the product folder, which is not made again when it was taken away."""
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None

    @classmethod
    def beside(cls, folder: Path, directory: Path | None = None) -> "State":
        """The state of a product folder: in `directory` when one is given, else in `<folder>/.gateway`."""
        found = cls(directory or folder / STATE_DIR)
        found._own = directory is None
        return found

    @property
    def kept(self) -> bool:
        """Whether there may be something to read: it is open, or an earlier run left a file."""
        return self._connection is not None or (self.directory is not None and (self.directory / STATE_FILE).is_file())

    # -- settings -------------------------------------------------------------------------------------------------

    def get(self, name: str, default: Any = None) -> Any:
        """The value last put under a name."""
        rows = self.query("SELECT value FROM setting WHERE name = ?", (name,))
        return json.loads(rows[0][0]) if rows else default

    def put(self, name: str, value: Any) -> None:
        """Keep a JSON value under a name."""
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, json.dumps(value)))

    def settle(self, name: str, value: Any) -> Any:
        """Keep a value under a name unless there is one. The one that is kept, the same for all who ask at once."""
        with self.transaction() as db:
            db.execute("INSERT OR IGNORE INTO setting VALUES (?, ?)", (name, json.dumps(value)))
            return json.loads(db.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()[0])

    def drop(self, name: str) -> None:
        """Forget the value under a name, if there is one."""
        with self.transaction() as db:
            db.execute("DELETE FROM setting WHERE name = ?", (name,))

    # -- items ----------------------------------------------------------------------------------------------------

    def add(self, kind: str, id: str, value: dict[str, Any], *, limit: int, expires: float | None = None) -> bool:
        """Add an item unless there are `limit` of its kind already; expired ones are cleared first.

        Args:
            expires: POSIX seconds from which it is no longer there.

        Returns:
            Whether it was added. False also when there is an item with this id.
        """
        with self.transaction() as db:
            db.execute("DELETE FROM item WHERE kind = ? AND expires <= ?", (kind, time.time()))
            (count,) = db.execute("SELECT count(*) FROM item WHERE kind = ?", (kind,)).fetchone()
            if count >= limit:
                return False
            row = (kind, id, json.dumps(value), time.time(), expires)
            return db.execute("INSERT OR IGNORE INTO item VALUES (?, ?, ?, ?, ?)", row).rowcount == 1

    def change(self, kind: str, id: str, value: dict[str, Any]) -> bool:
        """Replace an item's value; False when it is not there (any more)."""
        with self.transaction() as db:
            found = db.execute(
                "UPDATE item SET value = ? WHERE kind = ? AND id = ? AND (expires IS NULL OR expires > ?)",
                (json.dumps(value), kind, id, time.time()),
            )
            return found.rowcount == 1

    def remove(self, kind: str, id: str) -> bool:
        """Remove an item; False when it was not there."""
        with self.transaction() as db:
            return db.execute("DELETE FROM item WHERE kind = ? AND id = ?", (kind, id)).rowcount == 1

    def item(self, kind: str, id: str) -> dict[str, Any] | None:
        """One item's value, or None."""
        rows = self.query(
            "SELECT value FROM item WHERE kind = ? AND id = ? AND (expires IS NULL OR expires > ?)",
            (kind, id, time.time()),
        )
        return json.loads(rows[0][0]) if rows else None

    def items(self, kind: str) -> dict[str, dict[str, Any]]:
        """All items of a kind by id, oldest first."""
        rows = self.query(
            "SELECT id, value FROM item WHERE kind = ? AND (expires IS NULL OR expires > ?) ORDER BY created, id",
            (kind, time.time()),
        )
        return {id: json.loads(value) for id, value in rows}

    def count(self, kind: str) -> int:
        """How many items of a kind there are."""
        rows = self.query(
            "SELECT count(*) FROM item WHERE kind = ? AND (expires IS NULL OR expires > ?)", (kind, time.time())
        )
        return int(rows[0][0])

    # -- logs -----------------------------------------------------------------------------------------------------

    def append(self, log: str, value: dict[str, Any], *, keep: int = 1000) -> int:
        """Add an entry to the end of a log and drop the oldest past `keep`.

        Returns:
            The entry's number.
        """
        with self.transaction() as db:
            done = db.execute(
                "INSERT INTO entry (log, time, value) VALUES (?, ?, ?)", (log, time.time(), json.dumps(value))
            )
            db.execute(
                "DELETE FROM entry WHERE log = ? AND number <= "
                "(SELECT number FROM entry WHERE log = ? ORDER BY number DESC LIMIT 1 OFFSET ?)",
                (log, log, keep),
            )
            return int(done.lastrowid or 0)

    def entries(self, log: str, *, limit: int = 100, before: int | None = None) -> list[Entry]:
        """The newest entries of a log, newest first.

        Args:
            before: only entries with a smaller number, for the next page.
        """
        rows = self.query(
            "SELECT number, time, value FROM entry WHERE log = ? AND number < ? ORDER BY number DESC LIMIT ?",
            (log, before if before is not None else 2**62, limit),
        )
        return [Entry(number, when, json.loads(value)) for number, when, value in rows]

    def remove_entry(self, log: str, number: int) -> bool:
        """Remove one entry (a dead letter that was delivered in the end); False when it was not there."""
        with self.transaction() as db:
            return db.execute("DELETE FROM entry WHERE log = ? AND number = ?", (log, number)).rowcount == 1

    # -- the database itself --------------------------------------------------------------------------------------

    def script(self, sql: str) -> None:
        """Run statements that make a room's own tables (`CREATE TABLE IF NOT EXISTS …`)."""
        with self._lock:
            self._open().executescript(sql)

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a SELECT."""
        with self._lock:
            return self._open().execute(sql, parameters).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A write transaction: committed at the end of the block, rolled back when it raises. Not nested."""
        with self._lock:
            db = self._open()
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    def close(self) -> None:
        """Close the file. It is opened again when something asks for it; a state in memory is lost."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        if self.directory is not None:
            try:
                self.directory.mkdir(parents=not self._own, exist_ok=True)
                db = _connection(str(self.directory / STATE_FILE))
            except (OSError, sqlite3.Error) as error:
                self.durable = False
                why = getattr(error, "strerror", None) or type(error).__name__  # `error` says the path, health is open
                self.reason = f"The state directory cannot be used ({why}); state is kept in memory."
                log.warning("%s: %s", self.directory, error)
            else:
                return db
        return _connection(":memory:")


def _connection(name: str) -> sqlite3.Connection:
    """An open connection with the tables made. Autocommit: transactions are explicit."""
    db = sqlite3.connect(name, timeout=5, isolation_level=None, check_same_thread=False)
    try:
        # WAL: readers in other processes do not wait for a writer. NORMAL: a power cut may lose the last
        # transactions, never the file. 256 kB of cache, because a process may hold a hundred of these.
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-256"):
            db.execute(f"PRAGMA {pragma}")
        db.executescript(_SCHEMA)
        db.execute("BEGIN IMMEDIATE")
        db.execute("COMMIT")
    except sqlite3.Error:
        db.close()
        raise
    return db
