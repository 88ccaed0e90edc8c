"""How long what was counted stays."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from marketplace.measure.models import Batch, ProductDay, Search, Viewer

PEOPLE_DAYS = 2  # as long as the salt that made their names


def forget() -> None:
    """Removes searches after MEASURE_SEARCH_DAYS, counts after MEASURE_DAYS, and who saw a product after two days."""
    today = timezone.now().date()
    Search.objects.filter(day__lt=today - timedelta(days=settings.MEASURE_SEARCH_DAYS)).delete()
    ProductDay.objects.filter(day__lt=today - timedelta(days=settings.MEASURE_DAYS)).delete()
    for model in (Viewer, Batch):
        model.objects.filter(day__lt=today - timedelta(days=PEOPLE_DAYS)).delete()
