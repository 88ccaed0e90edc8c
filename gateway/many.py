"""Many products under one process: a folder that holds product folders, each served under `/<domain>/<name>`.

The folder is looked at again while requests come, twice a second at most: a product that is put there, renamed or
taken away is served, or not, as it would be after a new start. A product whose own documents are broken meanwhile stays
in its last good state, which is its own business (`gateway.live`).
"""

import logging
import threading
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import anyio
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.app import SafeHeaders, _on_crash, _on_http_error, _on_problem, create_app
from gateway.config import FILE_NAME
from gateway.documents import MAX_BYTES, DocumentError, Stamp, parse_yaml, stamp
from gateway.http import ProblemError, Representation, send
from gateway.prefixes import ByPrefix
from gateway.product import contract_files, product_file
from gateway.protocol import MEDIA_JSON, BrokenProduct, Link, ProductEntry, ProductList
from gateway.state import State

MAX_DEPTH = 3
LOOK_SECONDS = 0.5
"""A change shows this long after the last look at the latest, to whoever asks then."""

log = logging.getLogger(__name__)
Stamps = dict[Path, Stamp | None]


def product_folders(folder: Path) -> list[Path]:
    """The product folders at or under a folder, three levels deep at most; hidden ones are left out.

    A folder that cannot be listed, or goes away meanwhile, has none.
    """
    if _is_product(folder):
        return [folder]
    found: list[Path] = []
    level = [folder]
    for _ in range(MAX_DEPTH):
        below = [child for parent in level for child in _children(parent)]
        products = {child for child in below if _is_product(child)}
        found += [child for child in below if child in products]
        level = [child for child in below if child not in products]
    return found


def _children(folder: Path) -> list[Path]:
    try:
        return [child for child in sorted(folder.iterdir()) if not child.name.startswith(".") and child.is_dir()]
    except OSError:
        return []


def _is_product(folder: Path) -> bool:
    """Whether it holds an ODPS document. Two in one folder count: its own reader says what is wrong."""
    try:
        return any(path.suffix in (".yaml", ".yml") for path in folder.glob("*.odps.y*ml"))
    except OSError:
        return False


@dataclass
class _Served:
    """A product folder that is served, and its documents' stamps when its prefix was read from them."""

    folder: Path
    prefix: str
    app: Starlette
    stamps: Stamps
    lifespan: AbstractAsyncContextManager[object] | None = None


@dataclass
class _Broken:
    """A product folder that cannot be served. It is tried again once `stamps` differ; at each look without them."""

    problems: list[str]
    stamps: Stamps | None


@dataclass
class _Change:
    """What a look at the folder found."""

    gone: list[_Served] = field(default_factory=list)
    new: list[_Served] = field(default_factory=list)
    seen: bool = False


