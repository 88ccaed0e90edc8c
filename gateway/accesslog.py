"""Who took or gave what, when, how much: every use of consume and ingest, in the gateway's own state."""

import time
from typing import Any

from gateway.state import State

_TABLE = """
CREATE TABLE IF NOT EXISTS access (
    number INTEGER PRIMARY KEY, time REAL NOT NULL, consumer TEXT NOT NULL, role TEXT, agreement TEXT,
    artifact TEXT NOT NULL, action TEXT NOT NULL, status INTEGER NOT NULL, rows INTEGER, bytes INTEGER);
CREATE INDEX IF NOT EXISTS access_of_time ON access (time);
"""
ANONYMOUS = "anonymous"
KEEP_DAYS = 90
_CLEAR_EVERY = 500


class AccessLog:
    """The access log of one gateway. Each method is one small transaction, callable from any thread."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._ready = False
        self._written = 0

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
        """Add one access.

        Args:
            action: `download`, `query`, `order`, `result`, `sample` or `ingest`.
            rows: how many went out or came in; None where they cannot be counted.
            size: bytes of the body, where known.
        """
        self._prepare()
        now = time.time()
        row = (now, (consumer or ANONYMOUS)[:200], role, agreement, artifact, action, status, rows, size)
        with self._state.transaction() as db:
            db.execute(
                "INSERT INTO access (time, consumer, role, agreement, artifact, action, status, rows, bytes) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            if self._written % _CLEAR_EVERY == 0:
                db.execute("DELETE FROM access WHERE time < ?", (now - KEEP_DAYS * 86_400,))
        self._written += 1

    def sums(self, since: float = 0.0) -> dict[str, Any]:
        """Totals since a POSIX time: `accesses`, `refused` (status 400 and above), `rows`, `bytes`, `consumers`
        (distinct, without the anonymous), `byArtifact` and `byAction` (counts), `ingested` and `ingestCalls`.
        """
        self._prepare()
        query = self._state.query
        totals = query(
            "SELECT count(*), coalesce(sum(status >= 400), 0), "
            "coalesce(sum(CASE WHEN action <> 'ingest' THEN rows END), 0), "
            "coalesce(sum(CASE WHEN action <> 'ingest' THEN bytes END), 0), "
            "count(DISTINCT CASE WHEN consumer <> ? THEN consumer END), "
            "coalesce(sum(CASE WHEN action = 'ingest' THEN rows END), 0), coalesce(sum(action = 'ingest'), 0) "
            "FROM access WHERE time >= ?",
            (ANONYMOUS, since),
        )[0]
        names = ("accesses", "refused", "rows", "bytes", "consumers", "ingested", "ingestCalls")
        artifacts = query("SELECT artifact, count(*) FROM access WHERE time >= ? GROUP BY artifact", (since,))
        actions = query("SELECT action, count(*) FROM access WHERE time >= ? GROUP BY action", (since,))
        return {**dict(zip(names, totals, strict=True)), "byArtifact": dict(artifacts), "byAction": dict(actions)}

    def latest(self, limit: int = 100) -> list[dict[str, Any]]:
        """The newest accesses, newest first; `time` is POSIX seconds."""
        self._prepare()
        names = ("time", "consumer", "role", "agreement", "artifact", "action", "status", "rows", "bytes")
        rows = self._state.query(
            "SELECT time, consumer, role, agreement, artifact, action, status, rows, bytes "
            "FROM access ORDER BY number DESC LIMIT ?",
            (limit,),
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def _prepare(self) -> None:
        if not self._ready:
            self._state.script(_TABLE)
            self._ready = True
