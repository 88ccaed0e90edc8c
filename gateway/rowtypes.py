"""Values of a row as the types of ODCS: what is of a type is what the measuring afterwards takes for it."""

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from datetime import time as clock
from typing import Any

from gateway.quality.columns import strptime_of

MAX_INTEGER = 2**127 - 1
_INTEGER = re.compile(r"[+-]?[0-9]{1,1000}", re.ASCII)
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_ZONE = r"(Z|[+-][0-9]{2}:?[0-9]{2})?"
_CLOCK = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
_TIMESTAMP = re.compile(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ]{_CLOCK}{_ZONE}", re.ASCII)
_TIME = re.compile(_CLOCK, re.ASCII)


class NotOfType(Exception):  # noqa: N818 - an outcome, not a fault
    """A value that is not of the type of its column; the text says so."""


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MAX_INTEGER:
        raise ValueError(value)
    return value


def _number(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(value)
    float(value)  # raises OverflowError for an integer of a thousand digits
    return value


def _kind(wanted: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if not isinstance(value, wanted):
            raise TypeError(value)
        return value

    return read


def _formed(form: re.Pattern[str], parse: Callable[[str], Any]) -> Callable[[Any], Any]:
    """Python's own parsers take more than data files hold: spaces, underscores, other scripts' digits, week dates."""

    def read(value: Any) -> Any:
        if not isinstance(value, str) or form.fullmatch(value) is None:
            raise ValueError(value)
        return parse(value)

    return read


def _instant(text: str) -> datetime:
    when = datetime.fromisoformat(text)
    return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)


TYPES: dict[str, Callable[[Any], Any]] = {
    "string": _kind(str),
    "integer": _integer,
    "number": _number,
    "boolean": _kind(bool),
    "date": _formed(_DATE, date.fromisoformat),
    "timestamp": _formed(_TIMESTAMP, _instant),
    "time": _formed(_TIME, clock.fromisoformat),
    "array": _kind(list),
    "object": _kind(dict),
}
"""By logical type, what reads a JSON value. Raises ValueError, TypeError or OverflowError for any other."""

_TEXT: dict[str, Callable[[str], Any]] = {
    "integer": _formed(_INTEGER, int),
    "number": _formed(_NUMBER, float),
    "boolean": lambda text: {"true": True, "false": False}[text.lower()],
    "array": json.loads,
    "object": json.loads,
}
_STRPTIME: dict[str, Callable[[datetime], Any]] = {
    "date": datetime.date,
    "time": datetime.time,
    "timestamp": lambda when: when.replace(tzinfo=UTC),
}


def parsed(entry: dict[str, Any], value: Any, *, text: bool) -> Any:
    """A value as the type of its column; as it is where the contract says no type, or one that is not known here.

    Args:
        text: whether it is the text of one, as in CSV.

    Raises:
        NotOfType: it is not of that type.
    """
    kind = entry.get("logicalType")
    if kind not in TYPES:
        return value
    try:
        written = (entry.get("logicalTypeOptions") or {}).get("format")
        pattern = strptime_of(written) if kind in _STRPTIME and isinstance(written, str) else None
        if pattern is not None:
            return _STRPTIME[kind](datetime.strptime(_kind(str)(value), pattern.replace("%g", "%f")))
        return TYPES[kind](_TEXT[kind](value) if text and kind in _TEXT and isinstance(value, str) else value)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise NotOfType(f"is not of type {kind}") from error


def as_written(value: Any) -> str:
    """A value as the text that a file has for it."""
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)
