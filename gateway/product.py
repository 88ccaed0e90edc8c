"""A product folder turned into what the gateway serves. README.md, "The two files", defines the mapping."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, UUID, uuid5

from gateway.config import FILE_NAME, FILE_TYPES, ConfigFile, SourceConfig, read_config
from gateway.documents import Document, DocumentError, Stamp, read_document, resolved, stamp
from gateway.protocol import ACCESS_RIGHTS, KINDS, Artifact, Link, Policy
from gateway.samples import FORMATS, format_of

KIND_WORDS = {
    "table": "tables view views dataset sql postgres postgresql snowflake bigquery databricks redshift iceberg delta",
    "file": "files csv tsv json jsonl parquet geojson s3 object objects sftp",
    "image set": "image images imageset",
    "document": "documents doc pdf markdown md",
    "model": "models onnx",
    "notebook": "notebooks ipynb",
    "query": "queries",
    "stream": "streams topic topics kafka kinesis pubsub",
    "report": "reports dashboard dashboards",
}
_KIND_OF = {word: kind for kind, words in KIND_WORDS.items() for word in [kind, *words.split()]}


@dataclass(frozen=True)
class DataFile:
    """The file behind an artifact, inside the product folder; it may be missing.

    `source` is as the contract says and may be a symbolic link, `path` is where it leads. `format` is None when
    unknown.
    """

    source: Path
    path: Path
    format: str | None
    stamp: Stamp | None


@dataclass(frozen=True)
class PortArtifact:
    """An output port as served, its data file if any, and what is not as it should be (`notes`)."""

    artifact: Artifact
    data: DataFile | None
    notes: list[str]


@dataclass(frozen=True)
class Product:
    """A product folder, read and valid."""

    folder: Path
    base: str
    odps: Document
    contracts: dict[str, dict[str, Document]]
    artifacts: dict[str, PortArtifact]
    notes: list[str] = field(default_factory=list)
    config: ConfigFile = field(default_factory=lambda: ConfigFile(Path()))

    @property
    def documents(self) -> Iterator[Document]:
        """The ODPS document, then each contract."""
        yield self.odps
        for versions in self.contracts.values():
            yield from versions.values()

    def contract(self, contract_id: str, version: str | None = None) -> Document | None:
        """The contract with this id; the newest version when none is named. None when it is not here."""
        versions = self.contracts.get(contract_id, {})
        if version is None and versions:
            return versions[max(versions, key=version_key)]
        return versions.get(version or "")


def version_key(version: str) -> list[tuple[int, str]]:
    """Orders versions as people do: 1.10.0 after 1.9.0, 2.0.0-rc before 2.0.0, a leading v ignored."""
    release, dash, extra = version.lstrip("vV").partition("-")
    parts = [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"[.+]", release)]
    return [*parts, (-1, extra) if dash else (0, "")]


def custom(source: dict[str, Any], name: str) -> Any:
    """The value of a `customProperties` entry, None when absent."""
    return next((entry["value"] for entry in source.get("customProperties") or [] if entry["property"] == name), None)


def first(name: str, *sources: dict[str, Any]) -> str | None:
    """The first text that a custom property of this name has in these sources."""
    for source in sources:
        value = custom(source, name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return None


def artifact_id(product_id: str, port: dict[str, Any], repeated: bool) -> str:
    """The port's own id when it is a UUID, else a UUIDv5 that is stable while product id and port id (or name) are.

    Args:
        repeated: an earlier port has this name; the version then counts too (ODPS: name and version are the key).
    """
    own = str(port.get("id") or "")
    try:
        return str(UUID(own))
    except ValueError:
        key = own or port["name"] + (f"@{port.get('version')}" if repeated else "")
        return str(uuid5(NAMESPACE_URL, f"urn:odps:{product_id}#{key}"))


def load_product(folder: Path, *, base_url: str | None = None, known: Iterable[Document] = ()) -> Product:
    """Read and validate a product folder.

    Args:
        base_url: where clients reach the gateway; links are relative to the server's root when absent.
        known: documents read earlier, taken again where the file has not changed.

    Raises:
        DocumentError: the folder or a document in it cannot be served; `problems` lists all of it.
    """
    folder = folder.resolve()
    kept = {document.path: document for document in known}
    problems: list[str] = []

    def read(path: Path, kind: str) -> Document | None:
        before = kept.get(path)
        try:
            return before if before and before.stamp == stamp(path) else read_document(path, kind)
        except DocumentError as error:
            problems.extend(error.problems)
            return None

    config = ConfigFile(folder)
    try:
        config = read_config(folder)
    except DocumentError as error:
        problems.extend(error.problems)
    odps = read(product_file(folder), "DataProduct")
    contracts: dict[str, dict[str, Document]] = {}
    for path in contract_files(folder):
        document = read(path, "DataContract")
        if document is None:
            continue
        versions = contracts.setdefault(document.content["id"], {})
        version = document.content["version"]
        if version in versions:
            problems.append(f"{path.name}: contract {document.content['id']} {version} is also in another file")
        versions[version] = document
    if problems or odps is None:
        raise DocumentError(problems)
    product = Product(folder, (base_url or "").rstrip("/"), odps, contracts, {}, config=config)
    names: set[str] = set()
    for port in odps.content.get("outputPorts") or []:
        entry = _port_artifact(product, port, repeated=port["name"] in names)
        names.add(port["name"])
        if entry.artifact.id in product.artifacts:
            raise DocumentError([f"{odps.path.name}: two output ports '{port['name']}' have the same id or version"])
        product.artifacts[entry.artifact.id] = entry
    known_names = names | set(product.artifacts)
    for name in sorted(config.config.artifacts.keys() - known_names):
        own = config.config.artifacts[name]
        if own.roles or own.access or own.source:
            raise DocumentError([f"gateway.yaml: artifacts.{name[:80]}: no output port has this name or id"])
        product.notes.append(f"gateway.yaml speaks of an artifact '{name[:80]}', which no output port has")
    if not product.artifacts:
        product.notes.append("the product has no output port, so there is nothing to consume")
    return product


def product_file(folder: Path) -> Path:
    """The ODPS document of a folder. Raises DocumentError when there is none, or no telling which one."""
    named = folder / "product.odps.yaml"
    if named.is_file():
        return named
    found = sorted(path for path in folder.glob("*.odps.y*ml") if path.suffix in (".yaml", ".yml"))
    if len(found) != 1:
        what = f"{len(found)} *.odps.yaml files" if found else "no product.odps.yaml"
        raise DocumentError([f"{folder.name}: {what}; name the ODPS document product.odps.yaml"])
    return found[0]


def contract_files(folder: Path) -> list[Path]:
    """The ODCS documents of a folder, by name."""
    return sorted(path for path in folder.glob("contracts/*.odcs.y*ml") if path.suffix in (".yaml", ".yml"))


def _port_artifact(product: Product, port: dict[str, Any], repeated: bool) -> PortArtifact:
    """One output port as an artifact. Looks at its data file's time and size, no more."""
    notes: list[str] = []
    odps = product.odps.content
    document = _port_contract(product, port, notes)
    contract = document.content if document else {}
    sources = (port, odps, contract)
    own_id = artifact_id(odps["id"], port, repeated)
    own = product.config.config.artifact(port["name"], own_id)
    if own.source is None:
        data = _data_file(product.folder, port, contract, notes)
    else:
        data = _configured_file(product.folder, own.source)
    artifact = Artifact(
        id=own_id,
        name=port["name"],
        title=first("title", port) or contract.get("name") or port["name"],
        kind=_kind(port, contract, notes),
        summary=port.get("description") or (contract.get("description") or {}).get("purpose"),
        version=port.get("version"),
        type=port.get("type"),
        format=data.format if data else None,
        deprecated=port.get("deprecated", False),
        tags=list(dict.fromkeys([*port.get("tags", []), *contract.get("tags", [])])),
        policies=_policies(sources, notes),
        access_rights=own.access or _access_rights(sources, notes),
        license=first("license", *sources),
        contract_id=port.get("contractId"),
        contract_version=contract.get("version"),
        updated=_updated(port, data, notes),
        links=_links(product.base, own_id, contract, data, own.source),
        port=port,
        contract=contract or None,
    )
    return PortArtifact(artifact, data, [f"{port['name']}: {note}" for note in notes])


