"""The one verb of this room: stewards say how much each item of the checklist weighs."""

from __future__ import annotations

from collections.abc import Mapping

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone

from marketplace.accounts.models import Role, User
from marketplace.trust.checklist import BY_KEY, LEVELS, Level, level_of
from marketplace.trust.models import ChecklistPolicy
from registry import events

SUBJECT = "urn:policy:checklist"
MOST = 100  # keys of one request; the checklist has far fewer


class StalePolicyError(ValidationError):
    """Somebody else changed the policy since the person saw it."""


@transaction.atomic
def set_levels(actor: User, wanted: Mapping[str, Level], *, revision: int) -> ChecklistPolicy:
    """Sets the levels that are given, by key of the item; the others stay. `revision` is the one the person saw.

    Records `policy.changed` with each level before and after, and nothing where nothing changes. Raises
    PermissionDenied for who is no steward, StalePolicyError, and ValidationError by key.
    """
    if not actor.has_role(Role.STEWARD):
        raise PermissionDenied("Only stewards and administrators may change what the checklist asks for.")
    ChecklistPolicy.objects.get_or_create(pk=ChecklistPolicy.ID)
    policy = ChecklistPolicy.objects.select_for_update().get(pk=ChecklistPolicy.ID)
    if policy.revision != revision:
        raise StalePolicyError("Another steward changed the checklist meanwhile. Look at it again, then change it.")
    _check(wanted)
    before = {key: level_of(BY_KEY[key], policy.levels) for key in wanted}
    changed = {key: [before[key], level] for key, level in wanted.items() if before[key] != level}
    if not changed:
        return policy
    policy.levels = {**policy.levels, **{key: level for key, (_, level) in changed.items()}}
    policy.revision += 1
    policy.changed_at, policy.changed_by = timezone.now(), actor.username
    policy.save()
    events.record("policy.changed", SUBJECT, actor, policy="checklist", levels=changed)
    return policy


def _check(wanted: Mapping[str, str]) -> None:
    problems = {}
    if len(wanted) > MOST:
        problems["levels"] = f"These are {len(wanted):,} levels; the checklist has {len(BY_KEY)} items."
    for key, level in list(wanted.items())[:MOST]:
        item = BY_KEY.get(key)
        if item is None:
            problems[key[:60]] = f"The checklist has no such item. Its items are {', '.join(BY_KEY)}."
        elif level not in LEVELS:
            problems[key] = f"A level is one of {', '.join(LEVELS)}."
        elif item.always and level != "blocking":
            problems[key] = "The registry itself asks for this; it always blocks."
    if problems:
        raise ValidationError(problems)
