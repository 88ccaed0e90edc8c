"""Reading ODPS and ODCS documents: YAML that cannot hurt, checked against the published JSON schemas."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for

MAX_BYTES = 2_000_000
MAX_NODES = 100_000
MAX_DEPTH = 64
MAX_PROBLEMS = 20

Stamp = tuple[int, int, int]


class DocumentError(Exception):
    """A document that cannot be served. `problems` says why, one sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Document:
    """A document as written (`yaml`), as JSON text, and parsed."""

    path: Path
    stamp: Stamp | None
    content: dict[str, Any]
    yaml: bytes
    json: bytes


class _Loader(yaml.CSafeLoader):
    """Safe loader that keeps what is written.

    Dates stay text (the standards want strings), `10:30` and `010` stay text (YAML 1.1 reads 630 and 8), and a key that
    is written twice is refused instead of one of the two values being lost.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in getattr(node, "value", ()):
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        problem=f"the key '{key.value}' is written twice", problem_mark=key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


_INT = re.compile(r"^(?:[-+]?0b[01_]+|[-+]?0x[0-9a-fA-F_]+|[-+]?(?:0|[1-9][0-9_]*))$")
_FLOAT = re.compile(r"^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?)$")
_KEPT = {"tag:yaml.org,2002:int": _INT, "tag:yaml.org,2002:float": _FLOAT}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, _KEPT.get(tag, regexp)) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def _line(event: yaml.Event) -> str:
    return f"line {event.start_mark.line + 1}: " if event.start_mark else ""


@dataclass
class _Node:
    """A YAML node while its events go by: how many values it stands for, and how deep they go."""

    anchor: str | None
    size: int = 1
    height: int = 1

    def take(self, child: "_Node") -> None:
        self.size += child.size
        self.height = max(self.height, child.height + 1)


def _refuse_bombs(text: str) -> None:
    """Walk the events, counting each alias as all it stands for, before anything is built. Raises DocumentError."""
    stack = [_Node(None)]
    anchored: dict[str, _Node] = {}
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in anchored:
                raise DocumentError([f"{_line(event)}the alias *{event.anchor} has no anchor, or contains itself"])
            done = anchored[event.anchor]
        elif isinstance(event, yaml.ScalarEvent):
            done = _Node(event.anchor)
        elif isinstance(event, yaml.CollectionStartEvent):
            stack.append(_Node(event.anchor))
            anchored.pop(event.anchor or "", None)
            if len(stack) > MAX_DEPTH:
                raise DocumentError([f"{_line(event)}nested deeper than {MAX_DEPTH} levels"])
            continue
        elif isinstance(event, yaml.CollectionEndEvent):
            done = stack.pop()
        else:
            continue
        if done.anchor:
            anchored[done.anchor] = done
        stack[-1].take(done)
        if stack[-1].size > MAX_NODES:
            raise DocumentError([f"has more than {MAX_NODES} values once its aliases are written out"])
        if len(stack) + stack[-1].height > MAX_DEPTH + 1:
            raise DocumentError(
                [f"{_line(event)}nested deeper than {MAX_DEPTH} levels once its aliases are written out"]
            )


def parse_yaml(raw: bytes) -> dict[str, Any]:
    """Parse YAML (or JSON) text to a mapping; never runs or fetches anything.

    Raises:
        DocumentError: not UTF-8, not YAML, too large, too deep, an alias bomb, a key twice, or not a mapping.
    """
    if len(raw) > MAX_BYTES:
        raise DocumentError([f"is larger than {MAX_BYTES // 1_000_000} MB"])
    try:
        text = raw.decode("utf-8-sig")
        _refuse_bombs(text)
        content = yaml.load(text, _Loader)  # noqa: S506 - a subclass of the safe loader
    except UnicodeDecodeError as error:
        raise DocumentError([f"is not UTF-8 text (byte {error.start})"]) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}: " if mark else ""
        raise DocumentError([f"{where}{error.problem or error.context or 'is not YAML'}"]) from error
    except RecursionError as error:
        raise DocumentError(["is nested too deeply"]) from error
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise DocumentError([f"is not YAML: {error}"]) from error
    if not isinstance(content, dict):
        raise DocumentError(["holds no mapping of keys to values"])
    return content


@lru_cache
def _validator(package: str, name: str) -> Validator:
    schema = json.loads(files(package).joinpath(name).read_bytes())
    return validator_for(schema)(schema)


def validator_of(content: dict[str, Any]) -> Validator:
    """The published schema for this document's `kind` and `apiVersion`: ODPS 1.1.0 or 1.0.0, ODCS 3.2.0.

    Raises:
        DocumentError: `kind` is neither `DataProduct` nor `DataContract`.
    """
    kind = content.get("kind")
    if kind == "DataProduct":
        version = "1.0.0" if content.get("apiVersion") in ("v1.0.0", "v0.9.0") else "1.1.0"
        return _validator("dataproduct", f"schemas/odps-{version}.schema.json")
    if kind == "DataContract":
        return _validator("open_data_contract_standard", "schema.json")
    raise DocumentError([f"kind is {kind!r}; DataProduct (ODPS) or DataContract (ODCS) is needed"])


def schema_errors(content: dict[str, Any]) -> Iterator[ValidationError]:
    """What the published schema has against this document. Raises DocumentError as `validator_of` does."""
    return (error for error in validator_of(content).iter_errors(content) if not _is_slip(error))


def _is_slip(error: ValidationError) -> bool:
    """A slip in the schema of ODCS 3.2.0: it wants a map of every column that leaves the optional logicalType out.

    `marketplace.live.formats.validity` knows it too; the two share no code because the gateway stands alone.
    """
    return bool(
        error.validator == "required"
        and error.validator_value == ["map"]
        and isinstance(error.instance, dict)
        and "logicalType" not in error.instance
    )


def schema_problems(content: dict[str, Any]) -> Iterator[str]:
    """What the published schema has against this document, one sentence each, with the place it is at."""
    for error in schema_errors(content):
        place = ".".join(str(part) for part in error.absolute_path)
        message = error.message if len(error.message) <= 300 else error.message[:297] + "…"
        yield f"{place}: {message}" if place else message


def stamp(path: Path) -> Stamp | None:
    """What changes when a file does: time, size, inode. None when it cannot be looked at."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def resolved(path: Path) -> Path:
    """Where a path leads. Links that lead in a ring lead nowhere: the path then, which cannot be read."""
    return Path(os.path.realpath(path))  # Path.resolve raises RuntimeError for a ring


def read_document(path: Path, kind: str) -> Document:
    """Read and validate one document file.

    Args:
        kind: the `kind` it must have, `DataProduct` or `DataContract`.

    Raises:
        DocumentError: it cannot be read or served; each problem names the file.
    """
    seen = stamp(path)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        content = parse_yaml(raw)
        if content.get("kind") != kind:
            raise DocumentError([f"kind is {content.get('kind')!r}, it must be {kind}"])
        problems = [problem for problem, _ in zip(schema_problems(content), range(MAX_PROBLEMS), strict=False)]
        if problems:
            raise DocumentError(problems)
        text = json.dumps(content, ensure_ascii=False, allow_nan=False).encode()
    except OSError as error:
        raise DocumentError([f"{path.name}: cannot be read: {error.strerror}"]) from error
    except DocumentError as error:
        raise DocumentError([f"{path.name}: {problem}" for problem in error.problems]) from error
    except RecursionError as error:
        raise DocumentError([f"{path.name}: is nested too deeply"]) from error
    except (TypeError, ValueError) as error:
        raise DocumentError([f"{path.name}: holds a value that JSON cannot say: {error}"]) from error
    return Document(path, seen, content, raw, text)
