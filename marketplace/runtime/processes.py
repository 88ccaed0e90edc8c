"""Starting processes that end with their parent, and ending those that an earlier, killed run left behind."""

import os
import signal
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

CHILD = Path(__file__).with_name("child.py")

# Start times are reckoned from the time of boot, which the kernel corrects along with the clock: seconds of slack.
CLOCK_SLACK = 2.0


@dataclass(frozen=True)
class Identity:
    """A process for certain: its number alone may since belong to another, its number and start time may not.

    `created` is in seconds since 1970. Started by us, the process leads its own session, so everything it started
    carries its number as the session's.
    """

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> "Identity | None":
        """The identity of a running process, None when there is none of that number."""
        try:
            return cls(pid, psutil.Process(pid).create_time())
        except psutil.Error:
            return None


def command(
    program: Sequence[str], death_signal: signal.Signals = signal.SIGKILL, user: tuple[int, int] | None = None
) -> list[str]:
    """The command line that runs `program` so that it gets `death_signal` when the calling process ends.

    `user` is (uid, gid) to run as, for root only. The kernel watches the calling *thread*: start from one that stays.
    """
    uid, gid = user if user else (-1, -1)
    prefix = [sys.executable, "-I", "-S", str(CHILD), str(os.getpid()), str(int(death_signal)), str(uid), str(gid)]
    return [*prefix, "--", *program]


def leftovers(identities: Iterable[Identity]) -> list[psutil.Process]:
    """Running processes among the identities and in the sessions they led. Cost: one walk of the process table."""
    recorded = {identity.pid: identity.created for identity in identities}
    if not recorded:
        return []
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            created = process.create_time()
            led = recorded.get(process.pid)
            session = recorded.get(os.getsid(process.pid))
        except (psutil.Error, OSError):
            continue
        # A session outlives its leader, and its number is not given away before the last member is gone.
        member = led is None and session is not None and created > session - CLOCK_SLACK
        if member or (led is not None and abs(created - led) < CLOCK_SLACK):
            found.append(process)
    return found


def end(processes: Sequence[psutil.Process], first: signal.Signals = signal.SIGTERM, patience: float = 5.0) -> None:
    """Sends `first`, waits up to `patience` seconds for all, then kills what is left. Gone processes are no error."""
    for process in processes:
        _send(process, first)
    _, alive = psutil.wait_procs(list(processes), timeout=patience)
    for process in alive:
        _send(process, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=5)


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:
        return


def working_in(folder: Path, name: str) -> list[psutil.Process]:
    """Running programs called `name` whose working folder is `folder`. Cost: one walk of the process table.

    PostgreSQL and Valkey work in their data folder, each backend too, so this finds them after every kind of accident.
    """
    found = []
    for process in psutil.process_iter(["name"]):
        if not (process.info["name"] or "").startswith(name):
            continue
        try:
            if Path(process.cwd()) == folder:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found
