"""Whether folders, addresses and databases can be reached: looked at in the background, told at once.

A look is a process of its own with a time limit, so that no driver, address or network disk can hold the gateway up,
and nothing of a driver is loaded into it.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.config import GatewayConfig
from gateway.live import LiveProduct
from gateway.product import PortArtifact
from gateway.samples import DataError
from gateway.schedule import Repeated, scheduler
from gateway.sources import Source, source_of

FRESH_SECONDS = 30.0
"""A look is not repeated sooner, however often health is asked for."""
START_SECONDS = 5.0
"""What starting the process may take besides the look."""
_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Look:
    """What a look saw. `fault` says why the source cannot be had, without addresses; `when` is the wall clock."""

    fault: str | None
    when: datetime
    updated: datetime | None = None


@dataclass
class _Kept:
    source: Source
    look: Look | None = None
    at: float = float("-inf")
    under_way: bool = False


class Watch:
    """The sources of one product that are not one file. Methods may be called from any thread and never wait."""

    def __init__(self, live: LiveProduct, config: Callable[[], GatewayConfig]) -> None:
        self.live = live
        self.config = config
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()
        self._timer: Repeated | None = None

    def seen(self) -> dict[str, Look | None]:
        """The last look at each artifact's source, by artifact id; None before the first.

        Artifacts whose data is one file are not in it. Asking has old looks repeated in the background.
        """
        found: dict[str, Look | None] = {}
        for own_id, entry in self.live.snapshot.product.artifacts.items():
            source = self._watched(entry)
            if isinstance(source, Look):
                found[own_id] = source
            elif source is not None:
                found[own_id] = self._look_of(own_id, source)
        return found

    def _watched(self, entry: PortArtifact) -> Source | Look | None:
        own = self.live.snapshot.product.config.config.artifact(entry.artifact.name, entry.artifact.id).source
        if own is None or entry.data is not None:
            return None
        try:
            return source_of(self.live.snapshot.product, entry)
        except DataError as error:
            return Look(str(error), datetime.now(UTC))

    def _look_of(self, own_id: str, source: Source) -> Look | None:
        with self._lock:
            kept = self._kept.get(own_id)
            if kept is None or kept.source != source:
                kept = self._kept[own_id] = _Kept(source)
            if not kept.under_way and time.monotonic() - kept.at >= FRESH_SECONDS:
                kept.under_way = True
                scheduler.after(0, "look", lambda: self._look(kept))
            return kept.look

    def _look(self, kept: _Kept) -> None:
        try:
            kept.look = looked(kept.source, self.config().limits.source_seconds)
        finally:
            kept.at, kept.under_way = time.monotonic(), False

    def start(self) -> None:
        """Look now, and again and again, so that an answer is there before anybody asks."""
        if self._timer is None:
            self._timer = Repeated(scheduler, "look", self.seen, lambda: self.config().observe.look_seconds)
            self._timer.start(0)

    def stop(self) -> None:
        """End looking. A look under way ends by itself."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def updated_of(entry: PortArtifact, looks: dict[str, Look | None]) -> datetime | None:
    """When an artifact's content last changed: as its documents or its file say, else as its source was seen to."""
    look = looks.get(entry.artifact.id)
    return entry.artifact.updated or (look.updated if look else None)


def looked(source: Source, seconds: float) -> Look:
    """Look at a source now. Blocking, for little more than `seconds`; nothing is raised."""
    job: dict[str, Any] = {"source": source.to_dict(), "seconds": seconds}
    environment = {"PYTHONPATH": str(_ROOT), "PATH": os.defpath, "LANG": "C.UTF-8"}
    fault: str | None = "it could not be looked at"
    updated = None
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "gateway.quality.look"],
            input=json.dumps(job),
            capture_output=True,
            text=True,
            timeout=seconds + START_SECONDS,
            env=environment,
            check=False,
        )
        answer = json.loads(done.stdout)
        fault, seen = answer["fault"], answer["updated"]
        updated = datetime.fromtimestamp(seen, UTC) if seen is not None else None
    except subprocess.TimeoutExpired:
        fault = f"its source did not answer within {seconds:g} seconds"
    except (OSError, ValueError):
        pass
    return Look(fault, datetime.now(UTC), updated)
