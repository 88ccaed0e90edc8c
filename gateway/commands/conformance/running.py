"""Runs an examination level by level."""

from urllib.parse import urlsplit

from gateway.commands.conformance.asking import Asker
from gateway.commands.conformance.certify import certifiable
from gateway.commands.conformance.consume import consumable
from gateway.commands.conformance.discover import described, listed, read_openapi
from gateway.commands.conformance.examination import Examination
from gateway.commands.conformance.observe import observable
from gateway.commands.conformance.report import LEVELS, Level, Report

_CLAIMS: tuple[tuple[Level, tuple[str, ...]], ...] = (
    ("described", ("metadata", "artifacts")),
    ("observable", ("health", "metrics")),
    ("certifiable", ("certification-status", "certification-report")),
)
"""Relations of the index of which one claims the level."""
_PATHS: tuple[tuple[Level, str], ...] = (("certifiable", "/certify/status"), ("consumable", "/consume/{"))
"""Paths of the OpenAPI description, or their beginnings, that claim a level."""


def index_address(url: str) -> str:
    """The address of the index: as given when it ends in /discover, else with that added.

    Raises:
        ValueError: no http or https address.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"'{url[:200]}' is no http or https address")
    path = parts.path.rstrip("/")
    return parts._replace(path=path if path.endswith("/discover") else path + "/discover", fragment="").geturl()


def examine(url: str, *, token: str | None = None, level: Level | None = None, timeout: float = 10.0) -> Report:
    """Examine a gateway. Blocking: tens of requests, each bounded by `timeout` seconds.

    Args:
        url: the gateway's base, or its `/discover`.
        token: a grant, sent only to the gateway's own origin.
        level: the level that must hold; the highest that the gateway's links claim when None.

    Raises:
        ValueError: `url` is no http or https address.
    """
    base = index_address(url)
    asker = Asker(base, token, timeout)
    try:
        found = Examination(asker, base, token)
        first = asker.ask(base)
        if not first.status:
            found.note("missing", "the gateway answers", "an HTTP answer", str(first), base)
            return Report(url=base, reachable=False, asked=level or "listed", results=found.results)
        listed(found, first)
        read_openapi(found)
        claimed = _claimed(found)
        asked = level or claimed
        if found.index is not None:
            wanted = LEVELS[: max(LEVELS.index(asked), LEVELS.index(claimed)) + 1]
            for each, part in _PARTS.items():
                if each in wanted:
                    part(found)
        return Report(
            url=base,
            protocol=found.index.protocol_version if found.index else None,
            product=found.index.id if found.index else None,
            claimed=claimed,
            asked=asked,
            results=found.results,
        )
    finally:
        asker.close()


_PARTS = {"described": described, "observable": observable, "certifiable": certifiable, "consumable": consumable}


def _claimed(found: Examination) -> Level:
    highest: Level = "listed"
    for level, relations in _CLAIMS:
        if any(found.link(rel) for rel in relations):
            highest = level
    for level, start in _PATHS:
        if any(path.startswith(start) for path in found.paths):
            highest = level
    return highest
