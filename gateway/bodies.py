"""Request bodies: read up to a size, then checked against a wire model."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from gateway.http import ProblemError

M = TypeVar("M", bound=BaseModel)


async def read_body(request: Request, limit: int) -> bytes:
    """The body. Raises ProblemError 413 when it is larger than `limit` bytes; no more than that is ever held."""
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > limit:
                detail = f"The body is larger than {limit} bytes, the most that is taken here."
                raise ProblemError(413, "Body too large", detail, "Send less at a time.")
            parts.append(part)
    except ClientDisconnect as error:
        raise ProblemError(
            400, "Body cut off", "The connection ended before the body did.", "Send it again."
        ) from error
    return b"".join(parts)


async def read_json(request: Request, model: type[M], limit: int) -> M:
    """The body as a wire model; no body at all is an empty object.

    Raises:
        ProblemError: 413 too large; 415 not JSON by its Content-Type; 400 not JSON; 422 not what the call needs.
    """
    media = request.headers.get("content-type", "application/json").split(";")[0].strip().lower()
    if media != "application/json" and not media.endswith("+json"):
        detail = f"The body is {media[:80] or 'of no type'}; JSON is needed here."
        raise ProblemError(415, "Unsupported media type", detail, "Send Content-Type: application/json.")
    raw = await read_body(request, limit)
    try:
        return model.model_validate_json(raw or b"{}")
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False)
        if faults[0]["type"] == "json_invalid":
            raise ProblemError(400, "Not JSON", f"The body is {faults[0]['msg'][:200]}.", "Correct it.") from error
        told = [f"{'.'.join(str(p) for p in f['loc'])[:100] or 'body'}: {f['msg']}" for f in faults[:5]]
        raise ProblemError(422, "Bad request body", "; ".join(told) + ".", "See /discover/openapi.json.") from error
