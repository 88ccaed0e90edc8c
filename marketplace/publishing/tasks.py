"""Work of the producer's journey that takes longer than a page."""

import structlog
from celery import shared_task
from kombu.exceptions import OperationalError

from marketplace.publishing import catalogues

EXPIRES = 120  # seconds: who looks at a run that nobody took asks again

log = structlog.get_logger(__name__)


@shared_task(name="publishing.catalogue")
def publish_catalogue(pk: int) -> None:
    """Publishes the datasets of a run."""
    catalogues.run(pk)


def enqueue_catalogue(pk: int) -> None:
    """Has a worker publish the run's datasets; without a broker whoever looks at the run asks again."""
    try:
        publish_catalogue.apply_async((pk,), expires=EXPIRES)
    except OperationalError as error:
        log.warning("publishing.broker_unreachable", error=str(error))
