"""The supervisor: order, restarts, and an end that leaves nothing behind. Stand-in commands, real processes."""

import json
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from marketplace.runtime.paths import Var
from tests.runtime.conftest import Program, processes_of, wait_until

PREAMBLE = """
import asyncio, os, sys
from marketplace.runtime import stack
from marketplace.runtime.console import Console
from marketplace.runtime.embedded import Servers
from marketplace.runtime.paths import StartError, Var
from marketplace.runtime.supervisor import ProcessSpec, Supervisor, run

var = Var.from_environment()
servers = Servers(var)

def python(name, code, **more):
    return ProcessSpec(name, [sys.executable, "-c", code], **more)

def supervise(bring_up, backoff=0.05):
    async def all_of_it():
        supervisor = Supervisor(Console(["postgres", "valkey", "web"]), var.state, os.environ, {"web": "here"}, backoff)
        return await run(supervisor, bring_up(supervisor))
    try:
        servers.claim("a test")
        code = asyncio.run(all_of_it())
    except StartError as error:
        sys.exit(f"refused: {error}")
    sys.exit(code)
"""

# Real databases, and a child that has a child of its own.
WHOLE = (
    PREAMBLE
    + """
PARENT = '''
import subprocess, sys, signal
subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
print("I am up", flush=True)
signal.pause()
'''
async def bring_up(supervisor):
    servers.prepare()
    for spec in stack.databases(servers):
        await supervisor.start(spec)
    servers.postgres.create_database()
    await supervisor.start(python("web", PARENT, ready_line="I am up"))
    print("everything is up", flush=True)
supervise(bring_up)
"""
)


@pytest.fixture
def var(environment: dict[str, str]) -> Var:
    return Var(Path(environment["MARKETPLACE_VAR"]))


def test_ctrl_c_ends_everything_the_databases_last(launch: Callable[..., Program], var: Var) -> None:
    program = launch(WHOLE)
    program.says("everything is up")
    state = json.loads(var.state.read_text())
    assert list(state["processes"]) == ["postgres", "valkey", "web"] and state["web"] == "here"
    assert var.state.stat().st_mode & 0o077 == 0  # addresses may carry a password
    assert all(psutil.pid_exists(entry["pid"]) for entry in state["processes"].values())

    program.process.send_signal(signal.SIGINT)
    assert program.ends(12) == 0
    assert processes_of(var.root) == []
    assert not var.state.exists()
    assert "web      | I am up" in program.output
    assert "database system is shut down" in (var.log / "postgres.log").read_text()


def test_a_killed_run_leaves_no_process_and_does_not_block_the_next(launch: Callable[..., Program], var: Var) -> None:
    first = launch(WHOLE)
    first.says("everything is up")
    assert len(processes_of(var.root)) >= 5
    first.process.kill()
    first.ends()

    second = launch(WHOLE)
    second.says("everything is up")
    ours = {process.pid for process in psutil.Process(second.process.pid).children(recursive=True)}
    assert {process.pid for process in processes_of(var.root)} == ours | {second.process.pid}


def test_two_runs_over_the_same_data_are_refused_clearly(launch: Callable[..., Program]) -> None:
    first = launch(WHOLE)
    first.says("everything is up")
    second = launch(WHOLE)
    assert second.ends() == 1
    assert re.search(rf"refused: .*in use by `a test` \(process {first.process.pid}\).*MARKETPLACE_VAR=", second.output)
    assert first.process.poll() is None


def test_a_crashed_process_is_started_again_and_it_is_said(launch: Callable[..., Program], var: Var) -> None:
    program = launch(WHOLE)
    program.says("everything is up")
    before = json.loads(var.state.read_text())["processes"]["web"]["pid"]
    child = psutil.Process(before).children()[0]
    psutil.Process(before).kill()
    program.says("web ended with signal SIGKILL")
    program.says("starting it again in")

    def restarted() -> bool:
        web = json.loads(var.state.read_text())["processes"].get("web", {})
        return bool(web.get("pid") not in (None, before) and web["restarts"] == 1)

    wait_until(restarted, "a new process in the state file")
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, "its child is gone")


def test_a_database_that_crashes_comes_back(launch: Callable[..., Program], var: Var) -> None:
    program = launch(WHOLE)
    program.says("everything is up")
    before = json.loads(var.state.read_text())["processes"]["postgres"]["pid"]
    psutil.Process(before).kill()
    program.says("postgres ended with signal SIGKILL")
    log = var.log / "postgres.log"
    wait_until(
        lambda: log.read_text().count("ready to accept connections") >= 2, "PostgreSQL accepts connections again"
    )


