"""What the product page says of a contract that changed lately, from the event log."""

from datetime import timedelta
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from marketplace.catalogue.contexts import Notice
from marketplace.catalogue.queries import events_of
from marketplace.live.drift.noticing import EVENT, contract_key
from marketplace.live.drift.telling import event_in_words
from marketplace.live.view import ContractView
from registry.models import Product

NOTICE_DAYS = 30  # how long a change that breaks is spoken of
EVENTS = 20  # of the log that are looked through for it


def recent_drift(product: Product) -> list[Notice]:
    """The last change that breaks, or of which it is not known whether it does. One query."""
    since = timezone.now() - timedelta(days=NOTICE_DAYS)
    for event in events_of(product.urn, [EVENT], EVENTS):
        if event.time < since:
            break
        if event.data.get("level") == "major" or not event.data.get("known", True):
            when = days_ago((timezone.now() - event.time).total_seconds())
            advice = f"{event_in_words(event.data)}."
            url = changes_url(product, str(event.data.get("contract", "")))
            return [Notice("warn", f"A contract changed {when}.", advice, "See what changed", url)]
    return []


def changes_url(product: Product, contract: ContractView | str) -> str:
    """The page that compares versions of this contract of the product."""
    name = contract if isinstance(contract, str) else contract_key(contract)
    address = reverse("catalogue:contract-changes", args=[product.domain.slug, product.name])
    return f"{address}?{urlencode({'contract': name})}" if name else address


def days_ago(seconds: float) -> str:
    """Such as "today" or "3 days ago"."""
    days = int(seconds // 86_400)
    return "today" if days < 1 else "yesterday" if days == 1 else f"{days} days ago"
