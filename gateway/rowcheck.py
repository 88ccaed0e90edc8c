"""One row against the first schema of an ODCS contract: names, types, options, required, unique."""

import json
import math
import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from datetime import time as clock
from functools import lru_cache
from typing import Any

from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema

MAX_MATCHED = 2000


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_integer(value) or (isinstance(value, float) and math.isfinite(value))


def _by_parsing(parse: Callable[[str], object]) -> Callable[[Any], bool]:
    def test(value: Any) -> bool:
        try:
            return isinstance(value, str) and bool(parse(value) or True)
        except ValueError:
            return False

    return test


TYPES: dict[str, Callable[[Any], bool]] = {
    "string": _is_text,
    "integer": _is_integer,
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "date": _by_parsing(lambda text: date.fromisoformat(text[:10]) and datetime.fromisoformat(text)),
    "timestamp": _by_parsing(datetime.fromisoformat),
    "time": _by_parsing(clock.fromisoformat),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
_INTEGER = re.compile(r"[+-]?[0-9]{1,1000}", re.ASCII)
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)


def _strictly(form: re.Pattern[str], parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Python's int() and float() also take spaces, underscores and other scripts' digits; data files do not."""

    def read(text: str) -> Any:
        if form.fullmatch(text) is None:
            raise ValueError(text)
        return parse(text)

    return read


_TEXT: dict[str, Callable[[str], Any]] = {
    "integer": _strictly(_INTEGER, int),
    "number": _strictly(_NUMBER, float),
    "boolean": lambda text: {"true": True, "false": False}[text.strip().lower()],
}


def _is_sendable(value: Any) -> bool:
    """Whether it can be written as UTF-8: JSON can say half of a surrogate pair, and lists in lists without end."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    return True


def _printable(name: object) -> str:
    return str(name)[:80].encode("utf-8", "replace").decode()


class RowCheck:
    """Checks rows one after the other; remembers the values of unique columns.

    Args:
        contract: an ODCS document with a schema.
        text: whether all values come as text, as in CSV; numbers and truth values are read from it then.
    """

    def __init__(self, contract: dict[str, Any], *, text: bool = False) -> None:
        properties = (contract.get("schema") or [{}])[0].get("properties") or []
        self._properties = {entry.get("physicalName") or entry["name"]: entry for entry in properties}
        self._text = text
        keys = [name for name, entry in self._properties.items() if entry.get("primaryKey")]
        self.unique = {(name,) for name, entry in self._properties.items() if entry.get("unique")}
        if keys:
            self.unique.add(tuple(keys))
        self._required = {name for name, e in self._properties.items() if e.get("required") or e.get("primaryKey")}
        self._seen: dict[tuple[str, ...], set[int]] = {names: set() for names in self.unique}

    def learn(self, rows: Iterable[dict[str, Any]]) -> None:
        """Take rows as there already. Keeps a number for each row and unique key."""
        for row in rows:
            for names, seen in self._seen.items():
                seen.add(_key(row, names))

    def reasons(self, row: dict[str, Any]) -> list[str]:
        """Why a row is refused, one sentence each; empty when it is good, and then it counts as there."""
        strange = [name for name in row if name not in self._properties]
        found = [f"{_printable(name)}: the contract has no such column" for name in strange]
        for name, entry in self._properties.items():
            value = row.get(name)
            if value is None or value == "":
                if name in self._required:
                    found.append(f"{name}: a value is required")
            elif reason := self._reason(entry, value):
                found.append(f"{name}: {reason}")
        if found:
            return found
        keys = {names: _key(row, names) for names in self.unique if all(row.get(name) is not None for name in names)}
        found = [f"{', '.join(names)}: must be unique, and is there already" for names, key in keys.items()
                 if key in self._seen[names]]  # fmt: skip
        if not found:
            for names, key in keys.items():
                self._seen[names].add(key)
        return found

    def _reason(self, entry: dict[str, Any], value: Any) -> str | None:
        if not _is_sendable(value):
            return "holds half a character, or is nested too deeply"
        kind = entry.get("logicalType") or "string"
        if self._text and kind in _TEXT:
            try:
                value = _TEXT[kind](value)
            except (ValueError, KeyError, OverflowError):
                return f"is not of type {kind}"
        elif not entry.get("logicalType"):
            return None
        if not TYPES.get(kind, lambda _: True)(value):
            return f"is not of type {kind}"
        if isinstance(value, str) and "\0" in value:
            return "holds a NUL character"
        return _against_options(entry.get("logicalTypeOptions") or {}, value)


def _against_options(options: dict[str, Any], value: Any) -> str | None:
    """ODCS `logicalTypeOptions`: bounds, multipleOf, lengths, pattern."""
    try:
        if _is_number(value):
            rules: list[tuple[str, Callable[[Any], bool]]] = [
                ("minimum", lambda bound: value >= bound),
                ("maximum", lambda bound: value <= bound),
                ("exclusiveMinimum", lambda bound: value > bound),
                ("exclusiveMaximum", lambda bound: value < bound),
                ("multipleOf", lambda bound: value % bound == 0),
            ]
        elif isinstance(value, str):
            rules = [
                ("minLength", lambda bound: len(value) >= bound),
                ("maxLength", lambda bound: len(value) <= bound),
                ("pattern", lambda bound: len(value) <= MAX_MATCHED and _matches(bound, value)),
                ("minimum", lambda bound: value >= bound),
                ("maximum", lambda bound: value <= bound),
            ]
        else:
            return None
        for name, holds in rules:
            if options.get(name) is not None and not holds(options[name]):
                return f"does not keep to {name} {str(options[name])[:100]}"
    except (TypeError, SchemaError, ZeroDivisionError, OverflowError):
        return "cannot be checked, because the contract's options for it are not valid"
    return None


@lru_cache(256)
def _matcher(pattern: str) -> SchemaValidator:
    """Rust's regex: its time grows with the length of the text only, whatever the pattern. Raises SchemaError."""
    return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))


def _matches(pattern: str, value: str) -> bool:
    try:
        _matcher(pattern).validate_python(value)
    except ValidationError:
        return False
    return True


def _key(row: dict[str, Any], names: tuple[str, ...]) -> int:
    return hash(tuple(str(row.get(name)) for name in names))
