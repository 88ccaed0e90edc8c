"""What the person at the keyboard meets: taken ports, another user's data, manage.py with and without servers."""

import functools
import os
import pwd
import shutil
import socket
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from marketplace.runtime.bootstrap import default_environment
from marketplace.runtime.console import Console, colour_wanted
from marketplace.runtime.embedded import Servers
from marketplace.runtime.paths import REPOSITORY, Var
from marketplace.runtime.stack import gateway_offsets
from tests.runtime.conftest import Program, processes_of

# What manage.py does, with a stand-in for Django.
COMMAND = """
import os, sys
sys.argv = ["manage.py", *sys.argv[1:]]
from marketplace.runtime.bootstrap import ensure_services
ensure_services(sys.argv)
print(os.environ["DATABASE_URL"])
import psycopg
with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    print("answer", connection.execute("SELECT 42").fetchone()[0], flush=True)
if sys.argv[1] == "stay":
    sys.stdin = os.fdopen(int(os.environ["STAY"])); sys.stdin.read()
"""


def test_a_taken_port_is_said_before_anything_starts(
    launch: Callable[..., Program], environment: dict[str, str]
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        program = launch(argv=[sys.executable, "-m", "marketplace.runtime"], PORT=str(port))
        assert program.ends() == 1
    assert f"Port {port} is taken by another program" in program.output
    assert "make run" in program.output and "Traceback" not in program.output
    assert not (Path(environment["MARKETPLACE_VAR"]) / "postgres").exists()


def test_a_command_starts_the_servers_for_its_own_duration(
    launch: Callable[..., Program], environment: dict[str, str]
) -> None:
    var = Path(environment["MARKETPLACE_VAR"])
    program = launch(argv=[sys.executable, "-c", COMMAND, "migrate"])
    assert program.ends(30) == 0
    assert "answer 42" in program.output
    assert processes_of(var) == []


def test_a_command_uses_servers_that_already_run(launch: Callable[..., Program], environment: dict[str, str]) -> None:
    with Servers(Var(Path(environment["MARKETPLACE_VAR"])), durable=False) as servers:
        program = launch(argv=[sys.executable, "-c", COMMAND, "migrate"])
        assert program.ends(30) == 0
        assert "answer 42" in program.output
        assert servers.postgres.is_ready()


def test_the_first_of_two_commands_waits_for_the_second(
    launch: Callable[..., Program], environment: dict[str, str]
) -> None:
    read_first, write_first = os.pipe()
    read_second, write_second = os.pipe()
    for fd in (read_first, read_second):
        os.set_inheritable(fd, True)
    first = launch_with(launch, read_first)
    first.says("answer 42")
    second = launch_with(launch, read_second)
    second.says("answer 42")
    os.close(write_first)
    first.says("waiting for other commands")
    assert first.process.poll() is None
    os.close(write_second)
    assert second.ends() == 0
    assert first.ends() == 0


def launch_with(launch: Callable[..., Program], fd: int) -> Program:
    """The command `stay`, which ends when the other end of the pipe is closed."""
    # subprocess closes descriptors it is not told of, so the shell opens it again by its /proc name.
    return launch(
        argv=["/bin/sh", "-c", f'exec "$0" "$@" 9</proc/{os.getpid()}/fd/{fd}', sys.executable, "-c", COMMAND, "stay"],
        STAY="9",
    )


def test_own_servers_are_used_and_nothing_embedded_is_touched(
    launch: Callable[..., Program], environment: dict[str, str]
) -> None:
    program = launch(
        "from marketplace.runtime.bootstrap import ensure_services; ensure_services(['manage.py', 'migrate']); "
        "import os; print(os.environ['DATABASE_URL'], os.environ.get('SECRET_KEY'))",
        DATABASE_URL="postgresql://db/x",
        REDIS_URL="redis://cache/0",
    )
    assert program.ends() == 0
    assert program.output.strip() == "postgresql://db/x None"
    assert not Path(environment["MARKETPLACE_VAR"]).exists()


def test_reading_descriptors_starts_no_servers(
    launch: Callable[..., Program], environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "product.yaml").write_text("apiVersion: v1.0.0\nkind: DataProduct\nid: p\nstatus: active\n")
    program = launch(argv=[sys.executable, "manage.py", "read_descriptors", str(tmp_path / "product.yaml")])
    assert program.ends(60) == 0
    assert "ODPS v1.0.0" in program.output
    assert not (Path(environment["MARKETPLACE_VAR"]) / "postgres").exists()


def test_the_secret_key_is_made_once_and_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRET_KEY", "DEMO", "DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    servers = Servers(Var(tmp_path / "var"))
    first = default_environment(servers)
    assert len(first["SECRET_KEY"]) >= 50 and first["DEMO"] == "1"
    assert default_environment(servers)["SECRET_KEY"] == first["SECRET_KEY"]
    assert stat.S_IMODE((tmp_path / "var" / "secret_key").stat().st_mode) == 0o600
    monkeypatch.setenv("DEMO", "0")
    assert default_environment(servers)["DEMO"] == "0"


HOLD = """
from marketplace.runtime.embedded import Servers
from marketplace.runtime.paths import Var
import psycopg, os
with Servers(Var.from_environment(), durable=False) as servers:
    with psycopg.connect(servers.environment()["DATABASE_URL"]) as connection:
        print("rows", connection.execute("SELECT count(*) FROM pg_extension WHERE extname = 'vector'").fetchone())
    print("ping", servers.valkey.is_ready(), "as", os.getuid())
"""


def as_nobody(code: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs Python code as an ordinary user; skips the test where such a one can read neither Python nor this clone."""
    nobody = pwd.getpwnam("nobody")
    packages = sysconfig.get_path("purelib")
    version = sysconfig.get_python_version()
    # Root's own Python is often in root's home; the machine's will do, with the same packages.
    for python in (sys.executable, shutil.which(f"python{version}", path="/usr/local/bin:/usr/bin") or sys.executable):
        run = functools.partial(
            subprocess.run,
            user=nobody.pw_uid,
            group=nobody.pw_gid,
            extra_groups=[],
            cwd=REPOSITORY,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": packages, "PYTHONDONTWRITEBYTECODE": "1", **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        try:
            if run([python, "-c", "import psutil, marketplace.runtime"]).returncode == 0:
                return run([python, "-c", code])
        except OSError:
            continue
    pytest.skip("other users may read neither this Python nor this clone")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user; as an ordinary user all tests show it")
def test_it_works_as_an_ordinary_user(tmp_path: Path) -> None:
    user = pwd.getpwnam("nobody")
    home = Path("/tmp") / f"marketplace-test-{os.getpid()}"
    home.mkdir(mode=0o755)
    try:
        os.chown(home, user.pw_uid, user.pw_gid)
        done = as_nobody(HOLD, {"HOME": str(home), "MARKETPLACE_VAR": str(home / "var")})
        assert done.returncode == 0, done.stderr
        assert f"ping True as {user.pw_uid}" in done.stdout and "rows (1,)" in done.stdout
        assert (home / "var" / "postgres").stat().st_uid == user.pw_uid
    finally:
        subprocess.run(["rm", "-rf", str(home)], check=True)


@pytest.mark.skipif(os.getuid() != 0, reason="PostgreSQL changes its user only for root")
def test_as_root_it_works_in_a_private_folder_and_opens_none(tmp_path: Path, environment: dict[str, str]) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    done = subprocess.run(
        [sys.executable, "-c", HOLD],
        cwd=REPOSITORY,
        env={**environment, "MARKETPLACE_VAR": str(private / "var")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "rows (1,)" in done.stdout
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert (private / "var" / "postgres").stat().st_uid != 0


def test_data_of_another_user_is_said(tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can make data of another user")
    with Servers(Var(tmp_path / "var"), durable=False):
        pass
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == 0 and folder.is_relative_to("/tmp/") and folder != Path("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o055)
    done = as_nobody(HOLD, {"MARKETPLACE_VAR": str(tmp_path / "var")})
    assert done.returncode != 0
    assert "MARKETPLACE_VAR=" in done.stderr


class Terminal:
    """A stream that says whether it is a terminal, and keeps what is written."""

    def __init__(self, terminal: bool) -> None:
        self.terminal, self.text = terminal, ""

    def isatty(self) -> bool:
        return self.terminal

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None: ...


def test_colour_only_where_it_can_be_seen_and_is_wanted() -> None:
    assert colour_wanted(Terminal(True), {})  # type: ignore[arg-type]
    assert not colour_wanted(Terminal(True), {"NO_COLOR": "1"})  # type: ignore[arg-type]
    assert not colour_wanted(Terminal(False), {})  # type: ignore[arg-type]
    plain, coloured = Terminal(False), Terminal(True)
    for stream in (plain, coloured):
        Console(["web", "worker-live"], stream, None).line("web", "hello")  # type: ignore[arg-type]
    assert plain.text == "web         | hello\n"
    assert "hello" in coloured.text


def test_a_taken_gateway_port_is_said_before_anything_starts(launch: Callable[..., Program]) -> None:
    offset = gateway_offsets()[0]
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        base = other.getsockname()[1] - offset
        program = launch(
            argv=[sys.executable, "-m", "marketplace.runtime"], PORT=str(free_port()), DEMO_GATEWAY_PORT=str(base)
        )
        assert program.ends() == 1
    assert f"Port {base + offset} is taken" in program.output
    assert f"DEMO_GATEWAY_PORT={base + 100} make run" in program.output


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
