"""Importing many products: all that fit go in, the others are named with the reason, and twice is once."""

import gzip
import json
import time
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from marketplace.accounts.models import Team
from registry import importing
from registry.models import SUMMARY_LIMIT, Domain, Event, Link, Product, Tag

pytestmark = pytest.mark.django_db


def line(name: str = "daily-rain", **overrides: Any) -> dict[str, Any]:
    return {
        "domain": "climate/precipitation",
        "name": name,
        "title": "Daily rain",
        "summary": "What fell at each station, every day.",
        "tags": ["Rain", "daily"],
        "owner": "Climate Data Office",
        "links": [{"rel": "discovery", "url": "https://rain.example.org/discover", "media_type": "application/json"}],
        **overrides,
    }


def run(path: Path, *rows: Any, **options: Any) -> tuple[str, str]:
    """What the command wrote to its two outputs."""
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    out, err = StringIO(), StringIO()
    try:
        call_command("import_products", str(path), stdout=out, stderr=err, **options)
    except CommandError as error:
        err.write(str(error))
    return out.getvalue(), err.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "products.jsonl"


def test_a_line_becomes_a_published_product_with_all_it_names(file: Path) -> None:
    out, _ = run(file, line())
    assert "1 created, 0 updated, 0 unchanged, 0 refused" in out
    product = Product.objects.select_related("domain__parent", "owner").get()
    assert product.urn == "urn:dp:precipitation:daily-rain"
    assert (product.domain.path, product.domain.parent and product.domain.parent.slug) == (
        "climate/precipitation",
        "climate",
    )
    assert (product.owner.name, product.lifecycle) == ("Climate Data Office", "published")
    assert [(tag.slug, tag.label) for tag in product.tags.all()] == [("daily", "daily"), ("rain", "Rain")]
    assert [link.url for link in product.links.all()] == ["https://rain.example.org/discover"]
    assert [(event.type, event.subject) for event in Event.objects.all()] == [("product.published", product.urn)]