class Mesh:
    """The products of a folder as they are now. `look` may be called from any thread, by one at a time."""

    def __init__(self, folder: Path, base_url: str | None, delay: float, state: Path | None) -> None:
        self.folder = folder.resolve()
        self.root = (base_url or "").rstrip("/")
        self.delay = delay
        self.state = state
        self.broken: dict[Path, _Broken] = {}
        self.by_prefix = ByPrefix({})
        self.index = Representation(b"", MEDIA_JSON)
        self._served: dict[Path, _Served] = {}
        self._running = False
        self._looked = float("-inf")
        self._looking = threading.Lock()

    def look(self) -> _Change:
        """See what is there now. Blocking: reads what changed, and lists the folders."""
        change = _Change()
        folders = product_folders(self.folder)
        for own in [own for own in self._served.values() if own.folder not in folders]:
            self._drop(own, change)
        for gone in self.broken.keys() - set(folders):
            del self.broken[gone]
            change.seen = True
        for found in folders:
            self._follow(found, change)
        for found in folders:
            self._take_in(found, change)
        if change.seen:
            self.by_prefix = ByPrefix({own.prefix: own.app for own in self._served.values()})
            self.index = self._listed(folders)
        return change

    def _follow(self, folder: Path, change: _Change) -> None:
        """Let go of a served product whose documents now give it another address."""
        own = self._served.get(folder)
        if own is None:
            return
        stamps = _stamps(folder)
        if stamps == own.stamps:
            return
        live = own.app.state.context.live
        if live.changed():
            live.reload()
        own.stamps, change.seen = stamps, True
        try:
            moved = live.broken is None and _prefix(folder) != own.prefix
        except DocumentError:  # broken meanwhile: its last good state stays
            return
        if moved:
            self._drop(own, change)

    def _drop(self, own: _Served, change: _Change) -> None:
        del self._served[own.folder]
        change.gone.append(own)
        change.seen = True

    def _take_in(self, folder: Path, change: _Change) -> None:
        """Serve a folder that is not served yet, or say why it cannot be."""
        before = self.broken.get(folder)
        if folder in self._served or (before and before.stamps is not None and before.stamps == _stamps(folder)):
            return
        stamps: Stamps | None = _stamps(folder)
        try:
            prefix = _prefix(folder)
            if any(own.prefix == prefix for own in self._served.values()):
                stamps = None  # the other may go away
                raise DocumentError([f"another product is served as {prefix} already"])
            own = _Served(folder, prefix, self._app(folder, prefix), stamps or {})
        except DocumentError as error:
            self._refuse(folder, _Broken(error.problems, stamps), change)
        except Exception:  # whatever it is, the others are served
            log.exception("%s cannot be served", folder)
            self._refuse(folder, _Broken(["it cannot be read; the log says why"], stamps), change)
        else:
            self._served[folder] = own
            self.broken.pop(folder, None)
            change.new.append(own)
            change.seen = True

    def _refuse(self, folder: Path, broken: _Broken, change: _Change) -> None:
        change.seen = change.seen or self.broken.get(folder) != broken
        self.broken[folder] = broken

    def _app(self, folder: Path, prefix: str) -> Starlette:
        kept = State.beside(folder, self.state.joinpath(*prefix.strip("/").split("/"))) if self.state else None
        app = create_app(folder, base_url=self.root + prefix, delay=self.delay, state=kept)
        app.state.context.audience = (self.root + prefix) if self.root else None
        return app

    def _listed(self, folders: list[Path]) -> Representation:
        entries = []
        for own in (self._served[folder] for folder in folders if folder in self._served):
            odps = own.app.state.context.live.snapshot.product.odps.content
            link = Link(rel="discovery", href=f"{self.root}{own.prefix}/discover", type=MEDIA_JSON)
            name = odps.get("name") or odps["id"]
            entries.append(ProductEntry(id=odps["id"], name=name, domain=odps.get("domain"), links=[link]))
        return Representation(ProductList(products=entries, broken=self.refused()).to_json(), MEDIA_JSON, max_age=0)

    def refused(self) -> list[BrokenProduct]:
        """The folders that cannot be served, and why."""
        return [
            BrokenProduct(folder=folder.relative_to(self.folder).as_posix(), problems=broken.problems)
            for folder, broken in sorted(self.broken.items())
        ]

    # -- while it serves ------------------------------------------------------------------------------------------

    async def follow(self) -> None:
        """Look at the folder when it is time. One request looks; the others are not kept waiting."""
        if time.monotonic() - self._looked < LOOK_SECONDS or not self._looking.acquire(blocking=False):
            return
        try:
            with anyio.CancelScope(shield=True):
                change = await run_in_threadpool(self.look)
                await self._settle(change)
            self._looked = time.monotonic()
        finally:
            self._looking.release()

    async def _settle(self, change: _Change) -> None:
        if not self._running:
            return
        for own in change.gone:
            await self._end(own)
        for own in change.new:
            await self._begin(own)

    async def _begin(self, own: _Served) -> None:
        own.lifespan = own.app.router.lifespan_context(own.app)
        await own.lifespan.__aenter__()

    async def _end(self, own: _Served) -> None:
        lifespan, own.lifespan = own.lifespan, None
        if lifespan is not None:
            try:
                await lifespan.__aexit__(None, None, None)
            except Exception:
                log.exception("the gateway of %s did not end well", own.folder)

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Start what the products do by themselves; end it at the end."""
        for own in list(self._served.values()):
            await self._begin(own)
        self._running = True
        try:
            yield
        finally:
            self._running = False
            for own in list(self._served.values()):
                await self._end(own)


class Following:
    """ASGI middleware: looks at the folder when it is time, before the request is answered."""

    def __init__(self, app: ASGIApp, mesh: Mesh) -> None:
        self.app = app
        self.mesh = mesh

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.mesh.follow()
        await self.app(scope, receive, send)


def create_many(
    folder: Path, *, base_url: str | None = None, delay: float = 0.0, state: Path | None = None
) -> Starlette:
    """One application for all product folders under `folder`, with an index of them at `/`.

    Args:
        base_url: where clients reach this process; each product's base is this and `/<domain>/<name>`.
        state: a directory for what the gateways remember, `<domain>/<name>` in it; beside each product when not given.

    A folder that cannot be served, or has the domain and name of one before it, does not stop the others:
    `app.state.mesh.refused()` and the index list it.

    Raises:
        DocumentError: no folder can be served, or there is none.
    """
    mesh = Mesh(folder, base_url, delay, state)
    mesh.look()
    if not mesh.by_prefix.apps:
        told = [f"{product.folder}: {problem}" for product in mesh.refused() for problem in product.problems]
        raise DocumentError(told or [f"{folder.name}: no folder with a product.odps.yaml in it"])

    async def listing(request: Request) -> Response:
        return send(request, mesh.index)

    async def product(scope: Scope, receive: Receive, send: Send) -> None:
        await mesh.by_prefix(scope, receive, send)

    app = Starlette(
        routes=[Route("/", listing), Mount("", product)],
        middleware=[Middleware(SafeHeaders), Middleware(Following, mesh=mesh)],
        exception_handlers={ProblemError: _on_problem, HTTPException: _on_http_error, Exception: _on_crash},
        lifespan=mesh.lifespan,
    )
    app.state.mesh = mesh
    app.state.broken = mesh.refused()
    return app


def _stamps(folder: Path) -> Stamps:
    """Stamps of the files that say what a product is."""
    try:
        named = [path for path in folder.glob("*.odps.y*ml") if path.suffix in (".yaml", ".yml")]
        return {path: stamp(path) for path in (*named, folder / FILE_NAME, *contract_files(folder))}
    except OSError:
        return {}


def _prefix(folder: Path) -> str:
    """`/<domain>/<name>` of the ODPS document; the folder's name where it has none. Raises DocumentError."""
    try:
        with product_file(folder).open("rb") as file:
            odps = parse_yaml(file.read(MAX_BYTES + 1))  # create_app validates it; here two names are enough
    except OSError as error:
        raise DocumentError([f"cannot be read: {error.strerror}"]) from error
    parts = [str(odps.get("domain") or "products"), str(odps.get("name") or folder.name)]
    if any(part in (".", "..") or "/" in part or "{" in part or "}" in part for part in parts):
        raise DocumentError(["domain and name must be usable in an address: no /, { or }"])
    return "".join(f"/{quote(part, safe=' ')}".replace(" ", "-") for part in parts)
