"""Policies with their results, and where reports are pushed."""

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field

from gateway.protocol.base import Linked, Terse, Wire
from gateway.protocol.health import IngestCounts


class PolicyResult(Terse):
    """Whether a policy is met, and the evidence."""

    id: str
    name: str
    met: bool
    message: str
    evidence: dict[str, Any] = Field(default_factory=dict)


class CertificationReport(Linked):
    """`GET /certify/report`: each policy with its result."""

    id: str
    product_id: str
    product_version: str | None = None
    status: Literal["OK", "NOT COMPLIANT"]
    evaluated_at: datetime
    policies: list[PolicyResult] = Field(default_factory=list)
    quality: float | None = None
    """Passed rules of those evaluated, 0 to 1; null when none was."""
    results_id: str | None = None
    """Id of the OORS document that the quality is from."""
    ingest: IngestCounts = Field(default_factory=IngestCounts)


class CertificationStatus(Linked):
    """`GET /certify/status`. Links: `report` (the one this is from), `reports` (earlier ones by `id` in `history`)."""

    status: Literal["OK", "NOT COMPLIANT"]
    evaluated_at: datetime
    policies: int
    met: int
    quality: float | None = None
    report_id: str
    history: list[str] = Field(default_factory=list)
    """Ids of reports kept, newest first."""


class PublishRequest(Wire):
    """`POST /certify/publish`: push the last report to an address, or to the recipient of gateway.yaml that has this
    name; to all of gateway.yaml when neither is said."""

    model_config = ConfigDict(extra="forbid")

    url: str | None = Field(default=None, max_length=2048)
    recipient: str | None = Field(default=None, max_length=200)


class Publication(Wire):
    """Who was sent a report, and what came back.

    `recipient` is the name in gateway.yaml, or scheme and host of the address asked for: the rest may be a secret.
    """

    recipient: str
    delivered: bool
    status: int | None = None
    message: str | None = None


class Published(Wire):
    """The answer to `POST /certify/publish`."""

    report_id: str
    recipients: list[Publication] = Field(default_factory=list)
