"""The Celery application of the worker that also holds the scheduler: `celery -A marketplace.runtime.scheduler worker`.

Celery's own `--beat` forks a process of 60 MB for it; a thread does the same in one. Use it in one worker only.
"""

import logging
import os
import signal
from threading import Thread
from typing import Any

from celery import bootsteps
from celery.beat import Service

from marketplace.celery import app

logger = logging.getLogger(__name__)

SCHEDULE_VARIABLE = "SCHEDULE_FILE"


class SchedulerStep(bootsteps.StartStopStep):
    """Starts and stops the scheduler with the worker. It notes in SCHEDULE_FILE what was last sent when."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        # A short interval, so that it stops within a second.
        file = os.environ[SCHEDULE_VARIABLE]
        self.service = Service(worker.app, max_interval=1, schedule_filename=file)
        self.thread = Thread(target=self.run, name="scheduler", daemon=True)

    def start(self, worker: Any) -> None:
        """Returns at once."""
        self.thread.start()

    def run(self) -> None:
        """Sends what is due until stopped. A scheduler that died unseen would be worse than a restarted worker."""
        try:
            self.service.start()
        except Exception:
            logger.exception("scheduler.failed")
            os.kill(os.getpid(), signal.SIGTERM)

    def stop(self, worker: Any) -> None:
        """Waits until the schedule is written."""
        self.service.stop()
        self.thread.join(timeout=3)


app.steps["worker"].add(SchedulerStep)