def test_a_process_that_keeps_failing_ends_the_run_with_its_last_lines(
    launch: Callable[..., Program], var: Var
) -> None:
    program = launch(
        PREAMBLE
        + """
async def bring_up(supervisor):
    await supervisor.start(python("web", "import signal; signal.pause()"))
    await supervisor.start(python("broken", "print('the reason'); raise SystemExit(3)", ready_line="never"))
supervise(bring_up)
"""
    )
    assert program.ends(20) == 1
    assert "broken ended with code 3 after" in program.output
    assert re.search(r"the 5th time in a row; its last lines:\n    the reason", program.output)
    assert program.output.count("starting it again") == 4
    assert processes_of(var.root) == []


def test_a_step_that_fails_ends_the_run(launch: Callable[..., Program], var: Var) -> None:
    program = launch(
        PREAMBLE
        + """
async def bring_up(supervisor):
    await supervisor.start(python("web", "import signal; signal.pause()"))
    await supervisor.step(python("migrate", "raise SystemExit('no such table')"))
    print("never said")
supervise(bring_up)
"""
    )
    assert program.ends() == 1
    assert "migrate ended with code 1" in program.output and "no such table" in program.output
    assert "never said" not in program.output
    assert processes_of(var.root) == []


def test_what_does_not_stop_is_ended_by_force_and_a_second_ctrl_c_hurries(
    launch: Callable[..., Program], var: Var
) -> None:
    program = launch(
        PREAMBLE
        + """
STUBBORN = '''
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("stubborn", flush=True)
while True:
    signal.pause()
'''
async def bring_up(supervisor):
    await supervisor.start(python("web", STUBBORN, ready_line="stubborn"))
    print("everything is up", flush=True)
supervise(bring_up)
"""
    )
    program.says("everything is up")
    program.process.send_signal(signal.SIGINT)
    program.says("stopping")
    program.process.send_signal(signal.SIGINT)
    assert program.ends(4) == 0  # without the second signal it waits 6 s
    assert "web did not stop in time; ending it by force" in program.output
    assert processes_of(var.root) == []


def test_ctrl_c_while_starting_stops_too(launch: Callable[..., Program], var: Var) -> None:
    program = launch(
        PREAMBLE
        + """
async def bring_up(supervisor):
    await supervisor.step(python("migrate", "print('at work', flush=True); import signal; signal.pause()"))
supervise(bring_up)
"""
    )
    program.says("at work")
    program.process.send_signal(signal.SIGTERM)
    assert program.ends(10) == 0
    assert processes_of(var.root) == []


def test_output_cannot_steer_the_terminal_and_long_lines_are_cut(launch: Callable[..., Program]) -> None:
    program = launch(
        PREAMBLE
        + r"""
NOISE = r'''
import os, signal
os.write(1, b"\x1b[2Jcleared\x07 \xff\xfe\n" + b"x" * 100_000 + b"\nno newline at the end")
'''
async def bring_up(supervisor):
    await supervisor.step(python("web", NOISE))
supervise(bring_up)
"""
    )
    program.says("no newline at the end")
    assert "\x1b" not in program.output and "\x07" not in program.output
    assert "[2Jcleared" in program.output
    assert max(len(line) for line in program.output.splitlines()) < 5000


def test_a_command_that_does_not_exist_is_said(launch: Callable[..., Program]) -> None:
    program = launch(
        PREAMBLE
        + """
async def bring_up(supervisor):
    await supervisor.step(ProcessSpec("web", ["/nowhere/gunicorn"]))
supervise(bring_up)
"""
    )
    assert program.ends() == 1
    assert "cannot run /nowhere/gunicorn" in program.output


@pytest.mark.parametrize(
    ("port", "said"),
    [("http", "PORT is 'http'; it must be a whole number"), ("70000", "from 1 to 65535"), ("-1", "whole number")],
)
def test_a_senseless_port_is_refused(launch: Callable[..., Program], port: str, said: str) -> None:
    program = launch(argv=[sys.executable, "-m", "marketplace.runtime"], PORT=port)
    assert program.ends() == 1
    assert said in program.output
    assert "Traceback" not in program.output
