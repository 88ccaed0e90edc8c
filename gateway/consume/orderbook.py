"""What becomes of orders: kept in the state, worked on in turn, their files removed when they end or expire."""

import logging
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from uuid import uuid4

from gateway.config import Limits, RoleRules
from gateway.consume.access import Caller, owner_of
from gateway.consume.jobs import Job, Running
from gateway.consume.slots import ORDERS, Share, Turn
from gateway.context import Context
from gateway.http import ProblemError
from gateway.protocol import OrderRequest
from gateway.schedule import Handle, scheduler

log = logging.getLogger(__name__)
KIND = "order"
UNFINISHED = ("accepted", "running")
COUNTED = (*UNFINISHED, "ready")
"""Orders that count against the limits."""
CHUNK = 1 << 20
_LATER = {"Retry-After": "60"}

_pool = ThreadPoolExecutor(16, thread_name_prefix="orders")
"""Threads are made when needed; `orders_at_once` says how many orders are worked on."""
_lock = threading.RLock()


@dataclass
class Work:
    """An order of this process that waits for its turn, or is worked on."""

    turn: Turn
    running: Running | None = None


works: dict[str, Work] = {}
_clocks: dict[str, Handle] = {}
"""When the results of this process's gateways expire."""
_temporary: dict[int, Path] = {}


def seen_as(rules: RoleRules | None) -> dict[str, Any] | None:
    """Rules as they are kept with an order."""
    return rules.model_dump() if rules else None


def directory(context: Context) -> Path:
    """Where results are: beside the state, or in a directory of this process when the state is in memory."""
    state = context.state
    if state.durable and state.directory is not None:
        return state.directory / "orders"
    if id(state) not in _temporary:
        _temporary[id(state)] = Path(mkdtemp(prefix="gateway-orders-"))
    return _temporary[id(state)]


def find(context: Context, order_id: str) -> dict[str, Any] | None:
    """An order as it stands; one that an earlier process left unfinished has failed. Blocking."""
    order = context.state.item(KIND, order_id)
    if order is None:
        return None
    if order["status"] in UNFINISHED and order_id not in works:
        _finish(context, order_id, status="failed", detail="The gateway was restarted before it was done.")
        order = context.state.item(KIND, order_id) or order
    if order["status"] == "ready" and order["expires"] <= time.time():
        (directory(context) / order_id).unlink(missing_ok=True)
        _change(context, order, status="expired")
    return order


def place(caller: Caller, wanted: OrderRequest) -> dict[str, Any]:
    """Take an order. Blocking.

    Raises:
        ProblemError: 429 the consumer has too many or too large ones, or the product has too many.
    """
    context, limits = caller.context, caller.context.config.limits
    owner = owner_of(context, caller.share)
    with _lock:
        _forget(context, limits.orders)
        counted = [order for order in context.state.items(KIND).values() if order["status"] in COUNTED]
        _refuse_too_many([order for order in counted if order.get("owner") == owner], limits)
        now = time.time()
        order: dict[str, Any] = {
            "id": str(uuid4()), "artifact": caller.entry.artifact.id, "name": caller.entry.artifact.name,
            "status": "accepted", "format": wanted.format, "created": now, "updated": now,
            "expires": now + limits.order_keep_seconds, "consumer": caller.name, "owner": owner,
            "issuer": caller.grant.issuer if caller.grant else None, "rules": seen_as(caller.rules),
            "role": caller.grant.role if caller.grant else None,
            "agreement": caller.grant.agreement if caller.grant else None, "rows": None, "bytes": None, "detail": None,
        }  # fmt: skip
        # Kept a while longer than its result, so that it can say that it has expired.
        last = now + limits.order_keep_seconds * 2 + limits.order_seconds
        room = len(counted) < limits.orders
        if not room or not context.state.add(KIND, order["id"], order, limit=2 * limits.orders, expires=last):
            detail = f"There are {limits.orders} orders already, the most this product keeps."
            raise ProblemError(429, "Too many orders", detail, "Try again later.", _LATER)
        share = Share(limits.orders_at_once, limits.orders_at_once_per_consumer)
        work = works[order["id"]] = Work(ORDERS.ask(caller.share, share))
    job = Job(
        caller.source, caller.entry.artifact.name, wanted.format, limits, caller.salt, limits.order_seconds,
        caller.rules, wanted.sql,
    )  # fmt: skip
    caller.record("order", 202)
    _tell(context, "order.placed", order)
    work.turn.come.add_done_callback(lambda _: _pool.submit(_work, context, order["id"], job, work))
    return order


