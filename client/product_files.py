"""Lists of products in files: YAML, JSON, or JSON a line."""

import json
from pathlib import Path
from typing import Any

import yaml

MOST_BYTES = 50_000_000
MOST_VALUES = 5_000_000  # with every alias of YAML written out


class FileError(Exception):
    """The file is no list of products; the text says where and why."""


class _Loader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):  # type: ignore[misc]
    """Safe YAML whose dates stay text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(path: Path) -> list[Any]:
    """The products of a `.yaml`, `.yml`, `.json` or `.jsonl` file: a list, or an object with `products`.

    Raises FileError. What stands in the list is not looked at here: the marketplace says of each what does not fit.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise FileError(f"{path} has more than {MOST_BYTES // 1_000_000} MB. Split it.")
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FileError(f"{path} is not UTF-8: byte {error.start}") from error
    try:
        found = _parsed(path.suffix.lower(), text)
        if _weight(found, {}) > MOST_VALUES:
            raise FileError(f"{path} has aliases that multiply to more than {MOST_VALUES:,} values. Write it plainly.")
        json.dumps(found, allow_nan=False).encode()
    except RecursionError as error:
        raise FileError(f"{path} is nested too deeply.") from error
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise FileError(f"{path}: {error}") from error
    if isinstance(found, dict) and isinstance(found.get("products"), list):
        found = found["products"]
    if not isinstance(found, list) or not found:
        raise FileError(f"{path} holds no list of products: write a list, or an object with products: […].")
    return found


def _parsed(suffix: str, text: str) -> Any:
    if suffix in {".jsonl", ".ndjson"}:
        rows = []
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                try:
                    rows.append(json.loads(line))
                except ValueError as error:
                    raise ValueError(f"line {number} is not JSON: {error}") from error
        return rows
    if suffix == ".json":
        return json.loads(text)
    return yaml.load(text, Loader=_Loader)  # noqa: S506 # a safe loader


def _weight(value: Any, known: dict[int, float]) -> float:
    """How many values there are with aliases written out; endless where one stands in itself. Looks at each once."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in known:
        known[id(value)] = float("inf")  # until it is counted: whoever meets it meanwhile is inside it
        inner = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_weight(each, known) for each in inner)
    return known[id(value)]
