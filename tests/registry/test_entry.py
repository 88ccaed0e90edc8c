"""The one question that every page of a product begins with gives what the ORM gives."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.forms import model_to_dict
from django.test.utils import CaptureQueriesContext

from marketplace.accounts.models import User
from registry import queries, services
from registry.models import Goal, Product, Purpose
from registry.services import LinkData

SetupProduct = Callable[..., Product]
HARD = 'Ärger "quoted" \\ back\\slash \u2028 {} %s \U0001f327'


def asked_slowly(product: Product) -> Product:
    return queries.whole(queries.products()).get(pk=product.pk)


def test_it_is_the_same_as_through_the_orm(setup_product: SetupProduct) -> None:
    links = [LinkData("documentation", f"https://docs.example.org/{n}?a=%C3%A4", "text/html", HARD) for n in range(3)]
    made = setup_product(title="Rain: " + HARD, links=links, tags=["Zebra", "apple", "Über", "10 mm"], type="aggregate")
    setup_product("other", tags=["apple", "other"], links=[LinkData("discovery", "https://other.example.org/")])
    quick, slow = queries.by_address(made.domain.slug, made.name), asked_slowly(made)
    assert quick is not None
    for ours, theirs in ((quick, slow), (quick.domain, slow.domain), (quick.owner, slow.owner)):
        names = [field.attname for field in theirs._meta.concrete_fields]
        assert [getattr(ours, name) for name in names] == [getattr(theirs, name) for name in names]
    for several in ("tags", "links"):
        rows = [[model_to_dict(row) for row in getattr(product, several).all()] for product in (quick, slow)]
        assert rows[0] == rows[1]
        assert rows[0]
    assert queries.ancestors(quick.domain) == queries.ancestors(slow.domain) != []
    assert list(quick.tags.filter(slug="apple")) == list(slow.tags.filter(slug="apple"))


def test_all_of_it_costs_one_query(setup_product: SetupProduct) -> None:
    made = setup_product(tags=["rain"], links=[LinkData("discovery", "https://rain.example.org/")])
    with CaptureQueriesContext(connection) as asked:
        found = queries.by_address(made.domain.slug, made.name)
        assert found is not None
        shown = [*found.tags.all(), *found.links.all(), found.domain, found.owner, *queries.ancestors(found.domain)]
        assert getattr(found, "deprecation", None) is None
    assert len(shown) == 5
    assert len(asked) == 1


@pytest.mark.parametrize("verb", ["deprecate", "retire"])
def test_what_is_said_of_a_deprecation_is_there(setup_product: SetupProduct, producer: User, verb: str) -> None:
    successor = setup_product("better-rain")
    made = services.deprecate(producer, setup_product(), successor=successor, message="Move on.")
    if verb == "retire":
        made = services.retire(producer, made)
    with CaptureQueriesContext(connection) as asked:
        found = queries.by_address(made.domain.slug, made.name)
        assert found is not None
        assert found.deprecation.message == "Move on."
        assert found.deprecation.listed_successor == successor
        assert found.deprecation.listed_successor.get_absolute_url() == successor.get_absolute_url()
    assert len(asked) == 2


def test_it_is_known_whether_it_says_what_it_is_for(setup_product: SetupProduct, producer: User) -> None:
    made = setup_product()
    for wanted in (False, True):
        found = queries.by_address(made.domain.slug, made.name)
        assert found is not None
        assert found.has_purposes is wanted
        if not wanted:
            Purpose.objects.create(product=made, goal=Goal.objects.create(slug="safety", title="Safety"))


def test_nothing_is_where_nothing_is(setup_product: SetupProduct) -> None:
    made = setup_product(tags=[], links=[])
    found = queries.by_address(made.domain.slug, made.name)
    assert found is not None
    assert (list(found.tags.all()), list(found.links.all())) == ([], [])
    assert queries.by_address(made.domain.slug, "no-such") is None
    assert queries.by_address("no-such", made.name) is None


def test_a_change_is_seen_on_what_was_loaded(setup_product: SetupProduct) -> None:
    made = setup_product(tags=["rain"])
    found = queries.by_address(made.domain.slug, made.name)
    assert found is not None
    found.tags.clear()
    assert list(found.tags.all()) == []
