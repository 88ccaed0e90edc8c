"""Products that say much the same as a product."""

from dataclasses import dataclass

from django.db import connection

from registry import queries
from registry.models import Product
from search.indexer import vector_literal
from search.models import Document
from search.ranking import IS_LISTED

MOST = 6
# Cosine of two summaries below which they have no more in common than two products of one mesh have anyway.
FLOOR = 0.45

NEAR = f"""
SELECT product_id, 1 - (embedding <=> %(vector)s::halfvec) AS similarity FROM search_document
WHERE model = %(model)s AND product_id <> %(product)s AND {IS_LISTED}
ORDER BY embedding <=> %(vector)s::halfvec LIMIT %(most)s
"""  # noqa: S608 # constants only; the values are parameters


@dataclass(frozen=True)
class Similar:
    """A product and how near it is: the cosine of the two summaries."""

    product: Product
    similarity: float


def to(product: Product, most: int = MOST) -> tuple[Similar, ...]:
    """The nearest listed products, nearest first; none while the product has no vector. Four queries."""
    row = Document.objects.filter(pk=product.pk).values_list("embedding", "model").first()
    if row is None:
        return ()
    vector, model = row
    if vector is None:
        return ()
    with connection.cursor() as cursor:
        cursor.execute(NEAR, {"vector": vector_literal(vector), "model": model, "product": product.pk, "most": most})
        near = [(pk, similarity) for pk, similarity in cursor.fetchall() if similarity >= FLOOR]
    found = {each.pk: each for each in queries.in_order([pk for pk, _ in near])} if near else {}
    return tuple(Similar(found[pk], similarity) for pk, similarity in near if pk in found)
