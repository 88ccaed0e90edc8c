"""Control, consumption and ingestion in the OpenAPI description."""

from typing import Any

from gateway import protocol as wire
from gateway.openapi_parts import ID, call, ref

_REFUSED = (401, 403, 404, 503)
_ORDER = {**ID, "name": "order", "description": "Order id"}
_FORMAT = {
    "name": "format",
    "in": "query",
    "description": "Form of rows that are made for the answer",
    "schema": {"type": "string", "enum": ["csv", "json", "jsonl", "parquet"]},
}
_FILE = {"name": "file", "in": "query", "description": "A file of a folder", "schema": {"type": "string"}}
_RANGE = {
    "name": "Range",
    "in": "header",
    "description": "A part of the file, such as `bytes=0-999`",
    "schema": {"type": "string"},
}
_GRANTED = "Needs a grant with the scope `consume` or `consume:<artifact id>`, unless the artifact is open."


def control_paths() -> dict[str, Any]:
    """Pause, resume, configure."""
    taken = (400, 413, 415, 422)

    def control(summary: str, body: Any = None) -> dict[str, Any]:
        answers = {200: wire.ControlStatus}
        return {"post": call(summary, answers, body=body, errors=taken if body else (), scope="control")}

    pause = control("Pause the product: consuming answers 503 until it is resumed", wire.Pause)
    resume = control("Resume the product")
    return {
        "/control/pause": pause,
        "/control/stop": pause,
        "/control/resume": resume,
        "/control/start": resume,
        "/control/configure": control("Change limits while it runs", wire.Configure),
    }


def consume_paths() -> dict[str, Any]:
    """Download, query, orders."""
    data = {"description": "The data", "content": {"*/*": {}}}
    listing = {"schema": ref(wire.FolderListing)}
    whole = {
        "description": "The data; of a folder the list of its files",
        "content": {wire.MEDIA_JSON: listing, "*/*": {}},
    }
    file = {
        "200": whole,
        "206": {**data, "description": "The part asked for"},
        "304": {"description": "Unchanged since the ETag in If-None-Match"},
    }
    download = call(
        "Download an artifact", {}, ID, _FILE, _FORMAT, _RANGE, errors=(400, *_REFUSED, 416, 422, 429, 502, 504)
    )
    download["responses"] = file | download["responses"]
    result = call("The result of an order", {}, ID, _ORDER, _RANGE, errors=(400, *_REFUSED, 409, 416))
    result["responses"] = file | {"200": data} | result["responses"]
    rows = call(
        "One SELECT over an artifact, which is the table `data`",
        {200: wire.QueryResult},
        ID,
        body=wire.Query,
        errors=(400, *_REFUSED, 409, 413, 415, 422, 429),
    )
    rows["responses"]["200"]["content"]["text/csv"] = {"schema": {"type": "string"}}
    rows["responses"]["200"]["content"]["text/csv; charset=utf-8"] = {"schema": {"type": "string"}}
    place = call(
        "Have rows made in the background",
        {202: wire.Order},
        ID,
        body=wire.OrderRequest,
        errors=(400, *_REFUSED, 409, 413, 415, 422, 429),
    )
    state = call("How an order stands", {200: wire.Order}, ID, _ORDER, errors=_REFUSED)
    cancel = call("Stop an order and remove its result", {200: wire.Order}, ID, _ORDER, errors=_REFUSED)
    for each in (download, rows, place):
        each["description"] = _GRANTED
        each["security"] = [{}, {"grant": []}]
    return {
        "/consume/{id}": {"get": download},
        "/consume/{id}/query": {"post": rows},
        "/consume/{id}/orders": {"post": place},
        "/consume/{id}/orders/{order}": {"get": state, "delete": cancel},
        "/consume/{id}/orders/{order}/result": {"get": result},
    }


def ingest_paths() -> dict[str, Any]:
    """Rows checked at the door."""
    rows = {"type": "array", "items": {"type": "object"}}
    bodies = {wire.MEDIA_JSON: {"schema": rows}, "application/x-ndjson": {}, "text/csv": {}}
    post = call(
        "Rows, checked against the contract: those it does not allow are refused with reasons",
        {200: wire.IngestResult},
        ID,
        errors=(400, 401, 403, 404, 409, 413, 415, 422, 429, 503),
    )
    post["description"] = (
        "Needs a grant with the scope `ingest` or `ingest:<artifact id>`. Rows that fit the contract are added, the "
        "others refused with reasons: 200 when at least one was added, 422 when none was."
    )
    post.setdefault("parameters", []).append(
        {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "The sender's name for this body: sent again with it within a day, it adds nothing.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[ -~]+$"},
        }
    )
    post["security"] = [{"grant": []}]
    post["requestBody"] = {"required": True, "content": bodies}
    return {"/ingest/{id}": {"post": post}}
