"""Lists of products cut into requests that the marketplace takes."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from client.models import Outcome

MOST = 50  # a request: progress is seen, and a lost connection costs little
MOST_BYTES = 400_000  # the marketplace takes 512 kB

Indexed = tuple[int, dict[str, Any]]


def batches(products: Sequence[Indexed]) -> Iterator[list[Indexed]]:
    """The products in their order, in batches that are small enough. One that is too large alone goes alone."""
    batch: list[Indexed] = []
    size = 0
    for item in products:
        length = len(json.dumps(item[1]))
        if batch and (len(batch) == MOST or size + length > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += length
    if batch:
        yield batch


def twice(products: Sequence[Any]) -> dict[int, Outcome]:
    """Products whose address stands earlier in the list already, refused, by their place: which of two would win?"""
    first: dict[tuple[str, str], int] = {}
    found: dict[int, Outcome] = {}
    for index, product in enumerate(products):
        if not isinstance(product, dict):
            continue
        domain, name = product.get("domain"), product.get("name")
        if not (isinstance(domain, str) and isinstance(name, str)):
            continue
        if first.setdefault((domain, name), index) != index:
            text = f"This is product {first[domain, name] + 1} of the list too. Name it once."
            found[index] = Outcome(index, f"urn:dp:{domain}:{name}", "refused", errors={"name": [text]})
    return found
