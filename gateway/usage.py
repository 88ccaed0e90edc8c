"""What the gateway counts about its own use, in memory: lost at a restart, which `started` tells."""

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.protocol import Latency, Requests, Served

WINDOW = 1000
"""Latency percentiles are over this many last requests."""


class Usage:
    """Counters of one gateway. Only touched from the event loop."""

    def __init__(self) -> None:
        self.started = datetime.now(UTC)
        self._clock = time.monotonic()
        self.endpoints: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.latencies: deque[float] = deque(maxlen=WINDOW)
        self.seconds = 0.0
        self.bytes = 0
        self.rows = 0

    @property
    def uptime(self) -> float:
        """Seconds since the start."""
        return round(time.monotonic() - self._clock, 3)

    def record(self, endpoint: str, status: int, seconds: float, sent: int) -> None:
        """Count one answered request; `sent` is the size of its body in bytes."""
        self.endpoints[endpoint] += 1
        self.statuses[str(status)] += 1
        self.latencies.append(seconds)
        self.seconds += seconds
        self.bytes += sent

    def requests(self) -> Requests:
        """The request counters as they go on the wire."""
        return Requests(total=self.endpoints.total(), by_endpoint=dict(self.endpoints), by_status=dict(self.statuses))

    def latency(self) -> Latency:
        """Nearest-rank percentiles in milliseconds. Sorts at most `WINDOW` numbers."""
        ordered = sorted(self.latencies)
        p50, p95, p99 = (percentile(ordered, share) for share in (0.5, 0.95, 0.99))
        return Latency(count=len(ordered), p50=p50, p95=p95, p99=p99)

    def served(self) -> Served:
        """Bytes and rows as they go on the wire."""
        return Served(bytes=self.bytes, rows=self.rows)


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """Nearest-rank percentile of sorted seconds, in milliseconds; None of nothing."""
    if not ordered:
        return None
    rank = max(0, -(-len(ordered) * share // 1) - 1)
    return round(ordered[int(rank)] * 1000, 3)


class Counted:
    """ASGI middleware: counts every request. Endpoints are counted by route, so that made-up paths add no labels."""

    def __init__(self, app: ASGIApp, usage: Usage, route_of: Callable[[Scope], str]) -> None:
        self.app = app
        self.usage = usage
        self.route_of = route_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()
        status, sent = 500, 0

        async def counting(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body" and scope["method"] != "HEAD":
                sent += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, counting)
        finally:
            self.usage.record(self.route_of(scope), status, time.perf_counter() - begun, sent)
