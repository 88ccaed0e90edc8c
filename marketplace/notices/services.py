"""The verbs: each takes the person it is about, runs in one transaction, and records its event. All may be repeated."""

from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from marketplace.accounts.models import User
from marketplace.notices import asking, queries
from marketplace.notices.models import NAME_LIMIT, Entry, Follow, SavedSearch, Visit, subject_of
from registry import events
from registry.models import Domain, Product
from registry.text import plain_text

FOLLOWS = 200  # of one person
SAVED_SEARCHES = 50
PAUSE = timedelta(minutes=30)
FIRST = timedelta(days=7)


@transaction.atomic
def follow(actor: User, target: Product | Domain) -> Follow:
    """Follows a product or a domain; once more changes nothing.

    Raises ValidationError for what nobody sees, and where the person follows FOLLOWS already.
    """
    _one_at_a_time(actor)
    found = queries.follow_of(actor, target)
    if found is not None:
        return found
    if isinstance(target, Product) and not target.is_listed:
        raise ValidationError("Only a published product can be followed.")
    if Follow.objects.filter(user=actor).count() >= FOLLOWS:
        raise ValidationError(
            f"You follow {FOLLOWS} products and domains, which is the most. Stop following one of them first."
        )
    made = Follow.objects.create(user=actor, **_named(target))
    events.record("subscription.created", subject_of(target), actor)
    return made


@transaction.atomic
def unfollow(actor: User, target: Product | Domain) -> bool:
    """Ends it; whether there was anything to end."""
    gone, _ = Follow.objects.filter(user=actor, **_named(target)).delete()
    if gone:
        events.record("subscription.ended", subject_of(target), actor)
    return bool(gone)


@transaction.atomic
def save_search(actor: User, query: str, name: str = "") -> SavedSearch:
    """Keeps a search under a name, or one made of its words; the same search again is the one that is there.

    Raises ValidationError by field (`query`, `name`), and where the person has SAVED_SEARCHES already.
    """
    wanted, called = asking.normalised(query), _name(name)
    _one_at_a_time(actor)
    found = SavedSearch.objects.filter(user=actor, query=wanted).first()
    if found is not None:
        return found
    if SavedSearch.objects.filter(user=actor).count() >= SAVED_SEARCHES:
        raise ValidationError(f"You have {SAVED_SEARCHES} saved searches, which is the most. Delete one of them first.")
    made = SavedSearch.objects.create(user=actor, query=wanted, name=called or asking.in_words(wanted))
    events.record("subscription.created", made.urn, actor)
    return made


def rename_search(actor: User, search: SavedSearch, name: str) -> SavedSearch:
    """Gives one's search another name. Raises ValidationError for none, or one that is too long."""
    called = _name(name)
    if not called:
        raise ValidationError({"name": "Give it a name."})
    SavedSearch.objects.filter(pk=search.pk, user=actor).update(name=called)
    search.name = called
    return search


@transaction.atomic
def delete_search(actor: User, search: SavedSearch) -> None:
    """Forgets it, and what was told of it."""
    gone = SavedSearch.objects.filter(pk=search.pk, user=actor).delete()[0]
    if gone:
        events.record("subscription.ended", search.urn, actor)


@transaction.atomic
def open_search(actor: User, search: SavedSearch) -> None:
    """Nothing that fits it is new any more. Two statements."""
    SavedSearch.objects.filter(pk=search.pk, user=actor).update(opened_at=Now())
    Entry.objects.filter(user=actor, search=search, read_at=None).update(read_at=Now())


@transaction.atomic
def visit(actor: User) -> datetime:
    """Notes that the person looks at their dashboard; the time since when it tells what changed.

    That is the visit before, and at the first one FIRST ago. Who comes back within PAUSE is still in the same visit.
    """
    now = timezone.now()
    found, made = Visit.objects.select_for_update().get_or_create(user=actor, defaults={"since": now - FIRST})
    if not made:
        if now - found.seen_at > PAUSE:
            found.since = found.seen_at
        found.seen_at = now
        found.save()
    return found.since


def mark_read(actor: User, until: int | None = None) -> int:
    """Marks the entries up to the id `until` (all, where it is None) as read; how many were not. One statement."""
    unread = Entry.objects.filter(user=actor, read_at=None)
    if until is not None:
        unread = unread.filter(pk__lte=until)
    return unread.update(read_at=Now())


def _one_at_a_time(actor: User) -> None:
    """Until commit nobody else adds for this person, or two at once would pass the limit together."""
    User.objects.select_for_update(no_key=True).filter(pk=actor.pk).values_list("pk").first()


def _named(target: Product | Domain) -> dict[str, Product | Domain]:
    return {"product" if isinstance(target, Product) else "domain": target}


def _name(typed: str) -> str:
    name = " ".join(plain_text(typed).split())
    if len(name) > NAME_LIMIT:
        raise ValidationError({"name": f"The name has {len(name):,} characters; at most {NAME_LIMIT} are kept."})
    return name
