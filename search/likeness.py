"""Products that a text is like, for somebody who writes one: before it is published, not to answer a question."""

from dataclasses import dataclass

from registry import queries as registry
from registry.models import Product
from search import queries
from search.deadline import Deadline, TooSlowError
from search.embedder import model_name
from search.indexer import vector_literal
from search.questions import embed_question
from search.ranking import Filters, Legs

LONGEST = 2000  # characters that the embedder reads
TIMEOUT_MS = 800


@dataclass(frozen=True)
class Alike:
    """A listed product, and the cosine between its summary and the text: 1 is the same, 0 has nothing to do with it."""

    product: Product
    similarity: float


def alike(text: str, limit: int = 12) -> tuple[Alike, ...] | None:
    """The products nearest in meaning, nearest first; None where no embedder answers, or PostgreSQL not in time.

    Write the text as documents are embedded: title, summary, tags. Five queries, and some 30 ms for the vector.
    """
    vector = embed_question(text[:LONGEST])
    if vector is None:
        return None
    legs = Legs(vector=vector_literal(vector), model=model_name())
    try:
        with Deadline(TIMEOUT_MS).keep():
            rows = queries.rank(legs, Filters())[:limit]
            found = {product.pk: product for product in registry.in_order([row.product_id for row in rows])}
    except TooSlowError:
        return None
    return tuple(Alike(found[row.product_id], row.similarity or 0.0) for row in rows if row.product_id in found)
