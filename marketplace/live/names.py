"""Names to addresses, by the operating system's resolver, which nobody can interrupt: it may hang for half a minute."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache, partial
from ipaddress import ip_address
from typing import Any

LOOKUPS = 64  # threads of their own: name servers that hang keep nothing else waiting
LOOKUPS_PER_SITE = 8  # one product may name fifty hosts below a name whose servers hang

Resolver = Callable[[str, int], Awaitable[list[str]]]
"""Host and port to IP addresses as texts. Raises OSError when the name is not known."""

_threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="live-names")


@dataclass(slots=True)
class _Site:
    """`users` look names up, or wait until they may."""

    free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LOOKUPS_PER_SITE))
    users: int = 0


@lru_cache(1024)
def _literal(host: str) -> str | None:
    """The address that is written there; None for a name, and for an unusual spelling, which the system reads."""
    try:
        return str(ip_address(host))
    except ValueError:
        return None


class Names:
    """A resolver that asks for a few names at once below any one site. Belongs to one event loop."""

    def __init__(self, look_up: Callable[..., Any] = socket.getaddrinfo) -> None:
        """`look_up`: as socket.getaddrinfo."""
        self._look_up = look_up
        self._sites: dict[str, _Site] = {}

    async def __call__(self, host: str, port: int) -> list[str]:
        """All addresses of a name, in the resolver's order and without repeats. Raises OSError, UnicodeError."""
        if literal := _literal(host):
            return [literal]
        job = await self._begun(host, partial(self._look_up, host, port, type=socket.SOCK_STREAM))
        found = await asyncio.wrap_future(job)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    async def _begun(self, host: str, look_up: Callable[[], Any]) -> Future[Any]:
        name = ".".join(host.rstrip(".").rsplit(".", 2)[-2:])
        site = self._sites.setdefault(name, _Site())
        site.users += 1
        try:
            await site.free.acquire()
        except BaseException:
            self._left(name)
            raise
        job = _threads.submit(look_up)
        # When the thread is free again, which may be long after whoever asked has given up.
        job.add_done_callback(partial(self._tell, asyncio.get_running_loop(), name))
        return job

    def _tell(self, loop: asyncio.AbstractEventLoop, name: str, _job: Future[Any]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(self._ended, name)

    def _ended(self, name: str) -> None:
        self._sites[name].free.release()
        self._left(name)

    def _left(self, name: str) -> None:
        self._sites[name].users -= 1
        if not self._sites[name].users:
            del self._sites[name]
