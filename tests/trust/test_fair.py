"""The FAIR score: named checks, four parts, one number, and what would raise it."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.trust.fair import CHECKS, fair
from tests.trust.builders import CONTRACT, ENTRY, WHOLE, seen, silent, without


def states(view, entry=ENTRY):
    return {checked.key: checked.state for checked in fair(view, entry).checks}


def test_a_whole_product_has_a_hundred_and_nothing_would_raise_it():
    found = fair(seen(WHOLE, CONTRACT), ENTRY)
    assert (found.score, found.raising, found.unknown) == (100, (), 0)
    assert [(one.letter, one.score) for one in found.principles] == [("F", 100), ("A", 100), ("I", 100), ("R", 100)]


@pytest.mark.parametrize(
    ("key", "product", "contracts", "entry", "health"),
    [
        ("identifier", without(WHOLE, "id"), [CONTRACT], ENTRY, True),
        ("summary", WHOLE, [CONTRACT], replace(ENTRY, summary="Rain."), True),
        ("keywords", WHOLE, [CONTRACT], replace(ENTRY, tags=("rain", "Rain")), True),
        ("contents", without(WHOLE, "outputPorts"), [CONTRACT], ENTRY, True),
        ("listed", WHOLE, [CONTRACT], replace(ENTRY, listed=False), True),
        ("protocol", WHOLE, [without(CONTRACT, "servers")], ENTRY, True),
        ("conditions", without(WHOLE, "outputPorts"), [CONTRACT], ENTRY, True),
        ("support", without(WHOLE, "support"), [CONTRACT], ENTRY, True),
        ("health", WHOLE, [CONTRACT], ENTRY, False),
        ("standard", {**WHOLE, "outputPorts": "none"}, [CONTRACT], ENTRY, True),
        ("columns", WHOLE, [without(CONTRACT, "schema")], ENTRY, True),
        ("format", WHOLE, [without(CONTRACT, "servers")], ENTRY, True),
        ("meaning", WHOLE, [without(CONTRACT, "schema")], ENTRY, True),
        ("license", without(WHOLE, "customProperties"), [CONTRACT], ENTRY, True),
        ("provenance", without(WHOLE, "inputPorts"), [CONTRACT], ENTRY, True),
        ("version", without(WHOLE, "version"), [CONTRACT], ENTRY, True),
        ("contract", WHOLE, [], ENTRY, True),
        ("quality", WHOLE, [without(CONTRACT, "schema")], ENTRY, True),
        ("objectives", WHOLE, [without(CONTRACT, "slaProperties")], ENTRY, True),
        ("use", without(WHOLE, "description"), [CONTRACT], ENTRY, True),
    ],
)
def test_each_check_sees_what_is_missing_and_the_score_says_so(key, product, contracts, entry, health):
    view = seen(product, *contracts, health=health)
    found = fair(view, entry)
    assert states(view, entry)[key] == "missing"
    assert found.score is not None
    assert found.score < 100
    assert key in {checked.key for checked in found.raising}


def test_a_product_that_says_nothing_of_links_and_inputs_refers_to_nothing():
    bare = without(WHOLE, "inputPorts", "authoritativeDefinitions")
    assert states(seen(bare, CONTRACT))["references"] == "missing"


@pytest.mark.parametrize("view", [None, silent("down"), silent("loading", waiting=True), silent("unavailable")])
def test_the_score_of_a_silent_product_is_not_known_which_is_not_zero(view):
    found = fair(view, ENTRY)
    assert found.score is None
    assert {part.score for part in found.principles} == {None}
    assert {key for key, state in states(view).items() if state == "missing"} == set()


def test_a_product_that_was_seen_before_is_judged_by_that_but_does_not_answer():
    found = fair(seen(WHOLE, CONTRACT, state="last_seen"), ENTRY)
    assert [checked.key for checked in found.raising] == ["answers"]
    assert found.score == 95


def test_while_a_document_is_missing_the_score_is_a_least_and_says_how_many_checks_wait():
    view = seen(without(WHOLE, "version"))
    waiting = replace(view, contract_list=replace(view.contract_list, state="down", view=None))
    found = fair(waiting, ENTRY)
    assert found.score is not None
    assert found.unknown > 0
    assert states(waiting)["objectives"] == "unknown"
    assert fair(view, ENTRY).score == found.score, "what cannot be judged gives no points"


@settings(deadline=None)  # other tests share the machine
@given(st.sets(st.sampled_from(sorted(without(WHOLE, "kind", "apiVersion")))), st.booleans(), st.booleans())
def test_the_score_is_the_sum_of_what_is_met_and_saying_more_never_lowers_it(left_out, contract, health):
    found = fair(seen(without(WHOLE, *left_out), *([CONTRACT] if contract else []), health=health), ENTRY)
    more = fair(seen(WHOLE, CONTRACT), ENTRY)
    assert found.score is not None
    assert more.score is not None
    assert 0 <= found.score <= more.score <= 100
    total = found.score + sum(checked.points for checked in found.raising)
    assert 100 <= total + 1 < 102
    kept = {checked.key for checked in found.checks if checked.state == "met"}
    assert kept <= {checked.key for checked in more.checks if checked.state == "met"}


def test_what_gives_most_comes_first():
    points = [checked.points for checked in fair(seen(None, health=False), ENTRY).raising]
    assert points == sorted(points, reverse=True)
    assert len(CHECKS) == len({check.key for check in CHECKS})
