"""Pausing, resuming, configuring."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from gateway.protocol.base import Wire


class Pause(Wire):
    """`POST /control/pause` takes this; everything in it may be left out."""

    reason: str | None = Field(default=None, max_length=500)
    retry_after_seconds: int = Field(default=300, ge=1, le=604_800)


class Configure(Wire):
    """`POST /control/configure` takes this: limits by their names in gateway.yaml; null takes a change back."""

    limits: dict[str, float | int | None] = Field(default_factory=dict)


class ControlStatus(Wire):
    """What the control calls answer. `limits` are those changed at run time."""

    status: Literal["running", "paused"]
    since: datetime | None = None
    by: str | None = None
    reason: str | None = None
    retry_after_seconds: int | None = None
    limits: dict[str, float | int | None] = Field(default_factory=dict)
