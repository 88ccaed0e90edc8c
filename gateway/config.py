"""`gateway.yaml`: what the two standard documents cannot say. Where the data is, who may do what, and how much.

The file is the operator's own, beside the ODPS document; all of it is optional. Texts in it may name environment
variables as `${NAME}` or `${NAME:-otherwise}`, so that an address with a password need not be written down.
README.md, "gateway.yaml", describes every key.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gateway.certify.policies import DEFAULT, Policy
from gateway.documents import MAX_BYTES, DocumentError, Stamp, parse_yaml, stamp
from gateway.observation import ObserveConfig

FILE_NAME = "gateway.yaml"
DEFAULT_ROLE = "default"
"""The role whose rules hold for callers without a role, and for roles that have no rules of their own."""

FILE_TYPES = ("csv", "tsv", "json", "jsonl", "geojson", "parquet", "text", "file")
Mask = Literal["null", "redact", "hash", "partial", "drop"]

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class SourceConfig(_Strict):
    """Where the data of one artifact is.

    `path` is relative to the product folder, or absolute: unlike a path in a contract it may be anywhere, because this
    file is the operator's. `folder` serves the files in it that fit `pattern`; `http` passes an address through; `sql`
    reads a `table` or `query` of a database (`postgresql://…`, `sqlite:///file`).
    """

    type: Literal["csv", "tsv", "json", "jsonl", "geojson", "parquet", "text", "file", "folder", "http", "sql"]
    path: str | None = None
    pattern: str = "*"
    url: str | None = Field(default=None, repr=False)
    format: str | None = None
    table: str | None = None
    query: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> "SourceConfig":
        if self.type in ("http", "sql"):
            if not self.url:
                raise ValueError(f"a source of type {self.type} needs a url")
            schemes = ("http://", "https://") if self.type == "http" else ("postgresql://", "postgres://", "sqlite:///")
            if not self.url.startswith(schemes):
                raise ValueError(f"the url of a source of type {self.type} must start with {' or '.join(schemes)}")
        elif not self.path:
            raise ValueError(f"a source of type {self.type} needs a path")
        if self.type == "sql" and bool(self.table) == bool(self.query):
            raise ValueError("a source of type sql needs either a table or a query")
        if "/" in self.pattern or ".." in self.pattern:
            raise ValueError("pattern is for names inside the folder; it may not hold / or ..")
        return self


class RoleRules(_Strict):
    """What a role sees of an artifact: `mask` by column, and `filter`, an SQL condition on the unmasked row.

    Masks: `null` (no value), `redact` (***), `hash` (the same value gives the same code, here only), `partial` (the
    first two characters), `drop` (the column is not there).
    """

    mask: dict[str, Mask] = Field(default_factory=dict)
    filter: str | None = Field(default=None, max_length=5000)
    deny: bool = False


class ArtifactConfig(_Strict):
    """What is particular to one artifact."""

    source: SourceConfig | None = None
    access: Literal["open", "on request"] | None = None
    ingest: bool = False
    roles: dict[str, RoleRules] = Field(default_factory=dict)


class Trust(_Strict):
    """An issuer whose tokens are taken, and where its public keys are."""

    issuer: str = Field(min_length=1)
    jwks_url: str = Field(pattern=r"^https?://")


class Limits(_Strict):
    """How much one request may take. Times in seconds, sizes in bytes unless the name says otherwise."""

    query_seconds: float = Field(default=10, gt=0, le=600)
    query_rows: int = Field(default=10_000, ge=1, le=1_000_000)
    query_bytes: int = Field(default=10_000_000, ge=1000, le=200_000_000)
    query_memory_mb: int = Field(default=256, ge=32, le=65536)
    query_disk_mb: int = Field(default=2000, ge=0, le=1_000_000)
    query_at_once: int = Field(default=2, ge=1, le=64)
    query_at_once_per_consumer: int = Field(default=1, ge=1, le=64)
    query_waiting: int = Field(default=50, ge=0, le=10_000)
    query_waiting_per_consumer: int = Field(default=5, ge=0, le=10_000)
    query_wait_seconds: float = Field(default=15, gt=0, le=600)
    export_seconds: float = Field(default=600, gt=0, le=86_400)
    orders_at_once: int = Field(default=2, ge=1, le=16)
    orders_at_once_per_consumer: int = Field(default=1, ge=1, le=16)
    order_seconds: float = Field(default=300, gt=0, le=86_400)
    order_bytes: int = Field(default=1_000_000_000, ge=1000, le=100_000_000_000)
    order_bytes_per_consumer: int = Field(default=2_000_000_000, ge=1000, le=1_000_000_000_000)
    order_keep_seconds: float = Field(default=86_400, gt=0, le=2_592_000)
    orders: int = Field(default=100, ge=1, le=100_000)
    orders_per_consumer: int = Field(default=10, ge=1, le=100_000)
    ingest_bytes: int = Field(default=5_000_000, ge=100, le=200_000_000)
    ingest_rows: int = Field(default=10_000, ge=1, le=10_000_000)
    source_seconds: float = Field(default=10, gt=0, le=600)
    source_bytes: int = Field(default=10_000_000_000, ge=1000, le=1_000_000_000_000)
    log_days: float = Field(default=90, gt=0, le=3650)
    log_rows: int = Field(default=100_000, ge=100, le=10_000_000)


class Schedule(_Strict):
    """How often the gateway looks by itself, in minutes; 0 is never."""

    quality_minutes: float = Field(default=60, ge=0)


class Recipient(_Strict):
    """Where certification reports are published to. Answers show the name, never the address."""

    name: str = Field(min_length=1, max_length=200)
    url: str = Field(pattern=r"^https?://", repr=False)


class Deliveries(_Strict):
    """Where events may be delivered to, and how much of it."""

    allow_internal: bool = False
    """Whether loopback, private and link-local addresses are allowed."""
    per_subscriber: int = Field(default=100, ge=1, le=1_000_000)
    """Subscriptions of one subscriber: the subject of a grant, else the address that a request comes from."""
    per_host: int = Field(default=100, ge=1, le=1_000_000)
    """Subscriptions that go to one host."""
    per_minute: int = Field(default=120, ge=1, le=100_000)
    """Deliveries to one address in a minute, from all products of the process."""


class GatewayConfig(_Strict):
    """The whole of `gateway.yaml`. Artifacts are named by port name or artifact id."""

    audience: str | None = None
    """What tokens must be made out to; the gateway's base URL when absent."""
    trust: list[Trust] = Field(default_factory=list, max_length=20)
    artifacts: dict[str, ArtifactConfig] = Field(default_factory=dict)
    limits: Limits = Field(default_factory=Limits)
    schedule: Schedule = Field(default_factory=Schedule)
    recipients: list[Recipient] = Field(default_factory=list, max_length=20)
    deliveries: Deliveries = Field(default_factory=Deliveries)
    observe: ObserveConfig = Field(default_factory=ObserveConfig)
    policies: list[Policy] = Field(default_factory=lambda: list(DEFAULT), max_length=200)

    def artifact(self, name: str, own_id: str | None = None) -> ArtifactConfig:
        """The settings of an artifact by id, then by port name; all defaults when it is not mentioned."""
        return self.artifacts.get(own_id or "") or self.artifacts.get(name) or _NOTHING


