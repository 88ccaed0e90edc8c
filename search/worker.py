"""What the Celery worker of queue `embed` does besides its tasks: it answers questions with the model it holds anyway.

Run it with a pool of threads (`--pool threads` or `solo`): a forked pool would hold the model twice.
"""

import os
import signal
from typing import Any

from celery import bootsteps

from search.questions import QuestionService

QUEUE = "embed"


def end_worker() -> None:
    """Ends this worker, so that whoever watches over it sees that it cannot do its work."""
    os.kill(os.getpid(), signal.SIGTERM)


class QuestionStep(bootsteps.StartStopStep):
    """Starts and stops the QuestionService with the worker, where the worker consumes the queue `embed`."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self.service: QuestionService | None = None

    def include_if(self, worker: Any) -> bool:
        """Only the worker that consumes the queue, named on its command line, has the model."""
        chosen = worker.app.amqp.queues.consume_from
        return QUEUE in chosen

    def start(self, worker: Any) -> None:
        """Begins to load the model; tasks are taken meanwhile. The worker ends where it cannot be loaded."""
        self.service = QuestionService(on_failure=end_worker)
        self.service.start()

    def stop(self, worker: Any) -> None:
        """Ends the thread. Others notice within the life of its last sign."""
        if self.service is not None:
            self.service.stop()
            self.service.join(timeout=3)

    def terminate(self, worker: Any) -> None:
        """The same where the worker is ended at once."""
        self.stop(worker)
