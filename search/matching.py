"""The other way round: which of a few products a question would find. For questions that are kept and asked again."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection

from search import ranking
from search.language import take_apart
from search.question import understand
from search.ranking import Filters

# Stricter than a search, which lists the nearest whatever they are: nobody wants to be told of what is only near.
MATCHING = """
SELECT product_id FROM search_document
WHERE product_id = ANY(%(ids)s) AND {filters} AND {is_listed} AND (
    %(key)s = '' OR title_key = %(key)s OR product_id = %(address)s OR text @@ %(words)s::tsquery
    OR (model = %(model)s AND (embedding <=> %(vector)s::halfvec) <= 1 - %(close)s)
)
ORDER BY product_id
"""


def matching(product_ids: Sequence[int], question: str, filters: Mapping[str, str], tags: Iterable[str]) -> list[int]:
    """Which of these products fit all filters and the question: by the title, by all of its words, or close in meaning.

    Question, filters and tags are those of `queries.search`. Where the question's vector is not to be had, or the
    products have none yet, words alone count. Words stay as they were typed: one that no product had may be the very
    one that was waited for. Two queries, and the embedder's answer.
    """
    spoken = take_apart(question)
    wanted: dict[str, Any] = {**filters, **spoken.filters}
    narrowed = Filters(**wanted, tags=tuple({*tags, *spoken.tags}), phrases=spoken.phrases, without=spoken.without)
    legs = understand(spoken.text, spelling=False).legs
    params = {
        **narrowed.params(),
        "ids": list(product_ids),
        "key": legs.key,
        "address": legs.address,
        "words": " & ".join(term.tsquery for term in legs.terms) or None,
        "vector": legs.vector,
        "model": legs.model,
        "close": ranking.CLOSE,
    }
    with connection.cursor() as cursor:
        # Constants of this room alone go into the text; everything that was typed is a parameter.
        cursor.execute(MATCHING.format(filters=narrowed.sql(), is_listed=ranking.IS_LISTED), params)
        return [row[0] for row in cursor.fetchall()]