_NOTHING = ArtifactConfig()


@dataclass(frozen=True)
class ConfigFile:
    """A configuration as read. `stamp` is None when there is no file, and all is at its default."""

    path: Path
    stamp: Stamp | None = None
    config: GatewayConfig = field(default_factory=GatewayConfig)


def read_config(folder: Path) -> ConfigFile:
    """Read `gateway.yaml` of a product folder; defaults when there is none.

    Raises:
        DocumentError: it cannot be used; each problem names file, line and key.
    """
    path = folder / FILE_NAME
    seen = stamp(path)
    if seen is None:
        return ConfigFile(path)
    raw = b""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if not any(line.strip() and not line.lstrip().startswith(b"#") for line in raw.splitlines()):
            return ConfigFile(path, seen)
        content = _expand(parse_yaml(raw), os.environ)
        return ConfigFile(path, seen, GatewayConfig.model_validate(content))
    except OSError as error:
        raise DocumentError([f"{FILE_NAME}: cannot be read: {error.strerror}"]) from error
    except DocumentError as error:
        raise DocumentError([f"{FILE_NAME}: {problem}" for problem in error.problems]) from error
    except ValidationError as error:
        raise DocumentError(list(_sentences(raw, error))) from error


def _expand(value: Any, environment: Mapping[str, str]) -> Any:
    """Environment variables put in. Raises DocumentError for one that is not set and has no other value."""

    def one(match: re.Match[str]) -> str:
        name, otherwise = match.groups()
        found = environment.get(name) or otherwise
        if found is None:
            raise DocumentError(
                [f"the environment variable {name} is not set; set it, or write ${{{name}:-otherwise}}"]
            )
        return found

    if isinstance(value, str):
        return _VARIABLE.sub(one, value)
    if isinstance(value, list):
        return [_expand(part, environment) for part in value]
    if isinstance(value, dict):
        return {key: _expand(part, environment) for key, part in value.items()}
    return value


def _sentences(raw: bytes, error: ValidationError) -> Iterator[str]:
    root = yaml.compose(raw.decode("utf-8-sig"), Loader=yaml.CSafeLoader)
    for fault in error.errors(include_input=False, include_url=False)[:20]:
        place = [str(part) for part in fault["loc"]]
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            message = "is not a key the gateway knows"
        yield f"{FILE_NAME}: line {_line_of(root, place)}: {'.'.join(place) or 'file'}: {message}"


def _line_of(node: yaml.Node | None, place: list[str]) -> int:
    """The line a place in the document is at, or of the nearest thing around it."""
    line = node.start_mark.line + 1 if node else 1
    for part in place:
        if isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == part), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
            node = node.value[int(part)]
            line = node.start_mark.line + 1
        else:
            break
    return line
