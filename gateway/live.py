"""The product as it is now: re-read when its files change, the last good state kept while an edit is broken."""

import os
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from gateway.config import FILE_NAME
from gateway.documents import Document, DocumentError, Stamp, stamp
from gateway.http import OBSERVED_AGE, Representation
from gateway.lineage import lineage
from gateway.product import Product, contract_files, contract_link, first, load_product, product_file
from gateway.protocol import (
    MEDIA_HEALTH,
    MEDIA_JSON,
    MEDIA_OPENAPI,
    MEDIA_YAML,
    PROTOCOL_VERSION,
    ArtifactList,
    ArtifactSummary,
    Index,
    Link,
)
from gateway.samples import Rows

FOLDER_SETTLED = 200_000_000
"""Nanoseconds after which a folder's time of change is sure to differ at the next change: clocks of files tick."""


@dataclass(frozen=True)
class Broken:
    """An edit that cannot be served, and since when."""

    problems: list[str]
    since: datetime


@dataclass(frozen=True)
class Snapshot:
    """One good state of the product with every document answer ready to send, and what was read of its data so far."""

    product: Product
    pages: dict[str, tuple[Representation, ...]]
    contracts: dict[tuple[str, str], tuple[Representation, ...]]
    samples: dict[str, Rows] = field(default_factory=dict)
    counts: dict[str, int | None] = field(default_factory=dict)
    sampling: threading.Lock = field(default_factory=threading.Lock)
    counting: threading.Lock = field(default_factory=threading.Lock)
    """Held while a file is read for `samples` or `counts`: many who ask at once have it read once."""


class LiveProduct:
    """A product folder that follows its files.

    Raises:
        DocumentError: at construction, when the folder cannot be served. Later edits that cannot are kept in `broken`.
    """

    def __init__(self, folder: Path, base_url: str | None = None) -> None:
        self.folder = folder.resolve()
        self.base_url = base_url
        self.broken: Broken | None = None
        self._lock = threading.Lock()
        self.snapshot = self._read()
        self._seen = _stamps(self.snapshot.product)
        self._watched: list[tuple[str, Stamp | None]] = []

    def _files(self) -> dict[Path, Stamp | None]:
        """Stamps of all files that matter; a stat each."""
        paths = contract_files(self.folder)
        try:
            paths.append(product_file(self.folder))
        except DocumentError:
            paths.append(self.folder / "product.odps.yaml")
        paths.append(self.folder / FILE_NAME)
        data = [entry.data.source for entry in self.snapshot.product.artifacts.values() if entry.data]
        return {path: stamp(path) for path in (*paths, *data)}

    def changed(self) -> bool:
        """Whether a file is not as it was when last read.

        A stat for each file and for the two folders of documents; these are listed only when one of them changed.
        """
        watched = self._watched
        if watched and all(_stamp(path) == seen for path, seen in watched):
            return False
        folders = [(str(path), stamp(path)) for path in (self.folder, self.folder / "contracts")]
        if self._files() != self._seen:
            return True
        settled = time.time_ns() - FOLDER_SETTLED
        if all(seen is None or seen[0] < settled for _, seen in folders):
            self._watched = folders + [(str(path), seen) for path, seen in self._seen.items()]
        return False

    def reload(self) -> None:
        """Read what changed, if anything. Blocking: validating takes up to half a second for a large contract."""
        with self._lock:
            files = self._files()
            if files == self._seen:
                return
            try:
                snapshot = self._read(self.snapshot.product.documents)
            except DocumentError as error:
                self.broken = Broken(error.problems, datetime.now(UTC))
                self._seen, self._watched = files, []
                return
            if _settings_lost(self.snapshot.product, snapshot.product):
                problem = f"{FILE_NAME}: its settings are gone; put them back, or start the gateway anew without them"
                self.broken = Broken([problem], datetime.now(UTC))
                self._seen, self._watched = files, []
                return
            self.snapshot = snapshot
            self.broken = None
            self._seen, self._watched = _stamps(snapshot.product), []

    def _read(self, known: Iterable[Document] = ()) -> Snapshot:
        try:
            return snapshot_of(load_product(self.folder, base_url=self.base_url, known=known))
        except (ValueError, OSError, RecursionError) as error:  # such as a path with a NUL, or a loop of links
            reason = getattr(error, "strerror", None) or str(error)
            raise DocumentError([f"a value in the documents cannot be used: {reason[:200]}"]) from error


