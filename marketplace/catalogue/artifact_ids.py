"""Artifact ids in addresses. An id is the product's own text; one that cannot stand in an address goes by its hash."""

import hashlib
import re

from marketplace.live import services as live
from marketplace.live.state import LiveArtifact, LiveProduct

_PLAIN = re.compile(r"[A-Za-z0-9._~-]{1,200}")
_HASH = re.compile(r"~[0-9a-f]{32}")


def address(artifact_id: str) -> str:
    """The id itself, or "~" and 32 hex digits where a browser or a server would read the id as something else."""
    plain = _PLAIN.fullmatch(artifact_id) and artifact_id not in (".", "..") and not _HASH.fullmatch(artifact_id)
    if plain:
        return artifact_id
    # A surrogate that stands alone is text to JSON, and not to UTF-8.
    return "~" + hashlib.sha256(artifact_id.encode(errors="surrogatepass")).hexdigest()[:32]


def canonical(given: str) -> str:
    """The address of the artifact that an address names: the same, unless it holds an id as it is."""
    return given if _HASH.fullmatch(given) else address(given)


def look(product_id: int, given: str) -> LiveArtifact:
    """The artifact of an address, as `live.look_artifact` gives it; a hash is looked up in what the product lists."""
    seen = live.look_artifact(product_id, given)
    found = _id_of(seen.product, given) if _HASH.fullmatch(given) else None
    return seen if found is None else live.look_artifact(product_id, found)


def _id_of(product: LiveProduct, given: str) -> str | None:
    for part in (product.artifacts, product.metadata):
        for artifact in getattr(part.view, "artifacts", ()):
            if address(artifact.id) == given:
                found: str = artifact.id
                return found
    return None
