"""A comparison, and a `contract.drifted` event, in words people read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .versions import Bump

_COUNTED = (
    ("major", "breaking change", "breaking changes"),
    ("minor", "compatible change", "compatible changes"),
    ("patch", "change of words", "changes of words"),
)

BUMPS: dict[Bump, str] = {
    "none": "The version was not raised.",
    "too_small": "The producer's own step is too small.",
    "fits": "The producer's own step fits.",
    "larger": "The producer's own step is larger than needed, which breaks nobody.",
    "back": "The version is lower than before.",
    "not_semver": "The version is not a semantic one, so that its step cannot be judged.",
    "not_judged": "Whether the step fits cannot be said.",
}


def counted(counts: Mapping[str, Any]) -> str:
    """Such as "1 breaking change, 2 changes of words"; "" for none."""
    parts = []
    for level, one, many in _COUNTED:
        count = counts.get(level)
        if isinstance(count, int) and count > 0:
            parts.append(f"{count:,} {one if count == 1 else many}")
    return ", ".join(parts)


def event_in_words(data: Mapping[str, Any]) -> str:
    """What an event says, in a line: "daily-rain 1.4.0 to 1.5.0: 1 breaking change, 2.0.0 would fit"."""
    before, after = str(data.get("version_before") or ""), str(data.get("version_after") or "")
    versions = f"{before or 'no version'} to {after or 'no version'}" if before != after else after
    name = " ".join(filter(None, (str(data.get("contract") or ""), versions)))
    if not data.get("known", True):
        what = "it changed, details are not known"
    else:
        what = counted(data.get("counts") or {}) or "another version, and no change"
    if data.get("bump") in ("none", "too_small") and (suggested := data.get("suggested")):
        what += f", {suggested} would fit"
    if data.get("keeps_changing"):
        what += "; it keeps changing"
    return f"{name}: {what}" if name else what
