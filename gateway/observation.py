"""The key `observe` of `gateway.yaml`, and all settings that observing and certifying go by."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from gateway.quality.limits import Limits


class ObserveConfig(BaseModel):
    """What measuring and delivering may use. Times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    memory_mb: int = Field(default=256, ge=32, le=65536)
    """Memory of DuckDB while it measures one artifact."""
    rule_seconds: float = Field(default=10, gt=0, le=3600)
    artifact_seconds: float = Field(default=60, gt=0, le=86_400)
    source_mb: int = Field(default=500, ge=1, le=100_000)
    """The most of a source elsewhere (an address, a database) that is brought here to be measured."""
    look_seconds: float = Field(default=300, ge=0, le=86_400)
    """How often it looks by itself whether folders and sources elsewhere can be reached; 0: only when asked."""
    pause_seconds: float = Field(default=30, ge=0, le=86_400)
    """Asking does not measure again sooner than this after the last time."""
    events: bool = True
    """Whether anybody may subscribe."""
    max_subscriptions: int = Field(default=10_000, ge=0, le=1_000_000)
    retry_seconds: Sequence[float] = (5, 60, 300, 1800, 7200, 18_000)
    """Waits before the second attempt to deliver, the third …; after the last the event is a dead letter."""
    delivery_seconds: float = Field(default=10, gt=0, le=60)
    keep_dead_letters: int = Field(default=1000, ge=1, le=100_000)
    keep_reports: int = Field(default=50, ge=1, le=10_000)

    def measuring(self) -> Limits:
        """As the runner takes them."""
        return Limits(self.memory_mb, self.rule_seconds, self.artifact_seconds, self.source_mb)
