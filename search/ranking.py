"""What counts how much: every number of the ranking, and the one statement that applies them.

Three legs each put products in an order of their own; reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009)
adds `weight / (K + rank)` over the legs. Ranks and not scores are added, since cosines and word scores have no common
measure. Each leg is bounded, so that the time does not grow with the number of rows that share a common word.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

K = 20  # the usual 60 is for pools of a thousand; with a hundred rows it makes the first and the tenth nearly equal
WEIGHT_TITLE = 1.0  # the question is the beginning of the title; an exact title comes first whatever its score
WEIGHT_MEANING = 0.8
WEIGHT_WORDS = 0.2

TITLE_ROWS = 20
MEANING_ROWS = 100
WORD_ROWS = 200  # kept of the word leg's candidates
ALL_WORDS_ROWS = 400  # candidates that have every word
RARE_WORDS_ROWS = 800  # candidates that have one of the rare words
TERMS = 16  # the rarest words of a long question

EF_SEARCH = 100
# Cosine below which a summary has nothing to do with the question.
FLOOR = 0.2
# Cosine from which we call it close; below, and without a word in common, we say that it is only the nearest.
CLOSE = 0.35
# ts_rank's weights in its order D, C, B, A: nothing, summary, tags, title.
LABELS = "{0, 0.8, 0.9, 1}"
# 0 leaves the length of a summary out: they are all short. 1 would divide by 1 + its logarithm.
NORMALISATION = 0


# Read from the registry itself, so that what an owner says counts at once. As an array, few are expected, and they are
# looked up by their keys; as a join, the whole of the vectors' index was walked for thirty products in twenty thousand.
SERVES = """product_id = ANY(ARRAY(
    SELECT purpose.product_id FROM registry_purpose purpose JOIN registry_goal goal ON goal.id = purpose.goal_id
    LEFT JOIN registry_goal above ON above.id = goal.parent_id WHERE %(goal)s IN (goal.slug, above.slug)
))"""


@dataclass(frozen=True)
class Filters:
    """What a product must be; None and empty ask nothing. `domain` is a slug and includes the domains below it.

    `owner` is a team's slug, `goal` that of a goal, whose use cases count too, or of a use case. `phrases` must be in
    its words as they stand, `without` must not.
    """

    domain: str | None = None
    tags: tuple[str, ...] = ()
    type: str | None = None
    access: str | None = None
    owner: str | None = None
    goal: str | None = None
    lifecycle: str | None = None
    phrases: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self != Filters()

    def sql(self) -> str:
        """A condition on search_document with the parameters of `params`."""
        parts = ["true"]
        if self.domain:
            parts.append("domains @> %(domains)s::varchar[]")
        if self.tags:
            parts.append("tags @> %(tags)s::varchar[]")
        if self.type:
            parts.append("type = %(type)s")
        if self.access:
            parts.append("access_mode = %(access)s")
        if self.owner:
            parts.append("owner = %(owner)s")
        if self.goal:
            parts.append(SERVES)
        if self.lifecycle:
            parts.append("lifecycle = %(lifecycle)s")
        for number in range(len(self.phrases)):
            query = f"phraseto_tsquery('english', %(phrase_{number})s)"
            parts.append(f"(numnode({query}) = 0 OR text @@ {query})")  # very common words alone ask nothing
        parts += [
            f"NOT text @@ phraseto_tsquery('english', %(without_{number})s)" for number in range(len(self.without))
        ]
        return " AND ".join(parts)

    def params(self) -> dict[str, Any]:
        """The values, by the names that `sql` uses."""
        return {
            "domains": [self.domain],
            "tags": list(self.tags),
            "type": self.type,
            "access": self.access,
            "owner": self.owner,
            "goal": self.goal,
            "lifecycle": self.lifecycle,
            **{f"phrase_{number}": phrase for number, phrase in enumerate(self.phrases)},
            **{f"without_{number}": word for number, word in enumerate(self.without)},
        }


@dataclass(frozen=True)
class Term:
    """A word of the question as the index has it, and how much it tells: ln(1 + 1 / share of products with it)."""

    lexeme: str
    idf: float

    @property
    def tsquery(self) -> str:
        """The word as a tsquery of one operand, quoted."""
        escaped = self.lexeme.replace("\\", "\\\\").replace("'", "''")
        return f"'{escaped}'"


@dataclass(frozen=True)
class Legs:
    """What one question gives the legs to work with. An absent part leaves its leg out.

    `address`: the id of the product whose address was typed, which counts as an exact title. `rare`: those of `terms`
    that are looked for one by one. `more`: words of other names of what was asked; a product may have them or not.
    """

    key: str = ""
    address: int | None = None
    vector: str | None = None
    model: str = ""
    terms: tuple[Term, ...] = ()
    rare: tuple[Term, ...] = ()
    more: tuple[Term, ...] = ()

    @property
    def words(self) -> tuple[Term, ...]:
        """All words that count where they are found."""
        return self.terms + self.more


TITLE_LEG = """
title AS (
    SELECT product_id, title_key = %(key)s OR product_id = %(address)s AS exact,
           row_number() OVER (
               ORDER BY product_id = %(address)s DESC, title_key <> %(key)s, length(title_key), product_id
           ) AS rank
    FROM search_document
    WHERE (title_key = %(key)s OR title_key LIKE %(prefix)s OR product_id = %(address)s) AND {filters}
    ORDER BY rank LIMIT %(title_rows)s
)"""

# The inner query is nothing but the index's own order, or the index would not be used; order is put right outside.
MEANING_LEG = """
near AS MATERIALIZED (
    SELECT product_id, embedding <=> %(vector)s::halfvec AS distance
    FROM search_document WHERE model = %(model)s AND {filters}
    ORDER BY embedding <=> %(vector)s::halfvec LIMIT %(meaning_rows)s
),
meaning AS (
    SELECT product_id, 1 - distance AS similarity, row_number() OVER (ORDER BY distance, product_id) AS rank
    FROM near WHERE distance <= 1 - %(floor)s
)"""

WORDS_LEG = """
having_words AS MATERIALIZED (
    (SELECT product_id FROM search_document WHERE text @@ %(all)s::tsquery AND {filters} LIMIT %(all_rows)s)
    UNION
    (SELECT product_id FROM search_document WHERE text @@ %(any)s::tsquery AND {filters} LIMIT %(any_rows)s)
),
scored AS (
    SELECT product_id, sum(idf * ts_rank(%(labels)s, text, term::tsquery, %(normalisation)s)) AS word_score
    FROM having_words JOIN search_document USING (product_id)
    CROSS JOIN unnest(%(terms)s::text[], %(idf)s::float8[]) AS asked (term, idf)
    GROUP BY product_id
),
words AS (
    SELECT product_id, word_score, row_number() OVER (ORDER BY word_score DESC, product_id) AS rank
    FROM scored ORDER BY rank LIMIT %(word_rows)s
)"""

# The index follows the registry within seconds; what was taken back meanwhile is not found all the same.
IS_LISTED = """NOT EXISTS (
    SELECT FROM registry_product WHERE id = product_id AND lifecycle IN ('draft', 'retired')
)"""

FUSION = """
WITH {ctes}
SELECT product_id, coalesce({exact}, false) AS exact, {title_rank}, {meaning_rank}, {similarity}, {words_rank},
       {score} AS score
