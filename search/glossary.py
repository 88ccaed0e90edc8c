"""Abbreviations of the field, kept by stewards: whoever asks for one finds what is written out, and the other way."""

import re
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Upper

from marketplace.accounts.models import Role, User
from registry import events
from search.models import Abbreviation
from search.remembered import Remembered

MOST = 2000
AGE = 60.0  # seconds
SUBJECT = "urn:mesh:glossary"


@dataclass(frozen=True)
class Entry:
    """An abbreviation, what it stands for, and how both are seen in a question."""

    short: str
    long: str
    pattern: re.Pattern[str]
    long_pattern: re.Pattern[str]


@dataclass(frozen=True)
class Expansion:
    """What was found in a question, and what it is called too."""

    found: str
    other: str


def expansions(text: str) -> tuple[Expansion, ...]:
    """The other names of what the question names, four at most. One query in a minute."""
    found = []
    for entry in _entries():
        if match := entry.pattern.search(text):
            found.append(Expansion(match[0], entry.long))
        elif match := entry.long_pattern.search(text):
            found.append(Expansion(match[0], entry.short))
    return tuple(found[:4])


def everything() -> list[Abbreviation]:
    """All abbreviations, by name. One query."""
    return list(Abbreviation.objects.order_by(Upper("short"))[:MOST])


def _whole(words: str) -> re.Pattern[str]:
    inner = r"\s+".join(re.escape(word) for word in words.split())
    return re.compile(rf"(?<!\w){inner}(?!\w)", re.IGNORECASE)


def _read() -> tuple[Entry, ...]:
    rows = Abbreviation.objects.order_by("short").values_list("short", "long")[:MOST]
    return tuple(Entry(short, long, _whole(short), _whole(long)) for short, long in rows)


_entries: Remembered[tuple[Entry, ...]] = Remembered(_read, (), AGE)


def may_edit(user: User | None) -> bool:
    """Stewards and administrators. No query."""
    return user is not None and user.has_role(Role.STEWARD)


@transaction.atomic
def put(actor: User, short: str, long: str) -> Abbreviation:
    """Adds an abbreviation, or says anew what it stands for. Event `glossary.changed`.

    Raises:
        PermissionDenied: the actor is no steward.
        ValidationError: by field, what is wrong.
    """
    if not may_edit(actor):
        raise PermissionDenied
    short, long = " ".join(short.split()), " ".join(long.split())
    entry = Abbreviation.objects.select_for_update().filter(short__iexact=short).first() or Abbreviation(short=short)
    entry.long = long
    entry.full_clean(validate_unique=False)
    if entry.pk is None and Abbreviation.objects.count() >= MOST:
        raise ValidationError({"short": f"The glossary is full: {MOST} abbreviations. Remove one that nobody needs."})
    try:
        with transaction.atomic():
            entry.save()
    except IntegrityError as error:
        raise ValidationError({"short": "Somebody has just added this abbreviation; look at it first."}) from error
    events.record("glossary.changed", SUBJECT, actor, short=entry.short, long=entry.long)
    transaction.on_commit(_entries.forget, robust=True)
    return entry


@transaction.atomic
def remove(actor: User, short: str) -> bool:
    """Removes an abbreviation; False where there is none. Event `glossary.changed`. Raises PermissionDenied."""
    if not may_edit(actor):
        raise PermissionDenied
    gone, _ = Abbreviation.objects.filter(short__iexact=short).delete()
    if gone:
        events.record("glossary.changed", SUBJECT, actor, short=short, long="")
        transaction.on_commit(_entries.forget, robust=True)
    return bool(gone)
