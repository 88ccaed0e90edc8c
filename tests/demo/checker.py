"""Does a data file keep its ODCS contract? Types, required, ranges, patterns, enums, keys and quality rules."""

import csv
import json
import math
import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

Row = dict[str, Any]


def _integer(text: Any) -> int:
    if isinstance(text, bool) or not re.fullmatch(r"-?\d+", str(text)):
        raise ValueError(text)
    return int(text)


def _number(text: Any) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


PARSERS: dict[str, Callable[[Any], Any]] = {
    "integer": _integer,
    "number": _number,
    "string": str,
    "date": lambda text: date.fromisoformat(text),
}

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "mustBe": lambda found, wanted: found == wanted,
    "mustNotBe": lambda found, wanted: found != wanted,
    "mustBeGreaterThan": lambda found, wanted: found > wanted,
    "mustBeGreaterOrEqualTo": lambda found, wanted: found >= wanted,
    "mustBeLessThan": lambda found, wanted: found < wanted,
    "mustBeLessOrEqualTo": lambda found, wanted: found <= wanted,
    "mustBeBetween": lambda found, wanted: wanted[0] <= found <= wanted[1],
}


def raw_rows(path: Path, data_format: str) -> tuple[list[str], list[Row]]:
    """Column names and rows; an empty CSV cell is None."""
    if data_format == "csv":
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            rows = [{key: value or None for key, value in row.items()} for row in reader]
            return list(reader.fieldnames or []), rows
    content = json.loads(path.read_text(encoding="utf-8"))
    records = [feature["properties"] for feature in content["features"]] if data_format == "geojson" else content
    return list(records[0]), records


def violations(contract: dict[str, Any], columns: list[str], rows: list[Row]) -> list[str]:
    """Everything in the rows that the contract forbids, in words. Raises KeyError for a rule it does not know."""
    (table,) = contract["schema"]
    properties = table["properties"]
    found = []
    if columns != [column["name"] for column in properties]:
        found.append(f"columns are {columns}")
    parsed: list[Row] = [{} for _ in rows]
    for column in properties:
        found += _column(column, rows, parsed)
    keys = sorted((c["primaryKeyPosition"], c["name"]) for c in properties if c.get("primaryKey"))
    doubled = Counter(tuple(row.get(name) for _, name in keys) for row in rows)
    found += [f"primary key {key} stands {count} times" for key, count in doubled.items() if keys and count > 1]
    if not found:  # rules are queries over typed values, which a broken row does not have
        found += _quality(table, parsed)
    return found


def _column(column: dict[str, Any], rows: list[Row], parsed: list[Row]) -> list[str]:
    name, found = column["name"], []
    parse = PARSERS[column["logicalType"]]
    options = column.get("logicalTypeOptions", {})
    allowed = {entry["value"] for entry in column.get("enum", [])}
    for number, (row, typed) in enumerate(zip(rows, parsed, strict=True), start=1):
        typed[name] = None
        where = f"row {number}, {name}"
        if row.get(name) is None:
            if column.get("required"):
                found.append(f"{where}: empty but required")
            continue
        try:
            value = typed[name] = parse(row[name])
        except (ValueError, TypeError):
            found.append(f"{where}: {row[name]!r} is no {column['logicalType']}")
            continue
        if "minimum" in options and value < options["minimum"]:
            found.append(f"{where}: {value} is below {options['minimum']}")
        if "maximum" in options and value > options["maximum"]:
            found.append(f"{where}: {value} is above {options['maximum']}")
        if "pattern" in options and not re.search(options["pattern"], value):
            found.append(f"{where}: {value!r} does not match {options['pattern']}")
        if allowed and value not in allowed:
            found.append(f"{where}: {value!r} is not one of the allowed values")
    if column.get("unique"):
        doubled = Counter(typed[name] for typed in parsed if typed[name] is not None)
        found += [f"{name}: {value!r} stands {count} times" for value, count in doubled.items() if count > 1]
    return found


def _quality(table: dict[str, Any], parsed: list[Row]) -> list[str]:
    """Runs the quality rules of table and columns; SQL rules in DuckDB on the typed rows."""
    columns = table["properties"]
    found = []
    with duckdb.connect() as database:
        types = ", ".join(f'"{column["name"]}" {column["physicalType"]}' for column in columns)
        database.execute(f'CREATE TABLE "{table["name"]}" ({types})')
        if parsed:
            marks = ", ".join("?" for _ in columns)
            values = [[row[column["name"]] for column in columns] for row in parsed]
            database.executemany(f'INSERT INTO "{table["name"]}" VALUES ({marks})', values)  # noqa: S608
        for column in (None, *columns):
            for rule in (table if column is None else column).get("quality", []):
                if rule["type"] == "text":
                    continue  # a promise between people; there is nothing to compute
                measured = _measure(rule, table["name"], column and column["name"], parsed, database)
                (operator,) = OPERATORS.keys() & rule.keys()
                if not OPERATORS[operator](measured, rule[operator]):
                    found.append(f"rule {rule['id']}: {operator} {rule[operator]}, found {measured}")
    return found


def _measure(rule: dict[str, Any], table: str, column: str | None, parsed: list[Row], database: Any) -> Any:
    if rule["type"] == "sql":
        query = rule["query"].replace("{object}", f'"{table}"').replace("{property}", f'"{column}"')
        return database.execute(query).fetchone()[0]
    values = [row[column] for row in parsed] if column else []
    return {
        "rowCount": lambda: len(parsed),
        "nullValues": lambda: values.count(None),
        "missingValues": lambda: sum(value in rule["arguments"]["missingValues"] for value in values),
        "duplicateValues": lambda: len(values) - len(set(values)),
    }[rule["metric"]]()
