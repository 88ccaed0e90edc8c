"""What products are for: stewards keep the tree, owners say what theirs serve, everybody finds by it."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from marketplace.accounts.models import User
from registry import goals, services
from registry.goals import PurposeData
from registry.models import Event, Goal, Purpose
from search import queries as searching
from search.indexer import index_products

CAST = ["consumer", "producer", "teammate", "outsider", "steward", "admin"]


@pytest.fixture
def keeper(db):
    """A steward who has made the tree of the tests."""
    return User.objects.create(username="keeper", email="keeper@example.org", roles=["steward"])


@pytest.fixture
def insure(keeper):
    """A goal."""
    return goals.create(keeper, "Insure fairly against floods", summary="Prices follow the risk.")


@pytest.fixture
def pricing(keeper, insure):
    """A use case of it."""
    return goals.create(keeper, "Price floods per building", parent=insure)


def said(product):
    return [(p.goal.slug, p.hypothesis, p.measure, p.target) for p in goals.purposes_of(product)]


WHAT = PurposeData("price-floods-per-building", "Depths by address lower losses.", "Loss ratio", "Below 60 %")


@pytest.mark.parametrize("who", CAST)
@pytest.mark.parametrize("verb", ["create", "change", "remove"])
def test_only_stewards_and_administrators_keep_the_tree(insure, request, who, verb):
    actor, before = request.getfixturevalue(who), Event.objects.count()

    def act():
        if verb == "create":
            goals.create(actor, "Warn in time", parent=insure)
        elif verb == "change":
            goals.change(actor, insure, title="Insure everybody", summary="", owner=None)
        else:
            goals.remove(actor, insure)

    if who in {"steward", "admin"}:
        act()
        last = Event.objects.last()
        assert (last.type, last.actor) == (f"goal.{verb}d".replace("eed", "ed"), who)
    else:
        with pytest.raises(PermissionDenied):
            act()
        assert Event.objects.count() == before
        assert [goal.title for goal in Goal.objects.all()] == ["Insure fairly against floods"]


@pytest.mark.parametrize("who", CAST)
def test_only_who_may_change_a_product_says_what_it_is_for(setup_product, pricing, request, who):
    product, actor = setup_product(), request.getfixturevalue(who)
    if who in {"producer", "teammate", "admin"}:
        goals.set_purposes(actor, product, [WHAT])
        assert said(product) == [(pricing.slug, WHAT.hypothesis, WHAT.measure, WHAT.target)]
        last = Event.objects.last()
        assert (last.type, last.subject, last.data) == ("product.updated", product.urn, {"changed": ["purposes"]})
    else:
        with pytest.raises(PermissionDenied):
            goals.set_purposes(actor, product, [WHAT])
        assert said(product) == []


def test_the_same_said_again_changes_nothing(setup_product, producer, pricing):
    product = setup_product()
    goals.set_purposes(producer, product, [WHAT])
    revision, count = product.revision, Event.objects.count()
    goals.set_purposes(producer, product, [WHAT], revision=revision)
    product.refresh_from_db()
    assert (product.revision, Event.objects.count()) == (revision, count)


def test_the_second_of_two_editors_is_told(setup_product, producer, teammate, pricing, insure):
    product = setup_product()
    seen = product.revision
    goals.set_purposes(teammate, product, [PurposeData(insure.slug)], revision=seen)
    with pytest.raises(services.StaleRevisionError):
        goals.set_purposes(producer, product, [WHAT], revision=seen)
    assert said(product) == [(insure.slug, "", "", "")]


def test_markup_and_control_characters_are_dropped(setup_product, producer, pricing):
    product = setup_product()
    hostile = "<script>alert(1)</script>Losses\x00 \u202efall\n\n<b>by half</b>"
    goals.set_purposes(producer, product, [PurposeData(pricing.slug, hostile, hostile, "<i></i>")])
    assert said(product) == [(pricing.slug, "alert(1)Losses fall by half", "alert(1)Losses fall by half", "")]


@pytest.mark.parametrize(
    ("wanted", "word"),
    [
        ([PurposeData("nowhere")], "nowhere"),
        ([PurposeData("no\x00where")], "no"),
        ([PurposeData("price-floods-per-building")] * 2, "twice"),
        ([PurposeData("price-floods-per-building", target="x" * 201)], "target"),
        ([PurposeData(f"g{n}") for n in range(13)], "12"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason_and_nothing_is_kept(setup_product, producer, pricing, wanted, word):
    product = setup_product()
    goals.set_purposes(producer, product, [WHAT])
    with pytest.raises(ValidationError) as refused:
        goals.set_purposes(producer, product, wanted)
    assert word in " ".join(refused.value.message_dict["purposes"])
    assert [row[0] for row in said(product)] == [pricing.slug]


@pytest.mark.parametrize(
    ("title", "options", "field"),
    [
        ("", {}, "title"),
        ("<b></b>", {}, "title"),
        ("x" * 141, {}, "title"),
        ("Ziele", {"summary": "x" * 1201}, "summary"),
        ("目标", {}, "slug"),
        ("New", {}, "slug"),
        ("Again", {"slug": "price-floods-per-building"}, "slug"),
        ("Bad", {"slug": "no spaces"}, "slug"),
    ],
)
def test_a_goal_that_cannot_be_is_refused_by_field(keeper, pricing, title, options, field):
    with pytest.raises(ValidationError) as refused:
        goals.create(keeper, title, **options)
    assert field in refused.value.message_dict


def test_the_tree_has_two_levels(keeper, pricing):
    with pytest.raises(ValidationError) as refused:
        goals.create(keeper, "Deeper", parent=pricing)
    assert "parent" in refused.value.message_dict


def test_what_something_hangs_on_stays(setup_product, producer, keeper, insure, pricing):
    product = setup_product(published=False)
    goals.set_purposes(producer, product, [WHAT])
    for goal in (insure, pricing):
        with pytest.raises(goals.InUseError):
            goals.remove(keeper, goal)
    goals.set_purposes(producer, product, [])
    goals.remove(keeper, pricing)
    goals.remove(keeper, insure)
    assert not Goal.objects.exists()
    with pytest.raises(ValidationError):  # the second click
        goals.remove(keeper, Goal(pk=insure.pk, title=insure.title))


def test_counts_are_of_listed_products_and_each_counts_once(
    setup_product, producer, keeper, insure, pricing, django_assert_num_queries
):
    warning = goals.create(keeper, "Warn in time", parent=insure)
    for number in range(3):
        product = setup_product(f"rain-{number}", published=number < 2)
        goals.set_purposes(producer, product, [WHAT, PurposeData(warning.slug)])
    with django_assert_num_queries(3):
        (node,) = goals.tree()
        counts = {goal.slug: goal.count for goal in (node.goal, *node.use_cases)}
    assert counts == {insure.slug: 2, pricing.slug: 2, warning.slug: 2}
    with django_assert_num_queries(4):  # two for the goal, two for what serves it
        found = goals.branches(goals.by_slug(insure.slug), limit=1)
        shown = [(b.goal.slug, [p.product.urn for p in b.purposes], b.total) for b in found]
    first = "urn:dp:precipitation:rain-0"
    assert shown == [(pricing.slug, [first], 2), (warning.slug, [first], 2)]


def test_search_narrows_by_goal_and_by_use_case_and_counts_both(setup_product, producer, keeper, insure, pricing):
    served, other = setup_product("served-rain"), setup_product("other-rain")
    goals.set_purposes(producer, served, [WHAT])
    index_products([served.pk, other.pk])
    for slug in (insure.slug, pricing.slug):
        assert [hit.product for hit in searching.search("rain", goal=slug).hits] == [served]
        assert [hit.product for hit in searching.search(f"goal:{slug}").hits] == [served]
    assert searching.search("rain", goal="nowhere").total == 0
    counted = {c.value: (c.label, c.count) for c in searching.facets(searching.search("rain")).goals}
    assert counted == {insure.slug: (insure.title, 1), pricing.slug: (pricing.title, 1)}
    assert {c.value for c in searching.facets(searching.search("")).goals} == set(counted)


def test_an_undone_change_does_not_come_back_over_what_was_said_since(setup_product, producer, pricing):
    product = setup_product()
    services.pause(producer, product)
    goals.set_purposes(producer, product, [WHAT])
    with pytest.raises(ValidationError):
        services.undo(producer, product)
    assert Purpose.objects.count() == 1


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("floods", "insure-fairly-against-floods"),  # both have the word: the wider of them
        ("how do I price floods for my buildings?", "price-floods-per-building"),
        ("insuring fairly against a flood", "insure-fairly-against-floods"),
        ("flood maps of the Rhine", None),  # one word of many is a coincidence
        ("the of and", None),
        ("", None),
        ("floods\x00 & | ! ' \" <b> price", "price-floods-per-building"),
    ],
)
def test_a_question_that_speaks_of_a_goal_names_it(setup_product, producer, pricing, question, named):
    goals.set_purposes(producer, setup_product(), [WHAT])
    found = goals.named_in(question)
    assert (found.slug if found else None) == named


def test_a_goal_that_nothing_serves_is_not_named(pricing):
    assert goals.named_in("price floods per building") is None
