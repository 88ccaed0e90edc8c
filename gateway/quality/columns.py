"""How an ODCS property is typed in SQL, and which of its values are invalid. SQL from quoted names and parameters."""

import re
from dataclasses import dataclass
from typing import Any


def quoted(name: str) -> str:
    """An identifier, quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True)
class SqlType:
    """A DuckDB type, and the strptime pattern that texts of it follow when it is not ISO 8601."""

    name: str
    pattern: str | None = None

    def cast(self, column: str) -> str:
        """SQL that is the value as this type, null when it is none."""
        if self.pattern:
            return f"CAST(try_strptime(CAST({column} AS VARCHAR), {_text(self.pattern)}) AS {self.name})"
        if self.name == "HUGEINT":  # a cast alone would round
            whole = f"regexp_matches(CAST({column} AS VARCHAR), {_text(_WHOLE)})"
            return f"CASE WHEN {whole} THEN TRY_CAST({column} AS HUGEINT) END"
        if self.name == "DOUBLE":
            value = f"TRY_CAST({column} AS DOUBLE)"
            return f"CASE WHEN isfinite({value}) THEN {value} END"
        return f"TRY_CAST({column} AS {self.name})"


_WHOLE = r"^[+-]?\d+(\.0+)?$"
_TYPES = {
    "integer": "HUGEINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
    "time": "TIME",
}
_STRPTIME = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S", "SSS": "%g", "'T'": "T"}
FORMATS = {
    "email": r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
    "uuid": r"^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$",
    "uri": r"^[A-Za-z][A-Za-z0-9+.-]*:\S+$",
    "hostname": r"^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$",
    "ipv4": r"^((25[0-5]|2[0-4]\d|1?\d?\d)(\.|$)){4}$",
}
"""Formats of `logicalTypeOptions.format` for strings that can be told by their look."""


class UnknownOption(Exception):  # noqa: N818 - an outcome, not a fault
    """An option that cannot be measured, and why."""


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def sql_type(declared: dict[str, Any]) -> SqlType:
    """The SQL type of a property; text where it has no logical type, or one that is text in files."""
    logical = declared.get("logicalType")
    name = _TYPES.get(str(logical), "VARCHAR")
    pattern = (declared.get("logicalTypeOptions") or {}).get("format")
    if logical in ("date", "timestamp", "time") and isinstance(pattern, str):
        return SqlType(name, strptime_of(pattern))
    return SqlType(name)


def strptime_of(pattern: str) -> str | None:
    """A JDK DateTimeFormatter pattern (ODCS `format` of dates) for strptime; None when ISO or not translatable."""
    if pattern in ("yyyy-MM-dd", "HH:mm:ss"):
        return None
    parts = re.findall(r"yyyy|MM|dd|HH|mm|SSS|ss|'T'|[^A-Za-z']", pattern)
    if "".join(parts) != pattern:
        return None
    return "".join(_STRPTIME.get(part, part.replace("%", "%%")) for part in parts)


def type_error(declared: dict[str, Any], column: str, *, exact: bool) -> str | None:
    """SQL that is true for a value that is there but not of the property's type; None when every value is.

    Args:
        exact: values are texts as written, where `12.0` is no integer.
    """
    logical, own = declared.get("logicalType"), sql_type(declared)
    text = f"CAST({column} AS VARCHAR)"
    if logical == "integer":
        whole = r"^[+-]?\d+$" if exact else _WHOLE
        return (
            f"{column} IS NOT NULL AND NOT (regexp_matches({text}, {_text(whole)}) AND {own.cast(column)} IS NOT NULL)"
        )
    if logical in ("array", "object"):
        kind = "ARRAY" if logical == "array" else "OBJECT"
        return f"{column} IS NOT NULL AND (NOT json_valid({text}) OR json_type({text}) <> '{kind}')" if exact else None
    if own.name == "VARCHAR":
        return None
    return f"{column} IS NOT NULL AND {own.cast(column)} IS NULL"


def invalid(declared: dict[str, Any], column: str, arguments: dict[str, Any]) -> tuple[str, list[Any]]:
    """SQL that is true for an invalid value (never for null), and its parameters.

    `arguments` are those of the library metric `invalidValues` (`validValues`, `pattern`) or of an implied rule
    (`options`).

    Raises:
        UnknownOption: there is no telling which values are invalid.
    """
    conditions: list[str] = []
    values: list[Any] = []
    if isinstance(arguments.get("validValues"), list):
        allowed = [str(_plain(value)) for value in arguments["validValues"]]
        conditions.append(_not_in(declared, column, len(allowed)))
        values += allowed
    if "pattern" in arguments:
        conditions.append(f"NOT regexp_matches(CAST({column} AS VARCHAR), ?)")
        values.append(str(arguments["pattern"]))
    options = arguments.get("options") or {}
    for key, value in options.items():
        if not (key.startswith("exclusive") and value is True and len(options) > 1):
            condition, own = _option(declared, column, key, value, options)
            conditions.append(condition)
            values += own
    if not conditions:
        raise UnknownOption("Its arguments say neither `validValues` nor `pattern`.")
    return f"{column} IS NOT NULL AND ({' OR '.join(conditions)})", values


def _plain(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _not_in(declared: dict[str, Any], column: str, count: int) -> str:
    own = sql_type(declared).name
    marks = ", ".join(f"TRY_CAST(? AS {own})" for _ in range(count))
    return f"NOT coalesce({column} IN ({marks}), false)" if count else "true"


_COMPARED = {"minimum": "<", "maximum": ">", "exclusiveMinimum": "<=", "exclusiveMaximum": ">="}
_LENGTHS = {
    "minLength": "length(CAST({} AS VARCHAR)) < ?",
    "maxLength": "length(CAST({} AS VARCHAR)) > ?",
    "minItems": "json_array_length(CAST({} AS VARCHAR)) < ?",
    "maxItems": "json_array_length(CAST({} AS VARCHAR)) > ?",
}


def _option(
    declared: dict[str, Any], column: str, key: str, value: Any, options: dict[str, Any]
) -> tuple[str, list[Any]]:
    """SQL that is true for a value that breaks one of `logicalTypeOptions`."""
    if key in _COMPARED and not isinstance(value, bool):
        operator = _COMPARED[key]
        exclusive = "exclusive" + key[:1].upper() + key[1:]
        if options.get(exclusive) is True:
            operator += "="
        return f"{column} {operator} CAST(? AS {sql_type(declared).name})", [str(value)]
    if key in _LENGTHS:
        return _LENGTHS[key].format(column), [value]
    if key == "multipleOf":
        return f"abs({column} / ? - round({column} / ?)) > 1e-9", [value, value]
    if key == "pattern":
        return f"NOT regexp_matches(CAST({column} AS VARCHAR), ?)", [str(value)]
    if key == "format":
        if value not in FORMATS:
            raise UnknownOption(f"The format {value} cannot be told by looking at a text.")
        return f"NOT regexp_matches(CAST({column} AS VARCHAR), ?)", [FORMATS[value]]
    raise UnknownOption(f"{key} {value} cannot be measured here.")
