"""Who took or gave what, when, how much: every use of consume and ingest, in the gateway's own state.

Two things are kept. The log has an entry for each access, the oldest dropped past `log_days` and `log_rows`. The
totals are sums over all accesses there ever were: they never go back, whatever the log drops.

An entry names somebody. A refusal of a caller without a valid token names nobody and costs a stranger nothing to
cause, so it is counted and not stored.

Writing waits for no disk: entries are gathered in memory and one thread of the process writes them a moment later. A
process that is killed loses those of that moment.
"""

import logging
import sqlite3
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from gateway.config import Limits
from gateway.state import State

_TABLES = """
CREATE TABLE IF NOT EXISTS access (
    number INTEGER PRIMARY KEY, time REAL NOT NULL, consumer TEXT NOT NULL, role TEXT, agreement TEXT,
    artifact TEXT NOT NULL, action TEXT NOT NULL, status INTEGER NOT NULL, rows INTEGER, bytes INTEGER);
CREATE INDEX IF NOT EXISTS access_of_time ON access (time);
CREATE TABLE IF NOT EXISTS access_total (
    name TEXT NOT NULL, of TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (name, of)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS access_consumer (name TEXT PRIMARY KEY, time REAL NOT NULL) WITHOUT ROWID;
"""
ANONYMOUS = "anonymous"
MAX_PENDING = 10_000
"""Entries that wait to be written; while the disk takes none, the oldest of more are lost, and still counted."""
GATHER_SECONDS = 0.1
_COLUMNS = ("time", "consumer", "role", "agreement", "artifact", "action", "status", "rows", "bytes")
_LISTED = ", ".join(_COLUMNS)
_SINGLE = ("accesses", "refused", "rows", "bytes", "ingested", "ingestCalls")

log = logging.getLogger(__name__)


