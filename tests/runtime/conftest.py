"""Helpers of the runtime's tests: real processes, real servers, in a folder of their own."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from marketplace.runtime.paths import REPOSITORY


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 30) -> Any:
    """The first truthy answer of the condition; fails the test, saying `what`, when none came in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.02)  # between two looks at a condition
    pytest.fail(f"not within {seconds} s: {what}")


def processes_of(var: Path) -> list[psutil.Process]:
    """Every live process that carries the data folder in its environment, its arguments or as its working folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                continue
            facts = [process.environ().get("MARKETPLACE_VAR", ""), *process.cmdline(), process.cwd()]
        except (psutil.Error, OSError):
            continue
        if any(str(var) in fact for fact in facts):
            found.append(process)
    return found


class Program:
    """A Python program in a process of its own, its output kept."""

    def __init__(self, argv: list[str], env: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                argv, env=dict(env), cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def says(self, text: str, seconds: float = 30) -> None:
        """Waits for a text in the output."""
        try:
            wait_until(
                lambda: text in self.output or self.process.poll() is not None, f"{text!r} in the output", seconds
            )
        except pytest.fail.Exception:
            pytest.fail(f"{text!r} was not said; but:\n{self.output}")
        assert text in self.output, f"{text!r} was not said; but:\n{self.output}"

    def ends(self, seconds: float = 15) -> int:
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"still running; it said:\n{self.output}")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who has set nothing but the data folder."""
    silent = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DEMO", "PORT", "STATIC_ROOT", "PUBLIC_URL"}
    kept = {key: value for key, value in os.environ.items() if key not in silent}
    return {**kept, "MARKETPLACE_VAR": str(tmp_path / "var"), "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def launch(tmp_path: Path, environment: dict[str, str]) -> Iterator[Callable[..., Program]]:
    """Starts Python code or a module in a process of its own; all of them, and all they started, end with the test."""
    started: list[Program] = []

    def start(code: str = "", *, argv: list[str] | None = None, **extra: str) -> Program:
        command = argv or [sys.executable, "-c", code]
        program = Program(command, {**environment, **extra}, tmp_path / f"output-{len(started)}.log")
        started.append(program)
        return program

    yield start
    for program in started:
        program.process.kill()
        program.process.wait()
    for process in processes_of(tmp_path):
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended by itself meanwhile
            process.kill()