def test_a_second_run_writes_nothing(file: Path) -> None:
    run(file, line(), line("monthly-rain"))
    before = (list(Product.objects.values()), list(Link.objects.values()), Event.objects.count())
    out, _ = run(file, line(), line("monthly-rain"))
    assert "0 created, 0 updated, 2 unchanged" in out
    assert (list(Product.objects.values()), list(Link.objects.values()), Event.objects.count()) == before


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Rain of each day"},
        {"summary": "Other words."},
        {"tags": ["rain"]},
        {"owner": "Somebody Else"},
        {"links": []},
        {"type": "aggregate"},
        {"access_mode": "open"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_line_updates_that_product_alone(file: Path, change: dict[str, Any]) -> None:
    run(file, line(), line("monthly-rain"))
    out, _ = run(file, line(**change), line("monthly-rain"))
    assert "0 created, 1 updated, 1 unchanged" in out
    assert Product.objects.get(name="daily-rain").revision == 2
    assert Event.objects.filter(type="product.updated").count() == 1
    out, _ = run(file, line(**change))
    assert "1 unchanged" in out


BAD = {
    "not JSON": ("{", "is not JSON"),
    "deep": ("[" * 100_000, "is not JSON"),
    "a list": ("[]", "not a JSON object"),
    "no name": ({**line(), "name": ""}, "name is missing"),
    "bad name": (line("Daily Rain"), "'Daily Rain' is not an address"),
    "bad domain": (line(domain="climate//rain"), "'' is not an address"),
    "long name": (line("x" * 64), "at most 63"),
    "no summary": (line(summary="<p></p>"), "summary is empty"),
    "long summary": (line(summary="Rain. " * 300), "1,200 are allowed"),
    "long title": (line(title="x" * 141), "title has 141"),
    "tags": (line(tags="rain"), "tags is not a list"),
    "many tags": (line(tags=[f"tag {n}" for n in range(13)]), "has 13 tags"),
    "link rel": (line(links=[{"rel": "home", "url": "https://example.org"}]), "a link needs rel"),
    "link scheme": (line(links=[{"rel": "source", "url": "javascript:alert(1)"}]), "not a web address"),
    "link host": (line(links=[{"rel": "source", "url": "http://"}]), "does not fit"),
    "type": (line(type="odd"), "type is 'odd'"),
    "type kind": (line(type=["odd"]), "type is"),
    "unknown field": (line(colour="red"), "unknown fields: colour"),
    "owner": (line(owner="!!!"), "owner needs"),
    "twice": (line("first"), "names urn:dp:precipitation:first again, which line 1 has"),
    "misplaced domain": (line(domain="oceans/precipitation"), "is at climate/precipitation already"),
}


@pytest.mark.parametrize(("bad", "reason"), BAD.values(), ids=BAD.keys())
def test_a_bad_line_is_named_with_its_reason_and_the_others_go_in(file: Path, bad: Any, reason: str) -> None:
    out, err = run(file, line("first"), bad, line("last"))
    assert "2 created" in out and "1 refused" in out
    assert "line 2: " in err and reason in err
    assert set(Product.objects.values_list("name", flat=True)) == {"first", "last"}


def test_refused_lines_show_in_the_exit_status(file: Path) -> None:
    file.write_text("{}\n")
    with pytest.raises(CommandError, match="were refused"):
        call_command("import_products", str(file), stdout=StringIO(), stderr=StringIO())


def test_truncating_ends_at_a_sentence(file: Path) -> None:
    out, _ = run(file, line(summary="Rain fell here again. " * 100), truncate=True)
    assert "1 created" in out
    summary = Product.objects.get().summary
    assert SUMMARY_LIMIT - 30 < len(summary) <= SUMMARY_LIMIT and summary.endswith("again.")


def test_markup_is_dropped(file: Path) -> None:
    run(file, line(title="<b>Rain</b>\x00", summary="<script>alert(1)</script>It rains."))
    product = Product.objects.get()
    assert product.title == "Rain" and "<" not in product.summary


def test_a_domain_may_be_named_by_its_slug_alone_once_it_is_known(file: Path) -> None:
    run(file, line(), line("monthly-rain", domain="precipitation"))
    assert Domain.objects.count() == 2 and Product.objects.count() == 2


def test_an_interrupted_import_goes_on_where_it_was(file: Path) -> None:
    rows = [json.dumps(line(f"rain-{number}")) for number in range(30)]
    batches = importing.import_lines(rows, batch=10)
    next(batches)
    batches.close()
    assert Product.objects.count() == 10
    *_, outcome = importing.import_lines(rows, batch=10)
    assert (outcome.created, outcome.unchanged) == (20, 10)


def test_statements_do_not_grow_with_the_rows_of_a_batch(django_assert_max_num_queries: Any) -> None:
    rows = [json.dumps(line(f"rain-{n}", tags=[f"t{n % 7}"], owner=f"Team {n % 5}")) for n in range(200)]
    with django_assert_max_num_queries(25):
        list(importing.import_lines(rows))


def test_compressed_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "products.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write(json.dumps(line()))
    call_command("import_products", str(path), stdout=StringIO(), stderr=StringIO())
    assert Product.objects.count() == 1 and Tag.objects.count() == 2 and Team.objects.count() == 1


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There is no file"):
        call_command("import_products", str(tmp_path / "none.jsonl"))


def test_importing_is_fast_enough_for_a_mesh() -> None:
    """1,500 a second is the goal on a quiet machine; a third of it is asked for here, in time of this process alone."""
    rows = [json.dumps(line(f"rain-{n}", tags=[f"t{n % 40}", "rain", "daily"])) for n in range(3000)]
    started = time.process_time()
    list(importing.import_lines(rows))
    assert 3000 / (time.process_time() - started) > 500
