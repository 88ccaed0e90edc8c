"""The evaluation bench measures what it says, and leaves nothing behind."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from registry.models import Event, Product
from search import queries
from search.evaluation import judge
from search.models import Document

DOCUMENTS = [
    {"id": "rain gauges", "title": "Rain gauges", "text": "Precipitation at stations."},
    {"id": "wind", "title": "Wind speed", "text": "How fast the wind blows."},
    {"id": "wind", "title": "The same id again", "text": "Ignored."},
    {"id": "ships", "title": "Ships", "text": "Where ships are."},
]
QUERIES = [
    {"query": "rain gauges", "relevant": ["rain_gauges"]},
    {"query": "wind blows fast", "relevant": ["wind", "absent"]},
]


def files(folder: Path, documents: list[dict[str, Any]]) -> list[str]:
    """The arguments that name two files with these documents and the questions above."""
    arguments = []
    for name, rows in (("documents", documents), ("queries", QUERIES)):
        path = folder / f"{name}.jsonl"
        path.write_text("\n".join(json.dumps(row) for row in rows))
        arguments += [f"--{name}", str(path)]
    return arguments


@pytest.mark.django_db
def test_the_scores_are_those_of_the_known_answers(tmp_path: Path) -> None:
    out = StringIO()
    call_command(
        "evaluate_search",
        "--json",
        *files(tmp_path, DOCUMENTS),
        stdout=out,
        stderr=StringIO(),
    )
    report = json.loads(out.getvalue())
    assert (report["documents"], report["questions"]) == (3, 2)
    for name in ("vectors", "text", "fused"):
        assert report[name]["success_at_1"] == 1
        assert report[name]["recall_at_5"] == 0.75
    assert report["latency"]["p95_ms"] > 0


@pytest.mark.django_db
def test_the_marketplace_is_neither_read_nor_changed(tmp_path: Path, findable: Callable[..., Product]) -> None:
    findable("daily-rain", title="Rain gauges", summary="Would spoil the scores.")
    before = (list(Product.objects.values()), Document.objects.count(), Event.objects.count())
    out = StringIO()
    call_command("evaluate_search", *files(tmp_path, DOCUMENTS), stdout=out, stderr=StringIO())
    assert "3 documents, 2 queries" in out.getvalue() and "nDCG@10" in out.getvalue()
    assert (list(Product.objects.values()), Document.objects.count(), Event.objects.count()) == before
    assert queries.search("rain gauges").total == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relname = 'search_document'")
        assert cursor.fetchone() == (0,)


def test_the_measures_are_those_of_the_books() -> None:
    found = judge(["a", "x", "b", "y"], {"a", "b", "c"})
    assert found.ndcg_at_10 == pytest.approx((1 + 0.5) / (1 + 0.63093 + 0.5), abs=1e-4)
    assert (found.success_at_1, found.success_at_5, found.mrr) == (1, 1, 1)
    assert found.recall_at_5 == pytest.approx(2 / 3)
    missed = judge(["x", "y"], {"a"})
    assert (missed.ndcg_at_10, missed.mrr, missed.success_at_5) == (0, 0, 0)


@pytest.mark.parametrize(("rows", "reason"), [([], "at least one"), ([{"id": 1}], "line 1 needs the fields id, title")])
def test_a_file_that_does_not_fit_is_said(tmp_path: Path, rows: list[dict[str, Any]], reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        call_command("evaluate_search", *files(tmp_path, rows))
