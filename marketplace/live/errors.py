"""What can go wrong between us and a data product, in words for the person who looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ErrorKind = Literal[
    "bad_url",
    "refused_address",
    "unreachable",
    "slow",
    "tls",
    "too_large",
    "bad_redirect",
    "bad_status",
    "bad_content",
    "resting",
    "busy",
    "too_many",
    "unknown_format",
    "is_catalogue",
    "cache_down",
    "no_workers",
    "not_offered",
    "internal",
]

# Failures that say something about the host as a whole, and therefore count for the breaker (breaker.py).
HOST_FAILURES: frozenset[str] = frozenset({"unreachable", "slow", "tls"})


@dataclass(frozen=True, slots=True)
class Problem:
    """A failure as pages and the API show it: `message` says what happened, `advice` what to do; plain text."""

    kind: ErrorKind
    message: str
    advice: str


class FetchError(Exception):
    """Something between the URL and a readable document went wrong. `status` is the HTTP status where there was one."""

    def __init__(self, kind: ErrorKind, message: str, advice: str, status: int | None = None) -> None:
        super().__init__(message)
        self.kind: ErrorKind = kind
        self.message = message
        self.advice = advice
        self.status = status

    @property
    def problem(self) -> Problem:
        return Problem(self.kind, self.message, self.advice)
