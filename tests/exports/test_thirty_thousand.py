"""The whole marketplace as one document: memory for one batch, however many products there are."""

import tracemalloc

import pytest
from django.db import connection

from registry.models import Lifecycle, Product

MANY = 30_000
WRITE = """
INSERT INTO registry_product
  (uuid, domain_id, name, title, summary, type, owner_id, lifecycle, access_mode, revision, created_at, updated_at)
SELECT gen_random_uuid(), %s, 'p-' || n, 'Product ' || n, repeat('What it is. ', 40), '', %s, 'published', 'open', 1,
  now(), now()
FROM generate_series(1, %s) n
"""


@pytest.mark.django_db
def test_memory_does_not_grow_with_the_number_of_products(client, precipitation, team):
    with connection.cursor() as cursor:
        cursor.execute(WRITE, [precipitation.pk, team.pk, MANY])
    assert Product.objects.filter(lifecycle=Lifecycle.PUBLISHED).count() == MANY
    answer = client.get("/data.json")
    tracemalloc.start()
    seen, size, last = 0, 0, b""
    for piece in answer.streaming_content:
        seen += piece.count(b'"identifier"')
        size += len(piece)
        last = piece
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seen == MANY
    assert last.strip() == b"]}"
    assert peak < size / 4
    assert peak < 12_000_000, f"{peak:,} bytes for a document of {size:,}"
