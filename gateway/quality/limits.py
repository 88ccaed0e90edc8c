"""How much measuring may take."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What measuring one artifact may use. `disk_mb`: of a source that is elsewhere, brought here to be measured."""

    memory_mb: int = 256
    query_seconds: float = 10.0
    total_seconds: float = 60.0
    disk_mb: int = 500
