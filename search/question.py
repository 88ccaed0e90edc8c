"""From what was typed to what the ranking works with."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import connection

from registry.models import Product
from search import glossary, ranking, vocabulary
from search.embedder import model_name
from search.glossary import Expansion
from search.indexer import title_key, vector_literal
from search.questions import embed_question
from search.ranking import Legs, Term
from search.remembered import Remembered
from search.vocabulary import Correction, Reading

MAX_LENGTH = 500  # characters of a question that are used
ADDRESS = re.compile(r"urn:dp:([a-z0-9-]+):([a-z0-9-]+)|([a-z0-9-]+)/([a-z0-9-]+)")
STATISTICS_AGE = 60.0  # seconds
NONE: tuple[tuple[Term, ...], tuple[Term, ...], tuple[Term, ...]] = ((), (), ())

# PostgreSQL keeps, for each tsvector column, the share of rows that each of the most common lexemes is in; ANALYZE,
# which autovacuum runs, keeps it fresh from a sample of fixed size. So how common a word is costs nothing to know.
STATISTICS = """
SELECT greatest(c.reltuples, 0), s.most_common_elems::text::text[], s.most_common_elem_freqs
FROM pg_class c LEFT JOIN pg_stats s
    ON s.tablename = c.relname AND s.schemaname = c.relnamespace::regnamespace::text AND s.attname = 'text'
WHERE c.oid = 'search_document'::regclass
"""


@dataclass(frozen=True)
class Statistics:
    """How common words are: rows, and for each common lexeme the share of rows that have it."""

    rows: float = 0.0
    shares: dict[str, float] = field(default_factory=dict)
    rarest: float = 0.0

    def share(self, lexeme: str) -> float:
        """The share of products that have the word; a guess for rare ones. Between 0 and 1."""
        known = self.shares.get(lexeme)
        return known if known is not None else max(self.rarest / 2, 1 / max(self.rows, 1000))


def _statistics() -> Statistics:
    with connection.cursor() as cursor:
        cursor.execute(STATISTICS)
        rows, lexemes, shares = cursor.fetchone()
    # The array of shares ends in its own minimum and maximum.
    known = dict(zip(lexemes or [], shares or [], strict=False))
    return Statistics(rows, known, shares[len(known)] if shares else 0.0)


statistics: Remembered[Statistics] = Remembered(_statistics, Statistics(), STATISTICS_AGE)
"""The statistics, read from PostgreSQL once a minute. One query then."""


@dataclass(frozen=True)
class Question:
    """A question: its text as typed, what the legs get of it, and what its asker should know."""

    text: str
    legs: Legs
    notes: tuple[str, ...] = ()
    corrections: tuple[Correction, ...] = ()


def clean(typed: str) -> tuple[str, list[str]]:
    """The text that is used, and notes on what is not."""
    text = " ".join(re.sub(r"[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]", " ", typed).split())
    if len(text) <= MAX_LENGTH:
        return text, []
    kept = text[:MAX_LENGTH].rsplit(" ", 1)[0]
    return kept, [f"Only the first {len(kept)} characters of the question were used; a sentence or two is enough."]


def understand(
    typed: str, *, meaning: bool = True, words: bool = True, spelling: bool = True, as_meant: Sequence[str] = ()
) -> Question:
    """Makes the legs of a question. Two queries (four once a minute, one more for an address), and the embedder's
    answer (see embed_question).

    Args:
        spelling: whether misspelt words are put right; those of the phrases in `as_meant` never are.
    """
    text, notes = clean(typed)
    key = title_key(text)
    if not key:
        if typed.strip():
            notes.append("There are no words in this question, so there is nothing to look for.")
        return Question(text, Legs(), tuple(notes))
    reading = vocabulary.read(text, as_meant) if spelling else Reading(text)
    named = glossary.expansions(reading.text)
    terms, rare, more = _terms(reading.text, [*reading.variants, *(each.other for each in named)]) if words else NONE
    if words and not terms:
        notes.append("These are only very common words, so the answers go by meaning and by titles.")
    notes += [f"{each.found} is also called {each.other}; both were looked for." for each in named]
    vector = embed_question(embedded(reading.text, named)) if meaning else None
    if meaning and vector is None:
        notes.append("Searching by meaning is not available at the moment, so only words were compared.")
    literal = None if vector is None else vector_literal(vector)
    legs = Legs(title_key(reading.text), _address(text), literal, model_name(), terms, rare, more)
    return Question(text, legs, tuple(notes), reading.corrections)


def embedded(text: str, named: Sequence[Expansion] = ()) -> str:
    """What the embedder reads of a question: what it names is named both ways. Pure."""
    return " ".join([text, *(f"({each.other})" for each in named)])


def _address(text: str) -> int | None:
    """The id of the product whose address this is: `urn:dp:domain:name` or `domain/name`."""
    found = ADDRESS.fullmatch(text)
    if not found:
        return None
    domain, name = found.group(1) or found.group(3), found.group(2) or found.group(4)
    return Product.objects.filter(domain__slug=domain, name=name).values_list("pk", flat=True).first()


def _terms(text: str, others: Sequence[str]) -> tuple[tuple[Term, ...], tuple[Term, ...], tuple[Term, ...]]:
    """The words of the question, rarest first; those of them that are rare enough to look for one by one; and the words
    of its other names, which count as one word together. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tsvector_to_array(to_tsvector('english', text)) "
            "FROM unnest(%s::text[]) WITH ORDINALITY AS given (text, n) ORDER BY n",
            [[text, *others]],
        )
        lexemes, *named = [row[0] for row in cursor.fetchall()]
    known = statistics()
    shares = sorted((known.share(lexeme), lexeme) for lexeme in lexemes)[: ranking.TERMS]
    terms = tuple(Term(lexeme, math.log1p(1 / share)) for share, lexeme in shares)
    rare: list[Term] = []
    expected = 0.0
    for term, (share, _) in zip(terms, shares, strict=True):
        expected += share * known.rows
        if rare and expected > ranking.RARE_WORDS_ROWS:
            break
        rare.append(term)
    more = {
        lexeme: Term(lexeme, math.log1p(1 / known.share(lexeme)) / len(name))
        for name in named
        for lexeme in name
        if lexeme not in lexemes and known.share(lexeme) * known.rows <= ranking.RARE_WORDS_ROWS
    }
    return terms, tuple(rare), tuple(more.values())[: ranking.TERMS]
