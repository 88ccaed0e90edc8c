"""A product that says more than anybody reads slows nobody's page, and what is left out is counted."""

from dataclasses import replace

import pytest

from marketplace.live import bounds, cache, record, services
from marketplace.live.bounds import bounded
from marketplace.live.view import (
    ArtifactsView,
    ArtifactView,
    Column,
    ContractView,
    HealthView,
    ProductView,
    QualityRule,
    SampleView,
    SchemaView,
    to_json,
)


def columns(count):
    return tuple(Column(name=f"c{n}", path=f"c{n}", description="x" * 50) for n in range(count))


def test_columns_are_counted_over_all_schemas():
    view = ContractView(
        "ODCS", schemas=(SchemaView("a", columns=columns(1500)), SchemaView("b", columns=columns(95_000)))
    )
    kept = bounded(view)
    assert [len(schema.columns) for schema in kept.schemas] == [1500, 500]
    assert [schema.left_out for schema in kept.schemas] == [0, 94_500]
    assert len(to_json(kept)) < 1_200_000


def test_a_sample_keeps_what_a_page_shows():
    wide = SampleView(
        columns=tuple(f"c{n}" for n in range(15_000)), rows=(tuple("y" * 2000 for _ in range(15_000)),) * 100
    )
    kept = bounded(wide)
    assert (len(kept.columns), len(kept.rows), {len(row) for row in kept.rows}) == (200, 100, {200})
    assert kept.left_out == 14_800
    assert max(len(cell) for row in kept.rows for cell in row) <= bounds.CELL + 1


@pytest.mark.parametrize("view", [ArtifactsView(), ProductView("ODPS")])
def test_artifacts_are_counted(view):
    many = tuple(ArtifactView(id=str(n), name="n") for n in range(5000))
    kept = bounded(replace(view, artifacts=many))
    assert (len(kept.artifacts), kept.left_out) == (500, 4500)


@pytest.mark.parametrize("view", [ArtifactsView(), ProductView("Data Package")])
def test_columns_that_artifacts_say_themselves_are_counted_together(view):
    wide = tuple(ArtifactView(str(n), "n", schemas=(SchemaView("t", columns=columns(1500)),)) for n in range(40))
    kept = bounded(replace(view, artifacts=wide))
    schemas = [schema for artifact in kept.artifacts for schema in artifact.schemas]
    assert [len(schema.columns) for schema in schemas] == [1500, 500, *([0] * 38)]
    assert sum(schema.left_out for schema in schemas) == 40 * 1500 - 2000


def test_long_texts_and_lists_anywhere_are_cut():
    rules = tuple(QualityRule(text="r" * 100_000) for _ in range(2000))
    kept = bounded(ContractView("ODCS", quality=rules, purpose="p" * 10**6, tags=("t",) * 10_000))
    assert len(kept.quality) == bounds.ENTRIES
    assert len(kept.quality[0].text) == len(kept.purpose) == bounds.TEXT + 1
    assert len(kept.tags) == bounds.ENTRIES


def test_what_is_short_stays_the_same_object():
    view = ContractView("ODCS", schemas=(SchemaView("a", columns=columns(3)),), purpose="p")
    assert bounded(view) == view
    health = HealthView(status="pass")
    assert bounded(health) is health


def test_a_list_reads_only_what_it_shows(fresh_redis, monkeypatch):
    """The tiles of a page must not read the contracts of its products."""
    subject = services.subject_of(7)
    big = ContractView("ODCS", schemas=(SchemaView("a", columns=columns(2000)),))
    cache.write_seen(subject, "contract:x", cache.Seen(4e9, 5, None, None, 5e9, big))
    cache.write_seen(subject, "health", cache.Seen(4e9, 5, None, None, 5e9, HealthView(status="pass")))
    record._decoded.cache_clear()  # or another test's view of the same would do
    read: list[str] = []
    decode = record.from_json

    def noted(cls, value):
        read.append(cls.__name__)
        return decode(cls, value)

    monkeypatch.setattr(record, "from_json", noted)
    assert services.glance([7, 8])[7].view.status == "pass"
    assert read == ["HealthView"]
