"""What is wrong in a product folder, each with file and line."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from jsonschema.exceptions import best_match
from pydantic import BaseModel

from gateway.commands.locating import Lines
from gateway.commands.registering import unsaid
from gateway.documents import MAX_BYTES, MAX_PROBLEMS, DocumentError, parse_yaml, schema_errors
from gateway.product import PortArtifact, Product, contract_files, load_product, product_file
from gateway.samples import FORMATS, DataError, Rows, first_rows

NESTED = ("json", "jsonl", "geojson")
"""Formats whose rows may leave a field out, so that the first rows do not tell which there are."""
LOOKED_AT = 20
SETTINGS = "gateway.yaml"


class Finding(BaseModel):
    """One problem. `path` is relative to the product folder; `line` counts from 1."""

    path: str
    line: int
    severity: Literal["error", "warning"]
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.severity}: {self.message}"


def findings_of(folder: Path) -> list[Finding]:
    """All problems of a product folder. Reads every document and the first rows of every data file."""
    folder = folder.resolve()
    try:
        files = [product_file(folder), *contract_files(folder)]
    except DocumentError as error:
        return [Finding(path=".", line=1, severity="error", message=problem) for problem in error.problems]
    lines: dict[Path, Lines] = {}
    found: list[Finding] = []
    for path in files:
        kind = "DataProduct" if path is files[0] else "DataContract"
        found.extend(_document(path, kind, folder, lines))
    if any(finding.severity == "error" for finding in found):
        return found
    try:
        product = load_product(folder)
    except DocumentError as error:
        return [*found, *(_refused(problem, files, folder, lines) for problem in error.problems)]
    return [*found, *_consistency(product, lines)]


def _document(path: Path, kind: str, folder: Path, lines: dict[Path, Lines]) -> Iterator[Finding]:
    """What the parser and the published schema have against one file."""
    name = path.relative_to(folder).as_posix()
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        content = parse_yaml(raw)
    except OSError as error:
        yield Finding(path=name, line=1, severity="error", message=f"cannot be read: {error.strerror}")
        return
    except DocumentError as error:
        for problem in error.problems:
            at = re.match(r"line (\d+): (.*)", problem, re.DOTALL)
            line, message = (int(at[1]), at[2]) if at else (1, problem)
            yield Finding(path=name, line=line, severity="error", message=message)
        return
    lines[path] = Lines(raw)
    if content.get("kind") != kind:
        message = f"kind is {content.get('kind')!r}, it must be {kind}"
        yield Finding(path=name, line=lines[path].of(["kind"]), severity="error", message=message)
        return
    faults = {lines[path].of(place): message for place, message in reversed(list(_schema(content)))}
    for line, message in sorted(faults.items()):  # one for each line: schemas say the same fault in several ways
        yield Finding(path=name, line=line, severity="error", message=message)


def _schema(content: dict[str, Any]) -> Iterator[tuple[list[str | int], str]]:
    """Place and message of each fault the published schema has to tell, at most 20."""
    for count, error in enumerate(schema_errors(content)):
        if count == MAX_PROBLEMS:
            return
        told = best_match(iter([error])) or error
        place = list(told.absolute_path)
        shown = ".".join(str(part) for part in place)
        message = told.message if len(told.message) <= 300 else told.message[:297] + "…"
        if told.validator in ("additionalProperties", "unevaluatedProperties"):
            place += re.findall(r"'([^']*)'", told.message)[:1]
        yield place, f"{shown}: {message}" if shown else message


def _refused(problem: str, files: list[Path], folder: Path, lines: dict[Path, Lines]) -> Finding:
    """A reason why valid documents cannot be served together, or a fault of gateway.yaml, which names its line."""
    name, _, message = problem.partition(": ")
    at = re.match(r"line (\d+): (.*)", message, re.DOTALL)
    if at or name == SETTINGS:
        line, said = (int(at[1]), at[2]) if at else (1, message)
        return Finding(path=name, line=line, severity="error", message=said)
    path = next((each for each in files if each.name == name), files[0])
    place = ["version"] if path is not files[0] else ["outputPorts"]
    line = lines[path].of(place) if path in lines else 1
    return Finding(path=path.relative_to(folder).as_posix(), line=line, severity="error", message=message or problem)


def _consistency(product: Product, lines: dict[Path, Lines]) -> Iterator[Finding]:
    """What does not fit between the documents, and between them and the data."""
    odps = product.odps.path
    name = odps.relative_to(product.folder).as_posix()
    for text in unsaid(product.odps.content):
        message = f"`register` will need {text}"
        yield Finding(
            path=name, line=lines[odps].of([text.split(":")[0].split(".")[0]]), severity="warning", message=message
        )
    for note in product.notes:
        yield Finding(path=name, line=lines[odps].of(["outputPorts"]), severity="warning", message=note)
    used = set()
    for index, entry in enumerate(product.artifacts.values()):
        at = lines[odps].of(["outputPorts", index])
        for note in entry.notes:
            yield Finding(path=name, line=at, severity="warning", message=note)
        contract = product.contract(entry.artifact.contract_id or "", entry.artifact.contract_version)
        if contract is not None:
            used.add(contract.path)
            yield from _data(product, entry, contract.content, contract.path, lines[contract.path])
    for document in product.documents:
        if document.path != odps and document.path not in used:
            path = document.path.relative_to(product.folder).as_posix()
            yield Finding(path=path, line=1, severity="warning", message="no output port refers to this contract")


def _data(
    product: Product, entry: PortArtifact, contract: dict[str, Any], path: Path, lines: Lines
) -> Iterator[Finding]:
    """Whether the data file can be read, and has the columns that the contract promises."""
    name = path.relative_to(product.folder).as_posix()
    data = entry.data
    if data is None:
        return
    servers = contract.get("servers") or []
    index = next((i for i, s in enumerate(servers) if product.folder / str(s.get("path")) == data.source), 0)
    line = lines.of(["servers", index, "path"])
    try:
        if data.format not in FORMATS:
            with data.path.open("rb") as file:
                file.read(1)
            return
        rows = first_rows(data.path, data.format, LOOKED_AT)
    except DataError as error:
        yield Finding(path=name, line=line, severity="error", message=str(error))
        return
    except OSError as error:
        message = f"{data.path.name} cannot be read: {error.strerror}"
        yield Finding(path=name, line=line, severity="error", message=message)
        return
    for place, severity, message in _columns(rows, contract, data.path.name, data.format or ""):
        yield Finding(path=name, line=lines.of(place), severity=severity, message=message)


def _columns(
    rows: Rows, contract: dict[str, Any], name: str, kind: str
) -> Iterator[tuple[list[str | int], Literal["error", "warning"], str]]:
    schema = contract.get("schema") or []
    if len(schema) != 1 or not rows.columns or kind == "text":
        return
    promised: set[str] = set()
    for index, column in enumerate(schema[0].get("properties") or []):
        names = {str(column[key]) for key in ("physicalName", "name") if column.get(key)}
        promised |= names
        if names & set(rows.columns):
            continue
        required = bool(column.get("required"))
        if kind in NESTED and not required:
            continue
        message = f"{name} has no column '{column.get('name')}'" + (", which is required" if required else "")
        yield ["schema", 0, "properties", index], "error" if required else "warning", message
    for extra in rows.columns:
        if promised and extra not in promised and not (kind == "geojson" and extra == "geometry"):
            message = f"{name} has a column '{extra[:80]}' that no property describes"
            yield ["schema", 0, "properties"], "warning", message
