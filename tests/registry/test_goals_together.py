"""Two people at once: what one hangs on a goal and another's removal of it come one after the other."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from registry import goals
from registry.goals import PurposeData
from registry.models import Goal, Product, Purpose

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*verbs):
    """What each returned or was refused with; all start together, each with a connection of its own."""
    start = threading.Barrier(len(verbs))

    def run(verb):
        try:
            start.wait(10)
            return verb()
        except ValidationError as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(len(verbs)) as pool:
        return list(pool.map(run, verbs))


@pytest.mark.parametrize("attempt", range(3))
def test_a_goal_is_either_removed_or_served(setup_product, producer, steward, attempt):
    product, goal = setup_product(), goals.create(steward, "Warn in time")
    removed, served = at_once(
        lambda: goals.remove(steward, goal),
        lambda: goals.set_purposes(producer, product, [PurposeData(goal.slug)]),
    )
    assert isinstance(removed, ValidationError) != isinstance(served, ValidationError)
    assert Goal.objects.count() == Purpose.objects.count() == (1 if isinstance(removed, ValidationError) else 0)


def test_a_use_case_stands_below_a_goal_that_is_there(steward, admin):
    goal = goals.create(steward, "Warn in time")
    removed, added = at_once(
        lambda: goals.remove(steward, goal), lambda: goals.create(admin, "By telephone", parent=goal)
    )
    assert isinstance(removed, ValidationError) != isinstance(added, ValidationError)
    assert Goal.objects.filter(parent=None).count() * 2 == Goal.objects.count()


def test_of_two_goals_of_one_name_one_is_made(steward, admin):
    told = at_once(*[lambda: goals.create(steward, "Warn in time"), lambda: goals.create(admin, "Warn in time")])
    assert sorted(isinstance(each, ValidationError) for each in told) == [False, True]
    assert Goal.objects.count() == 1


def test_of_two_owners_who_save_what_they_saw_one_is_told(setup_product, producer, teammate, steward):
    product = setup_product()
    slugs = [goals.create(steward, title).slug for title in ("Warn in time", "Insure all")]
    seen = product.revision
    told = at_once(
        lambda: goals.set_purposes(
            producer, Product.objects.get(pk=product.pk), [PurposeData(slugs[0])], revision=seen
        ),
        lambda: goals.set_purposes(
            teammate, Product.objects.get(pk=product.pk), [PurposeData(slugs[1])], revision=seen
        ),
    )
    assert sorted(isinstance(each, ValidationError) for each in told) == [False, True]
    assert Purpose.objects.count() == 1
