"""Contracts made to hurt: huge, deep, or made of near twins. Counted in work done, not in seconds."""

from __future__ import annotations

import json
from collections.abc import Callable
from difflib import SequenceMatcher
from typing import Any

import pytest

from marketplace.live import services
from marketplace.live.bounds import COLUMNS, bounded
from marketplace.live.drift import renames
from marketplace.live.drift.comparing import compare
from marketplace.live.drift.facts import fingerprint
from marketplace.live.drift.noticing import MAX_CHANGES
from marketplace.live.view import Column, ContractView, SchemaView
from registry.models import Event, Product
from registry.services import LinkData
from tests.live.gateways import CONTRACT, gateway
from tests.live.hostile import Server, answer

from .contracts import view

Ask = Callable[[Product], None]


def wide(count: int, prefix: str = "c") -> dict[str, Any]:
    columns = [{"name": f"{prefix}{number}"} for number in range(count)]
    return {**CONTRACT, "schema": [{"name": "t", "properties": columns}]}


def test_a_hundred_thousand_columns_are_kept_to_two_thousand_and_what_is_beyond_is_counted():
    before, after = bounded(view(wide(100_000))), bounded(view(wide(100_001)))
    assert before.column_count == COLUMNS
    found = compare(before, after)
    (change,) = found.changes
    assert (change.kind, change.level, change.before, change.after) == ("not_compared", "minor", "98000", "98001")
    assert [c.level for c in compare(after, before).changes] == ["major"]


def test_a_hundred_thousand_changes_are_each_named_without_looking_at_every_pair(monkeypatch: pytest.MonkeyPatch):
    looked = 0

    def counting(*arguments: Any) -> float:
        nonlocal looked
        looked += 1
        return 0.0

    monkeypatch.setattr(renames, "_likeness", counting)
    found = compare(view(wide(50_000, "a")), view(wide(50_000, "b")))
    assert len(found.changes) == 100_000
    assert looked == 0, "where there are too many, no renaming is guessed"
    before, after = wide(0), wide(0)
    for document, name in ((before, "old"), (after, "new")):
        document["schema"] = [
            {"name": f"t{number}", "properties": [{"name": f"{name}{n}"} for n in range(40)]} for number in range(200)
        ]
    compare(view(before), view(after))
    assert looked <= renames.Guesser().budget


def test_long_names_are_compared_by_their_beginning(monkeypatch: pytest.MonkeyPatch):
    longest = 0

    class Measured(SequenceMatcher):
        def __init__(self, junk: Any, one: str, other: str, **options: Any) -> None:
            nonlocal longest
            longest = max(longest, len(one), len(other))
            super().__init__(junk, one, other, **options)

    monkeypatch.setattr(renames, "SequenceMatcher", Measured)
    found = compare(view(wide(1, "x" * 19_000)), view(wide(1, "x" * 18_000)))
    assert [change.kind for change in found.changes] == ["column.renamed"]
    assert longest == renames.NAME_LENGTH
    assert all(len(text) <= 500 for change in found.changes for text in (change.column, change.renamed_to))


def deep(levels: int, leaf: str) -> ContractView:
    """Deeper than any reader makes it: nothing here may depend on what a reader lets through."""
    columns = [Column(name="c", path=".".join(["c"] * (depth + 1)), depth=depth) for depth in range(levels)]
    last = Column(name=leaf, path=f"{columns[-1].path}.{leaf}", depth=levels)
    return ContractView("ODCS", schemas=(SchemaView("t", columns=(*columns, last)),))


def test_nesting_of_any_depth_is_walked():
    found = compare(deep(1_500, "a"), deep(1_500, "zz"))
    assert sorted(change.kind for change in found.changes) == ["column.added", "column.removed"]
    assert all(len(change.column) <= 500 for change in found.changes)


