"""Work of the producer's journey that takes longer than a page."""

import structlog
from celery import shared_task
from kombu.exceptions import OperationalError

from marketplace.publishing import catalogues

EXPIRES = 120  # seconds: a run that nobody took is asked for again

log = structlog.get_logger(__name__)


@shared_task(name="publishing.catalogue")
def publish_catalogue(pk: int) -> None:
    """Publishes the datasets of a run."""
    catalogues.run(pk)


@shared_task(name="publishing.resume")
def resume() -> None:
    """Wakes workers for the runs that none is at: nobody has to look at a run for it to go on."""
    for pk in catalogues.idle().order_by("pk").values_list("pk", flat=True):
        enqueue_catalogue(pk)


def enqueue_catalogue(pk: int) -> None:
    """Has a worker publish the run's datasets; without a broker `resume` asks again, or whoever looks."""
    try:
        publish_catalogue.apply_async((pk,), expires=EXPIRES)
    except OperationalError as error:
        log.warning("publishing.broker_unreachable", error=str(error))