def _port_contract(product: Product, port: dict[str, Any], notes: list[str]) -> Document | None:
    contract_id, version = port.get("contractId"), port.get("version")
    if contract_id is None:
        notes.append("has no contractId, so its schema and promises are unknown")
        return None
    newest = product.contract(contract_id)
    if newest is None:
        notes.append(f"contract {contract_id} is not in the contracts folder")
        return None
    exact = product.contract(contract_id, version)
    if exact is None:
        notes.append(f"contract {contract_id} has no version {version}; {newest.content['version']} is shown instead")
    return exact or newest


def _data_file(folder: Path, port: dict[str, Any], contract: dict[str, Any], notes: list[str]) -> DataFile | None:
    wanted = first("server", port)
    servers = [server for server in contract.get("servers") or [] if server.get("type") == "local"]
    server = next((s for s in servers if wanted in (None, s["server"])), None)
    if server is None:
        if wanted:
            notes.append(f"the contract has no local server named {wanted}")
        return None
    try:
        source = folder / server["path"]
        seen, path = stamp(source), source.resolve()
    except (OSError, RuntimeError, ValueError):
        seen, source, path = None, folder, folder
    if folder not in path.parents:
        notes.append(f"the data path of server {server['server']} leaves the product folder and is not served")
        return None
    if any(_private(found.relative_to(folder)) for found in (source, path) if folder in found.parents):
        notes.append(f"the data path of server {server['server']} is of the gateway's own files and is not served")
        return None
    return DataFile(source, path, format_of(path, server.get("format")), seen)


