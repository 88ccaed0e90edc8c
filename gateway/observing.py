"""The endpoints of results, subscriptions and certification, and what ties them together for one product."""

import asyncio
import re
from concurrent.futures import Future
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.bodies import read_json
from gateway.certify.office import CertificationOffice
from gateway.certify.publishing import addressees, push
from gateway.consume.access import owner_of, share_of
from gateway.context import Context
from gateway.grants import require
from gateway.http import OBSERVED_AGE, ProblemError, Representation, send
from gateway.ingestcounts import totals
from gateway.lanes import OUTWARD
from gateway.observations import narrowed
from gateway.observatory import Observatory
from gateway.observe import health_of, metrics_of
from gateway.product import Product
from gateway.protocol import (
    MEDIA_JSON,
    CertificationStatus,
    Health,
    Link,
    Metrics,
    ObservabilityResults,
    Published,
    PublishRequest,
    SubscriptionOffer,
    SubscriptionRequest,
    ThresholdRequest,
    Wire,
)
from gateway.subscriptions.addresses import AddressError
from gateway.subscriptions.register import Full
from gateway.subscriptions.service import EVENT_TYPES, THRESHOLD, BadSubscription, Subscriptions, shares_of

MAX_BODY = 16_000
MAX_WAIT_SECONDS = 30
MAX_PAGE = 100


