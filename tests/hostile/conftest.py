"""One worker process for all modes, fresh servers for each: 127.0.0.1 may be asked, 127.0.0.2 never."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import pytest
import redis
from django.conf import settings as django_settings
from django.db import connection

from marketplace import env
from marketplace.live import breaker, cache
from tests.conftest import REPOSITORY
from tests.live.hostile import Server

from .certificates import Authority
from .modes import House

# The worker lives as long as the session: in the database that other tests use, it would take their tasks.
REDIS_URL = re.sub(r"\d+$", lambda number: str(int(number[0]) + 8), os.environ["REDIS_URL"])


@dataclass
class Worker:
    """A running worker process. Sizes in MB."""

    process: subprocess.Popen[str]

    def _status(self, name: str) -> float:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) / 1024
        raise AssertionError(f"no {name}: the worker has ended")

    @property
    def resident(self) -> float:
        return self._status("VmRSS")

    @property
    def peak(self) -> float:
        """The most it was since `forget_peak`."""
        return self._status("VmHWM")

    def forget_peak(self) -> None:
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def worker(django_db_setup: None, authority: Authority) -> Iterator[Worker]:
    """A real Celery worker of the queue `live`, with the tests' database and broker."""
    parts = urlsplit(django_settings.DATABASE_URL)
    name = connection.settings_dict["NAME"]
    environment = {
        **os.environ,
        "DATABASE_URL": urlunsplit(parts._replace(path=f"/{quote(str(name))}")),
        "REDIS_URL": REDIS_URL,
        "DJANGO_SETTINGS_MODULE": "marketplace.settings",
        "GATEWAY_ALLOWED_NETWORKS": "127.0.0.1/32",
        "HOSTILE_AUTHORITY": str(authority.file),
        "PYTHONWARNINGS": "ignore",
        "MALLOC_ARENA_MAX": "2",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.hostile.worker"],
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line)
        if " ready." in line:
            break
    else:
        pytest.fail(f"the worker did not start:\n{''.join(said)}")
    reader = threading.Thread(target=said.extend, args=(process.stdout,), daemon=True)
    reader.start()
    yield Worker(process)
    process.terminate()
    process.wait(20)
    reader.join(5)


@pytest.fixture(autouse=True)
def redis_of_the_worker(settings: Any, use_broker: Callable[[str], None]) -> None:
    """What these tests ask and keep is in the Redis database of their worker, empty for every test."""
    with redis.Redis.from_url(REDIS_URL) as client:
        client.flushdb()
    settings.REDIS_URL = REDIS_URL
    use_broker(env.celery_broker(REDIS_URL))


@pytest.fixture(autouse=True)
def only_one_network(settings: Any) -> None:
    """127.0.0.1 and nothing else, as for the worker."""
    settings.GATEWAY_ALLOWED_NETWORKS = [ip_network("127.0.0.1/32")]
    breaker._open_until.clear()
    cache._redis_at.cache_clear()


@pytest.fixture
def new_house(authority: Authority) -> Iterator[Callable[[], House]]:
    """Makes servers of which each answer can be chosen, with a canary on the same port of the forbidden network."""
    running: list[Server] = []

    def start(server: Server) -> Server:
        running.append(server.start())
        return server

    def secure(*arguments: Any, **certificate: Any) -> Server:
        return start(Server(tls=authority.server(*arguments, **certificate)))

    def make() -> House:
        server = start(Server())
        return House(server, start(Server(host="127.0.0.2", port=server.port)), authority, secure)

    yield make
    for server in running:
        server.stop()
