"""gunicorn as gunicorn.conf.py has it: how long a request line may be, and what several processes count together."""

import re
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from django.conf import settings
from django.db import connection

from marketplace.runtime.stack import Options, web
from tests.runtime.conftest import Program, wait_until

LIMIT = 65536


@pytest.fixture
def server(transactional_db: None, launch: Callable[..., Program], tmp_path: Path) -> Iterator[str]:
    """Two processes of it over the test's database; the address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    database = connection.settings_dict
    argv = list(web(Options(port=port, gateway_port=8100, web_workers=2, demo=False)).argv)
    assert argv[0] == sys.executable
    program = launch(
        argv=argv,
        DATABASE_URL=f"postgresql://{database['USER']}@/{database['NAME']}?host={quote(str(database['HOST']))}",
        REDIS_URL=settings.REDIS_URL,
        SECRET_KEY=settings.SECRET_KEY,
        STATIC_ROOT=str(settings.STATIC_ROOT),
        TMPDIR=str(tmp_path),
    )
    address = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert program.process.poll() is None, program.output
        try:
            return status(f"{address}/healthz") == 200
        except httpx2.TransportError:
            return False

    wait_until(answers, "an answer")
    assert list(tmp_path.glob("marketplace-metrics-*"))
    yield address
    program.process.terminate()
    program.ends()
    assert not list(tmp_path.glob("marketplace-metrics-*")), "the folder of the counts is removed"


def status(address: str) -> int:
    return httpx2.get(address, timeout=20).status_code


def test_long_questions_are_answered_and_endless_ones_refused(server: str) -> None:
    question = quote("é" * 10_000)
    assert 8190 < len(question) < LIMIT
    assert status(f"{server}/search/?q={question}") == 200
    # A line that never ends is given up as soon as it is too long, not kept and copied on.
    host, port = server.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as endless:
        endless.sendall(b"GET /healthz?" + b"x" * (LIMIT - 100))
        endless.settimeout(0.5)
        with pytest.raises(TimeoutError):
            endless.recv(1000)
        endless.settimeout(10)
        endless.sendall(b"x" * 9000)
        assert b" 414 " in endless.recv(1000)


def test_all_processes_count_together(server: str) -> None:
    for _ in range(20):
        assert status(f"{server}/healthz") == 200
    for _ in range(4):  # whichever process answers
        text = httpx2.get(f"{server}/metrics").text
        found = re.search(r'^django_http_requests_total_by_view_.*view="healthz".* (\d+)\.0$', text, re.M)
        assert found and int(found[1]) >= 20, text[:2000]