def _settings_lost(before: Product, now: Product) -> bool:
    """Whether gateway.yaml had settings and now has none: what it protects must not be open for want of it."""
    return bool(before.config.config.model_fields_set) and not now.config.config.model_fields_set


def _stamp(path: str) -> Stamp | None:
    """As `stamp`, without the cost of a Path: it is asked for at each request."""
    try:
        found = os.stat(path)  # noqa: PTH116
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _stamps(product: Product) -> dict[Path, Stamp | None]:
    """Stamps of the files as they were when this product was read, so that an edit during reading is seen too."""
    read = {document.path: document.stamp for document in product.documents}
    read[product.config.path] = product.config.stamp
    return read | {entry.data.source: entry.data.stamp for entry in product.artifacts.values() if entry.data}


def snapshot_of(product: Product) -> Snapshot:
    """Build every document answer of a product."""
    odps = product.odps
    pages: dict[str, tuple[Representation, ...]] = {
        "/discover": (Representation(index_of(product).to_json(), MEDIA_JSON),),
        "/discover/metadata": (Representation(odps.json, MEDIA_JSON), Representation(odps.yaml, MEDIA_YAML)),
    }
    pages["/observe/lineage"] = (Representation(lineage(product), MEDIA_JSON, OBSERVED_AGE),)
    summaries = []
    for entry in product.artifacts.values():
        artifact = entry.artifact
        pages[f"/discover/artifact/{artifact.id}/metadata"] = (Representation(artifact.to_json(), MEDIA_JSON),)
        summaries.append(ArtifactSummary.model_validate(artifact.model_dump(exclude={"port", "contract"})))
    listing = ArtifactList(product_id=odps.content["id"], artifacts=summaries)
    pages["/discover/artifacts"] = (Representation(listing.to_json(), MEDIA_JSON),)
    contracts: dict[tuple[str, str], tuple[Representation, ...]] = {
        (contract_id, version): (Representation(doc.json, MEDIA_JSON), Representation(doc.yaml, MEDIA_YAML))
        for contract_id, versions in product.contracts.items()
        for version, doc in versions.items()
    }
    return Snapshot(product, pages, contracts)


def index_of(product: Product) -> Index:
    """The answer to `GET /discover`."""
    odps, base = product.odps.content, product.base
    links = [
        Link(rel="self", href=f"{base}/discover", type=MEDIA_JSON),
        Link(rel="service-desc", href=f"{base}/discover/openapi.json", type=MEDIA_OPENAPI),
        Link(rel="metadata", href=f"{base}/discover/metadata", type=MEDIA_JSON, title="ODPS document"),
        Link(rel="artifacts", href=f"{base}/discover/artifacts", type=MEDIA_JSON),
        Link(rel="health", href=f"{base}/observe/health", type=MEDIA_HEALTH),
        Link(rel="metrics", href=f"{base}/observe/metrics", type=MEDIA_JSON),
        Link(rel="results", href=f"{base}/observe/results", type=MEDIA_JSON, title="OORS results"),
        Link(rel="subscriptions", href=f"{base}/observe/events/subscriptions", type=MEDIA_JSON),
        Link(rel="certification-status", href=f"{base}/certify/status", type=MEDIA_JSON),
        Link(rel="certification-report", href=f"{base}/certify/report", type=MEDIA_JSON),
        Link(rel="certification-subscriptions", href=f"{base}/certify/subscriptions", type=MEDIA_JSON),
        Link(rel="lineage", href=f"{base}/observe/lineage", type=MEDIA_JSON, title="OpenLineage events"),
    ]
    for entry in product.artifacts.values():
        own = entry.artifact
        links.append(Link(rel="artifact", href=own.href("self") or "", type=MEDIA_JSON, title=own.title))
    for versions in product.contracts.values():
        links.extend(contract_link(base, document.content) for document in versions.values())
    return Index(
        protocol_version=PROTOCOL_VERSION,
        id=odps["id"],
        name=odps.get("name") or odps["id"],
        title=first("title", odps) or odps.get("name") or odps["id"],
        domain=odps.get("domain"),
        status=odps.get("status"),
        version=odps.get("version"),
        summary=first("summary", odps) or (odps.get("description") or {}).get("purpose"),
        tags=odps.get("tags", []),
        links=links,
    )