FROM {joined}
WHERE {is_listed}
ORDER BY 2 DESC, score DESC, product_id
"""


def statement(legs: Legs, filters: Filters) -> tuple[str, dict[str, Any]] | None:
    """The statement that ranks all matched products, and its parameters; None where no leg has anything to go by.

    Rows: product id, exact title, rank by title, by meaning, cosine, rank by words (null where not in a leg), score.
    """
    ctes, names, scores = [], [], []
    if legs.key:
        ctes.append(TITLE_LEG)
        names.append("title")
        scores.append(f"coalesce({WEIGHT_TITLE} / ({K} + title.rank), 0)")
    if legs.vector:
        ctes.append(MEANING_LEG)
        names.append("meaning")
        scores.append(f"coalesce({WEIGHT_MEANING} / ({K} + meaning.rank), 0)")
    if legs.terms:
        ctes.append(WORDS_LEG)
        names.append("words")
        scores.append(f"coalesce({WEIGHT_WORDS} / ({K} + words.rank), 0)")
    if not names:
        return None
    columns = {
        "exact": "title.exact" if "title" in names else "NULL::boolean",
        "title_rank": "title.rank" if "title" in names else "NULL",
        "meaning_rank": "meaning.rank" if "meaning" in names else "NULL",
        "similarity": "meaning.similarity" if "meaning" in names else "NULL",
        "words_rank": "words.rank" if "words" in names else "NULL",
    }
    joined = names[0] + "".join(f" FULL JOIN {name} USING (product_id)" for name in names[1:])
    # Only constants of this module go into the text; everything that was typed is a parameter.
    sql = FUSION.format(
        ctes=",".join(ctes).format(filters=filters.sql()),
        score=" + ".join(scores),
        joined=joined,
        is_listed=IS_LISTED,
        **columns,
    )
    return sql, {**_params(legs), **filters.params()}


def _params(legs: Legs) -> dict[str, Any]:
    escaped = legs.key.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return {
        "key": legs.key,
        "address": legs.address or 0,
        "prefix": f"{escaped}%",
        "vector": legs.vector,
        "model": legs.model,
        "floor": FLOOR,
        "all": _joined(legs.terms, " & "),
        "any": _joined(legs.rare + legs.more, " | "),
        "terms": [term.tsquery for term in legs.words],
        "idf": [term.idf for term in legs.words],
        "labels": LABELS,
        "normalisation": NORMALISATION,
        "title_rows": TITLE_ROWS,
        "meaning_rows": MEANING_ROWS,
        "word_rows": WORD_ROWS,
        "all_rows": ALL_WORDS_ROWS,
        "any_rows": RARE_WORDS_ROWS,
    }


def _joined(terms: Sequence[Term], operator: str) -> str:
    return operator.join(term.tsquery for term in terms)
