"""Orders: a result made in the background, kept for a while, fetched when it is ready."""

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from uuid import uuid4

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from gateway.bodies import read_json
from gateway.config import RoleRules
from gateway.consume.access import Caller, artifact_of, authorise, rules_for
from gateway.consume.download import MEDIA, ranged
from gateway.consume.jobs import Job, Running
from gateway.consume.query import MAX_BODY, refuse_without_rows
from gateway.context import Context, context_of
from gateway.grants import Grant, grant_of, require
from gateway.http import ProblemError
from gateway.product import PortArtifact
from gateway.protocol import MEDIA_JSON, Link, Order, OrderRequest

log = logging.getLogger(__name__)
KIND = "order"
UNFINISHED = ("accepted", "running")
COUNTED = (*UNFINISHED, "ready")
"""Orders that count against the limits."""
_pool = ThreadPoolExecutor(1, thread_name_prefix="orders")
"""One order at a time over all products: whoever waits for a query or a download comes first."""

_lock = threading.Lock()
_running: dict[str, Running | None] = {}
"""Orders of this process that are waiting (None) or worked on."""


async def place(request: Request) -> Response:
    """`POST /consume/{artifact}/orders`: 202 with the address of the order."""
    caller = await authorise(request, "order")
    wanted = await read_json(request, OrderRequest, MAX_BODY)
    refuse_without_rows(caller)
    order = await run_in_threadpool(_place, caller, wanted)
    return _told(caller.context, order, 202)


async def order(request: Request) -> Response:
    """`GET …/orders/{order}`: how it stands. `DELETE`: stopped if still worked on, and its result removed."""
    context, found, _ = await _own(request)
    if request.method == "DELETE":
        await run_in_threadpool(_cancel, context, found)
    return _told(context, found)


async def result(request: Request) -> Response:
    """`GET …/orders/{order}/result`: the file, range requests included."""
    context, order, grant = await _own(request)
    context.control.refuse_when_paused()
    entry = artifact_of(context, order["artifact"])
    if _seen_as(rules_for(context, entry, _role(entry, grant))) != order.get("rules"):
        detail = "What you may see of this artifact has changed since the order was placed."
        raise ProblemError(403, "Not allowed", detail, "Place another order.")
    path = _directory(context) / order["id"]
    if order["status"] != "ready" or not path.is_file():
        detail = f"The order is {order['status']}; it has no result" + (
            " yet." if order["status"] in UNFINISHED else "."
        )
        raise ProblemError(409, "No result", detail, "Look at the order, or place another one.")
    response = await ranged(request, path, MEDIA[order["format"]], f"{order['name']}.{order['format']}")
    if request.method == "GET" and isinstance(response, FileResponse):
        context.log.record(
            consumer=order["consumer"], role=order["role"], agreement=order["agreement"], artifact=order["artifact"],
            action="result", status=200, rows=order["rows"], size=order["bytes"],
        )  # fmt: skip
    return response


def _role(entry: PortArtifact, grant: Grant | None) -> str | None:
    return grant.role if grant and grant.allows(f"consume:{entry.artifact.id}") else None


def _seen_as(rules: RoleRules | None) -> dict[str, Any] | None:
    return rules.model_dump() if rules else None


async def _own(request: Request) -> tuple[Context, dict[str, Any], Grant | None]:
    """The order in the path, for whoever placed it. An order of a caller without a token is known by its id alone.

    Raises:
        ProblemError: 404 also when it is somebody else's: that it exists is not told.
    """
    context = context_of(request)
    await context.refresh()
    entry = artifact_of(context, request.path_params["id"])
    is_open = entry.artifact.access_rights == "open"
    grant = await grant_of(request) if is_open else await require(request, f"consume:{entry.artifact.id}")
    order = await run_in_threadpool(find, context, request.path_params["order"][:100])
    if (
        order is None
        or order["artifact"] != entry.artifact.id
        or (order["consumer"] is not None and (grant is None or grant.subject != order["consumer"]))
        or (order["consumer"] is not None and grant is not None and grant.issuer != order["issuer"])
    ):
        detail = "You have no such order here; it may have expired."
        raise ProblemError(404, "No such order", detail, "Place another one.")
    return context, order, grant


