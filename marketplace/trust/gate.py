"""What keeps a product from being published: the items of the checklist that stewards made blocking."""

from __future__ import annotations

from marketplace.accounts.models import User
from marketplace.live import limits
from marketplace.live import services as live
from marketplace.live.state import LiveProduct
from marketplace.trust import asking, queries
from marketplace.trust.checklist import ITEMS, Checklist, checklist, level_of
from marketplace.trust.entry import entry_of
from registry.models import Product, Rel

MOST_ASKED = 100  # addresses of one person in a minute
BELIEVED_SECONDS = 30  # what speaks against a product may be no older; what speaks for it may be as old as is kept


def reasons_against(actor: User, product: Product) -> list[str]:
    """Why the product may not be published, a sentence each; none where it may.

    One query where only what the registry insists on blocks. Else up to five, and a few round trips to Redis; never
    waits for a gateway: what is not known is asked for, and meanwhile a reason against. The actor may have so many
    addresses asked in a minute, and is then told to wait.
    """
    levels = queries.levels()
    if not any(level_of(item, levels) == "blocking" for item in ITEMS if not item.always):
        return []
    entry = entry_of(product)
    if not checklist(None, entry, levels).blocking:
        return []
    url = next(iter(entry.urls(Rel.DISCOVERY)), None)
    found = checklist(_seen(product, url), entry, levels)
    if not found.blocking:
        return []
    age = found.told.age_seconds
    if url is None or found.told.asking or (age is not None and age <= BELIEVED_SECONDS):
        return _reasons(found, asks=found.told.asking)
    seconds = limits.seconds_to_wait((f"user:{actor.pk}",), "asked-to-publish", MOST_ASKED)
    if seconds:
        return [f"Too many products had to be asked in one minute. Publish this one in {seconds} seconds."]
    asking.ask_again(url)
    now = asking.look(url)
    return _reasons(found, asks=now is not None and now.waiting)


def _seen(product: Product, url: str | None) -> LiveProduct | None:
    """As the product answered last: the registered one, or the address as somebody had it looked at.

    Nothing is asked under the product's own number, which nobody else can see yet while it is being registered.
    """
    known = live.look(product.pk, ask=False)
    if url is None:
        return known if known.metadata.view is not None else asking.nothing_to_ask()
    looked_at = asking.look(url)
    if looked_at is None or (looked_at.metadata.view is None and known.metadata.view is not None):
        return known
    if known.metadata.view is None or looked_at.waiting:
        return looked_at
    return min(known, looked_at, key=lambda seen: seen.metadata.age_seconds or 0)


def _reasons(found: Checklist, *, asks: bool) -> list[str]:
    reasons = [
        f"{judged.item.title}: {judged.reason} {judged.item.fix if judged.state == 'missing' else ''}".strip()
        for judged in found.blocking
    ]
    if asks:
        reasons.append("The product is being asked. Publish again in a few seconds, or keep it as a draft meanwhile.")
    elif any(judged.state == "unknown" for judged in found.blocking):
        reasons.append(f"{found.told.problem} Keep it as a draft, and publish it when it answers.".strip())
    return reasons
