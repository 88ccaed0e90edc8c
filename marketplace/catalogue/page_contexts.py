"""Contexts of the pages below a product's: an artifact, a contract, columns of a schema, a guide, an original."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import Http404
from django.urls import reverse

from marketplace.catalogue import addresses, artifact_ids, contracts, documents, schemas
from marketplace.catalogue.bounds import Bounds, Rows
from marketplace.catalogue.contexts import Notice
from marketplace.catalogue.guides import guide_of, guides_of, render
from marketplace.catalogue.live_contexts import measured_by, price_of
from marketplace.catalogue.live_parts import Polling, live
from marketplace.catalogue.rows import SchemaBlock, ServerRow
from marketplace.catalogue.snippets import HowTo, how_to
from marketplace.catalogue.text import web_address
from marketplace.live import originals
from marketplace.live.errors import FetchError
from marketplace.live.originals import Original
from marketplace.live.parsing import decode
from marketplace.live.state import LiveArtifact, LiveProduct, Part
from marketplace.live.view import ArtifactView, ContractView, SchemaView
from registry.models import Product

Context = dict[str, Any]

NEVER = Polling("", 0)  # parts that arrive with the fragment they are in
SHOWN = 200_000  # characters of an original; all of it is in the download


def artifact(product: Product, found: LiveArtifact, polling: Polling) -> Context:
    """One artifact: its schema, its sample rows, and how to consume it."""
    view, part, sample, said = found.artifact, found.contract, found.sample.view, found.product.product
    contract = part.view if part and isinstance(part.view, ContractView) else None
    gone = Notice(
        "warn",
        "The product no longer lists this artifact.",
        "Its owner may have renamed or withdrawn it.",
        "See its artifacts",
        product.get_absolute_url(),
    )
    bounds = Bounds()
    shown = _schemas_of(product, view, part, bounds) if view else Rows[SchemaBlock]()
    return {
        "live": live(found.product.artifacts, polling, waiting=found.waiting),
        "artifact": documents.artifact(view, addresses.artifact(product, view.id), bounds) if view else None,
        "schemas": shown,
        "schemas_url": web_address(part.url) if part else web_address(found.product.artifacts.url),
        "contract_url": addresses.contract(product, part.name) if part and contract else "",
        "contract_live": live(part, NEVER) if part and not contract else None,
        "sample_live": live(found.sample, NEVER),
        "sample": documents.sample(sample) if sample else None,
        "use": _use(product, view, contract) if view else None,
        "license": documents.term((view.license if view else None) or (said.license if said else None)),
        "price": price_of(said, [contract] if contract else []),
        "servers": _servers(contract, bounds),
        "guide_url": _guide_url(product, found.product, view) if view else "",
        "original_url": addresses.original(product, found.product.artifacts.name),
        "notices": [gone] if found.gone else [],
    }


def _schemas_of(product: Product, view: ArtifactView, part: Part | None, bounds: Bounds) -> Rows[SchemaBlock]:
    """Those of its contract; of an artifact that says them itself, its own."""
    table_url = addresses.table(product)
    if part and isinstance(part.view, ContractView) and part.view.schemas:
        return schemas.tables(part.view.schemas, table_url, addresses.slug_of(part.name), bounds)
    return schemas.tables(view.schemas, table_url, _own(view.id), bounds)


def _own(artifact_id: str) -> str:
    return f"artifact:{artifact_ids.address(artifact_id)}"


def _use(product: Product, view: ArtifactView, contract: ContractView | None) -> HowTo:
    grant_url = settings.PUBLIC_URL + reverse("api:grants", args=[product.uuid])
    described = contract.schemas if contract and contract.schemas else view.schemas
    return how_to(view, described, contract.servers if contract else (), grant_url)


def _servers(contract: ContractView | None, bounds: Bounds) -> Rows[ServerRow]:
    return bounds.rows(contract.servers if contract else (), lambda server: contracts.server(server, bounds))


def _guide_url(product: Product, found: LiveProduct, view: ArtifactView) -> str:
    """The page that renders the artifact, where it is itself something to read."""
    url = view.links.get("consume") or view.links.get("download") or ""
    known = next((guide for guide in guides_of(found) if guide.url == url and guide.here), None)
    return addresses.guide(product, url) if known else ""


def contract_part(found: LiveProduct, slug: str) -> Part | None:
    """The live part of a contract by what its page's address holds."""
    return next((part for part in found.contracts if part.name == addresses.part_of(slug)), None)


