"""The process that measures: `python -m gateway.quality.worker`, a job on stdin, outcomes on stdout, both JSON.

Job: `files`, `format`, `entry` (an object of the contract's schema), `rules`, `memory` (MB), `seconds` (a query),
`total` (CPU seconds of all). Outcomes: `rows` and, for each rule in order, `value`, `failed` and, where it was not
measured, `status` (`skip` or `error`) with `message`.
"""

import ctypes
import json
import math
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

import duckdb

from gateway.quality.columns import UnknownOption
from gateway.quality.engine import Engine, NotMeasured

MAX_MESSAGE = 300
PR_SET_PDEATHSIG = 1


def _end_with_parent() -> None:
    """Have Linux end this process with the thread that started it, which waits for the answer (prctl(2))."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _limit(job: dict[str, Any]) -> None:
    """The system's own limits, behind those of DuckDB: address space, processor time, no core file, low priority."""
    space = (job["memory"] * 2 + 1536) * 1024 * 1024  # DuckDB maps about 700 MB of address space before any data
    cpu = math.ceil(job["total"]) + 5
    for what, wanted in ((resource.RLIMIT_AS, space), (resource.RLIMIT_CPU, cpu), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(what)
        ceiling = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(what, (ceiling, ceiling))
    os.nice(5)


def _said(error: BaseException) -> str:
    if isinstance(error, duckdb.InterruptException):
        return "The query took too long and was stopped."
    if isinstance(error, duckdb.OutOfMemoryException | MemoryError):
        return "It needs more memory than it may use."
    return (str(error).strip() or type(error).__name__).splitlines()[0][:MAX_MESSAGE]


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Load and measure. Data that cannot be loaded is said once, in `error`."""
    files = [Path(name) for name in job["files"]]
    try:
        engine = Engine(files, job["format"], job["entry"], job["memory"], job["seconds"])
    except (duckdb.Error, OSError, ValueError, TypeError, AttributeError, RecursionError, MemoryError) as error:
        return {"error": f"The data cannot be loaded: {_without_paths(_said(error), files)}"}
    outcomes = []
    for rule in job["rules"]:
        outcome: dict[str, Any] = {"value": None, "failed": None}
        try:
            outcome["value"], outcome["failed"] = engine.measure(rule)
            if isinstance(outcome["value"], float) and not math.isfinite(outcome["value"]):
                outcome = {"value": None, "failed": None, "status": "error", "message": "The measure is not a number."}
            elif rule["metric"] == "missingProperties" and engine.missing:
                outcome["message"] = f"Not in the data: {', '.join(engine.missing)[:MAX_MESSAGE]}."
        except (NotMeasured, UnknownOption) as reason:
            outcome |= {"status": "skip", "message": str(reason)}
        except (duckdb.Error, ValueError, TypeError, OverflowError, MemoryError) as error:
            outcome |= {"status": "error", "message": _said(error)}
        outcomes.append(outcome)
    return {"rows": engine.rows, "outcomes": outcomes}


def _without_paths(text: str, files: list[Path]) -> str:
    """Where the data lies on the producer's disk is nobody's business."""
    for path in files:
        text = text.replace(str(path), path.name).replace(str(path.parent), "")
    return text


if __name__ == "__main__":
    _end_with_parent()
    work = json.loads(sys.stdin.read())
    _limit(work)
    sys.stdout.write(json.dumps(run(work)))
