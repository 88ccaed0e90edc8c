"""What matches some words inside a product, in which order, and why."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.live.matching import ROWS, TEXT, Matcher, search, words_of
from marketplace.live.view import ArtifactsView, ArtifactView, Column, ContractView, ProductView, SchemaView

ARTIFACT = ArtifactView(id="a-1", name="rain_daily", title="Daily rain", summary="Rainfall.", contract_id="c-1")


def contract(*columns: Column) -> ContractView:
    return ContractView("ODCS v3.2.0", id="c-1", schemas=(SchemaView("readings", columns=columns),))


def views(*columns: Column) -> dict:
    return {"artifacts": ArtifactsView((ARTIFACT,)), "contract:1": contract(*columns)}


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("how much rain falls in Paris", ("rain", "fall", "pari")),
        ("Stations, stations and STATION", ("station",)),
        ("what is it", ("what", "is", "it")),
        ("station_id", ("station", "id")),
        ("loss glass", ("loss", "glass")),
        ("  ?! ", ()),
        ("a b c d e f g h i j k l m", ("b", "c", "d", "e", "f", "g", "h", "i")),
    ],
)
def test_the_words_that_are_looked_for(question, words):
    found = words_of(question)
    assert found == words if len(words) < 8 else len(found) <= 8


@pytest.mark.parametrize(
    ("word", "text", "hit"),
    [
        ("station", "stations", True),
        ("station", "the_station_id", True),
        ("id", "stationId", True),
        ("id", "humid", False),
        ("rain", "RAINFALL", True),
        ("rain", "train", False),
        ("température", "Température moyenne", True),
        ("a.c", "abc", False),
        ("(", "(x)", True),
    ],
)
def test_a_word_matches_at_the_beginning_of_a_word(word, text, hit):
    assert bool(Matcher([word]).found(text)) is hit


def test_names_stand_before_descriptions_and_more_words_before_fewer():
    columns = (
        Column("note", "note", description="The station, in words."),
        Column("station", "station"),
        Column("height", "height", business_name="Station height", description="Above the sea."),
        Column("x", "x", description="height of the station"),
    )
    found = search(Matcher(words_of("station height")), views(*columns))
    assert [row.column for row in found.rows] == ["height", "x", "station", "note"]
    assert found.rows[0].why == "name matches height; title matches station, height"
    assert found.rows[-1].why == "description mentions station"
    assert {row.artifact for row in found.rows} == {"Daily rain"}


def test_the_matching_text_is_shown_around_the_match_and_marked():
    text = "first " * 100 + "the STATION where it fell " + "last " * 100
    row = search(Matcher(["station"]), views(Column("a", "a", description=text))).rows[0]
    assert ("STATION", True) in row.segments
    assert row.segments[0] == ("… ", False)
    assert sum(len(text) for text, _ in row.segments) <= TEXT + 4


def test_a_contract_without_an_artifact_and_a_product_without_either_are_searched_too():
    lone = {"contract:1": contract(Column("mm", "mm", description="rain"))}
    assert search(Matcher(["rain"]), lone).rows[0].column == "mm"
    described = {"metadata": ProductView("ODPS v1.1.0", purpose="To know the rain.")}
    assert search(Matcher(["rain"]), described).rows[0].why == "description mentions rain"
    assert search(Matcher([]), described).rows == ()


def test_more_matches_than_are_shown_are_counted():
    columns = [Column(f"rain_{number}", f"rain_{number}") for number in range(20)]
    found = search(Matcher(["rain"]), {"contract:1": contract(*columns)})
    assert (len(found.rows), found.more) == (ROWS, 12)


def test_the_widest_contract_that_is_kept_is_searched_in_bounded_time():
    text = "rai " * 400 + "ra_in "
    columns = [Column(f"c{number}", f"c{number}", description=text) for number in range(2000)]
    started = time.process_time()
    search(Matcher(words_of("rain rainy raining rained rains r ra rai")), {"contract:1": contract(*columns)})
    assert time.process_time() - started < 10


@given(
    st.text(max_size=300),
    st.lists(st.text(max_size=300), max_size=5),
)
def test_marking_changes_no_text_and_marks_what_was_found(question, texts):
    matcher = Matcher(words_of(question))
    if not matcher.words:
        return
    for text in texts:
        flat = " ".join(text.split())
        segments = matcher.marked(text)
        shown = "".join(part for part, _ in segments)
        assert shown.removeprefix("… ").removesuffix(" …") in flat or flat == shown
        if len(flat) <= TEXT and matcher.found(flat):
            assert any(hit for _, hit in segments)
