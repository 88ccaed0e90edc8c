"""Subscriptions to events and thresholds, and what could not be delivered."""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from gateway.protocol.base import Linked, Wire


class SubscriptionRequest(Wire):
    """`POST /observe/events/subscriptions`: where CloudEvents go, and which.

    `secret` is a Standard Webhooks secret (`whsec_` and base64 of 24 to 64 bytes); the gateway makes one when absent.
    """

    model_config = ConfigDict(extra="forbid")

    url: str = Field(max_length=2048)
    types: list[str] | None = Field(default=None, max_length=50)
    """CloudEvents types; all when absent. `health.*` means every type that begins so."""
    secret: str | None = Field(default=None, max_length=200)
    expires: datetime | None = None


class ThresholdRequest(SubscriptionRequest):
    """`POST /certify/subscriptions`: notices when the share of met policies or passed rules crosses a threshold."""

    measure: Literal["policies", "quality"] = "policies"
    threshold: float = Field(default=1.0, gt=0, le=1)


class SubscriptionOffer(Wire):
    """`GET /observe/events/subscriptions` and `GET /certify/subscriptions`: the types there are, and the room left."""

    types: list[str] = Field(default_factory=list)
    count: int = 0
    limit: int = 0


class Subscription(Linked):
    """An accepted subscription. Its `id` is what ends it: keep it. `secret` is only told once."""

    id: str
    url: str
    types: list[str] | None = None
    measure: str | None = None
    threshold: float | None = None
    expires: datetime | None = None
    created: datetime
    secret: str | None = None


class DeadLetter(Wire):
    """An event that could not be delivered."""

    subscription: str
    type: str
    event_id: str
    attempts: int
    last_error: str
    time: datetime


class DeadLetters(Wire):
    """`GET /observe/events/dead-letters`, newest first; `next` is the `before` of the next page."""

    entries: list[DeadLetter] = Field(default_factory=list)
    next: int | None = None
