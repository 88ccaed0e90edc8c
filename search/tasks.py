"""The index kept up: vectors, in the queue `embed`, whose worker holds the model, and the words that products use."""

import structlog
from celery import shared_task
from django.core.cache import cache
from django.db.models import Count, F, Max, Q
from kombu.exceptions import OperationalError

from search import indexer, vocabulary
from search.embedder import load_embedder, model_name
from search.models import Document, Word

log = structlog.get_logger(__name__)

# About a second of work on two cores: what was published meanwhile is next.
SLICE = 64
LEARNT, LEARNT_LATELY = "search:words-learnt", "search:words-learnt-lately"
LEARNING, LEARN_SECONDS = "search:words-learning", 300


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


@shared_task(name="search.learn_words")
def learn_words() -> None:
    """Learns the words of the products anew where some product was indexed since the last time; the first ones at once,
    then every five minutes at most."""
    found = Document.objects.aggregate(newest=Max("changed_at"), count=Count("pk"))
    mark = f"{found['newest']} {found['count']}"
    if cache.get(LEARNT) == mark or (cache.get(LEARNT_LATELY) and Word.objects.exists()):
        return
    if not cache.add(LEARNING, True, timeout=LEARN_SECONDS):  # somebody is at it, which takes minutes for millions
        return
    try:
        log.info("search.words_learnt", words=vocabulary.learn())
        cache.set(LEARNT, mark, timeout=None)
        cache.set(LEARNT_LATELY, True, timeout=LEARN_SECONDS)
    finally:
        cache.delete(LEARNING)


def enqueue_embedding() -> None:
    """Asks the embed worker to look for documents without a vector; without a broker the scheduler does it later."""
    try:
        embed_missing.apply_async()
    except OperationalError as error:
        log.warning("search.broker_unreachable", error=str(error))


def _missing() -> bool:
    return Document.objects.filter(~Q(embedded_hash=F("content_hash")) | ~Q(model=model_name())).exists()
