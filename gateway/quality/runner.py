"""Measures an artifact in a process of its own: the gateway never loads DuckDB, and no data can take it down."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gateway.quality.limits import Limits
from gateway.quality.rules import Rule
from gateway.sources import Source

_ROOT = Path(__file__).resolve().parents[2]
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class Outcome:
    """What a rule's measure came to. `status` is `measured`, `skip` (nothing to measure) or `error`."""

    status: str
    value: int | float | str | bool | None = None
    failed: int | None = None
    rows: int | None = None
    message: str | None = None


@dataclass(frozen=True)
class Measured:
    """What measuring an artifact gave: an outcome for each rule, and what is wrong with the rules of a role."""

    outcomes: list[Outcome]
    roles: dict[str, str | None] = field(default_factory=dict)


def measure(
    source: Source,
    entry: dict[str, Any] | None,
    rules: Sequence[Rule],
    limits: Limits,
    roles: dict[str, dict[str, Any]] | None = None,
) -> Measured:
    """Measure the rules of one schema object, and try the masks and filter of each role, on a source.

    Blocking, for `limits.total_seconds` at most once it is its turn: one artifact is measured at a time in a process,
    however many products it serves. Whatever goes wrong is an outcome; nothing is raised. What was measured before the
    time was up counts; the rule that was under way then is named as the one that took it.
    """
    job = {
        "source": source.to_dict(),
        "entry": {key: entry[key] for key in ("name", "physicalName", "properties") if key in entry} if entry else None,
        "rules": [rule.as_job() for rule in rules if not rule.unmeasured],
        "roles": roles or {},
        "memory": limits.memory_mb,
        "disk": limits.disk_mb * 1_000_000,
        "seconds": limits.query_seconds,
        "total": limits.total_seconds,
    }
    with _ONE_AT_A_TIME:
        lines, ended = _worked(job, limits.total_seconds)
    return _read(lines, ended, rules, roles or {})


def _read(
    lines: list[dict[str, Any]], ended: str | None, rules: Sequence[Rule], roles: dict[str, dict[str, Any]]
) -> Measured:
    faults: dict[str, str | None] = {line["role"]: line["fault"] for line in lines if "role" in line}
    rows = next((line["rows"] for line in lines if "rows" in line), None)
    error = next((line["error"] for line in lines if "error" in line), None) or (ended if rows is None else None)
    if error and not faults:
        faults = dict.fromkeys(roles, error[:1].lower() + error[1:].rstrip("."))
    found = [line for line in lines if "value" in line]
    outcomes: list[Outcome] = []
    done = 0
    for rule in rules:
        if rule.unmeasured:
            outcomes.append(Outcome("skip", message=rule.unmeasured))
        elif error:
            outcomes.append(Outcome("error", message=error))
        elif done < len(found):
            line = found[done]
            status = line.get("status", "measured")
            outcomes.append(Outcome(status, line["value"], line["failed"], rows, line.get("message")))
            done += 1
        else:
            under_way = done == len(found)
            said = "This rule was under way then." if under_way else "This rule was not reached."
            outcomes.append(Outcome("error", message=f"{ended or 'The measuring process ended early.'} {said}"))
            done += 1
    return Measured(outcomes, faults)


def _worked(job: dict[str, Any], seconds: float) -> tuple[list[dict[str, Any]], str | None]:
    """Run the worker. What it said, and why it did not come to its end, if it did not."""
    with TemporaryDirectory(prefix="gateway-", ignore_cleanup_errors=True) as folder:
        # Nothing of this process's environment: it may hold secrets of the gateway's operator.
        environment = {"PYTHONPATH": str(_ROOT), "PATH": os.defpath, "LANG": "C.UTF-8", "HOME": folder}
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "gateway.quality.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                cwd=folder,
                env=environment,
            )
        except OSError as error:
            return [], f"The measuring process could not be started: {error.strerror}."
        ended = None
        try:
            stdout, stderr = process.communicate(json.dumps(job), timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
            ended = f"Measuring took longer than {seconds:g} seconds and was stopped."
    if ended is None and process.returncode:
        ended = "The measuring process ended without an answer; it may have used too much memory or time."
        if "duckdb" in stderr and "ModuleNotFoundError" in stderr:
            ended = "Measuring needs the duckdb package, which is not installed."
    return _lines(stdout), ended


def _lines(stdout: str) -> list[dict[str, Any]]:
    lines = []
    for line in stdout.splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:  # half a line: it was stopped while it wrote
            break
    return lines
