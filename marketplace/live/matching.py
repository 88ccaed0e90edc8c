"""Which artifacts, columns and descriptions of a product match some words, and why. Pure, no I/O.

A word matches where a word of the text begins with it, also inside `snake_case` and `camelCase`. Whoever matches more
of the words stands first; of those with as many, names stand before titles, those before tags, and those before
descriptions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .view import ArtifactsView, ArtifactView, ContractView, IndexView, ProductView, SchemaView

MAX_WORDS = 8
MAX_QUESTION = 200  # characters that are read
ROWS = 8  # of one product
TEXT = 160  # characters of a matching text that are shown
LEAD_IN = 40  # of them before the first match
MAX_NAME = 120

# What most questions hold and no column is about.
_COMMON = frozenset(
    re.findall(
        r"\w+",
        """a an and any are as at be by did do does for from had has have how in is it its many much of on or per that
        the their there these this to was were what when where which who why will with""",
    )
)
_WEIGHTS = {"name": 4, "title": 3, "tag": 2, "description": 1}
# Which of several matching texts is shown: names stand above the row anyway, so what explains them comes first.
_SHOWN = {"description": 3, "name": 2, "title": 1, "tag": 0}
_SAYS = {"name": "name matches", "title": "title matches", "tag": "tags match", "description": "description mentions"}

Segment = tuple[str, bool]
"""A piece of text, and whether it matched."""


@dataclass(frozen=True, slots=True)
class Row:
    """One match. `artifact_id` and `artifact` are empty for the product as a whole, `column` for what is neither a
    column nor a table.

    `words` are those of the question that were found, `why` says where, `segments` is the matching text.
    """

    artifact_id: str
    artifact: str
    column: str
    why: str
    words: tuple[str, ...]
    segments: tuple[Segment, ...]
    score: int


@dataclass(frozen=True, slots=True)
class Found:
    """The best rows of a product, and how many more there are."""

    rows: tuple[Row, ...] = ()
    more: int = 0


def words_of(question: str) -> tuple[str, ...]:
    """The words that are looked for: without the most common ones, singular, each once, at most eight."""
    said = re.findall(r"[^\W_]+", question[:MAX_QUESTION].lower())
    telling = [word for word in said if word not in _COMMON and len(word) > 1] or said
    return tuple(dict.fromkeys(_singular(word) for word in telling))[:MAX_WORDS]


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


class Matcher:
    """Looks for the words in texts."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        alternatives = "|".join(f"({re.escape(word)})" for word in self.words)
        # At the beginning of a word, or where camelCase begins one; what follows up to its end belongs to the match.
        self._pattern = re.compile(rf"(?:(?<![^\W_])|(?<=[a-z0-9])(?=[A-Z]))(?i:{alternatives})")

    def found(self, text: str) -> frozenset[int]:
        """The numbers of the words that the text has."""
        return frozenset(match.lastindex or 0 for match in self._pattern.finditer(text))

    def marked(self, text: str) -> tuple[Segment, ...]:
        """The text around its first match, with the matches marked, in one line."""
        flat = " ".join(text.split())
        first = self._pattern.search(flat)
        begin = max(0, first.start() - LEAD_IN) if first and first.start() > TEXT - LEAD_IN else 0
        shown = flat[begin : begin + TEXT]
        parts: list[Segment] = [("… ", False)] if begin else []
        at = 0
        for match in self._pattern.finditer(shown):
            parts += [(shown[at : match.start()], False), (match.group(), True)]
            at = match.end()
        parts += [(shown[at:], False)] + ([(" …", False)] if begin + TEXT < len(flat) else [])
        return tuple(part for part in parts if part[0])


def search(matcher: Matcher, views: dict[str, Any]) -> Found:
    """The best rows of a product of which these parts are known, by name as the live cache has them."""
    if not matcher.words:
        return Found()
    product = views.get("metadata") if isinstance(views.get("metadata"), ProductView) else None
    artifacts = _artifacts(views.get("artifacts"), product)
    rows = [
        row
        for texts in _things(product, views.get("index"), artifacts, _contracts(views))
        if (row := _row(matcher, texts))
    ]
    rows.sort(key=lambda row: -row.score)  # stable: else in the order of the documents
    return Found(tuple(rows[:ROWS]), max(0, len(rows) - ROWS))


