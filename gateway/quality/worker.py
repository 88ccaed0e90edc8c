"""The process that measures: `python -m gateway.quality.worker`, a job on stdin, what it found on stdout, both JSON.

Job: `source` (as `Source.to_dict`), `entry` (an object of the contract's schema, or null), `rules`, `roles` (masks and
filter by role), `memory` (MB), `disk` (the most bytes of a source that is elsewhere), `seconds` (a query), `total`
(CPU seconds of all).

stdout, a line of JSON for each thing as soon as it is known, so that whoever ends this process knows what it was at:
`{"role", "fault"}` for each role, `{"rows"}` once the data is loaded, then for each rule in order `{"value", "failed"}`
and, where it was not measured, `status` (`skip` or `error`) with `message`. `{"error"}` when the data cannot be had.
"""

import ctypes
import json
import math
import os
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from gateway.documents import Stamp, stamp
from gateway.quality.columns import UnknownOption
from gateway.quality.engine import Engine, NotMeasured
from gateway.quality.roles import faults_of
from gateway.samples import DataError
from gateway.sources import Brought, Source, bring

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
    """An error for people who may not see the data: DuckDB quotes values in some of its own."""
    if isinstance(error, duckdb.InterruptException):
        return "The query took too long and was stopped."
    if isinstance(error, duckdb.OutOfMemoryException | MemoryError):
        return "It needs more memory than it may use."
    if isinstance(error, duckdb.ConversionException | duckdb.OutOfRangeException | duckdb.InvalidInputException):
        return "A value in the data does not fit what the query does with it."
    return (str(error).strip() or type(error).__name__).splitlines()[0][:MAX_MESSAGE]


def run(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Bring, load and measure. Data that cannot be had is said once, in `error`."""
    source = Source.from_dict(job["source"])
    files: list[Path] = []
    try:
        scratch = Path("scratch").resolve()
        scratch.mkdir()
        brought = bring(source, scratch, job["disk"], job["total"])
        files = brought.files
        seen = list(map(stamp, files))
        yield from faults_of(source, brought, scratch, job)
        if job["entry"] is None:
            return
        engine = _loaded(brought, seen, job)
    except DataError as error:
        yield {"error": f"The data cannot be loaded: {error}."}
        return
    except (duckdb.Error, OSError, ValueError, TypeError, AttributeError, RecursionError, MemoryError) as error:
        yield {"error": f"The data cannot be loaded: {_without_paths(_said(error), files)}"}
        return
    yield {"rows": engine.rows}
    for rule in job["rules"]:
        yield _measured(engine, rule)


def _loaded(brought: Brought, seen: list[Stamp | None], job: dict[str, Any]) -> Engine:
    """The data in DuckDB, all of one state of the files: read again when one was replaced meanwhile."""
    for _ in range(3):
        try:
            engine = Engine(brought, job["entry"], job["memory"], job["seconds"])
        except (DataError, duckdb.Error, OSError, ValueError):
            if seen == (seen := list(map(stamp, brought.files))):
                raise
            continue
        if seen == (seen := list(map(stamp, brought.files))):
            return engine
    raise DataError("it changes faster than it can be read")


def _measured(engine: Engine, rule: dict[str, Any]) -> dict[str, Any]:
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
    return outcome


def _without_paths(text: str, files: list[Path]) -> str:
    """Where the data lies on the producer's disk is nobody's business."""
    for path in [*files, Path.cwd()]:
        text = text.replace(str(path), path.name).replace(str(path.parent), "")
    return text


if __name__ == "__main__":
    _end_with_parent()
    work = json.loads(sys.stdin.read())
    _limit(work)
    for found in run(work):
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()
