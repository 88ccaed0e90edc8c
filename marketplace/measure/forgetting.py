"""How long what was counted stays."""

from datetime import date, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from marketplace.measure.models import Batch, ProductDay, Search, SearchClick, Viewer

PEOPLE_DAYS = 2  # as long as the salt that made their names


def forget() -> None:
    """Removes searches after MEASURE_SEARCH_DAYS, counts after MEASURE_DAYS, and who saw a product after two days."""
    today = timezone.now().date()
    _forget_searches(today - timedelta(days=settings.MEASURE_SEARCH_DAYS))
    ProductDay.objects.filter(day__lt=today - timedelta(days=settings.MEASURE_DAYS)).delete()
    for model in (Viewer, Batch):
        model.objects.filter(day__lt=today - timedelta(days=PEOPLE_DAYS)).delete()


@transaction.atomic
def _forget_searches(before: date) -> None:
    """Two queries, in the database alone: Django would read each search, to remove its clicks itself."""
    old = Search.objects.filter(day__lt=before)
    SearchClick.objects.filter(search__in=old).delete()
    old._raw_delete(old.db)