@dataclass(frozen=True, slots=True)
class _Texts:
    """One thing that can match: its texts as (kind of place, text)."""

    artifact: ArtifactView | None
    column: str
    texts: tuple[tuple[str, str | None], ...]


def _artifacts(listing: Any, product: ProductView | None) -> tuple[ArtifactView, ...]:
    return (listing.artifacts if isinstance(listing, ArtifactsView) else ()) or (product.artifacts if product else ())


def _contracts(views: dict[str, Any]) -> list[ContractView]:
    return [view for view in views.values() if isinstance(view, ContractView)]


def _things(
    product: ProductView | None, index: Any, artifacts: Sequence[ArtifactView], contracts: Iterable[ContractView]
) -> Iterator[_Texts]:
    said = product or (index if isinstance(index, IndexView) else None)
    if said:
        texts = [("description", said.summary), *(("tag", tag) for tag in said.tags)]
        if product:
            texts += [("description", text) for text in (product.purpose, product.limitations, product.usage)]
        yield _Texts(None, "", tuple(texts))
    for artifact in artifacts:
        tags = tuple(("tag", tag) for tag in artifact.tags)
        texts_of_it = (("name", artifact.name), ("title", artifact.title), ("description", artifact.summary), *tags)
        yield _Texts(artifact, "", texts_of_it)
        for schema in artifact.schemas:
            yield from _schema(artifact, schema)
    for contract in contracts:
        artifact_of_it = _artifact_of(contract, artifacts)
        yield _Texts(artifact_of_it, "", (("description", contract.purpose), ("description", contract.usage)))
        for schema in contract.schemas:
            yield from _schema(artifact_of_it, schema)


def _artifact_of(contract: ContractView, artifacts: Sequence[ArtifactView]) -> ArtifactView | None:
    same = [artifact for artifact in artifacts if artifact.contract_id and artifact.contract_id == contract.id]
    return next(
        (artifact for artifact in same if artifact.contract_version == contract.version), next(iter(same), None)
    )


def _schema(artifact: ArtifactView | None, schema: SchemaView) -> Iterator[_Texts]:
    named = (("name", schema.name), ("title", schema.business_name), ("description", schema.description))
    yield _Texts(artifact, schema.name, named)
    for column in schema.columns:
        tags = tuple(("tag", tag) for tag in column.tags)
        texts = (("name", column.name), ("title", column.business_name), ("description", column.description))
        yield _Texts(artifact, column.path, (*texts, *tags))


def _row(matcher: Matcher, thing: _Texts) -> Row | None:
    """All that matches of one thing as one row; the text of the best place is shown."""
    hits: dict[str, frozenset[int]] = {}
    shown: tuple[int, int, str] | None = None
    for kind, text in thing.texts:
        if text and (found := matcher.found(text)):
            hits[kind] = hits.get(kind, frozenset()) | found
            rank = (len(found), _SHOWN[kind], text)
            shown = rank if shown is None or rank[:2] > shown[:2] else shown
    if shown is None:
        return None
    numbers = frozenset().union(*hits.values())
    best = max(_WEIGHTS[kind] for kind in hits)
    return Row(
        artifact_id=thing.artifact.id if thing.artifact else "",
        artifact=(thing.artifact.title or thing.artifact.name)[:MAX_NAME] if thing.artifact else "",
        column=thing.column[:MAX_NAME],
        why="; ".join(f"{_SAYS[kind]} {_listed(matcher, hits[kind])}" for kind in _WEIGHTS if kind in hits),
        words=tuple(matcher.words[number - 1] for number in sorted(numbers)),
        segments=matcher.marked(shown[2]),
        score=10 * len(numbers) + best,
    )


def _listed(matcher: Matcher, numbers: Iterable[int]) -> str:
    return ", ".join(matcher.words[number - 1] for number in sorted(numbers))
