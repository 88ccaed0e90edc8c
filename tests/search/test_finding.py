"""What a question finds, in what order, and why."""

from collections.abc import Callable
from typing import Any

import pytest

from registry.models import Product
from registry.services import create_domain
from search import queries
from search.questions import QuestionService
from search.results import Results

Findable = Callable[..., Product]


@pytest.fixture
def rain(findable: Findable) -> dict[str, Product]:
    """Three products, of which one is about something else."""
    return {
        "daily": findable(
            "daily-rain",
            title="Daily precipitation of France",
            summary="Rain gauges of 4,000 stations, in millimetres a day.",
            tags=["daily", "france"],
            access_mode="open",
        ),
        "monthly": findable(
            "monthly-rain",
            title="Monthly precipitation",
            summary="Precipitation on a grid of one degree.",
            tags=["monthly"],
        ),
        "wind": findable(
            "wind", title="Wind speed at hub height", summary="How fast the wind blows 100 m above ground."
        ),
    }


def titles(results: Results) -> list[str]:
    return [hit.product.title for hit in results.hits]


def test_an_exact_title_comes_first_whatever_else_matches(findable: Findable) -> None:
    for number in range(5):
        findable(f"rain-{number}", title=f"Rain rain rain {number}", summary="Rain. " * 40, tags=["rain"])
    findable("rain", title="RAIN!", summary="One word.")
    assert titles(queries.search("rain"))[0] == "RAIN!"


def test_the_beginning_of_a_title_is_found(rain: dict[str, Product]) -> None:
    found = queries.search("monthly precip")
    assert titles(found)[0] == "Monthly precipitation"
    assert found.hits[0].reasons[0].text == "title begins with this"


def test_forms_of_a_word_are_found_and_marked(rain: dict[str, Product]) -> None:
    hit = queries.search("station").hits[0]
    assert hit.product == rain["daily"]
    assert ("stations", True) in hit.summary
    assert "".join(text for text, _ in hit.summary) == rain["daily"].summary


def test_each_hit_says_why(rain: dict[str, Product], answering: QuestionService) -> None:
    hit = queries.search("precipitation france stations").hits[0]
    said = {reason.kind: reason.text for reason in hit.reasons}
    assert said["title"] == "title matches precipitation and France"
    assert said["tags"] == "tags match france"
    assert said["summary"] == "summary mentions stations"
    assert said["meaning"] == "close in meaning"


def test_meaning_takes_part_where_an_embedder_answers(rain: dict[str, Product], answering: QuestionService) -> None:
    found = queries.search("How fast the wind blows")
    assert found.mode == "meaning+text"
    assert found.hits[0].product == rain["wind"]
    assert found.hits[0].similarity is not None and found.hits[0].similarity > 0.4
    assert not found.notes


def test_without_an_embedder_words_are_compared_and_a_note_says_so(rain: dict[str, Product]) -> None:
    found = queries.search("wind speed")
    assert found.mode == "text"
    assert titles(found) == ["Wind speed at hub height"]
    assert any("meaning is not available" in note for note in found.notes)


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"domain": "climate"}, {"daily-rain", "monthly-rain"}),  # the domains below are included
        ({"domain": "precipitation"}, {"daily-rain", "monthly-rain"}),
        ({"domain": "nowhere"}, set()),
        ({"tags": ["daily"]}, {"daily-rain"}),
        ({"tags": ["daily", "monthly"]}, set()),
        ({"access": "open"}, {"daily-rain"}),
        ({"type": "aggregate"}, set()),
    ],
)
def test_filters_hold_for_every_leg(
    rain: dict[str, Product], answering: QuestionService, filters: dict[str, Any], names: set[str]
) -> None:
    assert {hit.product.name for hit in queries.search("precipitation", **filters).hits} == names
    listed = {hit.product.name for hit in queries.search("", **filters).hits}
    assert listed >= names and ("wind" in listed) == (filters.get("domain") in {"climate", "precipitation"})


def test_only_distant_hits_say_so(findable: Findable, answering: QuestionService) -> None:
    findable("wind", title="Wind", summary="What of the sea, they said, when all of us had gone up there at noon.")
    found = queries.search("what of these")
    assert [hit.reasons[-1].text for hit in found.hits] == ["distantly related in meaning"]
    assert any("Nothing matches closely" in note for note in found.notes)


def test_nothing_found_is_no_dead_end(rain: dict[str, Product]) -> None:
    create_domain("oceans", "Oceans")
    found = queries.search("precipitation", domain="oceans", tags=["daily", "salt"])
    assert found.total == 0 and found.hits == ()
    assert found.suggestions is not None
    assert rain["monthly"] in found.suggestions.products
    assert [domain.slug for domain in found.suggestions.domains] == ["precipitation"]
    ways = {(way.name, way.value) for way in found.suggestions.loosen}
    assert ways == {("domain", "oceans"), ("tag", "daily"), ("tag", "salt")}
    without = next(way.filters for way in found.suggestions.loosen if way.value == "salt")
    assert without.tags == ("daily",) and without.domain == "oceans"


def test_facets_count_all_that_matched_and_not_the_page(rain: dict[str, Product]) -> None:
    counts = queries.facets(queries.search("precipitation", limit=1))
    assert {(c.value, c.count) for c in counts.domains} == {("climate", 2), ("precipitation", 2)}
    assert {(c.value, c.label, c.count) for c in counts.tags} == {
        ("daily", "daily", 1),
        ("france", "france", 1),
        ("monthly", "monthly", 1),
    }
    assert {(c.label, c.count) for c in counts.access} == {("Open", 1), ("On request", 1)}


def test_pages_follow_each_other(findable: Findable) -> None:
    for number in range(7):
        findable(f"rain-{number}", title=f"Rain {number}")
    first, second = queries.search("rain", limit=4), queries.search("rain", limit=4, offset=4)
    assert first.total == second.total == 7
    assert len({hit.product.pk for hit in (*first.hits, *second.hits)}) == 7
    assert queries.search("rain", limit=4, offset=400).hits == ()


def test_drafts_and_retired_products_are_not_found(findable: Findable) -> None:
    findable("secret-plan", title="Secret plan", published=False)
    assert queries.search("secret plan").total == 0


def test_queries_do_not_grow_with_rows(findable: Findable) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def count() -> tuple[int, int]:
        queries.search("warm up")
        with CaptureQueriesContext(connection) as captured:
            found = queries.search("rain", limit=50)
            queries.facets(found)
        for hit in found.hits:
            assert hit.product.domain.title and hit.product.owner.name and list(hit.product.tags.all())
        counted = [query for query in captured if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]
        return len(counted), len(found.hits)

    for number in range(10):
        findable(f"rain-{number}", tags=["rain", f"t{number}"])
    ten, rows = count()
    assert rows == 10
    for number in range(10, 20):
        findable(f"rain-{number}", tags=["rain", f"t{number}"])
    twenty, rows = count()
    assert rows == 20
    assert ten == twenty <= 14
