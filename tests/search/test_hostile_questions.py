"""Whatever is typed gets an answer: hits, or a clear note, never an error."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from registry.models import Product
from search import queries, ranking
from search.questions import QuestionService

HOSTILE = {
    "empty": "",
    "blank": " \t\n ",
    "stop words": "the of and to which",
    "emoji": "😀🌧️😀",
    "long": "rain " * 2000,
    "one long word": "x" * 10_000,
    "NUL": "rain\x00fall \x00",
    "control": "\x01\x02\x1b[31m rain",
    "lone surrogate": "rain \ud800 fall",
    "tsquery operators": "rain & | ! <-> (( :* :A 'x' \\ \\' '' <2>",
    "only operators": "&|!():*<->\\'",
    "SQL": "'; DROP TABLE search_document; -- %s %(key)s {filters} $1",
    "LIKE": "%_\\%",
    "right to left": "هطول الأمطار اليومي ‏‮rain",
    "Chinese": "每日降水量",
    "combining": "é" + "\u0301" * 400,
    "quotes": '"rain \'of "france',
    "URL": "https://user:pw@example.org/../etc?x=<script>alert(1)</script>",
    "numbers": "1e999 0x00 -1 NaN",
    "private use": "\ue000rain\ue001",
}


@pytest.mark.parametrize("typed", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("alive", [True, False], ids=["with meaning", "without"])
def test_any_question_is_answered(
    typed: str, alive: bool, findable: Callable[..., Product], request: pytest.FixtureRequest
) -> None:
    findable("daily-rain", title="Rainfall of France", tags=["rain"])
    if alive:
        request.getfixturevalue("answering")
    started = time.perf_counter()
    found = queries.search(typed)
    queries.facets(found)
    assert time.perf_counter() - started < 2.5
    assert found.hits or found.notes or found.suggestions


@pytest.mark.parametrize("typed", HOSTILE.values(), ids=HOSTILE.keys())
def test_any_filter_is_answered(typed: str, findable: Callable[..., Product]) -> None:
    findable("daily-rain")
    typed = typed.encode("utf-8", "replace").decode()  # what a URL can carry
    found = queries.search("rain", domain=typed, tags=[typed] * 3, type=typed, access=typed)
    assert found.total == 0 or not typed.strip()


def test_a_long_question_is_cut_and_says_so(findable: Callable[..., Product]) -> None:
    findable("daily-rain", title="Rainfall of France")
    found = queries.search("rainfall " * 1200)
    assert found.hits and len(found.question) <= 500
    assert any("first 494 characters" in note for note in found.notes)


def test_forty_tags_are_cut_and_say_so(findable: Callable[..., Product]) -> None:
    findable("daily-rain")
    found = queries.search("rain", tags=[f"tag-{number}" for number in range(40)])
    assert any("first 12 tags" in note for note in found.notes)


def test_only_stop_words_say_so(findable: Callable[..., Product]) -> None:
    findable("daily-rain")
    assert any("very common words" in note for note in queries.search("the of and").notes)


@pytest.fixture
def slow_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """The statement sleeps in its word leg: a server too busy to answer in time."""
    slow = ranking.WORDS_LEG.replace(
        "SELECT product_id, word_score, row_number()", "SELECT product_id, word_score, pg_sleep(30), row_number()"
    )
    monkeypatch.setattr(ranking, "WORDS_LEG", slow)
    monkeypatch.setattr(queries, "TIMEOUT_MS", 800)


def test_too_slow_a_search_falls_back_and_says_so(
    findable: Callable[..., Product], answering: QuestionService, slow_words: None
) -> None:
    findable("daily-rain", title="Rainfall of France", summary="Rainfall")
    found = queries.search("rainfall")
    assert [hit.product.title for hit in found.hits] == ["Rainfall of France"]
    assert any("took too long" in note and "meaning" in note for note in found.notes)
    with connection.cursor() as cursor:  # and the connection is fit for more
        cursor.execute("SELECT 1")


def test_marks_in_foreign_text_do_no_harm(findable: Callable[..., Any]) -> None:
    findable("odd", title="\ue000Rain\ue001 <b>bold</b>", summary="<mark>rain</mark> \ue001\ue000 & more rain")
    hit = queries.search("rain").hits[0]
    assert "".join(text for text, _ in hit.title).replace("\ue000", "").replace("\ue001", "") == "Rain bold"