class AccessLog:
    """The access log of one gateway. Each method may be called from any thread.

    Args:
        limits: gives the settings as they are now.
    """

    def __init__(self, state: State, limits: Callable[[], Limits] = Limits) -> None:
        self._state = state
        self._limits = limits
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._ready = False
        self._entries: deque[tuple[Any, ...]] = deque(maxlen=MAX_PENDING)
        self._counts: Counter[tuple[str, str]] = Counter()

    def record(
        self,
        *,
        consumer: str | None,
        artifact: str,
        action: str,
        status: int,
        role: str | None = None,
        agreement: str | None = None,
        rows: int | None = None,
        size: int | None = None,
    ) -> None:
        """Add one access. Returns at once; an event loop may call it.

        Args:
            consumer: who showed a valid token; None for anybody else.
            action: `download`, `query`, `order`, `result`, `sample` or `ingest`.
            rows: how many went out or came in; None where they cannot be counted.
            size: bytes of the body, where known.
        """
        entry = (time.time(), (consumer or ANONYMOUS)[:200], role, agreement, artifact, action, status, rows, size)
        with self._lock:
            if consumer is not None or status < 400 or size:  # `size`: cut off after some of it had gone out
                self._entries.append(entry)
            self._counts.update(_counts_of(artifact, action, status, rows, size))
        _WRITER.wake(self)

    @property
    def used(self) -> bool:
        """Whether there may have been an access. Opens no file."""
        return self._state.kept or bool(self._counts)

    def flush(self) -> None:
        """Write what waits. Blocking, a few milliseconds. What cannot be written now is kept for the next time."""
        with self._writing:
            with self._lock:
                entries, counts = list(self._entries), self._counts
                self._entries.clear()
                self._counts = Counter()
            if not counts:  # and no file is made, perhaps of a product that has just been taken away
                return
            try:
                self._prepare()
                self._write(entries, counts)
            except BaseException:
                with self._lock:
                    room = MAX_PENDING - len(self._entries)
                    self._entries.extendleft(reversed(entries[-room:] if room else []))
                    self._counts.update(counts)
                raise

    def _write(self, entries: list[tuple[Any, ...]], counts: "Counter[tuple[str, str]]") -> None:
        limits, now = self._limits(), time.time()
        oldest = now - limits.log_days * 86_400
        with self._state.transaction() as db:
            marks = ", ".join("?" * len(_COLUMNS))
            db.executemany(f"INSERT INTO access ({_LISTED}) VALUES ({marks})", entries)  # noqa: S608 - our own names
            db.executemany(
                "INSERT INTO access_total VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value",
                [(*key, value) for key, value in counts.items()],
            )
            db.executemany(
                "INSERT OR REPLACE INTO access_consumer VALUES (?, ?)",
                {entry[1]: (entry[1], entry[0]) for entry in entries if entry[1] != ANONYMOUS}.values(),
            )
            db.execute("DELETE FROM access WHERE time < ?", (oldest,))
            db.execute("DELETE FROM access_consumer WHERE time < ?", (oldest,))
            db.execute("DELETE FROM access WHERE number <= (SELECT max(number) FROM access) - ?", (limits.log_rows,))

    def sums(self) -> dict[str, Any]:
        """The totals: `accesses`, `refused` (status 400 and above), `rows`, `bytes`, `byArtifact` and `byAction`
        (counts), `ingested` and `ingestCalls`; and `consumers`, the distinct ones of the last `log_days`, without the
        anonymous. Blocking; as quick for a long log as for a short one.
        """
        self._try_to_flush()
        found: dict[str, Any] = {**dict.fromkeys(_SINGLE, 0), "byArtifact": {}, "byAction": {}}
        for name, of, value in self._state.query("SELECT name, of, value FROM access_total"):
            if of:
                found[name][of] = value
            else:
                found[name] = value
        found["consumers"] = self._state.query("SELECT count(*) FROM access_consumer")[0][0]
        return found

    def latest(self, limit: int = 100) -> list[dict[str, Any]]:
        """The newest entries, newest first; `time` is POSIX seconds. Blocking."""
        self._try_to_flush()
        rows = self._state.query(f"SELECT {_LISTED} FROM access ORDER BY number DESC LIMIT ?", (limit,))  # noqa: S608
        return [dict(zip(_COLUMNS, row, strict=True)) for row in rows]

    def _try_to_flush(self) -> None:
        """A disk that is full keeps nobody from reading what there is."""
        try:
            self.flush()
            self._prepare()
        except sqlite3.OperationalError:
            log.exception("the access log cannot be written; it is tried again with the next access")

    def _prepare(self) -> None:
        if self._ready:
            return
        self._state.script(_TABLES)
        with self._state.transaction() as db:
            if not db.execute("SELECT count(*) FROM access_total").fetchone()[0]:
                counts: Counter[tuple[str, str]] = Counter()  # a log of an earlier version, which had no totals
                for row in db.execute("SELECT artifact, action, status, rows, bytes FROM access"):
                    counts.update(_counts_of(*row))
                totals = [(*key, value) for key, value in counts.items()]
                db.executemany("INSERT INTO access_total VALUES (?, ?, ?)", totals)
                db.execute(
                    "INSERT INTO access_consumer SELECT consumer, max(time) FROM access WHERE consumer <> ? GROUP BY 1",
                    (ANONYMOUS,),
                )
        self._ready = True


def _counts_of(
    artifact: str, action: str, status: int, rows: int | None, size: int | None
) -> dict[tuple[str, str], int]:
    """What one access adds to the totals."""
    ingest = action == "ingest"
    return {
        ("accesses", ""): 1,
        ("refused", ""): int(status >= 400),
        ("ingested" if ingest else "rows", ""): rows or 0,
        ("ingestCalls", ""): int(ingest),
        ("bytes", ""): 0 if ingest else size or 0,
        ("byArtifact", artifact): 1,
        ("byAction", action): 1,
    }


class _Writer:
    """The thread that writes the logs of all products of a process, started when there is something to write."""

    def __init__(self) -> None:
        self._waiting: set[AccessLog] = set()
        self._some = threading.Condition()
        self._thread: threading.Thread | None = None

    def wake(self, own: AccessLog) -> None:
        """Have this log written soon."""
        with self._some:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="gateway-accesslog", daemon=True)
                self._thread.start()
            if own not in self._waiting:
                self._waiting.add(own)
                self._some.notify()

    def _run(self) -> None:
        while True:
            with self._some:
                self._some.wait_for(lambda: bool(self._waiting))
            time.sleep(GATHER_SECONDS)  # so that many entries are one transaction
            with self._some:
                ready, self._waiting = self._waiting, set()
            for own in ready:
                try:
                    own.flush()
                except Exception:
                    log.exception("the access log could not be written")


_WRITER = _Writer()
