"""Lists of products in files: YAML, JSON, or JSON a line."""

import json
from pathlib import Path
from typing import Any

import yaml

MOST_BYTES = 50_000_000


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
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):  # a few of them, nested, make a list without end
            raise ValueError(f"it has an alias (*{event.anchor}); write out what it stands for")
    return yaml.load(text, Loader=_Loader)  # noqa: S506 # a safe loader
