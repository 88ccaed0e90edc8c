"""Each change has a name and a level. The table is the promise that docs/drift.md explains."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from marketplace.live.drift.changes import KINDS
from marketplace.live.drift.comparing import compare

from .contracts import columns, rain, view

Document = dict[str, Any]
Edit = Callable[[Document], Any]


def column(name: str, /, **values: Any) -> Edit:
    """Sets keys of a column of the table `rain`; None takes them away."""

    def edit(document: Document) -> None:
        _set(columns(document)[name], values)

    return edit


def options(name: str, /, **values: Any) -> Edit:
    """The same for its logicalTypeOptions."""

    def edit(document: Document) -> None:
        _set(columns(document)[name].setdefault("logicalTypeOptions", {}), values)

    return edit


def of(*path: str | int, **values: Any) -> Edit:
    """The same for whatever is found at this path."""

    def edit(document: Document) -> None:
        found: Any = document
        for part in path:
            found = found[part]
        _set(found, values)

    return edit


def _set(target: dict[str, Any], values: dict[str, Any]) -> None:
    for key, value in values.items():
        if value is None:
            target.pop(key, None)
        else:
            target[key] = value


def drop(*path: str | int) -> Edit:
    def edit(document: Document) -> None:
        found: Any = document
        for part in path[:-1]:
            found = found[part]
        del found[path[-1]]

    return edit


def add(*path: str | int, entry: Any) -> Edit:
    def edit(document: Document) -> None:
        found: Any = document
        for part in path:
            found = found[part]
        found.append(entry)

    return edit


TABLE = ("schema", 0)
CELLS = ("schema", 0, "properties")
RULE = {"name": "new", "type": "text", "description": "Must be right."}

# (what is done, the kind of change it is, its level)
CASES: dict[str, tuple[Edit, str, str]] = {
    "a column added": (add(*CELLS, entry={"name": "snow", "logicalType": "number"}), "column.added", "minor"),
    "a required column added": (
        add(*CELLS, entry={"name": "snow", "logicalType": "number", "required": True}), "column.added", "minor",
    ),
    "a nested key added": (
        add(*CELLS, 3, "properties", entry={"name": "street", "logicalType": "string"}), "column.added", "minor",
    ),
    "a column removed": (drop(*CELLS, 2), "column.removed", "major"),
    "a nested key removed": (drop(*CELLS, 3, "properties", 0), "column.removed", "major"),
    "a column renamed": (column("mm", name="millimetres"), "column.renamed", "major"),
    "a table added": (add("schema", entry={"name": "snow", "properties": []}), "schema.added", "minor"),
    "a table removed": (drop("schema", 1), "schema.removed", "major"),
    "a table renamed": (of(*TABLE, name="rainfall"), "schema.renamed", "major"),
    "another logical type": (column("mm", logicalType="integer"), "type", "major"),
    "a logical type withdrawn": (column("mm", logicalType=None), "type", "major"),
    "a physical type said first": (column("day", physicalType="DATE"), "type", "minor"),
    "another physical type": (column("mm", physicalType="DOUBLE"), "type", "major"),
    "a longer text": (column("station", physicalType="VARCHAR(20)"), "type", "minor"),
    "a shorter text": (column("station", physicalType="VARCHAR(5)"), "type", "major"),
    "more digits": (column("mm", physicalType="DECIMAL(8,3)"), "type", "minor"),
    "fewer digits before the point": (column("mm", physicalType="DECIMAL(6,3)"), "type", "major"),
    "a type in other letters": (column("station", physicalType="varchar(10)"), "type", "patch"),
    "a table that becomes a view": (of(*TABLE, physicalType="view"), "type", "major"),
    "another physical name of a table": (of(*TABLE, physicalName="rain_v2"), "physical_name", "major"),
    "a physical name said first": (column("mm", physicalName="MM"), "physical_name", "minor"),
    "optional becomes required": (column("mm", required=True), "required", "major"),
    "required becomes optional": (column("station", required=False), "required", "major"),
    "unique is promised": (column("mm", unique=True), "unique", "major"),
    "unique is withdrawn": (column("day", unique=None), "unique", "major"),
    "a column joins the primary key": (column("day", primaryKey=True), "key", "major"),
    "the order of the primary key": (column("station", primaryKeyPosition=2), "key", "major"),
    "the order of the key no longer said": (column("station", primaryKeyPosition=None), "key", "patch"),
    "another format": (options("day", format="dd.MM.yyyy"), "format", "major"),
    "a format withdrawn": (options("day", format=None), "format", "minor"),
    "a narrower length": (options("station", maxLength=8), "limit", "major"),
    "a wider length": (options("station", maxLength=12), "limit", "minor"),
    "a length asked for": (options("mm", minLength=1), "limit", "major"),
    "a length no longer asked for": (options("station", maxLength=None), "limit", "minor"),
    "a higher minimum": (options("mm", minimum=1), "limit", "major"),
    "a lower minimum": (options("mm", minimum=-1), "limit", "minor"),
    "a lower maximum": (options("mm", maximum=499.5), "limit", "major"),
    "a higher maximum": (options("mm", maximum="1e3"), "limit", "minor"),
    "another pattern": (options("station", pattern="^S"), "limit", "major"),
    "a limit nobody can compare": (options("mm", maximum="much"), "limit", "major"),
    "fewer values": (column("station", enum=["S-1", "S-2"]), "values", "major"),
    "more values": (column("station", enum=["S-1", "S-2", "S-3", "S-4"]), "values", "minor"),
    "other values": (column("station", enum=["S-1", "S-2", "S-4"]), "values", "major"),
    "a list of values is asked for": (column("day", enum=["2024-01-01"]), "values", "major"),
    "no list of values any more": (column("station", enum=None), "values", "minor"),
    "other labels of the same values": (
        column("station", enum=[{"value": "S-1", "label": "one"}, "S-2", "S-3"]), "description", "patch",
    ),
    "partitioned": (column("day", partitioned=True), "partition", "minor"),
    "another classification": (column("station", classification="restricted"), "classification", "minor"),
    "a column deprecated": (column("mm", deprecated=True), "deprecated", "minor"),
    "a table deprecated": (of(*TABLE, deprecated=True), "deprecated", "minor"),
    "a relationship": (
        column("station", relationships=[{"type": "foreignKey", "to": "stations.station"}]), "relationship", "minor",
    ),
    "a rule changed": (of(*CELLS, 1, "quality", 0, mustBe=2), "quality", "minor"),
    "a rule added": (add(*TABLE, "quality", entry=RULE), "quality", "minor"),
    "a rule removed": (drop(*TABLE, "quality", 0), "quality", "minor"),
    "a rule of the whole contract": (of(quality=[RULE]), "quality", "minor"),
    "other words for a rule": (of(*CELLS, 1, "quality", 0, businessImpact="None."), "description", "patch"),
    "a service level changed": (of("slaProperties", 0, value=8), "sla", "minor"),
    "a service level removed": (drop("slaProperties", 0), "sla", "minor"),
    "other words for a service level": (of("slaProperties", 0, description="4 days."), "description", "patch"),
    "a server added": (add("servers", entry={"server": "new", "type": "kafka", "host": "k"}), "server.added", "minor"),
    "a server removed": (drop("servers", 0), "server.removed", "major"),
    "another host": (of("servers", 1, host="db2.example"), "server.changed", "major"),
    "another port": (of("servers", 1, port=5433), "server.changed", "major"),
    "a port no longer said": (of("servers", 1, port=None), "server.changed", "major"),
    "a setting said first": (of("servers", 0, format="parquet"), "server.changed", "minor"),
    "another environment": (of("servers", 0, environment="test"), "server.changed", "major"),
    "other words for a server": (of("servers", 0, description="Everything."), "description", "patch"),
    "a role added": (add("roles", entry={"role": "writer", "access": "write"}), "role.added", "minor"),
    "a role removed": (drop("roles", 0), "role.removed", "major"),
    "another access of a role": (of("roles", 0, access="none"), "role.changed", "major"),
    "other words for a role": (of("roles", 0, description="All."), "role.changed", "patch"),
    "another price": (of("price", priceAmount=2), "price", "minor"),
    "another id": (of(id="rain"), "id", "major"),
    "the contract deprecated": (of(status="deprecated"), "status", "minor"),
    "the contract retired": (of(status="retired"), "status", "major"),
    "a draft": (of(status="draft"), "status", "patch"),
    "another purpose": (of("description", purpose="Rain."), "description", "patch"),
    "other limitations": (of("description", limitations="None."), "description", "patch"),
    "another name of the contract": (of(name="Rain"), "description", "patch"),
    "another description of a column": (column("mm", description="Rain."), "description", "patch"),
    "a business name": (column("mm", businessName="Rain"), "description", "patch"),
    "an example": (column("station", examples=["S-2"]), "description", "patch"),
    "another team": (of("team", name="Weather team"), "team", "patch"),
    "another team member": (add("team", "members", entry={"username": "bob"}), "team", "patch"),
    "another support channel": (of("support", 0, channel="#weather"), "team", "patch"),
    "a tag": (add("tags", entry="wet"), "metadata", "patch"),
    "a custom property": (of("customProperties", 0, value="red"), "metadata", "patch"),
    "a key that no standard has": (of(surprise="yes"), "metadata", "patch"),
    "another version of the standard": (of(apiVersion="v3.1.0"), "metadata", "patch"),
    "another domain": (of(domain="water"), "metadata", "patch"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_change_has_its_kind_and_its_level(name: str):
    edit, kind, level = CASES[name]
    document = rain()
    edit(document)
    found = compare(view(rain()), view(document))
    assert [(change.kind, change.level) for change in found.changes] == [(kind, level)]
    assert found.level == level


def test_every_kind_is_in_the_table_or_shown_elsewhere():
    tested = {kind for _, kind, _ in CASES.values()}
    assert set(KINDS) - tested == {"policy", "not_compared"}  # see test_other_formats and test_hostile_contracts


def test_the_documentation_says_every_kind_and_all_its_levels():
    document = (Path(__file__).resolve().parents[2] / "docs" / "drift.md").read_text()
    section = document.split("## How grave a change is")[1].split("## ")[0]
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:3] == "| `"
    ]
    rows = {kind: row[1] for row in cells for kind in row[0].replace("`", "").split(", ")}
    assert set(rows) == set(KINDS)
    assert {(kind, level) for _, kind, level in CASES.values() if level not in rows[kind]} == set()


def test_changes_are_named_with_their_place_and_what_was_before():
    document = rain()
    columns(document)["mm"].update(physicalType="DOUBLE", description="Other words.")
    columns(document)["place"]["properties"][0]["logicalType"] = "integer"
    found = compare(view(rain()), view(document))
    places = [(change.level, change.schema, change.column, change.before, change.after) for change in found.changes]
    assert places == [
        ("major", "rain", "mm", "DECIMAL(6,2)", "DOUBLE"),
        ("major", "rain", "place.city", "string", "integer"),
        ("patch", "rain", "mm", "Millimetres of rain.", "Other words."),
    ]


def test_a_renamed_parent_takes_its_nested_columns_along():
    document = rain()
    columns(document)["place"]["name"] = "places"
    found = compare(view(rain()), view(document))
    assert [(c.kind, c.column, c.renamed_to) for c in found.changes] == [("column.renamed", "place", "places")]


def test_a_renamed_column_that_also_changed_says_both():
    document = rain()
    columns(document)["mm"].update(name="rain_mm", required=True)
    found = compare(view(rain()), view(document))
    said = [(c.kind, c.column, c.renamed_to) for c in found.changes]
    assert said == [("column.renamed", "mm", "rain_mm"), ("required", "rain_mm", "")]


@pytest.mark.parametrize("other", [{"name": "xyz", "logicalType": "number"}, {"name": "mm2", "logicalType": "string"}])
def test_what_does_not_look_alike_is_removed_and_added(other: dict[str, Any]):
    document = rain()
    document["schema"][0]["properties"][1] = other
    found = compare(view(rain()), view(document))
    assert {change.kind for change in found.changes} == {"column.removed", "column.added"}


def test_a_renamed_column_is_recognised_by_its_words_where_its_name_is_quite_another():
    before, after = rain(), rain()
    columns(before)["mm"].update(businessName="Rain", physicalName="MM")
    columns(after)["mm"].update(businessName="Rain", physicalName="MM", name="q")
    assert [change.kind for change in compare(view(before), view(after)).changes] == ["column.renamed"]
