"""Threads apart for work that may be slow, so that however much of it there is, all else is answered meanwhile."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Lane:
    """At most `threads` threads of the process, made when needed. Whoever waits for one holds none."""

    def __init__(self, name: str, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=f"gateway-{name}")

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `work` returns or raises."""
        return await asyncio.wrap_future(self._pool.submit(work, *args, **kwargs))


READING = Lane("reading", 4)
"""Data files: these may be large."""
WRITING = Lane("writing", 4)
"""Rows that are added: these wait for one another, and for other programs that write to the file."""
CHECKING = Lane("checking", 8)
"""Tokens: an issuer may hang."""
OUTWARD = Lane("outward", 4)
"""Resolvers and recipients that callers name: these may be slow on purpose."""
