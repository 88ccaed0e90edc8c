"""Holds new products against the saved searches, and tells those whose searches they fit."""

from contextlib import suppress
from datetime import timedelta

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from kombu.exceptions import OperationalError

from marketplace.celery import app
from marketplace.notices.models import Entry, NewProduct, SavedSearch
from registry.models import LISTED
from search import matching
from search.embedder import model_name

log = structlog.get_logger(__name__)

SLICE = 500  # products held against the searches at a time
SOON = 3  # seconds in which a few vectors are made
PATIENCE = timedelta(minutes=5)  # how long a new product waits for its vector; then its words alone count


def match_new() -> int:
    """Takes the new products whose vectors are made, or do not come; how many. For workers only.

    For a slice: two queries for each different search, and a few more. A crash in between repeats the slice.
    Ends early, with the slice undone, while the embedder is busy; the scheduler goes on then.
    """
    done = 0
    with suppress(matching.NotNowError):
        while taken := _match_slice():
            done += taken
    return done


@transaction.atomic
def _match_slice() -> int:
    rows = list(_ready()[:SLICE])
    if not rows:
        return 0
    products = {row.product_id: row for row in rows if row.product.lifecycle in LISTED}
    by_query: dict[str, list[SavedSearch]] = {}
    for search in SavedSearch.objects.filter(user__is_active=True).select_related("user") if products else ():
        by_query.setdefault(search.query, []).append(search)
    entries: list[Entry] = []
    for searches in by_query.values():
        asked = searches[0].asked
        question, tags = asked.pop("q", [""])[0], asked.pop("tag", [])
        filters = {name: values[0] for name, values in asked.items()}
        hits = [products[pk] for pk in matching.matching(list(products), question, filters, tags)]
        entries += [entry for search in searches if (entry := _entry(search, hits))]
    Entry.objects.bulk_create(entries, ignore_conflicts=True)
    NewProduct.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


def _ready() -> QuerySet[NewProduct]:
    embedded = Q(product__document__embedded_hash=F("product__document__content_hash"))
    ready = embedded & Q(product__document__model=model_name()) | Q(at__lt=timezone.now() - PATIENCE)
    return (
        NewProduct.objects.filter(ready)
        .select_related("product", "event")
        .select_for_update(of=("self",), skip_locked=True)
    )


def _entry(search: SavedSearch, hits: list[NewProduct]) -> Entry | None:
    """What its person is told: not of what they published themselves, nor of what was there before they saved it."""
    others = [row for row in hits if row.event.actor != search.user.username and row.event.time >= search.created_at]
    if not others:
        return None
    last = max(others, key=lambda row: row.event_id)
    return Entry(user_id=search.user_id, search=search, event=last.event, title=last.product.title, count=len(others))


def enqueue_matching() -> None:
    """Asks a worker to match once the vectors are likely to be there; else, or without a broker, the scheduler does."""
    try:
        app.send_task("notices.match", countdown=SOON, expires=300)
    except OperationalError as error:
        log.warning("notices.broker_unreachable", error=str(error))
