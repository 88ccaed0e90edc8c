"""From the registry's rows to search's rows. Everything here may run twice without harm."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence

from django.db import connection, transaction

from registry import queries
from registry.models import Product
from search.embedder import Embedder
from search.models import Document

# INSERT … SELECT over arrays: one statement for any number of rows, and rows that are as they were are not written.
UPSERT = """
INSERT INTO search_document AS old
    (product_id, title_key, text, content_hash, domains, tags, type, access_mode, lifecycle, owner, model,
     embedded_hash)
SELECT id, key,
       setweight(to_tsvector('english', title), 'A') || setweight(to_tsvector('english', labels), 'B')
           || setweight(to_tsvector('english', summary), 'C'),
       hash, string_to_array(domains, '/'), string_to_array(tags, '/'), type, access, lifecycle, owner, '', ''
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
            %s::text[], %s::text[], %s::text[], %s::text[])
     AS new (id, key, title, labels, summary, hash, domains, tags, type, access, lifecycle, owner)
ON CONFLICT (product_id) DO UPDATE SET
    title_key = excluded.title_key, text = excluded.text, content_hash = excluded.content_hash,
    domains = excluded.domains, tags = excluded.tags,
    type = excluded.type, access_mode = excluded.access_mode, lifecycle = excluded.lifecycle, owner = excluded.owner,
    changed_at = CASE WHEN old.content_hash = excluded.content_hash THEN old.changed_at ELSE now() END
WHERE (old.text, old.content_hash, old.domains, old.tags, old.type, old.access_mode, old.lifecycle, old.owner,
       old.title_key)
    IS DISTINCT FROM (excluded.text, excluded.content_hash, excluded.domains, excluded.tags, excluded.type,
                      excluded.access_mode, excluded.lifecycle, excluded.owner, excluded.title_key)
"""

CHANGED = """
SELECT product_id FROM search_document WHERE NOT embedded_hash = content_hash
ORDER BY changed_at DESC LIMIT %(limit)s FOR UPDATE {locked}
"""
OF_ANOTHER_MODEL = """
SELECT product_id FROM search_document WHERE embedded_hash = content_hash AND (model < %(model)s OR model > %(model)s)
LIMIT %(limit)s FOR UPDATE {locked}
"""


def title_key(text: str) -> str:
    """The words of a title in small letters with one space between, alike for what is stored and what is asked."""
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))


def embedded_text(product: Product) -> str:
    """What the embedder reads of a product. Reads its tags, which should be prefetched."""
    labels = ", ".join(tag.label for tag in product.tags.all())
    return f"{product.title}\n{product.summary}\n{labels}".strip()


def content_hash(product: Product) -> str:
    """Tells whether a product's vector is still that of its words."""
    return hashlib.md5(embedded_text(product).encode(), usedforsecurity=False).hexdigest()


@transaction.atomic
def index_products(ids: Iterable[int]) -> int:
    """Brings the documents of these products in line with the registry; returns how many rows were written.

    Listed products are searchable by text after this, others are removed. Four queries however many products.
    """
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return 0
    products = list(queries.listed().filter(pk__in=wanted))
    listed = {product.pk for product in products}
    removed, _ = Document.objects.filter(pk__in=[pk for pk in wanted if pk not in listed]).delete()
    return removed + _upsert(products)


def _upsert(products: Sequence[Product]) -> int:
    if not products:
        return 0
    rows = [
        (
            product.pk,
            title_key(product.title),
            f"{product.title} {product.name.replace('-', ' ')}",
            " ; ".join(tag.label for tag in product.tags.all()),
            product.summary,
            content_hash(product),
            product.domain.path,
            "/".join(tag.slug for tag in product.tags.all()),
            product.type,
            product.access_mode,
            product.lifecycle,
            product.owner.slug,
        )
        for product in products
    ]
    with connection.cursor() as cursor:
        cursor.execute(UPSERT, [list(column) for column in zip(*rows, strict=True)])
        return int(cursor.rowcount)


def index_urns(urns: Iterable[str]) -> int:
    """The same for URNs, as events name products; unknown ones are passed over."""
    wanted = set(urns)
    names = [urn.split(":")[3] for urn in wanted if urn.count(":") == 3]
    found = Product.objects.filter(name__in=names).select_related("domain").only("name", "domain__slug")
    return index_products(product.pk for product in found if product.urn in wanted)


@transaction.atomic
def embed_stale(embedder: Embedder, limit: int, *, wait: bool = False) -> int:
    """Makes the vectors of up to `limit` documents that have none, or one of other words or of another model.

    The last changed come first, so that a fresh product does not wait for a bulk import. Rows are locked while they are
    worked on and locked ones passed over, so that several workers share the work; with `wait` they are waited for.
    Returns how many were embedded. Four queries and the embedder's own time, about 15 ms a document.
    """
    with connection.cursor() as cursor:
        ids: list[int] = []
        for stale in (CHANGED, OF_ANOTHER_MODEL):
            sql = stale.format(locked="" if wait else "SKIP LOCKED")
            cursor.execute(sql, {"limit": limit - len(ids), "model": embedder.name})
            ids += [row[0] for row in cursor.fetchall()]
        if not ids:
            return 0
        products = queries.in_order(ids)
        vectors = embedder.embed([embedded_text(product) for product in products])
        cursor.execute(
            """
            UPDATE search_document SET embedding = new.vector::halfvec, model = %s, embedded_hash = new.hash
            FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS new (id, vector, hash) WHERE product_id = new.id
            """,
            [
                embedder.name,
                [product.pk for product in products],
                [vector_literal(vector) for vector in vectors],
                [content_hash(product) for product in products],
            ],
        )
    return len(ids)


def vector_literal(vector: Iterable[float]) -> str:
    """A vector as pgvector reads it."""
    return "[" + ",".join(f"{x:.5f}" for x in vector) + "]"


def reindex(batch: int = 500) -> Iterable[int]:
    """Goes through all products; yields how many are done after each batch. For `manage.py reindex`."""
    last, done = 0, 0
    while True:
        ids = list(Product.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:batch])
        if not ids:
            return
        index_products(ids)
        last, done = ids[-1], done + len(ids)
        yield done
