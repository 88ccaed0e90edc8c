"""Loads one artifact's data into DuckDB and measures rules on it. Only used in a process of its own (`worker.py`).

Everything is read as text first and then cast to the contract's logical types, so that a value of another type is
counted and not guessed away. After loading, the database may no longer touch files, network, extensions or its
settings; a rule's SQL is one SELECT and is interrupted at its time limit.
"""

import datetime
import decimal
import threading
from collections.abc import Sequence
from typing import Any

import duckdb

from gateway.quality.columns import invalid, quoted, sql_type, type_error
from gateway.quality.loading import TEXT_FORMATS, Connection, load
from gateway.sources import Brought

Value = int | float | str | bool | None


class NotMeasured(Exception):  # noqa: N818 - an outcome, not a fault
    """There is nothing to measure here, and why."""


class Engine:
    """One loaded schema object.

    Args:
        brought: the data, one or more files of one format.
        entry: the object of the contract's `schema` that the data is.
        memory: megabytes DuckDB may use. It does not spill to disk.
        seconds: time for each query.

    Raises:
        DataError, duckdb.Error, OSError, ValueError: the data cannot be loaded.
    """

    def __init__(self, brought: Brought, entry: dict[str, Any], memory: int, seconds: float) -> None:
        self.seconds = seconds
        self.name: str = entry["name"]
        settings: dict[str, str | bool | int | float | list[str]] = {
            "threads": "1",
            "memory_limit": f"{memory}MB",
            "temp_directory": "",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        self.db: Connection = duckdb.connect(config=settings)
        self.db.execute("SET TimeZone = 'UTC'")
        columns = load(self.db, brought)
        self.properties = {declared["name"]: declared for declared in entry.get("properties") or []}
        self.columns, self.missing = _matched(self.properties, columns)
        self.type_errors: dict[str, int] = {}
        self._cast(columns, exact=brought.format in TEXT_FORMATS)
        physical = entry.get("physicalName")
        if isinstance(physical, str) and physical and physical.casefold() != self.name.casefold():
            self.db.execute(f"CREATE VIEW {quoted(physical)} AS SELECT * FROM {quoted(self.name)}")  # noqa: S608
        self.db.execute("SET enable_external_access = false")
        self.db.execute("SET lock_configuration = true")
        (self.rows,) = self._one(f"SELECT count(*) FROM {quoted(self.name)}")  # noqa: S608 - quoted

    def _cast(self, columns: list[str], *, exact: bool) -> None:
        """Make the typed table from the table of texts and count what is not of its type."""
        by_column = {column: name for name, column in self.columns.items()}
        parts, counts = [], []
        for column in columns:
            declared = self.properties.get(by_column.get(column, ""), {})
            name = by_column.get(column, column)
            parts.append(f"{sql_type(declared).cast(quoted(column))} AS {quoted(name)}")
            if column in by_column:
                counts.append((name, type_error(declared, quoted(column), exact=exact)))
        source = "_as_read"
        wanted = [f"count(*) FILTER (WHERE {condition})" for _, condition in counts if condition]
        if wanted:
            found = self._one(f"SELECT {', '.join(wanted)} FROM {source}")  # noqa: S608 - built from quoted names
            names = [name for name, condition in counts if condition]
            self.type_errors = dict(zip(names, found, strict=True))
        self.db.execute(f"CREATE TABLE {quoted(self.name)} AS SELECT {', '.join(parts) or '*'} FROM {source}")  # noqa: S608
        self.db.execute(f"DROP TABLE {source}")

    def _one(self, query: str, values: Sequence[Any] = ()) -> tuple[Any, ...]:
        """The first row of a query, interrupted after `seconds`."""
        timer = threading.Timer(self.seconds, self.db.interrupt)
        timer.start()
        try:
            return self.db.execute(query, list(values)).fetchone() or (None,)
        finally:
            timer.cancel()

    def measure(self, rule: dict[str, Any]) -> tuple[Value, int | None]:
        """The value of a rule's metric, and how many rows break it where that is known.

        Raises:
            NotMeasured: the rule needs something that is not in the data.
            duckdb.Error: the query is wrong, too slow or too large.
        """
        metric = rule["metric"]
        if metric == "rowCount":
            return self.rows, None
        if metric == "missingProperties":
            return len(self.missing), None
        if metric == "sql":
            return self._sql(rule), None
        if metric in ("newestAge", "oldestAge"):
            return self._age(rule["property"], "max" if metric == "newestAge" else "min"), None
        names = rule["arguments"].get("properties") or [rule["property"]]
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise NotMeasured("Its argument `properties` is not a list of names.")
        for name in names:
            if name not in self.columns:
                raise NotMeasured(f"The data has no column {name}.")
        count = self._count(rule, names)
        if rule["unit"] == "percent":
            return (round(count * 100 / self.rows, 6) if self.rows else 0.0), count
        return count, count

    def _count(self, rule: dict[str, Any], names: list[str]) -> int:
        table, arguments, metric = quoted(self.name), rule["arguments"], rule["metric"]
        columns = [quoted(name) for name in names]
        conditions: list[tuple[str, list[Any]]]
        if metric == "duplicateValues":
            some = " AND ".join(f"{column} IS NOT NULL" for column in columns)
            inner = f"SELECT count(*) AS n FROM {table} WHERE {some} GROUP BY {', '.join(columns)}"  # noqa: S608
            (count,) = self._one(f"SELECT coalesce(sum(n - 1), 0) FROM ({inner})")  # noqa: S608 - quoted
            return int(count)
        if metric == "invalidValues" and "type" in arguments:
            return self.type_errors.get(names[0], 0)
        if metric == "nullValues":
            conditions = [(f"{column} IS NULL", []) for column in columns]
        elif metric == "missingValues":
            conditions = [_missing(column, arguments) for column in columns]
        else:
            conditions = [
                invalid(self.properties.get(n, {}), c, arguments) for n, c in zip(names, columns, strict=True)
            ]
        texts = " OR ".join(f"({condition})" for condition, _ in conditions)
        values = [value for _, own in conditions for value in own]
        (count,) = self._one(f"SELECT count(*) FROM {table} WHERE {texts}", values)  # noqa: S608 - quoted, parameters
        if metric == "nullValues" and len(names) == 1:  # what is of another type is there all the same
            count -= self.type_errors.get(names[0], 0)
        return int(count)

    def _age(self, name: str, which: str) -> Value:
        """Seconds from the newest or oldest time in a column to now. Negative where it is still to come."""
        if name not in self.columns:
            raise NotMeasured(f"The data has no column {name}.")
        kind = sql_type(self.properties.get(name, {})).name
        if kind not in ("DATE", "TIMESTAMPTZ"):
            raise NotMeasured(f"{name} is neither a date nor a timestamp in the contract.")
        told = f"epoch(now()) - epoch({which}(CAST({quoted(name)} AS TIMESTAMPTZ)))"
        (age,) = self._one(f"SELECT round({told}, 3) FROM {quoted(self.name)}")  # noqa: S608 - quoted
        if age is None:
            raise NotMeasured(f"{name} has no value.")
        return plain(age)

    def _sql(self, rule: dict[str, Any]) -> Value:
        query = str(rule["query"])
        own = quoted(rule["property"]) if rule["property"] else ""
        for word, text in (
            ("object", quoted(self.name)),
            ("table", quoted(self.name)),
            ("property", own),
            ("column", own),
        ):
            for mark in (f"${{{word}}}", f"{{{{{word}}}}}", f"{{{word}}}"):
                if mark in query and not text:
                    raise NotMeasured(f"Its query names {mark}, but it is a rule of the whole object.")
                query = query.replace(mark, text)
        statements = duckdb.extract_statements(query)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise NotMeasured("Its query is not one SELECT.")
        return plain(self._one(query)[0])


def _missing(column: str, arguments: dict[str, Any]) -> tuple[str, list[Any]]:
    listed = arguments.get("missingValues", [None, ""])
    listed = listed if isinstance(listed, list) else [listed]
    texts = [str(value) for value in listed if value is not None]
    conditions = [f"{column} IS NULL"] if None in listed else []
    if texts:
        conditions.append(f"CAST({column} AS VARCHAR) IN ({', '.join('?' * len(texts))})")
    return " OR ".join(conditions) or "false", texts


def _matched(properties: dict[str, Any], columns: list[str]) -> tuple[dict[str, str], list[str]]:
    """The data's column of each declared property (by physicalName, name, then any case), and those without one."""
    folded = {column.casefold(): column for column in columns}
    found: dict[str, str] = {}
    missing: list[str] = []
    for name, declared in properties.items():
        physical = declared.get("physicalName")
        column = next((word for word in (physical, name) if word in columns), None) or folded.get(name.casefold())
        if column is None or column in found.values():
            missing.append(name)
        else:
            found[name] = column
    return found, missing


def plain(value: Any) -> Value:
    """A database value as JSON can say it."""
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
