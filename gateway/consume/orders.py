"""Orders: a result made in the background, kept for a while, fetched when it is ready."""

from datetime import UTC, datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from gateway.bodies import read_json
from gateway.consume import orderbook
from gateway.consume.access import artifact_of, authorise, rules_for
from gateway.consume.download import MEDIA, ranged
from gateway.consume.orderbook import UNFINISHED
from gateway.consume.query import MAX_BODY, refuse_without_rows
from gateway.context import Context, context_of
from gateway.grants import Grant, grant_of, require
from gateway.http import ProblemError
from gateway.product import PortArtifact
from gateway.protocol import MEDIA_JSON, Link, Order, OrderRequest


async def place(request: Request) -> Response:
    """`POST /consume/{artifact}/orders`: 202 with the address of the order."""
    caller = await authorise(request, "order")
    wanted = await read_json(request, OrderRequest, MAX_BODY)
    refuse_without_rows(caller)
    order = await run_in_threadpool(orderbook.place, caller, wanted)
    return _told(caller.context, order, 202)


async def order(request: Request) -> Response:
    """`GET …/orders/{order}`: how it stands. `DELETE`: stopped if still worked on, and its result removed."""
    context, found, _ = await _own(request)
    if request.method == "DELETE":
        await run_in_threadpool(orderbook.cancel, context, found)
    return _told(context, found)


async def result(request: Request) -> Response:
    """`GET …/orders/{order}/result`: the file, range requests included."""
    context, order, grant = await _own(request)
    context.control.refuse_when_paused()
    entry = artifact_of(context, order["artifact"])
    if orderbook.seen_as(rules_for(context, entry, _role(entry, grant))) != order.get("rules"):
        detail = "What you may see of this artifact has changed since the order was placed."
        raise ProblemError(403, "Not allowed", detail, "Place another order.")
    path = orderbook.directory(context) / order["id"]
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
    order = await run_in_threadpool(orderbook.find, context, request.path_params["order"][:100])
    if (
        order is None
        or order["artifact"] != entry.artifact.id
        or (order["consumer"] is not None and (grant is None or grant.subject != order["consumer"]))
        or (order["consumer"] is not None and grant is not None and grant.issuer != order["issuer"])
    ):
        detail = "You have no such order here; it may have expired."
        raise ProblemError(404, "No such order", detail, "Place another one.")
    return context, order, grant


def _told(context: Context, order: dict[str, Any], status: int = 200) -> Response:
    here = f"{context.live.snapshot.product.base}/consume/{order['artifact']}/orders/{order['id']}"
    size = order["bytes"]
    path = orderbook.directory(context) / order["id"]
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
