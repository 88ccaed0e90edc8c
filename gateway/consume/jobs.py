"""Running the reading subprocess: with a wall clock that kills, in a directory of its own."""

import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import gateway
from gateway.config import Limits, RoleRules
from gateway.http import ProblemError
from gateway.sources import Source

log = logging.getLogger(__name__)
MAX_LOGGED = 4000
"""Characters of what a reading process says when it breaks down."""


@dataclass(frozen=True)
class Job:
    """What the subprocess shall do. `format`: `rows` (JSON arrays), `jsonl`, `json`, `csv` or `parquet`."""

    source: Source
    name: str
    format: str
    limits: Limits
    salt: str
    seconds: float
    rules: RoleRules | None = None
    sql: str | None = None
    limit: int | None = None
    max_bytes: int | None = None

    def to_json(self) -> bytes:
        """As the subprocess reads it."""
        content = {
            "source": self.source.to_dict(), "name": self.name, "format": self.format, "salt": self.salt,
            "seconds": self.seconds, "rules": self.rules.model_dump() if self.rules else None, "sql": self.sql,
            "limit": self.limit, "max_bytes": self.max_bytes, "memory_mb": self.limits.query_memory_mb,
            "disk_mb": self.limits.query_disk_mb,
        }  # fmt: skip
        return json.dumps(content).encode()


class Running:
    """A started subprocess. `kill` may be called from any thread, more than once."""

    def __init__(
        self, job: Job, stdout: int | IO[bytes] = subprocess.PIPE, on_end: Callable[[], None] | None = None
    ) -> None:
        self.job = job
        self.expired = False
        self._on_end = on_end
        self._end_lock = threading.Lock()
        try:
            self._start(stdout)
        except BaseException:
            self._end()
            raise

    def _start(self, stdout: int | IO[bytes]) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="gateway-", ignore_cleanup_errors=True)
        home = str(Path(gateway.__file__).parents[1])
        own = self._directory.name
        environment = {"PYTHONPATH": home, "PATH": os.defpath, "LC_ALL": "C.UTF-8", "HOME": own,
                       "GATEWAY_OWN_DIRECTORY": own}  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-B", "-m", "gateway.consume.worker"],
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=subprocess.PIPE,
            cwd=self._directory.name,
            env=environment,
            start_new_session=True,
        )
        self._timer = threading.Timer(self.job.seconds, self._expire)
        self._timer.daemon = True
        self._timer.start()
        stdin = self.process.stdin
        assert stdin is not None
        try:
            stdin.write(self.job.to_json() + b"\n")
            stdin.flush()  # and kept open: its end tells the subprocess that this process is gone
        except BrokenPipeError:  # it died at once; finish() says so
            pass

    def _expire(self) -> None:
        self.expired = True
        self.kill()
        self._end()

    def _end(self) -> None:
        """Tell whoever waits for the end, once: also when nobody reads what a killed process left."""
        with self._end_lock:
            told, self._on_end = self._on_end, None
        if told:
            told()

    def kill(self) -> None:
        """End it now, whatever it does."""
        if self.process.poll() is None:
            self.process.kill()

    def finish(self) -> dict[str, Any]:
        """Wait for its end and clean up. The closing line: `rows`, `truncated`.

        Raises:
            ProblemError: it could not do its job, or ran out of time or memory.
        """
        try:
            stderr = self.process.stderr
            assert stderr is not None
            told = stderr.read(100_000)
            self.process.wait()
        finally:
            self.close()
        return self._closing(told)

    def close(self) -> None:
        """Kill it if it still runs, and remove its directory."""
        self.kill()
        self._timer.cancel()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                with suppress(BrokenPipeError):
                    stream.close()
        self._directory.cleanup()
        self._end()

    def _closing(self, told: bytes) -> dict[str, Any]:
        if self.expired:
            detail = f"It took longer than the {self.job.seconds:g} seconds it may take, and was stopped."
            raise ProblemError(422, "Out of time", detail, "Ask for less, or place an order.")
        try:
            closing = json.loads(told.splitlines()[-1])
        except (ValueError, IndexError):
            closing = {}
        if "problem" in closing:
            raise ProblemError(*closing["problem"])
        if self.process.returncode > 0 and b"MemoryError" not in told:  # it was not killed, so it broke down
            log.error("the reading process failed: %s", told.decode(errors="replace")[-MAX_LOGGED:])
            detail = "The gateway could not do it; the reason is in its log."
            raise ProblemError(503, "Not possible now", detail, "Tell the owner of the product.")
        if self.process.returncode != 0 or "rows" not in closing:
            detail = "It needed more memory or time than it may have, and was stopped."
            raise ProblemError(422, "Stopped", detail, "Ask for less, or place an order.")
        return dict(closing)


def collect(job: Job) -> tuple[dict[str, Any], bytes, dict[str, Any]]:
    """Run a job to its end. Blocking. The head (`columns`, `types`), the body, and the closing line.

    Raises:
        ProblemError: as `Running.finish`.
    """
    running = Running(job)
    try:
        stdout = running.process.stdout
        assert stdout is not None
        told = stdout.read((job.max_bytes or 0) + 10_000_000)
        closing = running.finish()
    finally:
        running.close()
    head, _, body = told.partition(b"\n")
    return json.loads(head), body, closing
