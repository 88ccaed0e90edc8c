"""The processes of the marketplace, in the order in which `make run` starts them."""

import http.client
import os
import re
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from marketplace.runtime.embedded import Servers
from marketplace.runtime.paths import REPOSITORY, StartError
from marketplace.runtime.supervisor import ProcessSpec

PYTHON = sys.executable
# Many processes, two cores: threads of numeric libraries in each of them only take memory and time from each other.
LEAN = {
    "PYTHONUNBUFFERED": "1",
    "MALLOC_ARENA_MAX": "2",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "DJANGO_SETTINGS_MODULE": "marketplace.settings",
}


@dataclass(frozen=True)
class Options:
    """What the environment says about this run: PORT, DEMO_GATEWAY_PORT, WEB_CONCURRENCY, DEMO."""

    port: int
    gateway_port: int
    web_workers: int
    demo: bool

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Options":
        """Reads them. Raises StartError for what is not a number or not a port."""
        return cls(
            port=_number(environment, "PORT", 8000, 1, 65535),
            gateway_port=_number(environment, "DEMO_GATEWAY_PORT", 8100, 1, 65000),
            web_workers=_number(environment, "WEB_CONCURRENCY", 1, 1, 64),
            demo=environment.get("DEMO", "1").strip().lower() not in {"0", "false", "no", "off", ""},
        )

    @property
    def address(self) -> str:
        """Where the browser finds it."""
        return f"http://127.0.0.1:{self.port}"


def _number(environment: Mapping[str, str], name: str, default: int, lowest: int, highest: int) -> int:
    raw = environment.get(name, "").strip() or str(default)
    if raw.isdecimal() and lowest <= int(raw) <= highest:
        return int(raw)
    raise StartError(f"{name} is {raw!r}; it must be a whole number from {lowest} to {highest}.")


def refuse_taken_ports(options: Options) -> None:
    """Raises StartError with what to do where the port of the pages, or one of the demo's gateways, cannot be had."""
    other = options.port + 1 if options.port < 65535 else options.port - 1
    _try_port(options.port, f"Choose another one: PORT={other} make run")
    for offset in gateway_offsets() if options.demo else ():
        _try_port(
            options.gateway_port + offset,
            f"One of the demo's gateways needs it. Choose another base: DEMO_GATEWAY_PORT={options.gateway_port + 100} "
            "make run",
        )


def gateway_offsets() -> list[int]:
    """How far above DEMO_GATEWAY_PORT the demo's gateways listen, from demo/mesh.yaml."""
    try:
        text = (REPOSITORY / "demo" / "mesh.yaml").read_text()
    except OSError:
        return []
    return [int(found) for found in re.findall(r"^ *port_offset: *(\d+)", text, re.MULTILINE)]


def _try_port(port: int, advice: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the server will do it: connections of an earlier run that are still closing do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError as error:
            raise StartError(f"Port {port} is reserved for root. {advice}") from error
        except (OSError, OverflowError) as error:
            raise StartError(f"Port {port} is taken by another program. {advice}") from error


def answers(port: int, path: str) -> bool:
    """Whether an HTTP server on loopback answers `path` with success. Cost: one request, 2 s at most."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 400
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def databases(servers: Servers) -> list[ProcessSpec]:
    """The embedded servers; they are stopped after everything else."""
    postgres, valkey = servers.postgres, servers.valkey
    return [
        ProcessSpec(
            "postgres",
            postgres.argv(),
            env={"LC_ALL": "C", "LANG": "C"},
            ready_check=postgres.is_ready,
            ready_seconds=60,
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
            user=postgres.user(),
            log_file=postgres.log,
            last=True,
            cwd=Path("/"),
        ),
        ProcessSpec(
            "valkey",
            valkey.argv(),
            ready_check=valkey.is_ready,
            ready_seconds=60,
            death_signal=signal.SIGTERM,
            log_file=valkey.log,
            last=True,
            cwd=servers.var.valkey,
        ),
    ]


def manage(name: str, *arguments: str) -> ProcessSpec:
    """A management command that runs once."""
    return ProcessSpec(name, [PYTHON, str(REPOSITORY / "manage.py"), *arguments], cwd=REPOSITORY)


def web(options: Options) -> ProcessSpec:
    """The pages and the API.

    Loading the application before the fork pays from the second worker on: what one shares with its parent is less than
    what the parent takes (149 MB against 115 MB, measured with one).
    """
    return ProcessSpec(
        "web",
        [
            *(PYTHON, "-m", "gunicorn", "marketplace.wsgi:application", "--bind", f"127.0.0.1:{options.port}"),
            *("--config", str(REPOSITORY / "gunicorn.conf.py"), "--workers", str(options.web_workers)),
            *(["--preload"] if options.web_workers > 1 else []),
        ],
        ready_check=lambda: answers(options.port, "/healthz"),
        cwd=REPOSITORY,
    )


def worker(name: str, queues: str, concurrency: int, app: str = "marketplace", **env: str) -> ProcessSpec:
    """A Celery worker of some queues, with threads. The workers of one machine need not know of each other."""
    return ProcessSpec(
        name,
        [
            *(PYTHON, "-m", "celery", "--quiet", "-A", app, "worker", "-Q", queues, "-n", f"{name}@%h"),
            *("--pool", "threads", "--concurrency", str(concurrency), "--loglevel", "INFO"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ],
        # Celery warns at length about root, as whom a demonstration in a container often runs.
        env={"PYTHONWARNINGS": "ignore:You're running the worker", **env},
        ready_line=" ready.",
        cwd=REPOSITORY,
    )


def workers(run_folder: Path) -> list[ProcessSpec]:
    """The model in one process; live fetches, the rest and the scheduler, which all mostly wait, in another.

    On real servers each queue has its own (compose.yaml). Here each process more takes 100 MB, and forking them from a
    common parent saves nothing: what they share is soon written to.
    """
    schedule = str(run_folder / "celerybeat-schedule")
    return [
        worker("worker", "live,default", 64, "marketplace.runtime.scheduler", SCHEDULE_FILE=schedule),
        worker("worker-embed", "embed", 1, OMP_NUM_THREADS=str(max(1, (os.cpu_count() or 2) // 2))),
    ]


def gateways(options: Options) -> ProcessSpec:
    """The gateways of the demo's data products, all in one process."""
    return ProcessSpec(
        "gateways",
        [PYTHON, "-m", "demo", "serve"],
        env={"DEMO_GATEWAY_PORT": str(options.gateway_port)},
        ready_line="gateways listening",
        cwd=REPOSITORY,
    )
