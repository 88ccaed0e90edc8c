"""The Celery application. Queues: `live` (fetches), `embed` (holds the model), `default` (the rest)."""

import gc
import os
import time
from typing import Any

from celery import Celery
from celery.signals import worker_ready
from kombu.exceptions import OperationalError

from marketplace import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")

PAUSE = 5.0  # seconds without asking, once the broker did not take a task
READING = 30  # seconds a worker waits for the rest of an answer of the broker


class Application(Celery):
    """Celery whose sending gives up early: a request that enqueues work never waits long for a broker."""

    _down = ("", 0.0)

    def send_task(self, *args: Any, **options: Any) -> Any:
        """As Celery's own, which every `apply_async` and `delay` ends in.

        Raises kombu's OperationalError after a second where the broker does not answer, and at once for PAUSE seconds
        after that.
        """
        broker = str(self.conf.broker_write_url)
        if self._down[0] == broker and time.monotonic() < self._down[1]:
            raise OperationalError("the broker did not answer a moment ago")
        try:
            return super().send_task(*args, **options)
        except OperationalError:
            self._down = (broker, time.monotonic() + PAUSE)
            raise

    def connection_for_read(self, url: str | None = None, **options: Any) -> Any:
        """The connection of a worker that takes tasks: it has nobody waiting for it, so its limit is longer."""
        return super().connection_for_read(url, transport_options={"socket_timeout": READING}, **options)


@worker_ready.connect
def keep_what_is_loaded(**_named: Any) -> None:
    """What a worker has loaded by now stays: looking for garbage among it took a quarter of the time of a fetch."""
    gc.collect()
    gc.freeze()


broker.use()
app = Application("marketplace")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
