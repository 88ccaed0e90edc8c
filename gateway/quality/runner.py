"""Measures an artifact in a process of its own: the gateway never loads DuckDB, and no data can take it down."""

import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.quality.rules import Rule

_ROOT = Path(__file__).resolve().parents[2]
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class Limits:
    """What measuring one artifact may use."""

    memory_mb: int = 256
    query_seconds: float = 10.0
    total_seconds: float = 60.0


@dataclass(frozen=True)
class Outcome:
    """What a rule's measure came to. `status` is `measured`, `skip` (nothing to measure) or `error`."""

    status: str
    value: int | float | str | bool | None = None
    failed: int | None = None
    rows: int | None = None
    message: str | None = None


def measure(files: list[Path], format: str, entry: dict[str, Any], rules: list[Rule], limits: Limits) -> list[Outcome]:
    """An outcome for each rule. Blocking, for `limits.total_seconds` at most once it is its turn.

    One artifact is measured at a time in a process, however many products it serves. Whatever goes wrong is an
    outcome; nothing is raised.
    """
    job = {
        "files": [str(path) for path in files],
        "format": format,
        "entry": {key: entry[key] for key in ("name", "physicalName", "properties") if key in entry},
        "rules": [rule.as_job() for rule in rules if not rule.unmeasured],
        "memory": limits.memory_mb,
        "seconds": limits.query_seconds,
        "total": limits.total_seconds,
    }
    with _ONE_AT_A_TIME:
        answer = _worked(job, limits.total_seconds)
    if "error" in answer:
        return [_unmeasured(rule) or Outcome("error", message=answer["error"]) for rule in rules]
    found = iter(answer["outcomes"])
    return [_unmeasured(rule) or _outcome(next(found), answer["rows"]) for rule in rules]


def _unmeasured(rule: Rule) -> Outcome | None:
    return Outcome("skip", message=rule.unmeasured) if rule.unmeasured else None


def _outcome(found: dict[str, Any], rows: int) -> Outcome:
    status = found.get("status", "measured")
    return Outcome(status, found["value"], found["failed"], rows, found.get("message"))


def _worked(job: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Run the worker; `error` says why it gave no answer."""
    # Nothing of this process's environment: it may hold secrets of the gateway's operator.
    environment = {"PYTHONPATH": os.pathsep.join([str(_ROOT)]), "PATH": os.defpath, "LANG": "C.UTF-8"}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "gateway.quality.worker"],
            input=json.dumps(job),
            capture_output=True,
            text=True,
            timeout=seconds,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"Measuring took longer than {seconds:g} seconds and was stopped."}
    except OSError as error:
        return {"error": f"The measuring process could not be started: {error.strerror}."}
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        if "duckdb" in done.stderr and "ModuleNotFoundError" in done.stderr:
            return {"error": "Measuring needs the duckdb package, which is not installed."}
        return {"error": "The measuring process ended without an answer; it may have used too much memory or time."}
    return answer
