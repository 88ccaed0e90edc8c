"""Runs a list of processes: starts them in order, restarts what crashes, ends all of them together.

It knows nothing of the marketplace; `stack.py` says what there is to run.
"""

import asyncio
import contextlib
import json
import os
import re
import signal
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, TypeVar

from marketplace.runtime import processes
from marketplace.runtime.console import Console
from marketplace.runtime.paths import StartError

READY_POLL = 0.1
FAST_FAILURES = 5
LONGEST_PAUSE = 30.0
KEPT_LINES = 20
LONGEST_LINE = 4000
STOP_SECONDS = 6.0
STOP_LAST_SECONDS = 3.5
# What a process prints may be somebody else's text; it must not steer the terminal.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

Answer = TypeVar("Answer")


class ProcessFailedError(Exception):
    """A process that the rest cannot do without has failed; the text says which and shows its last lines."""


@dataclass(frozen=True)
class ProcessSpec:
    """One process to run. Times in seconds.

    `ready_check` is asked, in a thread, until it says yes; `ready_line` is instead a text in the output that means
    ready. `stop_signal` ends it gracefully; `death_signal` is what it gets should the supervisor itself be killed.
    `user` is (uid, gid), for root only. `log_file` takes the output instead of the console. What is `last` is stopped
    after all others. A process that lived `stable_seconds` has not failed fast.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    ready_check: Callable[[], bool] | None = None
    ready_line: str = ""
    ready_seconds: float = 120.0
    stable_seconds: float = 10.0
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    user: tuple[int, int] | None = None
    log_file: Path | None = None
    last: bool = False
    cwd: Path | None = None


@dataclass
class _Running:
    spec: ProcessSpec
    process: asyncio.subprocess.Process | None = None
    task: "asyncio.Task[None] | None" = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    restarts: int = 0
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))

    def last_lines(self) -> list[str]:
        if self.spec.log_file:
            with contextlib.suppress(OSError):
                return self.spec.log_file.read_text(errors="replace").splitlines()[-KEPT_LINES:]
        return list(self.lines)


class Supervisor:
    """Keeps processes running until `stop`. Create it inside the event loop of the main thread: children end with the
    thread that started them. `facts` are written into the state file beside the processes; `backoff` is the first pause
    before a restart, which doubles.
    """

    def __init__(
        self,
        console: Console,
        state: Path,
        env: Mapping[str, str],
        facts: Mapping[str, object] | None = None,
        backoff: float = 0.5,
    ) -> None:
        self.console = console
        self.failure: asyncio.Future[ProcessFailedError] = asyncio.get_running_loop().create_future()
        self._state = state
        self._env = dict(env)
        self._facts = {"pid": os.getpid(), "started": datetime.now(UTC).isoformat(), **(facts or {})}
        self._backoff = backoff
        self._all: dict[str, _Running] = {}
        self._stopping = False
        self._hurry = asyncio.Event()

    # Starting

    async def start(self, spec: ProcessSpec, *, wait: bool = True) -> None:
        """Starts one process and keeps it running; with `wait` returns when it is ready.

        Raises ProcessFailedError when any process has failed for good, or this one is not ready in time.
        """
        running = self._all[spec.name] = _Running(spec)
        running.task = asyncio.create_task(self._keep(running))
        if wait:
            await self.ready(spec.name)

    async def ready(self, *names: str) -> None:
        """Returns when the named processes are ready. Raises like `start`."""
        for name in names:
            running = self._all[name]
            try:
                await self._unless_failed(running.ready.wait(), running.spec.ready_seconds)
            except TimeoutError:
                text = f"{name} was not ready after {running.spec.ready_seconds:.0f} s"
                raise ProcessFailedError(_with_lines(text, running.last_lines())) from None

    async def step(self, spec: ProcessSpec) -> None:
        """Runs one process to its end. Raises ProcessFailedError when its exit code is not 0."""
        running = self._all[spec.name] = _Running(spec)
        try:
            code = await self._unless_failed(self._run_once(running), None)
        finally:
            if running.process is None or running.process.returncode is not None:
                del self._all[spec.name]
        if code != 0 and not self._stopping:
            raise ProcessFailedError(_with_lines(f"{spec.name} ended with code {code}", running.last_lines()))

    def set_fact(self, key: str, value: object) -> None:
        """Adds to the state file."""
        self._facts[key] = value
        self._write_state()

    async def _unless_failed(self, awaitable: Awaitable[Answer], seconds: float | None) -> Answer:
        task = asyncio.ensure_future(awaitable)
        either: set[asyncio.Future[Any]] = {task, self.failure}
        try:
            await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            if self.failure.done():
                raise self.failure.result()
            raise TimeoutError
        finally:
            task.cancel()

    # One process

    async def _keep(self, running: _Running) -> None:
        spec, fast = running.spec, 0
        while not self._stopping:
            begun = time.monotonic()
            asking = asyncio.create_task(self._ask_ready(running))
            try:
                code = await self._run_once(running)
            finally:
                asking.cancel()
            if self._stopping:
                return
            lived = time.monotonic() - begun
            fast = fast + 1 if lived < spec.stable_seconds else 1
            what = f"{spec.name} ended with {_ending(code)} after {lived:.1f} s"
            if fast >= FAST_FAILURES:
                text = f"{what}, the {fast}th time in a row"
                if not self.failure.done():
                    self.failure.set_result(ProcessFailedError(_with_lines(text, running.last_lines())))
                return
            pause = min(self._backoff * 2 ** (fast - 1), LONGEST_PAUSE)
            self.console.problem(f"{what}; starting it again in {pause:.1f} s")
            await asyncio.sleep(pause)
            running.restarts += 1

    async def _run_once(self, running: _Running) -> int:
        spec = running.spec
        with contextlib.ExitStack() as stack:
            if spec.log_file:
                output, reading = stack.enter_context(spec.log_file.open("ab")), None
            else:
                # A pipe of our own: asyncio's would count a process as running while a child of it holds the pipe.
                read_end, write_end = os.pipe()
                output = stack.enter_context(os.fdopen(write_end, "wb"))
                reading = os.fdopen(read_end, "rb")
            process = running.process = await asyncio.create_subprocess_exec(
                *processes.command(spec.argv, spec.death_signal, spec.user),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                env={**self._env, **spec.env},
                cwd=spec.cwd,
                start_new_session=True,
            )
        self._write_state()
        pump = asyncio.create_task(self._pump(running, reading))
        try:
            code = await process.wait()
            # What the process itself started must not hold on to its port or its output.
            _signal_group(process.pid, signal.SIGKILL)
            await asyncio.wait({pump}, timeout=1)
        finally:
            pump.cancel()
        return code

    async def _ask_ready(self, running: _Running) -> None:
        spec = running.spec
        if spec.ready_line:
            return
        while spec.ready_check and not await asyncio.to_thread(spec.ready_check):  # noqa: ASYNC110 # another process
            await asyncio.sleep(READY_POLL)
        running.ready.set()

    async def _pump(self, running: _Running, reading: IO[bytes] | None) -> None:
        if reading is None:
            return
        stream = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), reading
        )
        try:
            rest = b""
            while chunk := await stream.read(65536):
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) > LONGEST_LINE:
                    lines, rest = [*lines, rest], b""
                for line in lines:
                    self._show(running, line)
            if rest:
                self._show(running, rest)
        finally:
            transport.close()

    def _show(self, running: _Running, raw: bytes) -> None:
        text = CONTROL.sub("", raw.decode(errors="replace").rstrip())[:LONGEST_LINE]
        running.lines.append(text)
        if text:
            self.console.line(running.spec.name, text)
        if running.spec.ready_line and running.spec.ready_line in text:
            running.ready.set()

    # Ending

    def hurry(self) -> None:
        """Makes a stop under way end what is left by force, now."""
        self._hurry.set()

    async def stop(self) -> None:
        """Stops everything, the `last` ones after all others; by force what has not ended within about 10 s."""
        self._stopping = True
        everything = list(reversed(self._all.values()))
        await self._stop_all([running for running in everything if not running.spec.last], STOP_SECONDS)
        await self._stop_all([running for running in everything if running.spec.last], STOP_LAST_SECONDS)
        self._state.unlink(missing_ok=True)

    async def _stop_all(self, group: Sequence[_Running], patience: float) -> None:
        alive = [running.process for running in group if running.process and running.process.returncode is None]
        by_pid = {running.process.pid: running.spec for running in group if running.process}
        for process in alive:
            _signal_one(process.pid, by_pid[process.pid].stop_signal)
        waits = {asyncio.create_task(process.wait()) for process in alive}
        if waits:
            hurry = asyncio.create_task(self._hurry.wait())
            until = time.monotonic() + patience
            while (pending := {task for task in waits if not task.done()}) and not hurry.done():
                left = until - time.monotonic()
                if left <= 0:
                    break
                await asyncio.wait({*pending, hurry}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            hurry.cancel()
        for process in alive:
            if process.returncode is None:
                self.console.problem(f"{by_pid[process.pid].name} did not stop in time; ending it by force")
            _signal_group(process.pid, signal.SIGKILL)
        if waits:
            await asyncio.wait(waits, timeout=5)
        for running in group:
            if running.task:
                running.task.cancel()

    # The state file

    def _write_state(self) -> None:
        entries = {}
        for name, running in self._all.items():
            identity = processes.Identity.of(running.process.pid) if running.process else None
            if identity:
                entries[name] = {"pid": identity.pid, "created": identity.created, "restarts": running.restarts}
        new = self._state.with_suffix(".new")
        # The addresses may carry a password.
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump({**self._facts, "processes": entries}, file, indent=1)
        new.replace(self._state)


async def run(supervisor: Supervisor, work: Coroutine[Any, Any, None]) -> int:
    """Does the work, which starts processes, then watches them until SIGINT, SIGTERM or SIGHUP, or a failure.

    Stops everything in any case; a second signal hurries. Returns the exit code: 0 when asked to stop, 1 for a failure.
    """
    asked = asyncio.Event()

    def on_signal() -> None:
        if asked.is_set():
            supervisor.hurry()
        else:
            supervisor.console.step("stopping (once more: at once)")
        asked.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, on_signal)

    working = asyncio.create_task(work)
    stopped = asyncio.create_task(asked.wait())
    code = 0
    try:
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not asked.is_set():
            working.result()
            either: set[asyncio.Future[Any]] = {supervisor.failure, stopped}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not asked.is_set():
            raise supervisor.failure.result()
    except (ProcessFailedError, StartError) as problem:
        supervisor.console.problem(str(problem))
        supervisor.console.step("stopping everything")
        code = 1
    finally:
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError, ProcessFailedError, StartError):
            await working
        await supervisor.stop()
    supervisor.console.step("all stopped")
    return code


def _signal_one(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _ending(code: int) -> str:
    if code >= 0:
        return f"code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def _with_lines(text: str, lines: Sequence[str]) -> str:
    return "\n".join([text + ("; its last lines:" if lines else ""), *(f"    {line}" for line in lines)])
