"""The demo says what its products are for, once, and leaves alone what people changed of it."""

import pytest
from django.core.management import call_command

from demo.loading import load_mesh
from registry import goals
from registry.models import Event, Goal, Purpose


@pytest.fixture
def demo(db, settings):
    """The demo mesh, registered."""
    settings.DEMO = True
    call_command("load_demo")


def test_each_use_case_of_the_demo_is_served(demo):
    tree = {node.goal.slug: {case.slug: case.count for case in node.use_cases} for node in goals.tree()}
    wanted = {goal.slug: {case.slug: len(case.products) for case in goal.use_cases} for goal in load_mesh().goals}
    assert tree == wanted
    assert (len(wanted), sum(map(len, wanted.values()))) == (2, 4)
    for purpose in Purpose.objects.all():
        assert purpose.hypothesis and purpose.measure and purpose.target


def test_loading_again_changes_nothing_that_people_changed(demo):
    Goal.objects.filter(slug="compare-states").update(title="Compare all states")
    Purpose.objects.filter(product__name="wind-scales").delete()
    events, purposes = Event.objects.count(), Purpose.objects.count()
    call_command("load_demo")
    assert Goal.objects.get(slug="compare-states").title == "Compare all states"
    assert (Event.objects.count(), Purpose.objects.count()) == (events, purposes)
