"""How gunicorn serves the marketplace. It reads this file by itself where it is started in this folder.

Addresses and numbers of processes are given on the command line.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from gunicorn.http import message  # type: ignore[import-untyped]

worker_class = "gthread"
threads = 8
keepalive = 15  # seconds
graceful_timeout = 4  # seconds
loglevel = "warning"

# A question may be long: search shortens it and says so, which beats a bare refusal. Unlimited it must not be, since
# the line is copied with each piece of it that arrives. gunicorn caps the limit at a constant of its own.
limit_request_line = message.MAX_REQUEST_LINE = 65536

# Each process counts in files of this folder, and /metrics adds them up. prometheus_client reads the variable once.
OWN_FOLDER = "marketplace-metrics-"
if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix=OWN_FOLDER)


def on_starting(server: Any) -> None:
    """Counts of an earlier run are nobody's."""
    folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.db"):
        file.unlink()


def child_exit(server: Any, worker: Any) -> None:
    """Gauges of a process end with it; its counters stay in the sums."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    """Removes the folder, if it was made here."""
    folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    if folder.name.startswith(OWN_FOLDER):
        shutil.rmtree(folder, ignore_errors=True)
