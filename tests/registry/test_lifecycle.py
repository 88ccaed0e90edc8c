"""draft → published ⇄ paused → deprecated → retired, by the owning team and nobody else."""

import itertools

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from registry import services
from registry.models import Event, Lifecycle

PATHS = {
    "draft": [],
    "published": ["publish"],
    "paused": ["publish", "pause"],
    "deprecated": ["publish", "deprecate"],
    "retired": ["publish", "deprecate", "retire"],
}
ALLOWED = {
    ("draft", "publish"): "published",
    ("published", "pause"): "paused",
    ("published", "deprecate"): "deprecated",
    ("paused", "resume"): "published",
    ("paused", "publish"): "published",
    ("paused", "deprecate"): "deprecated",
    ("deprecated", "retire"): "retired",
}


@pytest.mark.parametrize(("state", "verb"), list(itertools.product(PATHS, services.VERBS)))
def test_only_the_steps_of_the_lifecycle_are_allowed(setup_product, producer, state, verb):
    product = setup_product(published=False)
    for step in PATHS[state]:
        services.VERBS[step](producer, product)
    before = Event.objects.count()
    if expected := ALLOWED.get((state, verb)):
        services.VERBS[verb](producer, product)
        product.refresh_from_db()
        assert product.lifecycle == expected
        assert Event.objects.count() == before + 1
    else:
        with pytest.raises(ValidationError, match="cannot become"):
            services.VERBS[verb](producer, product)
        product.refresh_from_db()
        assert product.lifecycle == state
        assert Event.objects.count() == before


@pytest.mark.parametrize(
    ("who", "may"),
    [
        ("producer", True),
        ("teammate", True),
        ("admin", True),
        ("outsider", False),
        ("consumer", False),
        ("steward", False),
    ],
)
@pytest.mark.parametrize("verb", ["update", "pause", "deprecate"])
def test_who_may_change_a_product(setup_product, request, who, may, verb):
    actor = request.getfixturevalue(who)
    product = setup_product()

    def act():
        if verb == "update":
            data = services.ProductData(domain="precipitation", name="daily-rain", title="New", summary="New words.")
            return services.update(actor, product, data, revision=product.revision)
        return services.VERBS[verb](actor, product)

    if may:
        act()
        assert Event.objects.last().actor == who
    else:
        with pytest.raises(PermissionDenied):
            act()


def test_of_two_steps_at_once_only_the_first_counts(setup_product, producer):
    product = setup_product()
    seen_twice = type(product).objects.get(pk=product.pk)
    services.pause(producer, product)
    with pytest.raises(ValidationError, match="cannot become"):
        services.deprecate(producer, seen_twice)
    product.refresh_from_db()
    assert product.lifecycle == Lifecycle.PAUSED


def test_of_two_editors_the_second_is_told(setup_product, producer, teammate):
    product = setup_product()
    seen = product.revision
    data = services.ProductData(domain="precipitation", name="daily-rain", title="First", summary="First words.")
    services.update(producer, product, data, revision=seen)
    with pytest.raises(services.StaleRevisionError):
        services.update(teammate, product, data, revision=seen)
    product.refresh_from_db()
    assert product.title == "First"


def test_a_step_from_a_stale_page_takes_no_edit_back(setup_product, producer, teammate):
    """Of what others changed meanwhile, the step must not give an old revision out again."""
    product = setup_product()
    stale = type(product).objects.get(pk=product.pk)

    def edit(title, revision):
        data = services.ProductData(domain="precipitation", name="daily-rain", title=title, summary="Words.")
        return services.update(teammate, type(product).objects.get(pk=product.pk), data, revision=revision)

    seen = edit("B", product.revision).revision
    edit("D", seen)
    services.pause(producer, stale)
    with pytest.raises(services.StaleRevisionError):
        edit("C, who saw the page before D", seen)
    product.refresh_from_db()
    assert product.title == "D"
