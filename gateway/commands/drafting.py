"""From what was seen in the data and five answers to the text of valid ODPS and ODCS documents.

What the data shows becomes a rule only where it is a plain fact of every row (no empty value, or no value twice in a
column that is named like a key); ranges are written as comments, since they are no promise of the producer's.
"""

import json
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from gateway.commands.inspecting import Column, Inspected

_KEY_NAME = re.compile(r"(?:^|[_\W])(?:id|uuid|guid|key|urn)$|[a-z](?:Id|ID|Uuid|UUID|Key)$", re.IGNORECASE)


@dataclass(frozen=True)
class Answers:
    """What the data cannot tell. None where the producer did not say: it is left out then."""

    title: str
    name: str
    domain: str | None = None
    team: str | None = None
    email: str | None = None
    summary: str | None = None
    open: bool = False
    license: str | None = None


@dataclass
class Draft:
    """Texts by file name relative to the folder, and what was inferred, one sentence each."""

    files: dict[str, str] = field(default_factory=dict)
    inferred: list[str] = field(default_factory=list)


def slug(text: str) -> str:
    """The text as small letters, digits and hyphens, at most 63; empty when nothing of it is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:63].strip("-")


def is_key(column: Column, rows: int) -> bool:
    """Whether a column is named like a key and has no value twice and none empty."""
    key_like = bool(_KEY_NAME.search(column.name)) or column.name.lower().endswith("_id")
    return key_like and rows > 1 and column.nulls == 0 and column.distinct == rows


def draft(answers: Answers, product_id: str, found: list[Inspected], folder: Path) -> Draft:
    """The documents of a product with these files, each an output port with its contract.

    Args:
        product_id: the ODPS `id`.
        found: files that could be inspected; their paths are inside `folder`.
    """
    result, ports, names = Draft(), [], set()
    for entry in found:
        path = Path(entry.path)
        own = slug(path.stem) or "data"
        name, number = own, 1
        while name in names:
            number += 1
            name = f"{own}-{number}"
        names.add(name)
        contract_id = f"{answers.name}-{name}"
        ports.append(_port(answers, name, path, contract_id))
        relative = path.relative_to(folder).as_posix()
        text = _contract(answers, contract_id, name, relative, entry, result.inferred)
        result.files[f"contracts/{name}.odcs.yaml"] = text
    result.files["product.odps.yaml"] = _HEAD + _dump(_odps(answers, product_id, ports))
    return result


_HEAD = (
    f"# Begun by `gateway init` on {datetime.now(UTC):%Y-%m-%d}. Yours to change; the gateway serves it as written.\n"
)


class _Dumper(yaml.SafeDumper):
    """Writes signs that YAML takes for the end of a line as escapes, wherever they are in a text."""


def _as_written(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if re.search("[\x85\u2028\u2029]", text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _as_written)


def _dump(content: Any) -> str:
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def _odps(answers: Answers, product_id: str, ports: list[dict[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = {
        "apiVersion": "v1.1.0", "kind": "DataProduct", "id": product_id, "name": answers.name, "version": "1.0.0",
        "status": "draft",
    }  # fmt: skip
    if answers.domain:
        document["domain"] = answers.domain
    if answers.summary:
        document["description"] = {"purpose": answers.summary}
    document["outputPorts"] = ports
    if answers.email:
        address = {"channel": answers.email, "tool": "email", "url": f"mailto:{answers.email}"}
        document["support"] = [address]
    document |= _team(answers)
    properties = {"title": answers.title, "accessRights": "open" if answers.open else "on request"}
    if answers.summary:
        properties["summary"] = answers.summary
    if answers.license:
        properties["license"] = answers.license
    document["customProperties"] = [{"property": key, "value": value} for key, value in properties.items()]
    document["productCreatedTs"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return document


def _team(answers: Answers) -> dict[str, Any]:
    if not (answers.team or answers.email):
        return {}
    team: dict[str, Any] = {"name": answers.team or answers.email}
    if answers.email:
        team["members"] = [{"username": answers.email, "role": "Data product owner"}]
    return {"team": team}


def _port(answers: Answers, name: str, path: Path, contract_id: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": "table",
        "version": "1.0.0",
        "contractId": contract_id,
        "customProperties": [
            {"property": "title", "value": re.sub(r"[_\s-]+", " ", path.stem).strip() or path.stem},
            {"property": "kind", "value": "table"},
        ],
    }


def _contract(answers: Answers, contract_id: str, name: str, path: str, entry: Inspected, inferred: list[str]) -> str:
    document: dict[str, Any] = {
        "apiVersion": "v3.2.0", "kind": "DataContract", "id": contract_id, "name": f"{answers.title}: {name}",
        "version": "1.0.0", "status": "draft",
    }  # fmt: skip
    if answers.domain:
        document["domain"] = answers.domain
    document["dataProduct"] = answers.name
    if answers.summary:
        document["description"] = {"purpose": answers.summary}
    document["servers"] = [{"server": "local", "type": "local", "path": path, "format": entry.format}]
    document |= _team(answers)
    schema = {"name": name, "logicalType": "object", "physicalName": Path(path).name, "physicalType": "table"}
    how = " (types of the first rows)" if entry.sampled else ""
    lines = [_HEAD, _dump(document), f"# Seen in {json.dumps(path)}: {entry.rows} rows{how}.\n", "schema:\n"]
    lines.append(_indented(_dump([schema]), 2))
    lines.append("    properties:\n" if entry.columns else "    properties: []\n")
    for column in entry.columns:
        lines.append(f"      # Seen: {_seen(column, entry.rows)}\n")
        lines.append(_indented(_dump([_property(column, entry.rows)]), 6))
    inferred.extend(_inferences(path, entry))
    return "".join(lines)


def _indented(text: str, by: int) -> str:
    """The lines of a dumped list, moved to the right."""
    return "".join(" " * by + line if line.strip() else line for line in text.splitlines(keepends=True))


def _property(column: Column, rows: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": column.name,
        "logicalType": column.logical_type,
        "physicalType": column.physical_type,
    }
    if rows and column.nulls == 0:
        found["required"] = True
    if is_key(column, rows):
        found["unique"] = True
    return found


def _seen(column: Column, rows: int) -> str:
    """One line for a comment; values are escaped to ASCII, so nothing in the data can end the comment."""
    parts = [f"{column.nulls} of {rows} empty" if column.nulls else "none empty"]
    if column.distinct is not None:
        parts.append(f"{column.distinct} different")
    if column.least is not None and column.most is not None:
        parts.append(f"from {_bare(column.least)} to {_bare(column.most)}")
    return ", ".join(parts)


def _bare(value: str) -> str:
    return value if re.fullmatch(r"[-+:. \w]{1,40}", value, re.ASCII) else json.dumps(value)


def _inferences(path: str, entry: Inspected) -> list[str]:
    required = [column.name for column in entry.columns if entry.rows and column.nulls == 0]
    unique = [column.name for column in entry.columns if is_key(column, entry.rows)]
    lines = [f"{path}: {entry.rows} rows, {len(entry.columns)} columns"]
    if required:
        lines.append(f"{path}: required, since no row leaves it empty: {', '.join(required)}")
    if unique:
        lines.append(f"{path}: unique, since it is named like a key and no value repeats: {', '.join(unique)}")
    if entry.sampled:
        lines.append(f"{path}: types are those of the first 20,480 rows")
    return lines
