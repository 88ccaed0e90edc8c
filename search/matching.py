"""The other way round: which of a few products a question would find. For questions that are kept and asked again."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection

from search import ranking
from search.language import take_apart
from search.question import understand
from search.questions import circuit
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


class NotNowError(Exception):
    """The embedder is busy, or Redis lost: asked again later, the question has its meaning too."""


def matching(product_ids: Sequence[int], question: str, filters: Mapping[str, str], tags: Iterable[str]) -> list[int]:
    """Which of these products fit all filters and the question: by the title, by all of its words, or close in meaning.

    Question, filters and tags are those of `queries.search`. Where there is no embedder, or the products have no
    vectors yet, words alone count; raises NotNowError where the embedder is only busy. Words stay as they were typed:
    one that no product had may be the very one that was waited for. Two queries, and the embedder's answer.
    """
    spoken = take_apart(question)
    wanted: dict[str, Any] = {**filters, **spoken.filters}
    narrowed = Filters(**wanted, tags=tuple({*tags, *spoken.tags}), phrases=spoken.phrases, without=spoken.without)
    legs = understand(spoken.text, spelling=False).legs
    if legs.key and legs.vector is None and circuit.is_open():
        raise NotNowError
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