def _refuse_too_many(mine: list[dict[str, Any]], limits: Limits) -> None:
    if len(mine) >= limits.orders_per_consumer:
        detail = f"You have {limits.orders_per_consumer} orders here, the most there may be at a time."
        raise ProblemError(429, "Too many orders", detail, "Cancel one, or wait for one to expire.", _LATER)
    stored = _held(mine)
    if stored >= limits.order_bytes_per_consumer:
        detail = f"Your results here take {stored} bytes; {limits.order_bytes_per_consumer} is the most."
        raise ProblemError(429, "Too much ordered", detail, "Cancel one, or wait for one to expire.", _LATER)


def _held(orders: list[dict[str, Any]]) -> int:
    """Bytes of results that are there, and those that others under way may come to."""
    return sum(order.get("room", 0) if order["status"] == "running" else order["bytes"] or 0 for order in orders)


def cancel(context: Context, order: dict[str, Any]) -> None:
    """Stop an order and remove its result; `order` is as it stands then. Blocking."""
    with _lock:
        now = context.state.item(KIND, order["id"]) or order
        order.update(now)
        if order["status"] not in ("failed", "expired"):
            _change(context, order, status="cancelled")
    _drop(order["id"])
    (directory(context) / order["id"]).unlink(missing_ok=True)


def _drop(order_id: str) -> None:
    """End the work on an order, or its wait for a turn."""
    clock = _clocks.pop(order_id, None)
    if clock:
        clock.cancel()
    work = works.get(order_id)
    if work is None:
        return
    if work.running:
        work.running.kill()
    elif not work.turn.come.done():
        works.pop(order_id, None)
        ORDERS.leave(work.turn)


def start(context: Context) -> None:
    """Take up what an earlier process left: results expire when they should, strays go. Blocking."""
    if not directory(context).is_dir():
        return
    _clear(context)
    for order in context.state.items(KIND).values():
        if order["status"] == "ready":
            _expire_later(context, order)


def _clear(context: Context) -> None:
    """Remove results that have expired, and files that belong to no order."""
    for order_id in context.state.items(KIND):
        find(context, order_id)
    kept = context.state.items(KIND)
    for path in directory(context).iterdir():
        if path.name not in kept or kept[path.name]["status"] not in COUNTED:
            path.unlink(missing_ok=True)


def _expire_later(context: Context, order: dict[str, Any]) -> None:
    wait = order["expires"] - time.time()
    _clocks[order["id"]] = scheduler.after(wait, "deliver", lambda: _expire(context, order["id"]))


def _expire(context: Context, order_id: str) -> None:
    _clocks.pop(order_id, None)
    order = find(context, order_id)
    if order is None:
        (directory(context) / order_id).unlink(missing_ok=True)
    elif order["status"] == "ready":  # the clock that the system shows went back
        _expire_later(context, order)


def stop(context: Context) -> None:
    """End what this gateway works on: its orders have failed, and say why. For the end of the server. Blocking."""
    own = context.state.items(KIND) if works or _clocks else {}
    for order_id in own:
        if order_id in works:
            _finish(context, order_id, status="failed", detail="The gateway was stopped before it was done.")
        _drop(order_id)
    temporary = _temporary.pop(id(context.state), None)
    if temporary:
        shutil.rmtree(temporary, ignore_errors=True)


def _forget(context: Context, most: int) -> None:
    """Forget the oldest of the orders that have ended, so that fewer than `most` of these are kept."""
    for order_id in context.state.items(KIND):
        find(context, order_id)
    ended = [order for order in context.state.items(KIND).values() if order["status"] not in COUNTED]
    ended.sort(key=lambda order: float(order["updated"]), reverse=True)
    for order in ended[max(0, most - 1) :]:
        context.state.remove(KIND, order["id"])


