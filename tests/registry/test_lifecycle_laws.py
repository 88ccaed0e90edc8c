"""Whatever people do in whatever order: one event for each step that was taken, none for one that was refused, and
the entry is what the last step left."""

from datetime import date, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from registry import services, undoing
from registry.models import Deprecation, Event, Product, Undo

NEXT = {
    "publish": {"draft": "published", "paused": "published"},
    "pause": {"published": "paused"},
    "resume": {"paused": "published"},
    "deprecate": {"published": "deprecated", "paused": "deprecated"},
    "retire": {"deprecated": "retired"},
}
UNDOABLE = {"pause", "deprecate", "retire"}


@pytest.mark.django_db
def test_the_laws_of_the_lifecycle(producer, team, precipitation):
    class Life(RuleBasedStateMachine):
        """A product beside a model of it: state, title, message, and what an undo would bring back."""

        @initialize()
        def begin(self):
            self.block = transaction.atomic()
            self.block.__enter__()
            data = services.ProductData(domain="precipitation", name="rain", title="T0", summary="Words.", tags=["a"])
            self.pk = services.register(producer, team, data).pk
            self.state, self.title, self.message = "draft", "T0", None
            self.before = None
            self.events, self.revision = Event.objects.count(), 1

        @property
        def product(self):
            return Product.objects.get(pk=self.pk)

        def took(self, before):
            self.before = before
            self.events += 1
            self.revision += 1

        @rule(verb=st.sampled_from(sorted(NEXT)), message=st.text("ab ", max_size=6))
        def step(self, verb, message):
            given = {"message": message} if verb == "deprecate" else {}
            now = (self.state, self.title, self.message)
            if self.state not in NEXT[verb]:
                with pytest.raises(ValidationError):
                    services.VERBS[verb](producer, self.product, **given)
                return
            services.VERBS[verb](producer, self.product, **given)
            self.state = NEXT[verb][self.state]
            if verb == "deprecate":
                self.message = " ".join(message.split())
            self.took(now if verb in UNDOABLE else None)

        @rule(title=st.sampled_from(["T1", "T2", "T3"]), stale=st.booleans())
        def edit(self, title, stale):
            data = services.ProductData(domain="precipitation", name="rain", title=title, summary="Words.")
            now = (self.state, self.title, self.message)
            if stale:
                with pytest.raises(services.StaleRevisionError):
                    services.update(producer, self.product, data, revision=self.revision - 1)
                return
            services.update(producer, self.product, data, revision=self.revision)
            self.title = title
            self.took(now)

        @rule()
        def undo(self):
            if self.before is None:
                with pytest.raises(ValidationError):
                    services.undo(producer, self.product)
                return
            services.undo(producer, self.product)
            self.state, self.title, self.message = self.before
            self.took(None)

        @rule()
        def a_minute_passes(self):
            Undo.objects.update(at=timezone.now() - timedelta(seconds=undoing.SECONDS + 1))
            self.before = None

        @invariant()
        def the_entry_is_as_the_model_says(self):
            product = self.product
            said = Deprecation.objects.filter(product=product).values_list("message", flat=True).first()
            assert (product.lifecycle, product.title, said) == (self.state, self.title, self.message)
            assert product.revision == self.revision
            assert Event.objects.count() == self.events

        def teardown(self):
            if hasattr(self, "block"):
                transaction.set_rollback(True)
                self.block.__exit__(None, None, None)

    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=40, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def test_who_pauses_and_publishes_again_is_no_news(setup_product, producer):
    product = setup_product()
    since = product.published_at
    services.publish(producer, services.pause(producer, product))
    product.refresh_from_db()
    assert (product.lifecycle, product.published_at) == ("published", since)
    assert list(Event.objects.order_by("-pk").values_list("type", flat=True)[:2]) == [
        "product.resumed",
        "product.paused",
    ]


def test_a_deprecation_says_what_follows_when_and_why(setup_product, producer):
    product, next_one = setup_product(), setup_product("new-rain")
    day = timezone.localdate() + timedelta(days=30)
    services.deprecate(producer, product, successor=next_one, retires_on=day, message="<b>Finer</b>\n grid.")
    said = product.deprecation
    assert (said.successor, said.retires_on, said.message) == (next_one, day, "Finer grid.")
    assert Event.objects.last().data == {
        "since": "published",
        "successor": "urn:dp:precipitation:new-rain",
        "retires_on": day.isoformat(),
        "message": "Finer grid.",
    }


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"retires_on": date(2020, 1, 1)}, "retires_on"),
        ({"message": "x" * 501}, "message"),
        ({"successor": "itself"}, "successor"),
        ({"successor": "a draft"}, "successor"),
    ],
)
def test_what_makes_no_sense_is_refused_by_field(setup_product, producer, given, field):
    product, draft = setup_product(), setup_product("draft", published=False)
    if "successor" in given:
        given = {"successor": product if given["successor"] == "itself" else draft}
    events = Event.objects.count()
    with pytest.raises(ValidationError) as refused:
        services.deprecate(producer, product, **given)
    assert list(refused.value.message_dict) == [field]
    product.refresh_from_db()
    assert (product.lifecycle, Event.objects.count()) == ("published", events)


def test_a_successor_that_is_gone_is_not_shown(setup_product, producer):
    product, next_one = setup_product(), setup_product("new-rain")
    services.deprecate(producer, product, successor=next_one)
    services.retire(producer, services.deprecate(producer, next_one))
    assert Deprecation.objects.get(product=product).listed_successor is None
