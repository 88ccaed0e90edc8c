"""One row against the first schema of an ODCS contract: everything the contract says of a single row.

That is: names, types, options, allowed values, required, unique, and the rules of `quality` that no row may break
(`mustBe: 0` and the like, of nullValues, missingValues, invalidValues, duplicateValues). Rules that some rows may
break, that warn only, or that are about all rows together (rowCount, SQL) are measured afterwards, not here.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Any

from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema

from gateway.quality.columns import FORMATS
from gateway.quality.results import MILD
from gateway.quality.rules import Rule, rules_of
from gateway.rowtypes import NotOfType, as_written, parsed

MAX_MATCHED = 2000
MAX_CELL = 100_000
"""Characters of one value as text: what reads the files afterwards takes no more (Python's csv: 131,072)."""
MAX_DEPTH = 32

Test = Callable[[Any], str | None]
"""Why a value is refused; None when it is not."""


def _printable(name: object) -> str:
    return str(name)[:80].encode("utf-8", "replace").decode()


class RowCheck:
    """Checks rows one after the other; remembers the values of unique columns.

    Args:
        contract: an ODCS document with a schema.
        text: whether all values come as text, as in CSV; they are read as their types then.
    """

    def __init__(self, contract: dict[str, Any], *, text: bool = False) -> None:
        schema = (contract.get("schema") or [{}])[0]
        properties = schema.get("properties") or []
        physical = {entry["name"]: entry.get("physicalName") or entry["name"] for entry in properties}
        self._properties = {physical[entry["name"]]: entry for entry in properties}
        self._text = text
        self._required: set[str] = set()
        self._tests: dict[str, list[Test]] = {}
        self.unique: set[tuple[str, ...]] = set()
        rules = rules_of({"schema": [schema]}) if properties else []
        for rule in filter(_holds_for_each_row, rules):
            names = [physical.get(name, "") for name in rule.arguments.get("properties") or [rule.property]]
            if all(names):
                self._add(rule, names)
        self._seen: dict[tuple[str, ...], set[int]] = {names: set() for names in self.unique}

    def _add(self, rule: Rule, names: list[str]) -> None:
        if rule.metric == "duplicateValues":
            self.unique.add(tuple(names))
        elif rule.metric == "nullValues":
            self._required.update(names)
        elif rule.metric == "missingValues":
            listed = rule.arguments.get("missingValues", [None, ""])
            listed = listed if isinstance(listed, list) else [listed]
            if None in listed or "" in listed:
                self._required.update(names)
            for name in names:
                self._tests.setdefault(name, []).append(partial(_missing, {str(v) for v in listed if v is not None}))
        elif rule.metric == "invalidValues":
            for name in names:
                self._tests.setdefault(name, []).extend(_tests(self._properties[name], rule.arguments))

    def learn(self, rows: Iterable[dict[str, Any]], *, text: bool = True) -> None:
        """Take rows as there already. Keeps a number for each row and unique key."""
        for row in rows:
            for names, seen in self._seen.items():
                values = [self._learned(name, row.get(name), text=text) for name in names]
                if all(value is not None and value != "" for value in values):
                    seen.add(hash(tuple(values)))

    def _learned(self, name: str, value: Any, *, text: bool) -> Any:
        try:
            return _comparable(parsed(self._properties[name], value, text=text))
        except NotOfType:
            return value

    def reasons(self, row: dict[str, Any]) -> list[str]:
        """Why a row is refused, one sentence each; empty when it is good, and then it counts as there."""
        strange = [name for name in row if name not in self._properties]
        found = [f"{_printable(name)}: the contract has no such column" for name in strange]
        values: dict[str, Any] = {}
        for name, entry in self._properties.items():
            value = row.get(name)
            if value is None or value == "":
                if name in self._required:
                    found.append(f"{name}: a value is required")
                continue
            reason = _unfit(value)
            if reason is None:
                try:
                    values[name] = parsed(entry, value, text=self._text)
                except NotOfType as error:
                    reason = str(error)
                else:
                    reason = next(filter(None, (test(values[name]) for test in self._tests.get(name, ()))), None)
            if reason:
                found.append(f"{name}: {reason}")
        if found:
            return found
        keys = {names: hash(tuple(_comparable(values[name]) for name in names))
                for names in self.unique if all(name in values for name in names)}  # fmt: skip
        found = [f"{', '.join(names)}: must be unique, and is there already" for names, key in keys.items()
                 if key in self._seen[names]]  # fmt: skip
        if not found:
            for names, key in keys.items():
                self._seen[names].add(key)
        return found


def _holds_for_each_row(rule: Rule) -> bool:
    """Whether a rule is broken by one row that breaks it."""
    if rule.unmeasured or str(rule.severity).lower() in MILD:
        return False
    ((operator, wanted),) = rule.threshold.items()
    try:
        number = float(wanted)
    except (TypeError, ValueError):
        return False
    if operator == "mustBeLessThan":
        return 0 < number <= 1 and rule.unit != "percent"
    return operator in ("mustBe", "mustBeLessOrEqualTo") and number == 0


def _unfit(value: Any, depth: int = 0) -> str | None:
    """What keeps a value from standing in a file that others can read."""
    if isinstance(value, str):
        if len(value) > MAX_CELL:
            return f"is longer than {MAX_CELL} characters"
        if "\0" in value:
            return "holds a NUL character"
        return "holds half a character" if any("\ud800" <= letter <= "\udfff" for letter in value) else None
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return "is not a number that JSON has"
    if not isinstance(value, list | dict):
        return None
    if depth == MAX_DEPTH:
        return f"is nested deeper than {MAX_DEPTH} levels"
    if isinstance(value, RepeatedNames):
        return "names something twice"
    parts = [*value, *value.values()] if isinstance(value, dict) else value
    inside = next(filter(None, (_unfit(part, depth + 1) for part in parts)), None)
    if inside is None and depth == 0 and len(as_written(value)) > MAX_CELL:
        return f"is longer than {MAX_CELL} characters"
    return inside


class RepeatedNames(dict[str, Any]):
    """A JSON object in which a name stands twice: which of the two was meant nobody knows."""


def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """For `json.loads(object_pairs_hook=…)`."""
    made = dict(pairs)
    return made if len(made) == len(pairs) else RepeatedNames(made)


def _missing(listed: set[str], value: Any) -> str | None:
    return "is a value that stands for a missing one" if as_written(value) in listed else None


def _tests(entry: dict[str, Any], arguments: dict[str, Any]) -> Iterable[Test]:
    """What makes a value invalid, from the arguments of a rule; types are checked before."""
    if isinstance(arguments.get("validValues"), list):
        yield partial(_not_allowed, {key for value in arguments["validValues"] for key in _keys(entry, value)})
    if "pattern" in arguments:
        yield partial(_against, entry, {"pattern": arguments["pattern"]})
    if arguments.get("options"):
        yield partial(_against, entry, arguments["options"])


def _keys(entry: dict[str, Any], value: Any) -> Iterable[Any]:
    """An allowed value as it is compared: written `1` and meant for a number, it is that number."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    try:
        yield _comparable(parsed(entry, text, text=True))
    except NotOfType:
        yield text


def _not_allowed(allowed: set[Any], value: Any) -> str | None:
    return None if _comparable(value) in allowed else "is none of the allowed values"


def _comparable(value: Any) -> Any:
    """Alike for values that a column holds for one: 1 and 1.0, two writings of an instant, `true` and true."""
    return as_written(value) if isinstance(value, bool | list | dict) else value


def _against(entry: dict[str, Any], options: dict[str, Any], value: Any) -> str | None:
    """ODCS `logicalTypeOptions`: bounds, multipleOf, lengths, pattern, format."""
    try:
        for name, bound in options.items():
            test = _OPTIONS.get(name)
            if test is not None and bound is not True and not test(entry, options, bound, value):
                return f"does not keep to {name} {str(bound)[:100]}"
    except (TypeError, ValueError, SchemaError, ZeroDivisionError, OverflowError):
        return "cannot be checked, because the contract's options for it are not valid"
    return None


def _bound(compare: Callable[[Any, Any], bool], exclusive: str | None = None) -> Callable[..., bool]:
    def test(entry: dict[str, Any], options: dict[str, Any], bound: Any, value: Any) -> bool:
        if isinstance(value, bool | list | dict):
            return True
        wanted = bound if isinstance(value, int | float) else parsed(entry, str(bound), text=True)
        return compare(value, wanted) and not (exclusive and options.get(exclusive) is True and value == wanted)

    return test


def _length(compare: Callable[[int, Any], bool], kind: type[str] | type[list[Any]]) -> Callable[..., bool]:
    return lambda entry, options, bound, value: not isinstance(value, kind) or compare(len(value), bound)


def _multiple(entry: dict[str, Any], options: dict[str, Any], bound: Any, value: Any) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return True
    if isinstance(value, int) and isinstance(bound, int):
        return value % bound == 0
    return abs(value / bound - round(value / bound)) <= 1e-9


def _pattern(entry: dict[str, Any], options: dict[str, Any], bound: Any, value: Any) -> bool:
    text = as_written(value)
    return len(text) <= MAX_MATCHED and _matches(bound, text)


def _format(entry: dict[str, Any], options: dict[str, Any], bound: Any, value: Any) -> bool:
    return not isinstance(value, str) or bound not in FORMATS or _pattern(entry, options, FORMATS[bound], value)


_OPTIONS: dict[str, Callable[..., bool]] = {
    "minimum": _bound(lambda value, bound: value >= bound, "exclusiveMinimum"),
    "maximum": _bound(lambda value, bound: value <= bound, "exclusiveMaximum"),
    "exclusiveMinimum": _bound(lambda value, bound: value > bound),
    "exclusiveMaximum": _bound(lambda value, bound: value < bound),
    "multipleOf": _multiple,
    "minLength": _length(lambda length, bound: length >= bound, str),
    "maxLength": _length(lambda length, bound: length <= bound, str),
    "minItems": _length(lambda length, bound: length >= bound, list),
    "maxItems": _length(lambda length, bound: length <= bound, list),
    "pattern": _pattern,
    "format": _format,
}


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
