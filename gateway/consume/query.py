"""`POST /consume/{artifact}/query`: one SELECT over what the caller may see, in a subprocess that can reach nothing."""

import json
import time

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from gateway.bodies import read_json
from gateway.consume.access import Caller, authorise
from gateway.consume.download import MEDIA
from gateway.consume.jobs import Job, collect
from gateway.consume.slots import QUERIES
from gateway.http import ProblemError
from gateway.protocol import MEDIA_JSON, Query, QueryResult

MAX_BODY = 100_000


async def query(request: Request) -> Response:
    """The answer as JSON or CSV; `X-Truncated` and `truncated` say when a limit cut it off."""
    caller = await authorise(request, "query")
    wanted = await read_json(request, Query, MAX_BODY)
    refuse_without_rows(caller)
    try:
        async with QUERIES.turn(caller.share, caller.context.config.limits):
            return await run_in_threadpool(_answer, caller, wanted)
    except ProblemError as error:
        caller.record("query", error.problem.status)
        raise


def refuse_without_rows(caller: Caller) -> None:
    """Raises ProblemError 409 when the artifact has no rows and columns."""
    if not caller.source.tabular:
        detail = (
            f"'{caller.entry.artifact.name}' is {caller.source.format or 'of an unknown format'}: nothing to query."
        )
        raise ProblemError(409, "Not a table", detail, "Download it.")


def _answer(caller: Caller, wanted: Query) -> Response:
    limits = caller.context.config.limits
    limit = min(wanted.limit or limits.query_rows, limits.query_rows)
    form = "csv" if wanted.format == "csv" else "rows"
    job = Job(
        caller.source, caller.entry.artifact.name, form, limits, caller.salt, limits.query_seconds, caller.rules,
        wanted.sql, limit, limits.query_bytes,
    )  # fmt: skip
    begun = time.perf_counter()
    head, body, closing = collect(job)
    elapsed = round((time.perf_counter() - begun) * 1000, 1)
    headers = {"Cache-Control": "no-store", "X-Truncated": str(closing["truncated"]).lower()}
    if form == "csv":
        answer, media = body, MEDIA["csv"]
    else:
        try:
            result = QueryResult(
                columns=head["columns"],
                types=head["types"],
                rows=[json.loads(line) for line in body.splitlines()],
                row_count=closing["rows"],
                truncated=closing["truncated"],
                elapsed_ms=elapsed,
            )
            answer, media = result.to_json(), MEDIA_JSON
        except (ValueError, RecursionError) as error:
            detail = "The result is nested more deeply than can be sent as JSON."
            raise ProblemError(422, "Result too deep", detail, "Ask for less deep values, or for CSV.") from error
    caller.record("query", 200, closing["rows"], len(answer))
    return Response(answer, 200, headers, media)
