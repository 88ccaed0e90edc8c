"""When what a product shows is a change, and how often that is told."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.live.drift.deciding import DAY, TOLD_A_DAY, Move, State, decide

HOUR = 3600.0
START = 1_000_000.0


def walk(*shown: dict[str, str], complete: bool = True, pause: float = HOUR) -> tuple[State, list[list[Move]]]:
    """The moves of each look, one after the other."""
    state, found = State(), []
    for number, offered in enumerate(shown):
        now = START + number * pause
        state, moves = decide(state, offered, complete=complete, asked_at=now, now=now)
        found.append(moves)
    return state, found


def steps(moves: list[Move]) -> list[tuple[str, str]]:
    return [(move.before, move.after) for move in moves if move.told]


def test_the_first_sight_is_no_change_and_neither_is_the_same_again():
    assert walk({"1.0.0": "a"}, {"1.0.0": "a"})[1] == [[], []]


def test_a_version_that_changes_in_place():
    assert steps(walk({"1.0.0": "a"}, {"1.0.0": "b"})[1][1]) == [("1.0.0", "1.0.0")]


def test_a_version_that_takes_the_place_of_another():
    assert steps(walk({"1.0.0": "a"}, {"1.1.0": "b"})[1][1]) == [("1.0.0", "1.1.0")]


def test_a_higher_version_beside_the_old_one_is_the_one_shown_from_then_on():
    state, found = walk({"1.9.0": "a"}, {"1.9.0": "a", "1.10.0": "b"}, {"1.10.0": "b"})
    assert [steps(moves) for moves in found] == [[], [("1.9.0", "1.10.0")], []]
    assert state.version == "1.10.0"


def test_a_lower_version_beside_it_is_no_change():
    assert walk({"2.0.0": "b"}, {"1.0.0": "a", "2.0.0": "b"})[1][1] == []


def test_a_lower_version_in_its_place_is_a_change_and_only_where_all_answered():
    assert steps(walk({"2.0.0": "b"}, {"1.0.0": "a"})[1][1]) == [("2.0.0", "1.0.0")]
    assert walk({"2.0.0": "b"}, {"1.0.0": "a"}, complete=False)[1][1] == []


def test_an_old_version_that_is_edited_is_a_change_too():
    found = walk({"1.0.0": "a", "2.0.0": "b"}, {"1.0.0": "x", "2.0.0": "b"})[1][1]
    assert steps(found) == [("1.0.0", "1.0.0")]


def test_a_version_that_comes_back_other_than_it_was_is_a_change():
    _, found = walk({"1.0.0": "a", "2.0.0": "b"}, {"2.0.0": "b"}, {"1.0.0": "x", "2.0.0": "b"})
    assert [steps(moves) for moves in found] == [[], [], [("1.0.0", "1.0.0")]]


def test_a_contract_that_answers_nothing_is_no_change():
    assert walk({"1.0.0": "a"}, {}, {"1.0.0": "a"})[1] == [[], [], []]


def test_an_answer_that_was_overtaken_says_nothing():
    state, _ = decide(State(), {"1": "a"}, complete=True, asked_at=10, now=10)
    state, moves = decide(state, {"1": "b"}, complete=True, asked_at=20, now=21)
    assert len(moves) == 1
    assert decide(state, {"1": "a"}, complete=True, asked_at=15, now=22) == (state, [])


def test_two_replicas_that_differ_for_ever_are_told_of_a_few_times_and_then_once_a_day():
    flapping = [{"1.0.0": "ab"[number % 2]} for number in range(24 * 10)]
    _, found = walk(*flapping)
    days = [[m for moves in found[day * 24 : day * 24 + 24] for m in moves if m.told] for day in range(10)]
    assert len(days[0]) == TOLD_A_DAY + 1
    assert [move.keeps_changing for move in days[0]] == [False] * TOLD_A_DAY + [True]
    assert all(len(day) <= 1 for day in days[1:])
    assert all(move.keeps_changing for day in days[1:] for move in day)
    assert sum(len(day) for day in days[1:]) >= 8, "it is not forgotten either"
    told = [move for day in days for move in day]
    assert sum(1 + move.untold for move in told) <= len(flapping) - 1


def test_after_a_day_of_rest_changes_are_told_in_full_again():
    state, _ = walk(*[{"1.0.0": "ab"[number % 2]} for number in range(10)])
    later = START + 10 * HOUR + 2 * DAY
    state, moves = decide(state, {"1.0.0": "c"}, complete=True, asked_at=later, now=later)
    assert [(move.told, move.keeps_changing) for move in moves] == [(True, False)]
    assert moves[0].untold > 0


offers = st.dictionaries(st.sampled_from(["1.0.0", "1.1.0", "2.0.0", "", "x"]), st.sampled_from("abc"), max_size=4)


@settings(deadline=None)
@given(st.lists(st.tuples(offers, st.booleans(), st.floats(0, 2 * DAY)), max_size=20))
def test_whatever_is_shown_the_telling_is_bounded_and_looking_twice_says_it_once(looks):
    state, now, told = State(), START, []
    for offered, complete, pause in looks:
        now += pause
        state, moves = decide(state, offered, complete=complete, asked_at=now, now=now)
        told += [now for move in moves if move.told]
        assert decide(state, offered, complete=complete, asked_at=now, now=now) == (state, [])
        assert not offered or state.version in state.prints or not complete
    for moment in told:
        assert sum(moment <= other < moment + DAY for other in told) <= 2 * (TOLD_A_DAY + 1)
