"""Every read of this room."""

from __future__ import annotations

from marketplace.trust.checklist import Level
from marketplace.trust.models import ChecklistPolicy


def policy() -> ChecklistPolicy:
    """What stewards set; an unsaved row of revision 0 where they set nothing. One query."""
    return ChecklistPolicy.objects.filter(pk=ChecklistPolicy.ID).first() or ChecklistPolicy(pk=ChecklistPolicy.ID)


def levels() -> dict[str, Level]:
    """The levels that stewards set, by key. One query."""
    found: dict[str, Level] = policy().levels
    return found
