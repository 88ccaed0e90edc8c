"""A pause, a deprecation, a retirement or an edit can be taken back for a minute, while nobody changed the product."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.db.models import F

from registry import services, tasks, transfers
from registry.models import Deprecation, Event, Undo
from registry.services import LinkData, PortData, ProductData

STEPS = {"pause": "published", "deprecate": "published", "retire": "deprecated"}
OTHER = ProductData(
    domain="precipitation",
    name="daily-rain",
    title="Other",
    summary="Other words.",
    type="aggregate",
    access_mode="open",
    tags=["Snow"],
    links=[LinkData("documentation", "https://other.example/")],
)


def entry(product):
    fresh = type(product).objects.get(pk=product.pk)
    return (
        (fresh.title, fresh.summary, fresh.type, fresh.access_mode, fresh.lifecycle),
        [tag.slug for tag in fresh.tags.all()],
        list(fresh.links.values_list("rel", "url", "media_type", "title")),
        list(fresh.port_edges.values_list("direction", "port", "contract_id", "contract_version")),
    )


@pytest.mark.parametrize("verb", STEPS)
def test_a_step_is_taken_back_with_one_event(setup_product, producer, verb):
    product = setup_product()
    if verb == "retire":
        services.deprecate(producer, product)
    services.VERBS[verb](producer, product)
    revision, events = product.revision, Event.objects.count()
    services.undo(producer, product)
    product.refresh_from_db()
    assert product.lifecycle == STEPS[verb]
    assert product.revision == revision + 1, "who saw the step is told that it is no more"
    last = Event.objects.last()
    assert (Event.objects.count(), last.type) == (events + 1, "product.updated")
    assert last.data == {"changed": ["lifecycle"], "undid": f"product.{verb.removesuffix('e')}ed"}


def test_an_undone_deprecation_says_nothing_any_more(setup_product, producer):
    product = setup_product()
    services.deprecate(producer, product, message="Use the new one.")
    services.undo(producer, product)
    assert not Deprecation.objects.exists()
    assert services.deprecate(producer, product).deprecation.message == ""


def test_an_undone_retirement_keeps_what_the_deprecation_said(setup_product, producer):
    product = setup_product()
    services.retire(producer, services.deprecate(producer, product, message="Use the new one."))
    services.undo(producer, product)
    assert Deprecation.objects.get().message == "Use the new one."


def test_an_edit_is_taken_back_to_the_letter(setup_product, producer):
    product = setup_product(
        tags=["Rain gauges", "Daily"],
        links=[LinkData("source", "https://b.example/", "text/csv", "B"), LinkData("source", "https://a.example/")],
        ports=[PortData("out", "rain", "c-1", "1.0.0"), PortData("in", "stations", "c-2")],
    )
    before = entry(product)
    services.update(producer, product, OTHER, revision=product.revision)
    assert entry(product) != before
    services.undo(producer, product)
    assert entry(product) == before
    assert Event.objects.last().data == {
        "changed": ["access_mode", "links", "summary", "tags", "title", "type"],
        "undid": "product.updated",
    }


def too_late(actor, product):
    seen, events = entry(product), Event.objects.count()
    with pytest.raises(ValidationError, match="nothing left to undo"):
        services.undo(actor, product)
    assert (entry(product), Event.objects.count()) == (seen, events)


def test_after_a_minute_it_is_too_late(setup_product, producer):
    product = setup_product()
    services.pause(producer, product)
    Undo.objects.update(at=F("at") - timedelta(seconds=61))
    too_late(producer, product)


def test_what_can_no_longer_be_undone_is_forgotten_and_the_rest_is_not(setup_product, producer):
    old, young = setup_product(), setup_product("young")
    services.pause(producer, old)
    Undo.objects.update(at=F("at") - timedelta(seconds=61))
    services.pause(producer, young)
    tasks.forget()
    assert [record.product for record in Undo.objects.all()] == [young]


def test_what_somebody_changed_since_is_not_taken_away(setup_product, producer, teammate):
    product = setup_product()
    services.pause(producer, product)
    services.resume(teammate, product)
    too_late(producer, product)


def test_nothing_is_undone_twice(setup_product, producer):
    product = setup_product()
    too_late(producer, product)
    services.pause(producer, product)
    services.undo(producer, product)
    too_late(producer, product)


def test_a_product_that_was_given_away_is_not_changed_back(setup_product, producer, admin, outsider):
    from marketplace.accounts.services import create_team

    product = setup_product()
    services.pause(producer, product)
    transfers.transfer(admin, product, create_team("Receivers", members=(outsider,)))
    with pytest.raises(PermissionDenied):
        services.undo(producer, product)
    too_late(outsider, product)


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
def test_who_may_undo(setup_product, producer, request, who, may):
    product = setup_product()
    services.pause(producer, product)
    actor = request.getfixturevalue(who)
    if may:
        services.undo(actor, product)
        assert Event.objects.last().actor == who
    else:
        with pytest.raises(PermissionDenied):
            services.undo(actor, product)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("other", ["undo", "resume"])
def test_of_an_undo_and_another_step_at_the_same_moment_one_wins_and_is_recorded(setup_product, producer, other):
    product = setup_product()
    services.pause(producer, product)
    events = Event.objects.count()
    together = threading.Barrier(2)

    def act(verb):
        mine = type(product).objects.get(pk=product.pk)
        together.wait(10)
        try:
            verb(producer, mine)
        except ValidationError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as pool:
        won = list(pool.map(act, [services.undo, getattr(services, other)]))
    assert sorted(won) == [False, True]
    product.refresh_from_db()
    assert product.lifecycle == "published"
    assert Event.objects.count() == events + 1
