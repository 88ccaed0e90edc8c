"""Name servers that hang keep the names of others not waiting."""

import asyncio
import socket
import threading

import pytest

from marketplace.live.names import LOOKUPS, LOOKUPS_PER_SITE, Names
from tests import aio


class HangingServers:
    """Names below bad.example are never answered, until `end`; all others are asked of the system."""

    def __init__(self) -> None:
        self.end = threading.Event()
        self.hanging = 0
        self._lock = threading.Lock()

    def __call__(self, host, port, **how):
        if host.endswith("bad.example"):
            with self._lock:
                self.hanging += 1
            self.end.wait()
            raise socket.gaierror("no answer")
        return socket.getaddrinfo(host, port, **how)


def test_one_site_whose_name_servers_hang_keeps_no_other_name_waiting():
    servers = HangingServers()

    async def run():
        names = Names(servers)
        try:
            hung = [asyncio.create_task(names(f"h{n}.bad.example", 80)) for n in range(LOOKUPS + 10)]
            assert "127.0.0.1" in await asyncio.wait_for(names("localhost", 80), 20)
            for task in hung:  # who asked gave up, and the threads still hang
                task.cancel()
            await asyncio.wait(hung)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(names("again.bad.example", 80), 0.1)
            assert "127.0.0.1" in await asyncio.wait_for(names("localhost", 80), 20)
            assert servers.hanging <= LOOKUPS_PER_SITE
        finally:
            servers.end.set()
        with pytest.raises(OSError, match="no answer"):
            await names("last.bad.example", 80)

    aio.run(run())


def test_an_address_is_taken_as_it_is():
    def never(*_args, **_how):
        raise AssertionError("asked")

    assert aio.run(Names(never)("::1", 80)) == ["::1"]
    assert aio.run(Names(never)("192.0.2.1", 80)) == ["192.0.2.1"]