def _work(context: Context, order_id: str, job: Job, work: Work) -> None:
    """Make the result. Runs in a thread of the pool."""
    path = directory(context) / order_id
    try:
        room = _begin(context, order_id, job.limits)
        if not room:
            return
        path.parent.mkdir(exist_ok=True)
        rows = _written(context, order_id, replace(job, max_bytes=room), path, work)
        end = time.time() + job.limits.order_keep_seconds
        _finish(context, order_id, status="ready", rows=rows, bytes=path.stat().st_size, expires=end)
    except ProblemError as error:
        _finish(context, order_id, status="failed", detail=error.problem.detail)
    except Exception:
        log.exception("an order could not be done")
        _finish(context, order_id, status="failed", detail="The gateway could not do it; the reason is in its log.")
    finally:
        works.pop(order_id, None)
        ORDERS.leave(work.turn)
        order = context.state.item(KIND, order_id)
        if order is None or order["status"] != "ready":
            path.unlink(missing_ok=True)


def _begin(context: Context, order_id: str, limits: Limits) -> int:
    """Say that it is worked on. The bytes its result may have; 0 when it was cancelled before."""
    with _lock:
        order = context.state.item(KIND, order_id)
        if order is None or order["status"] != "accepted":
            return 0
        others = [o for o in context.state.items(KIND).values() if o.get("owner") == order["owner"]]
        free = limits.order_bytes_per_consumer - _held([o for o in others if o["status"] in COUNTED])
        if free > 0:
            room = min(limits.order_bytes, free)
            _change(context, order, status="running", room=room)
            return room
    detail = f"Your results here take {limits.order_bytes_per_consumer} bytes already, the most they may."
    raise ProblemError(429, "Too much ordered", detail)


def _written(context: Context, order_id: str, job: Job, path: Path, work: Work) -> int:
    """Have a subprocess make the result. How many rows it has. Raises ProblemError when it cannot be made."""
    running = Running(job)
    try:
        work.running = running
        order = context.state.item(KIND, order_id)
        if order is None or order["status"] != "running":  # cancelled or stopped while it started
            running.kill()
        stdout = running.process.stdout
        assert stdout is not None
        stdout.readline()  # columns and types; the file begins after it
        size, most = 0, job.max_bytes or 0
        with path.open("wb") as file:
            while size <= most and (part := stdout.read(CHUNK)):
                size += len(part)
                file.write(part)
        if size > most:
            raise _too_large(most)
        closing = running.finish()
    finally:
        running.close()
    if closing["truncated"]:
        raise _too_large(most)
    return int(closing["rows"])


def _too_large(most: int) -> ProblemError:
    return ProblemError(413, "Too large", f"The result is larger than {most} bytes.", "Ask for less.")


def _finish(context: Context, order_id: str, **changes: Any) -> None:
    """Say how it ended, unless it was cancelled meanwhile."""
    with _lock:
        order = context.state.item(KIND, order_id)
        if order is None or order["status"] not in UNFINISHED:
            return
        _change(context, order, **changes)
        if order["status"] == "ready":
            _expire_later(context, order)
    _tell(context, f"order.{order['status']}", order)


def _change(context: Context, order: dict[str, Any], **changes: Any) -> None:
    order.update(changes, updated=time.time())
    context.state.change(KIND, order["id"], order)


def _tell(context: Context, type: str, order: dict[str, Any]) -> None:
    """An event for subscribers, who are not the one who ordered: nothing of who that is, what was asked or found.

    The id of an order without a consumer is left out: whoever knows it may have the result.
    """
    data = {"artifactId": order["artifact"], "status": order["status"], "format": order["format"]}
    if order["consumer"] is not None:
        data["orderId"] = order["id"]
    if order["status"] == "ready":
        data |= {
            "rows": order["rows"],
            "bytes": order["bytes"],
            "expires": datetime.fromtimestamp(order["expires"], UTC).isoformat(),
        }
    context.tell(type, data)