def test_a_column_that_skips_a_level_hangs_below_the_last_less_deep_one():
    columns = (Column("a", "a", 0), Column("b", "a.b", 7), Column("c", "c", 3), Column("d", "d", 0))
    one = ContractView("ODCS", schemas=(SchemaView("t", columns=columns),))
    assert fingerprint(one) == fingerprint(one)
    other = ContractView("ODCS", schemas=(SchemaView("t", columns=columns[:2] + columns[3:]),))
    assert [(c.kind, c.column) for c in compare(one, other).changes] == [("column.removed", "a.c")]


def test_twins_are_counted():
    """Columns of one name: three of them, then two."""
    three = {**CONTRACT, "schema": [{"name": "t", "properties": [{"name": "a"}] * 3}]}
    two = {**CONTRACT, "schema": [{"name": "t", "properties": [{"name": "a"}] * 2}]}
    assert [change.kind for change in compare(view(three), view(two)).changes] == ["column.removed"]


@pytest.mark.parametrize(
    "values",
    [
        {"version": "9" * 5_000, "status": ["x"], "schema": "no"},
        {"version": None, "servers": {"server": {}}, "roles": [7], "team": "x", "price": []},
        {"schema": [{"properties": [{"logicalTypeOptions": {"maximum": "9" * 5000, "minimum": "NaN", "x": [[]]}}]}]},
        {"schema": [{"properties": [{"physicalType": "(" * 5_000}, {"physicalType": "DECIMAL(99999999999,1)"}]}]},
        {"quality": [{"mustBe": {"a": 1}}, None, 3], "slaProperties": [{"property": {}}, {"value": 1}]},
    ],
)
def test_documents_that_are_not_what_they_should_be_are_compared_too(values: dict[str, Any]):
    odd, plain = view({**CONTRACT, **values}), view(CONTRACT)
    for before, after in ((odd, plain), (plain, odd)):
        found = compare(before, after)
        assert bool(found.changes) == (found.fingerprint_before != found.fingerprint_after)
        assert isinstance(found.bump, str)


def compact(count: int, prefix: str) -> Any:
    """As short as JSON can be, so that it is below the two megabytes that are read."""
    columns = ",".join(f'{{"name":"{prefix}{number:x}"}}' for number in range(count))
    head = json.dumps({**CONTRACT, "schema": []})
    return answer(head.replace('"schema": []', f'"schema":[{{"name":"t","properties":[{columns}]}}]').encode())


@pytest.mark.django_db(transaction=True)
def test_fifty_thousand_columns_through_a_gateway_make_one_small_event(
    server: Server, setup_product: Callable[..., Product], refresh: Ask
):
    product = setup_product(links=[LinkData("discovery", gateway(server, contract=compact(50_000, "a")))])
    refresh(product)
    server.route("/discover/contracts/c-rain", compact(50_000, "b"))
    refresh(product)
    event = Event.objects.get(type="contract.drifted")
    assert event.data["counts"] == {"major": COLUMNS, "minor": COLUMNS, "patch": 0}
    assert (len(event.data["changes"]), event.data["left_out"]) == (MAX_CHANGES, 2 * COLUMNS - MAX_CHANGES)
    assert {change["kind"] for change in event.data["changes"]} == {"column.removed"}, "the gravest first"
    assert len(json.dumps(event.data)) < 20_000


@pytest.mark.django_db(transaction=True)
def test_a_contract_too_large_to_be_read_is_no_change_and_the_next_one_is_compared_with_the_last_that_was(
    server: Server, setup_product: Callable[..., Product], refresh: Ask
):
    product = setup_product(links=[LinkData("discovery", gateway(server, contract=compact(3, "a")))])
    refresh(product)
    server.route("/discover/contracts/c-rain", compact(100_000, "a"))
    refresh(product)
    assert services.look(product.pk, ask=False).contracts[0].problem is not None
    assert not Event.objects.filter(type="contract.drifted").exists()
    server.route("/discover/contracts/c-rain", compact(4, "a"))
    refresh(product)
    assert [event.data["counts"] for event in Event.objects.filter(type="contract.drifted")] == [
        {"major": 0, "minor": 1, "patch": 0}
    ]