def _private(inside: Path) -> bool:
    """Whether a path in the product folder is hidden, or is a document or the settings rather than data."""
    hidden = any(part.startswith(".") and part != ".." for part in inside.parts)
    return hidden or inside.name == FILE_NAME or any(inside.match(kind) for kind in ("*.odps.y*ml", "*.odcs.y*ml"))


def _configured_file(folder: Path, source: SourceConfig) -> DataFile | None:
    """The file that gateway.yaml names, anywhere on this machine; None when its source is not one file."""
    if source.type not in FILE_TYPES:
        return None
    given = folder / (source.path or "")
    declared = source.format if source.type == "file" else source.type
    return DataFile(given, resolved(given), format_of(given, declared), stamp(given))


def _kind(port: dict[str, Any], contract: dict[str, Any], notes: list[str]) -> str:
    declared = first("kind", port)
    if declared and declared.lower() not in KINDS:
        notes.append(f"kind '{declared}' is none of: {', '.join(KINDS)}")
    schema = contract.get("schema") or []
    for word in (declared, port.get("type"), schema[0].get("physicalType") if schema else None):
        kind = _KIND_OF.get(str(word or "").lower())
        if kind:
            return kind
    return "table" if schema else "file"


def _access_rights(sources: Iterable[dict[str, Any]], notes: list[str]) -> str | None:
    declared = first("accessRights", *sources)
    if declared is None:
        return None
    rights = re.sub(r"[_\s-]+", " ", declared.lower())
    if rights in ACCESS_RIGHTS:
        return rights
    notes.append(f"accessRights '{declared}' is none of: {', '.join(ACCESS_RIGHTS)}")
    return None


def _policies(sources: Iterable[dict[str, Any]], notes: list[str]) -> list[Policy]:
    found: dict[str, Policy] = {}

    def add(policy: Policy) -> None:
        key = policy.name.casefold()
        if key not in found or (policy.url and not found[key].url):
            found[key] = policy

    for source in sources:
        declared = custom(source, "policies") or []
        for entry in declared if isinstance(declared, list) else [declared]:
            policy = _policy(entry)
            if policy:
                add(policy)
            else:
                notes.append(f"a policy is neither a name nor an object with a name: {str(entry)[:80]}")
        for definition in source.get("authoritativeDefinitions") or []:
            if definition["type"] == "policy":
                url = definition["url"]
                add(Policy(name=definition.get("description") or url, url=url))
    return list(found.values())


def _policy(entry: Any) -> Policy | None:
    if isinstance(entry, str):
        return Policy(name=entry) if entry.strip() else None
    if not isinstance(entry, dict):
        return None
    text = {key: value for key, value in entry.items() if isinstance(value, str)}
    name = text.get("name") or text.get("title") or text.get("id")
    if not name:
        return None
    return Policy(name=name, id=text.get("id"), url=text.get("url"), description=text.get("description"))


def _updated(port: dict[str, Any], data: DataFile | None, notes: list[str]) -> datetime | None:
    declared = first("lastUpdated", port)
    if declared:
        try:
            when = datetime.fromisoformat(declared)
            return when if when.tzinfo else when.replace(tzinfo=UTC)
        except ValueError:
            notes.append(f"lastUpdated '{declared}' is not an ISO 8601 date or time")
    return datetime.fromtimestamp(data.stamp[0] / 1e9, UTC) if data and data.stamp else None


def _links(
    base: str, own_id: str, contract: dict[str, Any], data: DataFile | None, source: SourceConfig | None
) -> list[Link]:
    links = [Link(rel="self", href=f"{base}/discover/artifact/{own_id}/metadata", type="application/json")]
    if data and data.format in FORMATS:
        links.append(Link(rel="sample", href=f"{base}/discover/artifact/{own_id}/sample", type="application/json"))
    if contract:
        links.append(contract_link(base, contract))
    if data or source:
        links.append(Link(rel="download", href=f"{base}/consume/{own_id}"))
    if (source and source.type in ("sql", "folder")) or (data and data.format in FORMATS and data.format != "text"):
        links.append(Link(rel="query", href=f"{base}/consume/{own_id}/query", type="application/json"))
        links.append(Link(rel="orders", href=f"{base}/consume/{own_id}/orders", type="application/json"))
    return links


def contract_link(base: str, contract: dict[str, Any]) -> Link:
    """The link to one version of a contract."""
    address = f"{quote(contract['id'], safe='')}?version={quote(contract['version'], safe='')}"
    title = f"{contract.get('name') or contract['id']} {contract['version']}"
    return Link(rel="contract", href=f"{base}/discover/contracts/{address}", type="application/json", title=title)
