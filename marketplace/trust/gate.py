"""What keeps a product from being published: the items of the checklist that stewards made blocking."""

from __future__ import annotations

from marketplace.live import services as live
from marketplace.live.state import LiveProduct
from marketplace.trust import asking, queries
from marketplace.trust.checklist import ITEMS, Checklist, checklist, level_of
from marketplace.trust.entry import Entry, entry_of
from registry.models import Product, Rel

BELIEVED_SECONDS = 30  # what speaks against a product may be no older; what speaks for it may be as old as is kept


def reasons_against(product: Product) -> list[str]:
    """Why the product may not be published, a sentence each; none where it may.

    One query where only what the registry insists on blocks. Else up to five, and a few round trips to Redis; never
    waits for a gateway: what is not known is asked for, and meanwhile a reason against.
    """
    levels = queries.levels()
    if not any(level_of(item, levels) == "blocking" for item in ITEMS if not item.always):
        return []
    entry = entry_of(product)
    if not checklist(None, entry, levels).blocking:
        return []
    found = checklist(_seen(product, entry), entry, levels)
    if found.blocking and (found.told.age_seconds or 0) > BELIEVED_SECONDS:
        for url in entry.urls(Rel.DISCOVERY)[:1]:
            asking.ask_again(url)
    return _reasons(found)


def _seen(product: Product, entry: Entry) -> LiveProduct | None:
    """As the product last answered: a registered one, else one whose address somebody had looked at.

    A product that is being registered is not asked under its own number, which nobody else can see yet.
    """
    known = live.look(product.pk, ask=False)
    if known.metadata.view is not None:
        return live.look(product.pk)
    addresses = entry.urls(Rel.DISCOVERY)
    return asking.look(addresses[0]) if addresses else asking.nothing_to_ask()


def _reasons(found: Checklist) -> list[str]:
    reasons = [
        f"{judged.item.title}: {judged.reason} {judged.item.fix if judged.state == 'missing' else ''}".strip()
        for judged in found.blocking
    ]
    if any(judged.state == "unknown" for judged in found.blocking):
        reasons.append("The product is being asked. Publish again in a few seconds, or keep it as a draft meanwhile.")
    return reasons
