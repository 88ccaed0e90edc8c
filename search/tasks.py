"""Work of the queue `embed`, whose worker holds the model."""

import structlog
from celery import shared_task
from django.db.models import F, Q
from kombu.exceptions import OperationalError

from search import indexer
from search.embedder import load_embedder, model_name
from search.models import Document

log = structlog.get_logger(__name__)

# About a second of work on two cores: what was published meanwhile is next.
SLICE = 64


@shared_task(name="search.embed_missing")
def embed_missing() -> None:
    """Embeds the newest documents that lack their vector; where there are more, asks for another turn."""
    if not _missing():
        return
    embedder = load_embedder()
    if not indexer.embed_stale(embedder, SLICE):
        # All are locked: by another embedder, or by the index being written, after which nobody would ask for them.
        indexer.embed_stale(embedder, SLICE, wait=True)
    if _missing():
        enqueue_embedding()


def enqueue_embedding() -> None:
    """Asks the embed worker to look for documents without a vector; without a broker the scheduler does it later."""
    try:
        embed_missing.apply_async()
    except OperationalError as error:
        log.warning("search.broker_unreachable", error=str(error))


def _missing() -> bool:
    return Document.objects.filter(~Q(embedded_hash=F("content_hash")) | ~Q(model=model_name())).exists()
