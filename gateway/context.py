"""What the rooms of one gateway share. An endpoint finds it with `context_of(request)`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from gateway.accesslog import AccessLog
from gateway.config import GatewayConfig
from gateway.control import Control
from gateway.live import LiveProduct
from gateway.state import State
from gateway.usage import Usage


@dataclass
class Context:
    """One served product: its documents, what it remembers and whether it is paused."""

    live: LiveProduct
    usage: Usage
    state: State
    control: Control
    log: AccessLog
    audience: str | None = None
    """What tokens must be made out to, when gateway.yaml does not say."""

    tell: Callable[[str, dict[str, Any]], None] = lambda type, data: None
    """Tells subscribers of an event: its type and its data. Returns at once."""

    @property
    def config(self) -> GatewayConfig:
        """`gateway.yaml` as of the last good reading, with what /control/configure changed."""
        return self.control.applied(self.live.snapshot.product.config.config)

    async def refresh(self) -> None:
        """See to it that documents and settings are as the files are now. A stat for each file."""
        if self.live.changed():
            await run_in_threadpool(self.live.reload)


def context_of(request: Request) -> Context:
    """The context of the gateway that a request came to."""
    found: Context = request.app.state.context
    return found
