"""A Celery worker of the live window as a process of its own, so that its memory can be measured.

It is the real one but for two things that the door takes as arguments: the names of `.example` are answered by a name
server that plays tricks, and an authority of the tests is trusted (so that a certificate is wrong in one thing only).
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections import Counter
from functools import partial

ANSWERS: dict[str, tuple[list[str], ...]] = {
    # One answer after the other, the last one for ever.
    "product.example": (["127.0.0.1"],),
    "rebinding.example": (["127.0.0.1"], ["127.0.0.2"]),
    "inside.example": (["127.0.0.2"],),
    "both.example": (["127.0.0.1", "127.0.0.2"],),
    "mapped.example": (["::ffff:127.0.0.1"],),
    "empty.example": ([],),
    "junk.example": (["not an address"],),
}
_asked: Counter[str] = Counter()


async def names(host: str, port: int) -> list[str]:
    """The door's resolver. Each name begins anew when its host is `<anything>--<name>`."""
    from marketplace.live.names import Names

    known = host.rpartition("--")[2]
    if known == "hanging.example":
        await asyncio.sleep(3600)
    if known not in ANSWERS:
        return await Names()(host, port)
    answers = ANSWERS[known]
    _asked[host] += 1
    return answers[min(_asked[host], len(answers)) - 1]


def main() -> None:
    import django

    django.setup()
    from marketplace.celery import app
    from marketplace.live import caller, http

    trusting = ssl.create_default_context(cafile=os.environ["HOSTILE_AUTHORITY"])
    caller.Door = partial(http.Door, resolver=names, ssl_context=trusting)  # type: ignore[attr-defined,assignment]
    app.worker_main(
        [
            *("--quiet", "worker", "-Q", "live", "-n", "hostile@%h", "--pool", "threads", "--concurrency", "8"),
            *("--loglevel", "INFO", "--without-gossip", "--without-mingle", "--without-heartbeat"),
        ]
    )


if __name__ == "__main__":
    main()
