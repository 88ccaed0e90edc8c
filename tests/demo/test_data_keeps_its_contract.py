"""Every row of every sample keeps its contract, and the checker that says so can say no."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.demo.checker import Row, raw_rows, violations
from tests.demo.documents import MESH, contracts_of, product_named

TABLES = [
    pytest.param(product.folder, contract, id=contract["id"])
    for product in MESH.products
    for contract in contracts_of(product).values()
    if "properties" in contract["schema"][0]
]


@pytest.mark.parametrize(("folder", "contract"), TABLES)
def test_rows_keep_the_contract(folder: Path, contract: dict[str, Any]):
    server = contract["servers"][0]
    columns, rows = raw_rows(folder / server["path"], server["format"])
    assert rows
    assert violations(contract, columns, rows) == []


def test_every_table_is_checked():
    files = {path for product in MESH.products for path in product.folder.glob("data/*.csv")}
    assert len(files) >= 16
    assert {folder / contract["servers"][0]["path"] for folder, contract in (p.values for p in TABLES)} >= files


def test_new_york_has_the_published_columns_and_rules():
    contract = contracts_of(product_named("nyc-air-quality"))["nyc-air-quality-measurements"]
    columns = {column["name"]: column for column in contract["schema"][0]["properties"]}
    assert list(columns) == [
        "UniqueID", "IndicatorID", "Name", "Measure", "MeasureInfo", "GeoTypeName", "GeoJoinID", "GeoPlaceName",
        "TimePeriod", "StartDate", "DataValue", "Message",
    ]  # fmt: skip
    assert columns["DataValue"]["logicalTypeOptions"] == {"minimum": 0, "maximum": 500}
    assert columns["UniqueID"]["logicalTypeOptions"] == {"minimum": 100000}
    assert columns["UniqueID"]["required"]
    assert {"datavalue-range", "datavalue-not-null"} <= {rule["id"] for rule in columns["DataValue"]["quality"]}
    assert {"uniqueid-not-null", "uniqueid-range"} <= {rule["id"] for rule in columns["UniqueID"]["quality"]}


def set_cell(name: str, value: str | None) -> Callable[[list[Row]], None]:
    return lambda rows: rows[3].update({name: value})


BROKEN = {
    "above the range": (set_cell("DataValue", "500.1"), "is above 500"),
    "below the range": (set_cell("DataValue", "-1"), "is below 0"),
    "no value": (set_cell("DataValue", None), "empty but required"),
    "not a number": (set_cell("DataValue", "nan"), "is no number"),
    "small number of record": (set_cell("UniqueID", "99999"), "is below 100000"),
    "no number of record": (set_cell("UniqueID", None), "empty but required"),
    "text as number": (set_cell("UniqueID", "12a"), "is no integer"),
    "unknown kind of area": (set_cell("GeoTypeName", "Planet"), "not one of the allowed"),
    "no date": (set_cell("StartDate", "01/01/2020"), "is no date"),
    "record twice": (lambda rows: rows.append(dict(rows[0])), "stands 2 times"),
    "too few rows": (lambda rows: rows.__delitem__(slice(50, None)), "rule row-count"),
}


@pytest.mark.parametrize(("break_it", "said"), BROKEN.values(), ids=BROKEN)
def test_checker_finds_what_is_broken(break_it: Callable[[list[Row]], None], said: str):
    product = product_named("nyc-air-quality")
    contract = contracts_of(product)["nyc-air-quality-measurements"]
    columns, rows = raw_rows(product.folder / "data/measurements.csv", "csv")
    break_it(rows)
    assert any(said in violation for violation in violations(contract, columns, rows))


def test_sql_rules_are_really_run():
    product = product_named("global-precipitation")
    contract = contracts_of(product)["global-precipitation-monthly"]
    columns, rows = raw_rows(product.folder / "data/monthly_mm.csv", "csv")
    only_us = [row for row in rows if row["country"] == "US"]
    assert "rule both-sources: mustBe 2, found 1" in violations(contract, columns, only_us)
