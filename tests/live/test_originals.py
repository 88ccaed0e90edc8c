"""A document byte for byte: fetched once by a worker, kept for a short while, bounded like every other answer."""

from collections.abc import Callable
from typing import Any

import pytest

from marketplace.live import cache, originals
from marketplace.live.http import MAX_BYTES

from .hostile import Server, answer, redirect, reset

BYTES = b"\xef\xbb\xbf# no JSON\r\n\x00\xff\xfe: <script>\n"


def test_a_worker_fetches_it_byte_for_byte_and_once_for_many(
    server: Server, celery_worker: Any, wait_for: Callable[..., Any]
) -> None:
    url = server.route("/guide.md", answer(BYTES, content_type="text/markdown; charset=x-odd"))
    first, *_ = [originals.look(7, url) for _ in range(20)]
    assert first.waiting
    part = wait_for(lambda: (found := originals.look(7, url)).view and found)
    assert part.view.body == BYTES
    assert (part.view.media_type, part.state, part.waiting) == ("text/markdown", "live", False)
    assert server.requests["/guide.md"] == 1


def test_a_document_of_one_product_is_not_that_of_another(server: Server) -> None:
    url = server.route("/d", answer(b"x"))
    originals.refresh(7, url)
    assert originals.look(7, url, ask=False).view is not None
    assert originals.look(8, url, ask=False).view is None


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        (answer(b"x" * (MAX_BYTES + 1)), "too_large"),
        (answer(b"gone", status=404), "bad_status"),
        (redirect("/d"), "bad_redirect"),
        (reset, "unreachable"),
    ],
)
def test_what_goes_wrong_is_said(server: Server, handler: Any, kind: str) -> None:
    url = server.route("/d", handler)
    originals.refresh(7, url)
    part = originals.look(7, url, ask=False)
    assert part.state == "down"
    assert part.problem is not None
    assert part.problem.kind == kind
    assert part.problem.advice


def test_an_internal_address_is_refused_without_a_connection(canary: Server) -> None:
    originals.refresh(7, canary.url("/d"))
    part = originals.look(7, canary.url("/d"), ask=False)
    assert part.problem is not None
    assert part.problem.kind == "refused_address"
    assert canary.connections == 0


def test_it_goes_after_two_minutes_at_most(server: Server, fresh_redis: Any) -> None:
    originals.refresh(7, server.route("/d", answer(b"x")))
    keys = fresh_redis.keys(f"{cache.PREFIX}o:*")
    assert len(keys) == 1
    assert 0 < fresh_redis.ttl(keys[0]) <= originals.KEPT_SECONDS
