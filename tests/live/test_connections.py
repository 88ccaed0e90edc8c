"""A worker that waits for many gateways at once leaves the database to the others."""

import os
import selectors
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection

from marketplace.live import services
from registry.models import Event, EventCursor
from registry.services import LinkData, ProductData, update

ROOT = Path(__file__).resolve().parents[2]
PRODUCTS = 20

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker_with_two_connections() -> Iterator[subprocess.Popen[bytes]]:
    """A real worker process, as deployed, whose pool has far fewer connections than it has threads."""
    url = urlsplit(settings.DATABASE_URL)._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    command = [sys.executable, "-m", "celery", "-A", "marketplace.celery", "worker", "--pool", "threads"]
    worker = subprocess.Popen(
        [*command, "--concurrency", "32", "--queues", "live,default", "--without-mingle", "--without-gossip"],
        env={**os.environ, "DATABASE_URL": url, "DATABASE_POOL_SIZE": "2", "REDIS_URL": settings.REDIS_URL},
        cwd=ROOT,
    )
    yield worker
    worker.terminate()
    try:
        worker.wait(20)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()


def test_twenty_hanging_products_need_no_database_connection_while_they_are_awaited(
    worker_with_two_connections, setup_product, producer, wait_for
):
    def caught_up() -> bool:
        cursor = EventCursor.objects.filter(subscriber="live").first()
        return cursor is not None and cursor.position == Event.objects.latest("id").id

    def touch(product, title: str) -> None:
        links = [LinkData(link.rel, link.url) for link in product.links.all()]
        data = ProductData(
            domain=product.domain.slug, name=product.name, title=title, summary=product.summary, links=links
        )
        update(producer, product, data, revision=product.revision)

    with ExitStack() as opened:
        silent = [opened.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(PRODUCTS)]
        products = [
            setup_product(f"rain-{n}", links=[LinkData("discovery", f"http://127.0.0.1:{one.getsockname()[1]}/")])
            for n, one in enumerate(silent)
        ]
        touch(products[0], "The worker is up")
        wait_for(caught_up, 60)
        for product in products:
            services.look(product.pk)
        waiting = selectors.DefaultSelector()
        for one in silent:
            waiting.register(one, selectors.EVENT_READ)
        held: dict[int, socket.socket] = {}

        def all_at_once() -> bool:
            for key, _ in waiting.select(0):
                connected, _ = key.fileobj.accept()
                connected.setblocking(False)
                held[key.fd] = opened.enter_context(connected)
            return len(held) == PRODUCTS and not any(_hung_up(one) for one in held.values())

        wait_for(all_at_once, 10)
        products[0].refresh_from_db()
        touch(products[0], "Delivered meanwhile")
        wait_for(caught_up, 5)
        wait_for(lambda: not any(services.look(product.pk, ask=False).waiting for product in products), 30)
        kinds = {services.look(product.pk, ask=False).index.problem.kind for product in products[1:]}
        assert kinds == {"slow"}


def _hung_up(one: socket.socket) -> bool:
    try:
        return one.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
