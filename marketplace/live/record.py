"""What is known of a subject (a product, an artifact, an inspection), as the live cache keeps it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from .errors import Problem
from .view import VIEW_TYPES, from_json, shape_of, to_json

DECODED = 1000  # views that a process keeps, of the answers it looked at last …
DECODED_BYTES = 16_384  # … each of at most so much JSON
DECLARED_SECONDS = 30  # how long "this product offers no such interface" is believed


def _reading() -> str:
    """Another text for another program, which may make another view of the same document."""
    here = Path(__file__).parent
    found = hashlib.sha256()
    for path in sorted(here.rglob("*.py")):
        found.update(f"{path.relative_to(here)}\n".encode() + path.read_bytes())
    return found.hexdigest()[:12]


READING = _reading()  # at once, and not when it is first wanted: the files may be those of the next version by then


@lru_cache(maxsize=DECODED)
def _decoded(kind: str, stored: bytes) -> Any:
    """Pages look at the same answer again and again, and nobody changes a view."""
    return from_json(VIEW_TYPES[kind], stored)


class Seen:
    """A good answer: when (epoch seconds) and whence it came, how long it is fresh, and its view.

    `view` (one of view.VIEW_TYPES) is decoded when it is first asked for; `digest` is of the bytes it was read from,
    and empty where that is not known.
    """

    __slots__ = ("_json", "_view", "at", "digest", "etag", "fresh_until", "kind", "latency_ms", "url")

    def __init__(
        self,
        at: float,
        latency_ms: int,
        url: str | None,
        etag: str | None,
        fresh_until: float,
        view: Any,
        digest: str = "",
    ) -> None:
        self.at, self.latency_ms, self.url, self.etag = at, latency_ms, url, etag
        self.fresh_until, self.digest = fresh_until, digest
        self.kind = type(view).__name__
        self._view: Any = view
        self._json: bytes | None = None

    @property
    def view(self) -> Any:
        if self._view is None and self._json is not None:
            small = len(self._json) <= DECODED_BYTES
            self._view = _decoded(self.kind, self._json) if small else from_json(VIEW_TYPES[self.kind], self._json)
        return self._view

    @property
    def content(self) -> int:
        """Another number for another view, in the same process."""
        if self._json is None:
            self._json = to_json(self._view)
        return hash(self._json)

    def again(self, at: float, latency_ms: int, etag: str | None, fresh_until: float) -> Seen:
        """The same view, which the product has just said still holds."""
        found = Seen(at, latency_ms, self.url, etag, fresh_until, self._view, self.digest)
        found.kind, found._json = self.kind, self._json
        return found

    def dump(self) -> bytes:
        """As it is stored: a line of what is known of it, and the view."""
        if self._json is None:
            self._json = to_json(self._view)
        head = {name: getattr(self, name) for name in _HEAD}
        head["shape"], head["reading"] = shape_of(self.kind), READING
        return json.dumps(head).encode() + b"\n" + self._json

    @classmethod
    def load(cls, stored: bytes) -> Seen:
        """Raises ValueError, KeyError or TypeError for what another version of this program wrote."""
        line, _, body = stored.partition(b"\n")
        head = json.loads(line)
        if head["shape"] != shape_of(head["kind"]):
            raise ValueError("written by another version")
        # The same bytes may say more to the program as it is now: shown, but asked for and read anew.
        etag, digest = (head["etag"], head["digest"]) if head.get("reading") == READING else (None, "")
        found = cls(head["at"], head["latency_ms"], head["url"], etag, head["fresh_until"], None, digest)
        found.kind, found._json = head["kind"], body
        return found


_HEAD = ("at", "latency_ms", "url", "etag", "fresh_until", "digest", "kind")


@dataclass(frozen=True, slots=True)
class Failed:
    """The last attempt at a part failed. `retry_at` None: it fails by what the product declares, not by chance.

    `since`: the first failure of those that followed each other without an answer; None where no fault of the product's
    is known. The times are epoch seconds.
    """

    at: float
    problem: Problem
    retry_at: float | None
    url: str | None = None
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """All that is known of a subject. Times: epoch seconds. `waiting_since`: asked, and no worker has taken it yet."""

    seen: dict[str, Seen] = field(default_factory=dict)
    failed: dict[str, Failed] = field(default_factory=dict)
    asked_at: float | None = None
    waiting_since: float | None = None
    started_at: float | None = None
    done_at: float | None = None
    noticed_at: float | None = None  # drift was looked for in what is here; None where something came since
    in_flight: bool = False

    def is_due(self, now: float) -> bool:
        """Whether nothing is known yet, or any part is stale."""
        times = [seen.fresh_until for part, seen in self.seen.items() if part not in self.failed]
        times += [failed.retry_at or failed.at + DECLARED_SECONDS for failed in self.failed.values()]
        return not times or min(times) <= now
