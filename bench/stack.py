"""A whole marketplace of one's own: started as `make run` does, in a temporary folder and on free ports.

Used by the bench and by the tests that need everything at once.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

REPOSITORY = Path(__file__).resolve().parent.parent
START_SECONDS = 300
# What a test session sets for itself, and what the stack must find for itself, as it would from a plain shell.
NOT_INHERITED = {
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "SIGNING_KEY",
    "STATIC_ROOT",
    "STATIC_HASHED",
    "EMBEDDING_MODEL",
}


def free_ports(count: int) -> int:
    """The first of `count` neighbouring free ports on loopback. Raises RuntimeError where none are found."""
    # Two that look at once must not find the same: each begins in a place of its own. From 32,768 on the kernel takes a
    # port for every connection that is opened meanwhile.
    first = 20_000 + os.getpid() % 100 * 120
    for start in [*range(first, 32_000, count + 1), *range(20_000, first, count + 1)]:
        with ExitStack() as sockets:
            try:
                for port in range(start, start + count):
                    sockets.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return start
    raise RuntimeError("no neighbouring free ports on loopback")


class Stack:
    """with Stack() as stack: … stack.url. Leaving stops it all and removes its folder.

    Raises RuntimeError with the end of the log where it does not come up within five minutes.
    """

    def __init__(self, *, log: Path | None = None, **environment: str) -> None:
        first = free_ports(40)
        self.port, self.gateway_port = first, first + 1
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = Path(tempfile.mkdtemp(prefix="mesh-stack-"))
        self.log = log or self.folder / "run.log"
        kept = {key: value for key, value in os.environ.items() if key not in NOT_INHERITED}
        self.environment = {
            **kept,
            "MARKETPLACE_VAR": str(self.folder / "var"),
            "PORT": str(self.port),
            "DEMO_GATEWAY_PORT": str(self.gateway_port),
            "PUBLIC_URL": self.url,
            "DATABASE_POOL_SIZE": "10",
            "LOG_LEVEL": "INFO",
            "NO_COLOR": "1",
            "DEMO": "1",
            **environment,
        }
        self.first_page_seconds = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        begun = time.monotonic()
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "marketplace.runtime"],
                cwd=REPOSITORY,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            while "ready_after_seconds" not in self.state():
                if self._process.poll() is not None or time.monotonic() - begun > START_SECONDS:
                    raise RuntimeError(f"the stack did not come up:\n{self.tail()}")
                time.sleep(0.1)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def state(self) -> dict[str, Any]:
        """What the supervisor says of itself; empty before it does."""
        try:
            found: dict[str, Any] = json.loads((self.folder / "var" / "run" / "state.json").read_text())
        except (OSError, ValueError):
            return {}
        return found

    def tail(self, lines: int = 40) -> str:
        """The end of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def manage(self, *arguments: str, **environment: str) -> str:
        """Runs a management command on this stack and returns what it printed. Raises CalledProcessError."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=REPOSITORY,
            env={**self.environment, **environment},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def memory(self) -> dict[str, float]:
        """PSS of every process in MB, by name, with their sum under `all`."""
        assert self._process is not None
        tree = psutil.Process(self._process.pid)
        names = {entry["pid"]: name for name, entry in self.state()["processes"].items()}
        sums: dict[str, float] = {}
        for process in [tree, *tree.children(recursive=True)]:
            try:
                chain = [process.pid, *(parent.pid for parent in process.parents())]
                name = next((names[pid] for pid in chain if pid in names), "supervisor")
                sums[name] = sums.get(name, 0.0) + process.memory_full_info().pss / 2**20
            except psutil.NoSuchProcess:
                continue
        return {**sums, "all": sum(sums.values())}
