"""Starts one PostgreSQL and one Valkey for the whole test session, before the settings are read.

Loaded with `-p tests.plugin` (see pyproject.toml). Under xdist the controller starts them and the workers inherit their
addresses; each worker has a test database and a Redis database of its own.
"""

import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from marketplace.runtime.embedded import Servers, for_tests

_servers: Servers | None = None
_folder: Path | None = None

ENVIRONMENT = {
    "SECRET_KEY": "only for tests, only for tests, only for tests",
    "DEMO": "1",  # loopback gateways may be called
    "HF_HUB_OFFLINE": "1",
    "DATABASE_POOL_SIZE": "0",  # test databases are dropped, which kept connections would hinder
    "LOG_LEVEL": "WARNING",
    "STATIC_HASHED": "0",  # the hashed names exist only after collectstatic
    "EMBEDDING_MODEL": "hashing",  # the null embedder; tests of the real model ask for it
    "DJANGO_ALLOW_ASYNC_UNSAFE": "1",  # Playwright's own event loop runs in the test's thread
}


def _own_redis_database(url: str, number: int) -> str:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}?db={number}"
    return f"redis://{parts.netloc}/{number}"


def _start() -> None:
    global _servers, _folder
    os.environ.update(ENVIRONMENT)
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        _folder = Path(tempfile.mkdtemp(prefix="mesh-tests-"))
        _servers = for_tests(_folder)
        os.environ.update(_servers.environment())
        static = _folder / "static"
        static.mkdir()
        os.environ["STATIC_ROOT"] = str(static)  # whitenoise wants a folder that is there
    number = int(worker.removeprefix("gw")) + 1 if worker else 0
    os.environ["REDIS_URL"] = _own_redis_database(os.environ["REDIS_URL"], number)


_start()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stops what this process started."""
    if _servers is not None:
        _servers.stop()
    if _folder is not None:
        shutil.rmtree(_folder, ignore_errors=True)
