"""What all answers share: representations with strong ETags, content negotiation, problem documents."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import Response

from gateway.protocol import MEDIA_PROBLEM, Problem

DOCUMENT_AGE = 60
OBSERVED_AGE = 10


@dataclass(frozen=True)
class Representation:
    """A body ready to send. The ETag is computed once, when it is built."""

    body: bytes
    media_type: str
    max_age: int = DOCUMENT_AGE
    status: int = 200
    etag: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "etag", f'"{hashlib.sha256(self.body).hexdigest()[:32]}"')


def choose(accept: str, offered: Sequence[str]) -> int:
    """Index of the media type in `offered` that an Accept header likes best (RFC 9110, 12.5.1).

    The first of `offered` when the header is empty, says nothing useful, or likes several the same: an answer in
    another form helps more than a 406.
    """
    wishes: list[tuple[str, float]] = []
    for part in accept.lower().split(","):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            wishes.append((media, float(quality)))
        except ValueError:
            continue

    def liking(media_type: str) -> float:
        bare = media_type.split(";")[0]
        for pattern in (bare, bare.split("/")[0] + "/*", "*/*"):
            for media, quality in wishes:
                if media == pattern:
                    return quality
        return 0.0

    return max(range(len(offered)), key=lambda index: (liking(offered[index]), -index))


REMEMBERED = 200
"""Accept headers up to this length are remembered with what they chose."""
_remembered = lru_cache(maxsize=256)(choose)


def _unchanged(request: Request, etag: str) -> bool:
    wanted = request.headers.get("if-none-match", "")
    return wanted.strip() == "*" or etag in (tag.strip().removeprefix("W/") for tag in wanted.split(","))


def send(request: Request, *offered: Representation, aliases: Sequence[str] = ()) -> Response:
    """Answer with the representation the client likes best, or 304 when it has that one.

    Args:
        aliases: other media type names of the last of `offered`.
    """
    names = [representation.media_type for representation in offered] + list(aliases)
    accept = request.headers.get("accept", "")
    index = (_remembered if len(accept) < REMEMBERED else choose)(accept, tuple(names))
    chosen = offered[min(index, len(offered) - 1)]
    headers = {"ETag": chosen.etag, "Cache-Control": f"public, max-age={chosen.max_age}"}
    if chosen.max_age == 0:
        headers["Cache-Control"] = "no-cache"
    if len(offered) > 1:
        headers["Vary"] = "Accept"
    if chosen.status == 200 and _unchanged(request, chosen.etag):
        return Response(status_code=304, headers=headers)
    return Response(chosen.body, chosen.status, headers, chosen.media_type)


class ProblemError(Exception):
    """An answer that is an error. Raise it anywhere in an endpoint."""

    def __init__(
        self, status: int, title: str, detail: str, action: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.headers = headers or {}
        self.problem = Problem(title=title, status=status, detail=detail, action=action)


def problem_response(request: Request, problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """A problem document, never cached; a 503 always says when to try again."""
    body = problem.model_copy(update={"instance": request.url.path[:300]}).to_json()
    later = {"Retry-After": "60"} if problem.status == 503 else {}
    return Response(body, problem.status, {**later, **(headers or {}), "Cache-Control": "no-store"}, MEDIA_PROBLEM)
