"""How much of a foreign document one fragment shows: enough for every honest one, little enough to be quick."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import TypeVar

from django.utils.html import format_html
from django.utils.safestring import SafeString

from marketplace.catalogue.text import MARKDOWN_LIMIT, cut, markdown, markup_count

S = TypeVar("S")
T = TypeVar("T")

ROWS = 300  # of one list: columns, artifacts, rules, checks, people …
ROWS_IN_ALL = 3_000  # of all lists of a fragment together
MARKDOWN_IN_ALL = 50_000  # characters of Markdown in a fragment
# Characters of it that mean something to Markdown. They cost the parser ten times what letters do, some of them up to
# 30 µs each; together this keeps whatever a document holds below 0.3 s.
MARKUP_IN_ALL = 5_000
SCHEMAS = 50  # of one contract
COLUMN_RULES = 20  # of one column; all stand in the list of rules
TEXTS = 50  # tags, notes
COLUMN_TEXT = 2_000  # characters of what a column means
CELL_TEXT = 200  # characters of a sample's cell
SAMPLE_COLUMNS = 200
SAMPLE_ROWS = 100
SAMPLE_CELLS = 10_000  # a wide sample shows fewer rows


class Rows(list[T]):
    """The rows that are shown; `more` is how many others the document has."""

    more: int = 0


class Bounds:
    """What is left of a fragment's share. One for each fragment; not for several threads."""

    def __init__(self) -> None:
        self._rows = ROWS_IN_ALL
        self._markdown = MARKDOWN_IN_ALL
        self._markup = MARKUP_IN_ALL

    def rows(self, found: Iterable[S], make: Callable[[S], T], limit: int = ROWS, left_out: int = 0) -> Rows[T]:
        """The first rows, as many as there is room for; `make` makes no others. `left_out`: not even kept, see live."""
        entries = iter(found)
        first = list(islice(entries, min(limit, self._rows)))
        self._rows -= len(first)
        shown = Rows(map(make, first))
        shown.more = left_out + sum(1 for _ in entries)
        return shown

    def texts(self, found: Iterable[str], limit: int = TEXTS) -> Rows[str]:
        """The same for a list of mere words."""
        return self.rows(found, str, limit)

    def markdown(self, text: str | None, limit: int = MARKDOWN_LIMIT, lower: int = 3) -> SafeString:
        """The text as sanitised HTML; escaped plain text once the fragment's share of Markdown is used up.

        `lower`: by how many levels its headings are lowered.
        """
        said = cut(text or "", limit)
        markup = markup_count(said)
        if len(said) > self._markdown or markup > self._markup:
            return format_html('<p class="plain">{}</p>', said)
        self._markdown -= len(said)
        self._markup -= markup
        return markdown(said, lower)
