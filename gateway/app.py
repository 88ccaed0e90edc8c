"""The ASGI application: which address gives what."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.accesslog import AccessLog
from gateway.consume import orderbook
from gateway.consume.access import admitted, record_sample, sample_as, share_of
from gateway.consume.routes import routes as consume_routes
from gateway.context import Context
from gateway.control import Control
from gateway.control import routes as control_routes
from gateway.http import OBSERVED_AGE, ProblemError, Representation, problem_response, send
from gateway.ingest import routes as ingest_routes
from gateway.lanes import READING
from gateway.live import LiveProduct, Snapshot, index_of
from gateway.observe import prometheus
from gateway.observing import Observing
from gateway.openapi import description
from gateway.product import PortArtifact, version_key
from gateway.protocol import (
    MAX_SAMPLE_ROWS,
    MEDIA_HEALTH,
    MEDIA_JSON,
    MEDIA_PROMETHEUS,
    Problem,
    Sample,
)
from gateway.samples import FORMATS, DataError, Rows, first_rows
from gateway.state import State
from gateway.usage import Counted, Usage

YAML_ALIASES = ("application/x-yaml", "text/yaml", "text/x-yaml")


class _Gateway:
    """The endpoints of one gateway."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.live = context.live
        self.usage = context.usage
        self.observing = Observing(context)
        self.routes = [
            Route("/discover", self.page),
            Route("/discover/openapi.json", self.openapi),
            Route("/discover/metadata", self.page),
            Route("/discover/artifacts", self.page),
            Route("/discover/artifact/{id}/metadata", self.artifact),
            Route("/discover/artifact/{id}/sample", self.sample),
            Route("/discover/contracts/{contractId:path}", self.contract),
            Route("/observe/health", self.health),
            Route("/observe/lineage", self.page),
            Route("/observe/metrics", self.metrics),
            *self.observing.routes,
            *control_routes(),
            *consume_routes(),
            *ingest_routes(),
        ]

    async def snapshot(self) -> Snapshot:
        """The state of the product now. A stat for each file; reads in a thread when one changed."""
        if self.live.changed():
            await run_in_threadpool(self.live.reload)
        return self.live.snapshot

    async def page(self, request: Request) -> Response:
        snapshot = await self.snapshot()
        path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        if path == "/discover" and self.context.control.paused:
            paused = index_of(snapshot.product).model_copy(update={"status": "paused"})
            return send(request, Representation(paused.to_json(), MEDIA_JSON, OBSERVED_AGE))
        return send(request, *snapshot.pages[path], aliases=YAML_ALIASES)

    async def openapi(self, request: Request) -> Response:
        return send(request, description((await self.snapshot()).product.base))

    async def artifact(self, request: Request) -> Response:
        snapshot = await self.snapshot()
        own_id = find_artifact(snapshot, request).artifact.id
        return send(request, *snapshot.pages[f"/discover/artifact/{own_id}/metadata"])

    async def sample(self, request: Request) -> Response:
        limit = read_limit(request.query_params.get("limit"))
        snapshot = await self.snapshot()
        entry = find_artifact(snapshot, request)
        grant, rules = await admitted(request, entry, "sample")
        if rules or entry.data is None:
            rows = await sample_as(self.context, entry, rules, share_of(request, grant))
        else:
            rows = await READING.run(sample_rows, snapshot, entry)
        shown = rows.rows[:limit]
        self.usage.rows += len(shown)
        record_sample(self.context, entry, grant, len(shown))
        body = Sample(
            artifact_id=entry.artifact.id,
            columns=rows.columns,
            rows=shown,
            format=entry.artifact.format,
            has_more=rows.has_more or len(rows.rows) > limit,
            updated=entry.artifact.updated,
        )
        response = send(request, Representation(body.to_json(), MEDIA_JSON))
        if grant or rules or entry.artifact.access_rights != "open":
            response.headers["Cache-Control"] = "private, max-age=60"
            response.headers["Vary"] = "Authorization"
        return response

    async def contract(self, request: Request) -> Response:
        snapshot = await self.snapshot()
        contract_id = request.path_params["contractId"]
        version = request.query_params.get("version")
        document = snapshot.product.contract(contract_id, version)
        if document is None:
            versions = sorted(snapshot.product.contracts.get(contract_id, {}), key=version_key)
            detail = f"This product has no contract '{contract_id[:200]}'" + (f" {version[:50]}." if version else ".")
            action = f"Ask for one of these versions: {', '.join(versions)}." if versions else None
            raise ProblemError(404, "No such contract", detail, action or "See the contract links at /discover.")
        offered = snapshot.contracts[contract_id, document.content["version"]]
        return send(request, *offered, aliases=YAML_ALIASES)

    async def health(self, request: Request) -> Response:
        await self.snapshot()
        health = await run_in_threadpool(self.observing.health)
        status = 503 if health.status == "fail" else 200
        return send(request, Representation(health.to_json(), MEDIA_HEALTH, OBSERVED_AGE, status))

    async def metrics(self, request: Request) -> Response:
        await self.snapshot()
        metrics = await READING.run(self.observing.metrics)
        text = prometheus(metrics, self.usage).encode()
        offered = (
            Representation(metrics.to_json(), MEDIA_JSON, OBSERVED_AGE),
            Representation(text, MEDIA_PROMETHEUS, OBSERVED_AGE),
        )
        return send(request, *offered, aliases=("application/openmetrics-text",))


