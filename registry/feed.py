"""The event log as others may read it: a page at a time, oldest first, by the id of the last event one has.

What everybody sees of an event is decided by the log alone (its type, and whether its product was published by then),
so it never changes afterwards: who follows the feed misses nothing that becomes visible behind them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import BooleanField, Exists, ExpressionWrapper, Max, OuterRef, Q, Subquery, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, Concat

from marketplace.accounts.models import Role, Team, User
from registry.models import Event, Product

MOST = 500  # events of a page
WINDOW = 2_000  # events of the log that one page looks through for those that may be seen
LAST = 2**63 - 1

# Of a product that was published by then: what everybody may know, without who did it.
PUBLIC = frozenset(
    {
        "product.published", "product.updated", "product.paused", "product.resumed", "product.deprecated",
        "product.retired", "product.transferred", "link.changed", "contract.drifted",
        "certification.passed", "certification.failed", "certification.attested", "certification.expired",
        "health.degraded", "health.recovered", "slo.breached", "slo.restored",
    }
)  # fmt: skip
# Of the mesh as a whole: the same.
OF_THE_MESH = frozenset({"goal.created", "goal.changed", "goal.removed"})
GOVERNING = OF_THE_MESH | {"policy.changed"}  # in full for stewards
# About somebody's own keys and interests, also where a product is the subject: not for those who own it.
PERSONAL = ("token.", "subscription.")


@dataclass(frozen=True, slots=True)
class Seen:
    """An event that may be read; `actor` is None for those who may not know who it was."""

    event: Event
    actor: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """Events in order. `next` is the id to read on after; `more`: there is more to look through now."""

    events: Sequence[Seen]
    next: int
    more: bool


def page(
    reader: User | None, *, after: int = 0, limit: int = 100, types: Sequence[str] = (), subject: str = ""
) -> Page:
    """The next events after an id that the reader may see, at most `limit`. One query.

    At most WINDOW events of the log are looked through, so a page may be empty while there is `more`.
    """
    log = Event.objects.annotate(for_team=KeyTextTransform("team", "data")).filter(id__gt=after).order_by("id")
    if subject:
        log = log.filter(subject=subject)
    bound = Subquery(log.values("id")[WINDOW - 1 : WINDOW])
    full, are_public = _full(reader), public()
    wanted = full | are_public
    if types:
        wanted &= Q(type__in=list(types))
    # The last event of the window comes along whatever it is: it says where the next page goes on.
    rows = log.filter(wanted | Q(id=bound), id__lte=Coalesce(bound, Value(LAST))).annotate(
        is_full=ExpressionWrapper(full, BooleanField()),
        is_wanted=ExpressionWrapper(wanted, BooleanField()),
        bound=bound,
    )
    found = list(rows[: limit + 1])
    seen = [Seen(event, event.actor if event.is_full else None) for event in found if event.is_wanted][:limit]
    if len(found) > limit:
        return Page(seen, found[limit - 1].id, more=True)
    last = found[-1].id if found else after
    return Page(seen, last, more=bool(found) and last == found[-1].bound)


def lately(subject: str, limit: int) -> list[Event]:
    """What everybody may know of a product, newest first. One query."""
    return list(Event.objects.filter(public(), subject=subject).order_by("-id")[:limit])


def newest() -> int:
    """The id of the last event of the log, 0 where there is none. One query."""
    return Event.objects.aggregate(last=Max("id"))["last"] or 0


def cloud_event(seen: Seen, source: str) -> dict[str, Any]:
    """CloudEvents 1.0 in JSON. `actor` is an extension attribute, left out where it may not be known. No query."""
    event = seen.event
    said = {
        "specversion": "1.0",
        "id": str(event.id),
        "source": source,
        "type": event.type,
        "subject": event.subject,
        "time": event.time.isoformat(),
        "datacontenttype": "application/json",
        "data": event.data,
    }
    return said if seen.actor is None else {**said, "actor": seen.actor}


def _published() -> Exists:
    """The event's product was published by then."""
    return Exists(Event.objects.filter(subject=OuterRef("subject"), id__lte=OuterRef("id"), type="product.published"))


def public() -> Q:
    """What everybody may know, in a filter of events: of products from when they were published, and of the mesh."""
    return (Q(type__in=PUBLIC) & Q(_published())) | Q(type__in=OF_THE_MESH)


def _full(reader: User | None) -> Q:
    """What the person sees with who did it: what they did, their teams' products and tokens; stewards all products that
    were published, administrators everything.
    """
    if reader is None:
        return Q(pk__isnull=True)
    if reader.has_role(Role.ADMIN):
        return Q(pk__isnull=False)
    personal = Q()
    for start in PERSONAL:
        personal |= Q(type__startswith=start)
    teams = Team.objects.filter(members=reader)
    urns = Product.objects.filter(owner__in=teams).order_by()
    urns = urns.values_list(Concat(Value("urn:dp:"), "domain__slug", Value(":"), "name"))
    # Who got the name of an account that is gone has not done what that one did.
    mine = Q(actor=reader.username, time__gte=reader.date_joined) | (Q(subject__in=urns) & ~personal)
    mine |= Q(type__startswith="token.", for_team__in=teams.values("slug"))
    if reader.has_role(Role.STEWARD):
        mine |= (Q(_published()) | Q(type__in=GOVERNING)) & ~personal
    return mine
