"""Many products under one process: a folder that holds product folders, each served under `/<domain>/<name>`."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from gateway.app import SafeHeaders, _on_crash, _on_http_error, _on_problem, create_app
from gateway.documents import MAX_BYTES, DocumentError, parse_yaml
from gateway.http import ProblemError, Representation, send
from gateway.prefixes import ByPrefix
from gateway.product import product_file
from gateway.protocol import MEDIA_JSON, BrokenProduct, Link, ProductEntry, ProductList
from gateway.state import State

MAX_DEPTH = 3


def product_folders(folder: Path) -> list[Path]:
    """The product folders at or under a folder, three levels deep at most; hidden ones are left out."""
    if _is_product(folder):
        return [folder]
    found: list[Path] = []
    level = [folder]
    for _ in range(MAX_DEPTH):
        below = [child for parent in level for child in sorted(parent.iterdir())
                 if child.is_dir() and not child.name.startswith(".")]  # fmt: skip
        found += [child for child in below if _is_product(child)]
        level = [child for child in below if child not in found]
    return found


def _is_product(folder: Path) -> bool:
    """Whether it holds an ODPS document. Two in one folder count: its own reader says what is wrong."""
    return any(path.suffix in (".yaml", ".yml") for path in folder.glob("*.odps.y*ml"))


def create_many(
    folder: Path, *, base_url: str | None = None, delay: float = 0.0, state: Path | None = None
) -> Starlette:
    """One application for all product folders under `folder`, with an index of them at `/`.

    Args:
        base_url: where clients reach this process; each product's base is this and `/<domain>/<name>`.
        state: a directory for what the gateways remember, `<domain>/<name>` in it; beside each product when not given.

    A folder that cannot be served, or has the domain and name of one before it, does not stop the others:
    `app.state.broken` and the index list it.

    Raises:
        DocumentError: no folder can be served, or there is none.
    """
    broken: list[BrokenProduct] = []
    apps: dict[str, Starlette] = {}
    entries: list[ProductEntry] = []
    root = (base_url or "").rstrip("/")
    for found in product_folders(folder.resolve()):
        try:
            prefix = _prefix(found)
            if prefix in apps:
                raise DocumentError([f"another product is served as {prefix} already"])
            kept = State.beside(found, state.joinpath(*prefix.strip("/").split("/"))) if state else None
            app = create_app(found, base_url=root + prefix, delay=delay, state=kept)
            app.state.context.audience = (root + prefix) if root else None
        except DocumentError as error:
            broken.append(BrokenProduct(folder=found.relative_to(folder.resolve()).as_posix(), problems=error.problems))
            continue
        odps = app.state.context.live.snapshot.product.odps.content
        link = Link(rel="discovery", href=f"{root}{prefix}/discover", type=MEDIA_JSON)
        entries.append(
            ProductEntry(id=odps["id"], name=odps.get("name") or odps["id"], domain=odps.get("domain"), links=[link])
        )
        apps[prefix] = app
    if not apps:
        told = [f"{product.folder}: {problem}" for product in broken for problem in product.problems]
        raise DocumentError(told or [f"{folder.name}: no folder with a product.odps.yaml in it"])
    index = Representation(ProductList(products=entries, broken=broken).to_json(), MEDIA_JSON)

    async def listing(request: Request) -> Response:
        return send(request, index)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for app in apps.values():
                await stack.enter_async_context(app.router.lifespan_context(app))
            yield

    app_of_all = Starlette(
        routes=[Route("/", listing), Mount("", ByPrefix(apps))],
        middleware=[Middleware(SafeHeaders)],
        exception_handlers={ProblemError: _on_problem, HTTPException: _on_http_error, Exception: _on_crash},
        lifespan=lifespan,
    )
    app_of_all.state.broken = broken
    return app_of_all


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