class Observing:
    """Observation and certification of one product, and who hears of them."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.observatory = Observatory(context.live, context.state, lambda: context.config)
        self.office = CertificationOffice(self.observatory, context.state, lambda: context.config)
        self.subscriptions = Subscriptions(context.state, lambda: context.config, self._origin)
        self.observatory.listeners.append(self._on_results)
        self.office.listeners.append(self.subscriptions.on_report)
        context.control.listeners.append(self.subscriptions.emit)
        self._health: str | None = None
        self._documents = _documents(context.live.snapshot.product)
        self.routes = [
            Route("/observe/results", self.results),
            Route("/observe/events/subscriptions", self.subscribe, methods=["GET", "POST"]),
            Route("/observe/events/subscriptions/{id}", self.subscription, methods=["GET", "DELETE"]),
            Route("/observe/events/dead-letters", self.dead_letters),
            Route("/certify/status", self.certification),
            Route("/certify/report", self.report),
            Route("/certify/subscriptions", self.subscribe_threshold, methods=["GET", "POST"]),
            Route("/certify/subscriptions/{id}", self.threshold, methods=["GET", "DELETE"]),
            Route("/certify/publish", self.publish, methods=["POST"]),
        ]

    def start(self) -> None:
        """Begin the schedule, and go on with deliveries that were waiting when the gateway stopped."""
        self.observatory.start()
        self.subscriptions.resume()

    def stop(self) -> None:
        """End the schedule."""
        self.observatory.stop()

    def health(self) -> Health:
        """The product's health with what was measured of it and what its owner did. Blocking."""
        context = self.context
        notes = [context.state.reason] if context.state.directory and context.state.reason else []
        paused = context.control.paused
        if paused is not None:
            notes.append(f"Paused by its owner since {paused.since}" + (f": {paused.reason}" if paused.reason else "."))
        return health_of(context.live, self.observatory.known(), notes)

    def metrics(self) -> Metrics:
        """Use, volume, freshness, accesses and rules kept. Blocking: reads each data file once after it changed."""
        context = self.context
        accesses = context.log.sums() if context.log.used else None
        return metrics_of(
            context.live.snapshot, context.usage, accesses, self.observatory.last(), totals(context.state)
        )

    def _origin(self) -> tuple[str, str]:
        odps = self.context.live.snapshot.product.odps.content
        subject = f"urn:dp:{odps.get('domain') or ''}:{odps.get('name') or odps['id']}"
        return self.context.live.snapshot.product.base or subject, subject

    def _on_results(self, before: ObservabilityResults | None, now: ObservabilityResults) -> None:
        """Events of a measurement: what changed in it, in health and in the documents."""
        told = {result.id: result.status for result in before.results} if before else {}
        changed = {result.id: result.status for result in now.results if told.get(result.id) != result.status}
        if changed or before is None or before.status != now.status:
            self.subscriptions.emit(
                "observability.results",
                {"resultsId": now.id, "status": now.status, "changed": dict(list(changed.items())[:200])},
            )
        health = self.health().status
        if self._health is not None and self._health != health:
            worse = {"pass": 0, "warn": 1, "fail": 2}
            name = "health.degraded" if worse[health] > worse[self._health] else "health.recovered"
            self.subscriptions.emit(name, {"status": health, "before": self._health})
        self._health = health
        product = self.context.live.snapshot.product
        if _documents(product) != self._documents:
            self._documents = _documents(product)
            self.subscriptions.emit("product.updated", {"version": product.odps.content.get("version")})

    # -- results --------------------------------------------------------------------------------------------------

    async def results(self, request: Request) -> Response:
        """`GET /observe/results`; asking also has stale results measured again, in the background."""
        await self._ask(request)
        document = await run_in_threadpool(self.observatory.shown)
        filters = {name: request.query_params.getlist(name) for name in ("artifactId", "contractId", "contractVersion")}
        kept = narrowed(document, lambda own: all(not v or own.get(n) in v for n, v in filters.items()))
        if kept is None:
            detail = "No result is of this artifact or contract."
            raise ProblemError(404, "No such results", detail, "See /discover/artifacts for the ids there are.")
        age = 0 if kept.run and kept.run.state == "running" else OBSERVED_AGE
        return send(request, Representation(kept.to_json(), MEDIA_JSON, age))

    async def _ask(self, request: Request) -> None:
        """Have what is out of date measured, and wait for it as long as the client prefers."""
        done = await run_in_threadpool(self._asked)
        wait = _preferred_wait(request)
        if done is not None and wait:
            await asyncio.wait([asyncio.wrap_future(done)], timeout=wait)

    def _asked(self) -> "Future[None] | None":
        if self.context.live.changed():
            self.context.live.reload()
        return self.observatory.ask()

    # -- subscriptions --------------------------------------------------------------------------------------------

    async def subscribe(self, request: Request) -> Response:
        """`POST /observe/events/subscriptions`; `GET` says what can be subscribed to."""
        if request.method != "POST":
            return await self._offer(request, list(EVENT_TYPES))
        subscriber = await self._may(request, "observe")
        wanted = await read_json(request, SubscriptionRequest, MAX_BODY)
        return await self._add(wanted, subscriber, "/observe/events/subscriptions")

    async def subscribe_threshold(self, request: Request) -> Response:
        """`POST /certify/subscriptions`; `GET` says what can be subscribed to."""
        if request.method != "POST":
            return await self._offer(request, [THRESHOLD])
        subscriber = await self._may(request, "certify")
        wanted = await read_json(request, ThresholdRequest, MAX_BODY)
        report = await run_in_threadpool(self.office.report)
        return await self._add(wanted, subscriber, "/certify/subscriptions", shares_of(report)[wanted.measure])

    async def _offer(self, request: Request, types: list[str]) -> Response:
        limit = self.context.config.observe.max_subscriptions
        count = await run_in_threadpool(self.subscriptions.count)
        offer = SubscriptionOffer(types=types, count=count, limit=limit)
        return send(request, Representation(offer.to_json(), MEDIA_JSON, OBSERVED_AGE))

    async def _may(self, request: Request, scope: str) -> str:
        """Who subscribes. Where issuers are trusted that takes a grant; else anybody may, within the limits."""
        if not self.context.config.observe.events:
            detail = "This gateway takes no subscriptions."
            raise ProblemError(403, "No subscriptions", detail, "Ask /observe/results now and then.")
        grant = await require(request, scope) if self.context.config.trust else None
        return await run_in_threadpool(owner_of, self.context, share_of(request, grant))

    async def _add(
        self, wanted: SubscriptionRequest, subscriber: str, path: str, share: float | None = None
    ) -> Response:
        try:
            made = await OUTWARD.run(self.subscriptions.add, wanted, subscriber, now_met=share)
        except AddressError as error:
            action = "Give an http(s) address that the gateway can reach from where it runs."
            raise ProblemError(422, "Address refused", str(error), action) from error
        except BadSubscription as error:
            raise ProblemError(422, "Bad subscription", str(error), "Correct it.") from error
        except Full as error:
            action = "End some that are not needed any more, or try later."
            raise ProblemError(429, "Too many subscriptions", str(error), action, {"Retry-After": "3600"}) from error
        href = f"{self.context.live.snapshot.product.base}{path}/{made.id}"
        made.links = [Link(rel="self", href=href, type=MEDIA_JSON)]
        return _answer(made, 201, {"Location": href})

    async def subscription(self, request: Request) -> Response:
        """`GET` or `DELETE /observe/events/subscriptions/{id}`. Knowing its id is the right to see and to end it."""
        return await self._one(request)

    async def threshold(self, request: Request) -> Response:
        """`GET` or `DELETE /certify/subscriptions/{id}`."""
        return await self._one(request)

    async def _one(self, request: Request) -> Response:
        own_id = request.path_params["id"]
        if request.method == "DELETE":
            if await run_in_threadpool(self.subscriptions.remove, own_id):
                return Response(status_code=204)
            raise _no_subscription()
        found = await run_in_threadpool(self.subscriptions.find, own_id)
        if found is None:
            raise _no_subscription()
        return _answer(found)

    async def dead_letters(self, request: Request) -> Response:
        """`GET /observe/events/dead-letters`: for the owner, scope `control`."""
        await require(request, "control")
        limit = _number(request, "limit", MAX_PAGE, MAX_PAGE)
        before = _number(request, "before", 2**53, 0) or None
        return _answer(await run_in_threadpool(lambda: self.subscriptions.dead_letters(limit=limit, before=before)))

    # -- certification --------------------------------------------------------------------------------------------

    async def certification(self, request: Request) -> Response:
        """`GET /certify/status`."""
        await self._ask(request)
        report = await run_in_threadpool(self.office.report)
        base = self.context.live.snapshot.product.base
        history = await run_in_threadpool(self.office.ids)
        kept = f"?id={report.id}" if report.id in history else ""
        status = CertificationStatus(
            status=report.status,
            evaluated_at=report.evaluated_at,
            policies=len(report.policies),
            met=sum(policy.met for policy in report.policies),
            quality=report.quality,
            report_id=report.id,
            history=history,
            links=[
                Link(rel="self", href=f"{base}/certify/status", type=MEDIA_JSON),
                Link(rel="report", href=f"{base}/certify/report{kept}", type=MEDIA_JSON),
            ],
        )
        return send(request, Representation(status.to_json(), MEDIA_JSON, OBSERVED_AGE))

    async def report(self, request: Request) -> Response:
        """`GET /certify/report`: the newest, or the kept one that `id` names."""
        wanted = request.query_params.get("id")
        await self._ask(request)
        report = await run_in_threadpool(lambda: self.office.find(wanted) if wanted else self.office.report())
        if report is None:
            detail = "No report with this id is kept."
            raise ProblemError(404, "No such report", detail, "See `history` at /certify/status for those there are.")
        base = self.context.live.snapshot.product.base
        report.links = [
            Link(rel="self", href=f"{base}/certify/report?id={report.id}", type=MEDIA_JSON),
            Link(rel="results", href=f"{base}/observe/results", type=MEDIA_JSON),
        ]
        return send(request, Representation(report.to_json(), MEDIA_JSON, OBSERVED_AGE))

    async def publish(self, request: Request) -> Response:
        """`POST /certify/publish`: push the newest report to the recipients of gateway.yaml, or to `url`."""
        await require(request, "certify")
        wanted = await read_json(request, PublishRequest, MAX_BODY)
        config = self.context.config
        to = addressees(wanted, config)
        if not to:
            detail = "No recipient is meant: neither the request nor gateway.yaml has an address under that name."
            action = 'Send {"url": "https://…"}, or set recipients in gateway.yaml.'
            raise ProblemError(422, "No recipient", detail, action)
        await self._ask(request)
        report = await run_in_threadpool(self.office.report)
        done = await OUTWARD.run(push, report.to_json(), to, config)
        answer = Published(report_id=report.id, recipients=done)
        return _answer(answer, 200 if all(one.delivered for one in done) else 502)


def _documents(product: Product) -> list[Any]:
    return [(document.path, document.stamp) for document in product.documents]


def _preferred_wait(request: Request) -> float:
    """Seconds of `Prefer: wait=N` (RFC 7240, 4.3), 0 without; never more than `MAX_WAIT_SECONDS`."""
    match = re.search(r"(?:^|[,;\s])wait=(\d{1,6})(?:$|[,;\s])", request.headers.get("prefer", ""))
    return min(int(match[1]), MAX_WAIT_SECONDS) if match else 0


def _number(request: Request, name: str, most: int, otherwise: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return otherwise
    if text.isascii() and text.isdigit() and len(text) < 17 and 1 <= int(text) <= most:
        return int(text)
    raise ProblemError(400, f"Bad {name}", f"{name} is '{text[:50]}'; it must be a whole number from 1 to {most}.")


def _answer(body: Wire, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(body.to_json(), status, {"Cache-Control": "no-store", **(headers or {})}, MEDIA_JSON)


def _no_subscription() -> ProblemError:
    return ProblemError(404, "No such subscription", "There is no subscription with this id; it may have ended.")
