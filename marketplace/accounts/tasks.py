"""Cleaning up, once a day."""

from datetime import timedelta
from importlib import import_module

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from marketplace.accounts.models import ApiToken

# Until then its owner still sees in the list of tokens why a program has stopped.
TOKENS_STAY = timedelta(days=30)


@shared_task(name="accounts.clean")
def clean() -> None:
    """Removes sessions that are over, and API tokens that expired TOKENS_STAY ago. Two statements."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    ApiToken.objects.filter(expiry__lt=timezone.now() - TOKENS_STAY).delete()