def find(context: Context, order_id: str) -> dict[str, Any] | None:
    """An order as it stands; one that an earlier process left unfinished has failed. Blocking."""
    order = context.state.item(KIND, order_id)
    if order is None:
        return None
    if order["status"] in UNFINISHED and order_id not in _running:
        order = context.state.item(KIND, order_id) or order  # it may have ended between the two looks
        if order["status"] in UNFINISHED:
            _change(context, order, status="failed", detail="The gateway was restarted before it was done.")
    if order["status"] == "ready" and order["expires"] <= time.time():
        (_directory(context) / order_id).unlink(missing_ok=True)
        _change(context, order, status="expired")
    return order


def _place(caller: Caller, wanted: OrderRequest) -> dict[str, Any]:
    context, limits = caller.context, caller.context.config.limits
    with _lock:
        clear(context)
        _forget(context, limits.orders)
        issuer = caller.grant.issuer if caller.grant else None
        counted = [o for o in context.state.items(KIND).values() if o["status"] in COUNTED]
        mine = [o for o in counted if (o["consumer"], o["issuer"]) == (caller.name, issuer)]
        if len(mine) >= limits.orders_per_consumer:  # callers without a token are one consumer together
            detail = f"You have {limits.orders_per_consumer} orders here, the most there may be at a time."
            raise ProblemError(429, "Too many orders", detail, "Cancel one, or wait for one to expire.", _LATER)
        now = time.time()
        order: dict[str, Any] = {
            "id": str(uuid4()), "artifact": caller.entry.artifact.id, "name": caller.entry.artifact.name,
            "status": "accepted", "format": wanted.format, "created": now, "updated": now,
            "expires": now + limits.order_keep_seconds, "consumer": caller.name,
            "issuer": issuer, "rules": _seen_as(caller.rules),
            "role": caller.grant.role if caller.grant else None,
            "agreement": caller.grant.agreement if caller.grant else None, "rows": None, "bytes": None, "detail": None,
        }  # fmt: skip
        # Kept a while longer than its result, so that it can say that it has expired.
        last = now + limits.order_keep_seconds * 2 + limits.order_seconds
        room = len(counted) < limits.orders
        if not room or not context.state.add(KIND, order["id"], order, limit=2 * limits.orders, expires=last):
            detail = f"There are {limits.orders} orders already, the most this product keeps."
            raise ProblemError(429, "Too many orders", detail, "Try again later.", _LATER)
        _running[order["id"]] = None
    caller.record("order", 202)
    job = Job(
        caller.source, caller.entry.artifact.name, wanted.format, limits, caller.salt, limits.order_seconds,
        caller.rules, wanted.sql, None, limits.order_bytes,
    )  # fmt: skip
    _pool.submit(_work, context, order["id"], job)
    return order


_LATER = {"Retry-After": "60"}


def clear(context: Context) -> None:
    """Remove results that have expired, and files that belong to no order. Blocking."""
    directory = _directory(context)
    kept = context.state.items(KIND)
    for order_id in kept:
        find(context, order_id)
    for path in directory.iterdir():
        if path.name not in kept or kept[path.name]["status"] in ("cancelled", "failed", "expired"):
            path.unlink(missing_ok=True)


def _forget(context: Context, most: int) -> None:
    """Forget the oldest of the orders that have ended, so that fewer than `most` of these are kept."""
    ended = [order for order in context.state.items(KIND).values() if order["status"] not in COUNTED]
    ended.sort(key=lambda order: float(order["updated"]), reverse=True)
    for order in ended[max(0, most - 1) :]:
        context.state.remove(KIND, order["id"])


def stop(context: Context) -> None:
    """End what this gateway works on: its orders have failed, and say why. For the end of the server. Blocking."""
    own = context.state.items(KIND) if _running else {}
    for order_id in own.keys() & set(_running):
        _finish(context, order_id, status="failed", detail="The gateway was stopped before it was done.")
        running = _running.get(order_id)
        if running:
            running.kill()


