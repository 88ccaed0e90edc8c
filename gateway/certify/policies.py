"""The policies a gateway can evaluate by itself, as `gateway.yaml` gives them. `evaluation.py` judges them.

```yaml
policies:
  - {check: contracts}                                     # every output port has its contract
  - {check: quality, at_least: 0.95}                       # share of passed rules of those evaluated
  - {check: contract met}                                  # no rule fails or cannot be evaluated
  - {check: freshness, within: P30D}                       # without `within`: each contract's own SLA
  - {check: health, allow: [pass, warn]}
  - {check: contract version, contract_id: rain, at_least: 2.0.0}
  - {check: stated, fields: [license, accessRights]}       # every artifact says so
```

Each may have an `id`, a `name` and a `description`.
"""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Policy(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str | None = Field(default=None, max_length=100)
    name: str | None = Field(default=None, max_length=200)
    description: str | None = Field(default=None, max_length=2000)


class Quality(_Policy):
    """At least this share of the evaluated rules pass. A warning is not a pass."""

    check: Literal["quality"]
    at_least: float = Field(default=0.95, ge=0, le=1)


class ContractMet(_Policy):
    """No rule of any contract fails or cannot be evaluated."""

    check: Literal["contract met"]


class Contracts(_Policy):
    """Every output port has its contract here."""

    check: Literal["contracts"]


class ContractVersion(_Policy):
    """A contract is here in at least this version."""

    check: Literal["contract version"]
    contract_id: str
    at_least: str | None = None


class Freshness(_Policy):
    """Content is no older than `within`, or than its contract's SLA allows."""

    check: Literal["freshness"]
    within: timedelta | None = None


class HealthIs(_Policy):
    """Health is one of these."""

    check: Literal["health"]
    allow: tuple[Literal["pass", "warn", "fail"], ...] = ("pass",)


class Stated(_Policy):
    """Every artifact says these."""

    check: Literal["stated"]
    fields: tuple[Literal["license", "accessRights", "summary", "tags", "policies", "updated"], ...] = Field(
        min_length=1
    )


Policy = Annotated[
    Quality | ContractMet | Contracts | ContractVersion | Freshness | HealthIs | Stated, Field(discriminator="check")
]

DEFAULT: tuple[Policy, ...] = (
    Contracts(check="contracts", name="Every output port has a contract"),
    ContractMet(check="contract met", name="The data keeps its contracts"),
    Freshness(check="freshness", name="The data is as fresh as its contracts promise"),
    HealthIs(check="health", name="The product is in health", allow=("pass", "warn")),
)
"""What is evaluated when `gateway.yaml` gives no policies."""