def contract(product: Product, found: LiveProduct, slug: str, polling: Polling) -> Context:
    """The whole of one contract. Raises Http404 where the product has answered and names no such contract."""
    part = contract_part(found, slug)
    if part is None:
        if not found.contract_list.waiting and found.contract_list.view is not None:
            raise Http404("This product names no such contract.")
        return {"live": live(found.contract_list, polling), "contract": None}
    is_one = isinstance(part.view, ContractView)
    used = [a for a in getattr(found.artifacts.view, "artifacts", ()) if is_one and a.contract_id == part.view.id]
    return {
        "live": live(part, polling),
        "contract": contracts.contract(product, part, measured_by(found), Bounds()) if is_one else None,
        "artifacts": [
            {"name": a.title or a.name, "url": addresses.artifact(product, a.id)} for a in used[: contracts.ARTIFACTS]
        ],
    }


def schema(product: Product, found: LiveProduct, of: str, number: int, wanted: schemas.Wanted) -> Context:
    """Some columns of one schema. Raises Http404 where there is none."""
    known = _known_schemas(found, of)
    if not 0 <= number < len(known):
        raise Http404("There is no such schema, or the product has not answered lately: load its page again.")
    block = schemas.table(known[number], number, addresses.table(product), of, wanted, Bounds())
    return {"schema": block}


def _known_schemas(found: LiveProduct, of: str) -> Sequence[SchemaView]:
    if of.startswith("artifact:"):
        wanted = of.removeprefix("artifact:")
        for part in (found.artifacts, found.metadata):
            for view in getattr(part.view, "artifacts", ()):
                if artifact_ids.address(view.id) == wanted:
                    own: Sequence[SchemaView] = view.schemas
                    return own
        return ()
    described = contract_part(found, of)
    return described.view.schemas if described and isinstance(described.view, ContractView) else ()


@dataclass(frozen=True)
class Source:
    """A document that a live part was read from."""

    title: str
    url: str


_TITLES = {
    "index": "Discovery document",
    "metadata": "Product description",
    "artifacts": "List of artifacts",
    "health": "Health document",
    "metrics": "Measurements",
}


def source_of(found: LiveProduct, slug: str) -> Source | None:
    """Where the part of this name comes from. None while that is not known."""
    part = contract_part(found, slug) or next((part for part in found.parts if part.name == slug), None)
    url = web_address(part.url) if part else ""
    if part is None or not url.startswith("http"):
        return None
    return Source(_TITLES.get(slug, "Contract"), url)


def original(product: Product, source: Source, polling: Polling) -> Context:
    """The document as it came: its beginning to read, all of it to keep."""
    part = originals.look(product.pk, source.url)
    found = part.view if isinstance(part.view, Original) else None
    text = _readable(found) if found else ""
    return {
        "live": live(part, polling),
        "source": source,
        "size": len(found.body) if found else None,
        "media_type": found.media_type if found else "",
        "text": text[:SHOWN],
        "cut": len(text) > SHOWN,
        "download_url": f"{polling.url}?download" if found else "",
    }


def _readable(found: Original) -> str:
    """Its text; where it is not what it says it is, as much as can be read."""
    try:
        return decode(found.body, found.charset)
    except FetchError:
        return found.body.decode("utf-8", "replace")


def guide(product: Product, found: LiveProduct, key: str, polling: Polling) -> Context:
    """A guide or notebook, rendered. Raises Http404 where the product has answered and names none of this key."""
    known = guide_of(found, key)
    if known is None:
        if not found.waiting and found.metadata.view is not None:
            raise Http404("This product names no such guide.")
        return {"live": live(found.metadata, polling, waiting=found.waiting), "guide": None, "rendered": None}
    part = originals.look(product.pk, known.url)
    rendered = render(part.view, Bounds()) if isinstance(part.view, Original) else None
    return {"live": live(part, polling), "guide": known, "rendered": rendered}