def _work(context: Context, order_id: str, job: Job) -> None:
    """Make the result. Runs in a thread of the pool."""
    path = _directory(context) / order_id
    try:
        if not _begin(context, order_id):
            return
        with _started(context, order_id, job) as running:
            stdout = running.process.stdout
            assert stdout is not None
            stdout.readline()  # columns and types; the file begins after it
            with path.open("wb") as file:
                while part := stdout.read(1 << 20):
                    file.write(part)
            closing = running.finish()
        if closing["truncated"]:
            raise ProblemError(413, "Too large", f"The result is larger than {job.max_bytes} bytes.", "Ask for less.")
        end = time.time() + job.limits.order_keep_seconds
        _finish(context, order_id, status="ready", rows=closing["rows"], bytes=path.stat().st_size, expires=end)
    except ProblemError as error:
        _finish(context, order_id, status="failed", detail=error.problem.detail)
    except Exception:
        log.exception("an order could not be done")
        _finish(context, order_id, status="failed", detail="The gateway could not do it; the reason is in its log.")
    finally:
        _running.pop(order_id, None)
        order = context.state.item(KIND, order_id)
        if order is None or order["status"] != "ready":
            path.unlink(missing_ok=True)


def _begin(context: Context, order_id: str) -> bool:
    """Say that it is worked on; False when it was cancelled before."""
    with _lock:
        order = context.state.item(KIND, order_id)
        if order is None or order["status"] != "accepted":
            return False
        _change(context, order, status="running")
        return True


@contextmanager
def _started(context: Context, order_id: str, job: Job) -> Iterator[Running]:
    running = Running(job)
    try:
        _running[order_id] = running
        order = context.state.item(KIND, order_id)
        if order is None or order["status"] != "running":  # cancelled or stopped while it started
            running.kill()
        yield running
    finally:
        running.close()


def _finish(context: Context, order_id: str, **changes: Any) -> None:
    """Say how it ended, unless it was cancelled meanwhile."""
    with _lock:
        order = context.state.item(KIND, order_id)
        if order and order["status"] in UNFINISHED:
            _change(context, order, **changes)


def _cancel(context: Context, order: dict[str, Any]) -> None:
    with _lock:
        now = context.state.item(KIND, order["id"]) or order
        order.update(now)
        if order["status"] not in ("failed", "expired"):
            _change(context, order, status="cancelled")
    running = _running.get(order["id"])
    if running:
        running.kill()
    (_directory(context) / order["id"]).unlink(missing_ok=True)


def _change(context: Context, order: dict[str, Any], **changes: Any) -> None:
    order.update(changes, updated=time.time())
    context.state.change(KIND, order["id"], order)


def _directory(context: Context) -> Path:
    """Where results are: beside the state, or in a directory of this process when the state is in memory."""
    state = context.state
    if state.durable and state.directory is not None:
        directory = state.directory / "orders"
    else:
        directory = _TEMPORARY.setdefault(id(state), Path(mkdtemp(prefix="gateway-orders-")))
    directory.mkdir(parents=True, exist_ok=True)
    return directory


_TEMPORARY: dict[int, Path] = {}


def _told(context: Context, order: dict[str, Any], status: int = 200) -> Response:
    here = f"{context.live.snapshot.product.base}/consume/{order['artifact']}/orders/{order['id']}"
    size = order["bytes"]
    path = _directory(context) / order["id"]
    if order["status"] == "running" and path.is_file():
        size = path.stat().st_size
    links = [Link(rel="self", href=here, type=MEDIA_JSON)]
    if order["status"] == "ready":
        links.append(Link(rel="result", href=f"{here}/result", type=MEDIA[order["format"]]))
    body = Order(
        id=order["id"],
        artifact_id=order["artifact"],
        status=order["status"],
        format=order["format"],
        created=datetime.fromtimestamp(order["created"], UTC),
        updated=datetime.fromtimestamp(order["updated"], UTC),
        expires=datetime.fromtimestamp(order["expires"], UTC),
        rows=order["rows"],
        bytes=size,
        detail=order["detail"],
        links=links,
    )
    headers = {"Cache-Control": "no-store"}
    if status == 202:
        headers["Location"] = here
    if order["status"] in UNFINISHED:
        headers["Retry-After"] = "2"
    return Response(body.to_json(), status, headers, MEDIA_JSON)
