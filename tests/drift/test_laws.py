"""What holds for all contracts, whatever is in them."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.live.drift.changes import highest
from marketplace.live.drift.comparing import compare
from marketplace.live.drift.facts import fingerprint
from marketplace.live.drift.versions import LEVELS, judged, order, parsed, suggested
from marketplace.live.view import Column as ColumnView
from marketplace.live.view import ContractView, from_json, to_json

from .contracts import view

# Few words, so that names, types and texts meet and clash; some that are not what they should be.
words = st.sampled_from(
    ["a", "b", "mm", "rain", "rain_mm", "string", "VARCHAR(3)", "VARCHAR(9)", "5", "é\u0000", "a.b", ""]
)
scalars = st.one_of(words, st.none(), st.booleans(), st.integers(-3, 3), st.just([]), st.just({}))
KEYS = (
    "name", "businessName", "logicalType", "physicalType", "physicalName", "description", "required", "unique",
    "primaryKey", "primaryKeyPosition", "partitioned", "criticalDataElement", "deprecated", "classification", "status",
    "id", "version", "property", "value", "unit", "server", "type", "host", "port", "environment", "role", "access",
    "surprise",
)  # fmt: skip
entries = st.dictionaries(st.sampled_from(KEYS), scalars, max_size=5)
rules = st.lists(st.fixed_dictionaries({}, optional={"name": words, "metric": words, "mustBe": words}), max_size=2)


def listed(items: Any) -> Any:
    return st.lists(items, max_size=4)


column_entries: Any = st.recursive(
    entries,
    lambda inner: st.builds(
        lambda entry, nested, more: {**entry, "properties": nested, **more},
        entries,
        listed(inner),
        st.fixed_dictionaries(
            {},
            optional={
                "quality": rules,
                "enum": listed(words),
                "tags": listed(words),
                "logicalTypeOptions": st.dictionaries(
                    st.sampled_from(["maxLength", "minimum", "format", "x"]), scalars
                ),
            },
        ),
    ),
    max_leaves=5,
)
documents = st.builds(
    lambda top, **lists: {**top, **lists, "kind": "DataContract"},
    entries,
    schema=listed(st.builds(lambda entry, columns: {**entry, "properties": columns}, entries, listed(column_entries))),
    servers=listed(entries),
    roles=listed(entries),
    slaProperties=listed(entries),
    quality=rules,
    tags=listed(words),
    team=listed(entries),
)
contracts = documents.map(view)
levels = st.sampled_from([None, *LEVELS])


def shuffled(value: Any, chance: random.Random) -> Any:
    """The same document with every list and every mapping in another order."""
    if isinstance(value, list):
        return chance.sample([shuffled(entry, chance) for entry in value], len(value))
    if isinstance(value, dict):
        return {key: shuffled(value[key], chance) for key in chance.sample(sorted(value), len(value))}
    return value


@settings(deadline=None)
@given(contracts)
def test_a_contract_does_not_differ_from_itself(contract: ContractView):
    found = compare(contract, contract)
    assert (found.changes, found.level, found.bump in ("fits", "not_semver")) == ((), None, True)


@settings(deadline=None)
@given(contracts, contracts)
def test_there_are_changes_exactly_where_fingerprints_differ(one: ContractView, other: ContractView):
    found = compare(one, other)
    assert bool(found.changes) == (fingerprint(one) != fingerprint(other))
    assert (found.fingerprint_before, found.fingerprint_after) == (fingerprint(one), fingerprint(other))


@settings(deadline=None)
@given(documents, st.randoms(use_true_random=False))
def test_order_never_matters(document: dict[str, Any], chance: random.Random):
    other = shuffled(document, chance)
    assert compare(view(document), view(other)).changes == ()


@settings(deadline=None)
@given(documents, documents, st.randoms(use_true_random=False))
def test_what_changed_does_not_depend_on_order(one: dict[str, Any], other: dict[str, Any], chance: random.Random):
    found = compare(view(one), view(other))
    again = compare(view(shuffled(one, chance)), view(shuffled(other, chance)))
    assert [c.stored() for c in found.changes] == [c.stored() for c in again.changes]


@settings(deadline=None)
@given(contracts, contracts)
def test_the_level_of_all_changes_is_that_of_the_gravest(one: ContractView, other: ContractView):
    changes = compare(one, other).changes
    assert highest(changes) == max((change.level for change in changes), key=LEVELS.index, default=None)
    assert [LEVELS.index(c.level) for c in changes] == sorted((LEVELS.index(c.level) for c in changes), reverse=True)


@settings(deadline=None)
@given(contracts, contracts)
def test_what_is_stored_of_a_change_is_names_only(one: ContractView, other: ContractView):
    for change in compare(one, other).changes:
        row = change.stored()
        assert set(row) <= {"kind", "level", "schema", "column", "renamed_to"}
        assert all(text.isprintable() and len(text) <= 120 for text in row.values())


@settings(deadline=None)
@given(contracts)
def test_a_contract_that_was_carried_through_the_cache_is_the_same(contract: ContractView):
    assert fingerprint(from_json(ContractView, to_json(contract))) == fingerprint(contract)


@settings(deadline=None)
@given(contracts)
def test_neither_the_version_nor_our_remarks_are_a_change(contract: ContractView):
    assert compare(contract, replace(contract, version="9.9.9", problems=("bad",))).changes == ()


@settings(deadline=None)
@given(contracts)
def test_a_new_column_is_minor_and_its_removal_major(contract: ContractView):
    new = ColumnView(name="brand new", path="brand new", logical_type="map")
    for number, schema in enumerate(contract.schemas):
        more = replace(schema, columns=(*schema.columns, new))
        schemas = (*contract.schemas[:number], more, *contract.schemas[number + 1 :])
        grown = replace(contract, schemas=schemas)
        assert [(c.kind, c.level) for c in compare(contract, grown).changes] in (
            [("column.added", "minor")],
            # Of two tables of one name nobody can say which of them grew.
            [("column.added", "minor"), ("column.added", "minor")],
        ) or _twins(contract)
        assert highest(compare(grown, contract).changes) == "major"


def _twins(contract: ContractView) -> bool:
    names = [schema.name for schema in contract.schemas]
    return len(names) != len(set(names))


versions = st.builds(
    lambda numbers, pre, prefix: f"{prefix}{'.'.join(map(str, numbers))}{pre}",
    st.tuples(*[st.integers(0, 12)] * 3),
    st.sampled_from(["", "", "", "-rc.1", "-rc.2", "-alpha", "+build"]),
    st.sampled_from(["", "v"]),
)


@settings(deadline=None)
@given(versions, levels)
def test_the_suggested_version_fits(version: str, level: Any):
    proposed = suggested(version, level)
    assert proposed is not None
    if level is not None:
        assert judged(version, proposed, level) == "fits"
        assert order(proposed) > order(version)


@settings(deadline=None)
@given(versions, versions, levels)
def test_a_lower_version_is_always_back_and_the_same_one_never_fits_a_change(one: str, other: str, level: Any):
    said = judged(one, other, level)
    assert (said == "back") == (order(other) < order(one))
    if one == other:
        assert said == ("none" if level else "fits")


@settings(deadline=None)
@given(st.text(max_size=200), st.text(max_size=200), levels, st.booleans())
def test_any_text_is_judged(one: str, other: str, level: Any, known: bool):
    said = judged(one, other, level, known=known)
    if one != other and (parsed(one) is None or parsed(other) is None):
        assert said == "not_semver"
    assert (suggested(one, level) is None) == (parsed(one) is None)
    assert sorted([order(one), order(other)])
