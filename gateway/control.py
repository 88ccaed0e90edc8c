"""/control: the product paused, resumed, its limits changed. Remembered over restarts."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.config import GatewayConfig
from gateway.http import ProblemError
from gateway.protocol import MEDIA_JSON, Configure, ControlStatus, Pause
from gateway.state import State

PAUSED = "control.paused"
LIMITS = "control.limits"
MAX_BODY = 20_000
SCOPE = "control"


class Control:
    """Whether one gateway is paused, and what was configured while it ran."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._paused: dict[str, Any] | None = None
        self._limits: dict[str, Any] = {}
        self._known = not state.kept
        self.listeners: list[Callable[[str, dict[str, Any]], None]] = []
        """Called with `product.paused` or `product.resumed`, and who and why."""
        self._applied: tuple[GatewayConfig, GatewayConfig] | None = None

    def _load(self) -> None:
        """What earlier runs left. Not before it is asked for: most gateways are never paused and open no file."""
        if not self._known:
            self._paused, self._limits = self._state.get(PAUSED), self._state.get(LIMITS) or {}
            self._known = True

    @property
    def paused(self) -> ControlStatus | None:
        """How and since when the product is paused; None while it runs."""
        self._load()
        if self._paused is None:
            return None
        since = datetime.fromtimestamp(self._paused["since"], UTC)
        return ControlStatus(
            status="paused",
            since=since,
            by=self._paused.get("by"),
            reason=self._paused.get("reason"),
            retry_after_seconds=self._paused["retryAfter"],
        )

    def pause(self, by: str, wanted: Pause) -> None:
        """Pause the product; a second pause changes reason and time to try again, not `since`."""
        since = self.paused.since.timestamp() if self.paused and self.paused.since else time.time()
        self._paused = {
            "since": since, "by": by, "reason": wanted.reason, "retryAfter": wanted.retry_after_seconds,
        }  # fmt: skip
        self._state.put(PAUSED, self._paused)
        self._tell("product.paused", {"by": by, "reason": wanted.reason})

    def resume(self) -> None:
        """Run again."""
        self._load()
        if self._paused is not None:
            self._paused = None
            self._state.drop(PAUSED)
            self._tell("product.resumed", {})

    def _tell(self, type: str, data: dict[str, Any]) -> None:
        for listener in self.listeners:
            listener(type, data)

    def configure(self, config: GatewayConfig, limits: dict[str, Any]) -> None:
        """Change limits until further notice. Raises pydantic.ValidationError when one is not possible."""
        self._load()
        merged = {**self._limits, **limits}
        merged = {name: value for name, value in merged.items() if value is not None}
        _with(config, merged)
        self._limits, self._applied = merged, None
        self._state.put(LIMITS, merged)

    def applied(self, config: GatewayConfig) -> GatewayConfig:
        """The configuration with what was changed at run time."""
        self._load()
        if not self._limits:
            return config
        if self._applied is None or self._applied[0] is not config:
            try:
                self._applied = (config, _with(config, self._limits))
            except ValidationError:  # kept by another version, which knew other limits or allowed more
                self._applied = (config, config)
        return self._applied[1]

    def status(self) -> ControlStatus:
        """What `/control/…` answers."""
        shown = self.paused or ControlStatus(status="running")
        return shown.model_copy(update={"limits": self._limits})

    def refuse_when_paused(self) -> None:
        """Raises ProblemError 503 with Retry-After while the product is paused."""
        paused = self.paused
        if paused is not None:
            detail = "The owner has paused this data product" + (f": {paused.reason}" if paused.reason else ".")
            action = "Try again later; /discover and /observe still answer."
            headers = {"Retry-After": str(paused.retry_after_seconds)}
            raise ProblemError(503, "Paused", detail, action, headers)


def _with(config: GatewayConfig, limits: dict[str, Any]) -> GatewayConfig:
    content = {**config.limits.model_dump(), **limits}
    return config.model_copy(update={"limits": type(config.limits).model_validate(content)})


async def _body(request: Request, model: type[Any]) -> Any:
    from gateway.bodies import read_json

    return await read_json(request, model, MAX_BODY)


async def pause(request: Request) -> Response:
    """`POST /control/pause`."""
    from gateway.context import context_of
    from gateway.grants import require

    grant = await require(request, SCOPE)
    wanted = await _body(request, Pause)
    control = context_of(request).control
    control.pause(grant.subject, wanted)
    return _answer(control)


async def resume(request: Request) -> Response:
    """`POST /control/resume`."""
    from gateway.context import context_of
    from gateway.grants import require

    await require(request, SCOPE)
    control = context_of(request).control
    control.resume()
    return _answer(control)


async def configure(request: Request) -> Response:
    """`POST /control/configure`."""
    from gateway.context import context_of
    from gateway.grants import require

    await require(request, SCOPE)
    wanted = await _body(request, Configure)
    context = context_of(request)
    try:
        context.control.configure(context.live.snapshot.product.config.config, wanted.limits)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"]) or "limits"
        detail = f"limits.{name[:100]}: {first['msg']}."
        raise ProblemError(422, "Bad limits", detail, "See gateway/README.md for the limits there are.") from error
    return _answer(context.control)


def _answer(control: Control) -> Response:
    return Response(control.status().to_json(), 200, {"Cache-Control": "no-store"}, MEDIA_JSON)


def routes() -> list[Route]:
    """`start` and `stop` are other names of resume and pause."""
    return [
        Route("/control/pause", pause, methods=["POST"]),
        Route("/control/stop", pause, methods=["POST"]),
        Route("/control/resume", resume, methods=["POST"]),
        Route("/control/start", resume, methods=["POST"]),
        Route("/control/configure", configure, methods=["POST"]),
    ]