def find_artifact(snapshot: Snapshot, request: Request) -> PortArtifact:
    """The artifact that the path names. Raises ProblemError 404."""
    own_id = request.path_params["id"]
    try:
        return snapshot.product.artifacts[own_id]
    except KeyError:
        detail = f"This product has no artifact '{own_id[:200]}'."
        raise ProblemError(404, "No such artifact", detail, "See /discover/artifacts for what there is.") from None


def read_limit(text: str | None) -> int:
    """The `limit` of a query, 100 when absent. Raises ProblemError 400 unless it is a whole number from 1 to 100."""
    if text is None:
        return MAX_SAMPLE_ROWS
    if text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= MAX_SAMPLE_ROWS:
        return int(text)
    detail = f"limit is '{text[:50]}'; it must be a whole number from 1 to {MAX_SAMPLE_ROWS}."
    raise ProblemError(400, "Bad limit", detail, "Correct it, or leave it out.")


def sample_rows(snapshot: Snapshot, entry: PortArtifact) -> Rows:
    """Up to 100 first rows of an artifact, read once for each state of its file. Blocking.

    Raises:
        ProblemError: 404 when the artifact has no rows to show, 503 when its file cannot be read.
    """
    artifact, data = entry.artifact, entry.data
    if data is None or data.format not in FORMATS:
        what = f"its format is {data.format or 'unknown'}" if data else "its contract names no data file here"
        detail = f"'{artifact.name}' has no sample rows: {what}."
        raise ProblemError(404, "No sample", detail, "See the artifact's contract for how to get at the data.")
    if artifact.id not in snapshot.samples:
        with snapshot.sampling:
            if artifact.id not in snapshot.samples:
                try:
                    snapshot.samples[artifact.id] = first_rows(data.path, data.format, MAX_SAMPLE_ROWS)
                except DataError as error:
                    action = "Try again later; the owner of the product sees this in its health."
                    raise ProblemError(503, "Data cannot be read", f"{error}.", action) from error
    return snapshot.samples[artifact.id]


async def _on_problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, ProblemError):
        raise error
    return problem_response(request, error.problem, error.headers)


async def _on_data_error(request: Request, error: Exception) -> Response:
    action = "Try again later; the owner of the product sees this in its health."
    problem = Problem(title="Data cannot be read", status=503, detail=f"{str(error).capitalize()}.", action=action)
    return problem_response(request, problem)


async def _on_http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "GET, HEAD")
        problem = Problem(
            title="Method not allowed",
            status=405,
            detail=f"{request.method} is not possible here.",
            action=f"Use {allowed}.",
        )
    else:
        problem = Problem(
            title="Not found" if error.status_code == 404 else str(error.detail),
            status=error.status_code,
            detail=f"There is nothing at {request.url.path[:300]}.",
            action="Start at /discover: it links to everything there is.",
        )
    return problem_response(request, problem, dict(error.headers or {}))


async def _on_crash(request: Request, error: Exception) -> Response:
    problem = Problem(
        title="Internal error",
        status=500,
        detail="The gateway could not answer this request. The reason is in its log.",
        action="Try again later, and tell the owner of the product if it stays.",
    )
    return problem_response(request, problem)


class Delayed:
    """ASGI middleware: waits before each answer. For demonstrations of a slow product."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.seconds > 0:
            await asyncio.sleep(self.seconds)
        await self.app(scope, receive, send)


class SafeHeaders:
    """ASGI middleware: what is served is data; no browser may take it for a page or a script."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    (b"x-content-type-options", b"nosniff"),
                    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
                ]
            await send(message)

        await self.app(scope, receive, guarded)


def create_app(
    folder: Path, *, base_url: str | None = None, delay: float = 0.0, state: State | None = None
) -> Starlette:
    """The gateway of one product folder.

    Args:
        folder: holds `product.odps.yaml`, `contracts/`, `data/`; followed as its files change.
        base_url: where clients reach the gateway, for absolute links; without it links are relative to the server's
            root. Needed behind a path prefix.
        delay: seconds to wait before each answer.
        state: what the gateway remembers; in `<folder>/.gateway` when not given.

    `app.state.context` is the Context, `app.state.observing` the Observing of this gateway. A server that runs the
    application's lifespan has the schedule of gateway.yaml run; without it things are measured when asked for.

    Raises:
        gateway.documents.DocumentError: the folder cannot be served; `problems` lists why.
    """
    memory = state or State.beside(Path(folder))
    live = LiveProduct(Path(folder), base_url)
    log = AccessLog(memory, lambda: context.config.limits)
    context = Context(live, Usage(), memory, Control(memory), log, audience=base_url)
    gateway = _Gateway(context)
    context.tell = gateway.observing.subscriptions.emit
    labels: dict[Any, str] = {}

    def route_of(scope: Scope) -> str:
        return labels.get(scope.get("endpoint"), "other") if scope.get("endpoint") != gateway.page else scope["path"]

    for route in gateway.routes:
        labels[route.endpoint] = route.path.replace(":path", "")

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        gateway.observing.start()
        await run_in_threadpool(orderbook.start, context)
        yield
        gateway.observing.stop()
        await run_in_threadpool(orderbook.stop, context)
        await run_in_threadpool(context.log.flush)
        memory.close()

    app = Starlette(
        lifespan=lifespan,
        routes=gateway.routes,
        middleware=[
            Middleware(Counted, usage=gateway.usage, route_of=route_of),
            Middleware(SafeHeaders),
            Middleware(Delayed, seconds=delay),
        ],
        exception_handlers={
            ProblemError: _on_problem,
            DataError: _on_data_error,
            HTTPException: _on_http_error,
            Exception: _on_crash,
        },
    )
    app.state.context = context
    app.state.observing = gateway.observing
    return app
