"""What a search answers with."""

from dataclasses import dataclass, field

from registry.models import Domain, Product
from search.ranking import Filters
from search.vocabulary import Correction

Segment = tuple[str, bool]
"""A piece of text, and whether it matched the question."""


@dataclass(frozen=True)
class Reason:
    """Why a product is there: `kind` is address, title, tags, summary or meaning; `words` are those that matched."""

    kind: str
    text: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hit:
    """A product, its score (comparable within one search only), and what speaks for it."""

    product: Product
    score: float
    reasons: tuple[Reason, ...]
    title: tuple[Segment, ...]
    summary: tuple[Segment, ...]
    similarity: float | None = None


@dataclass(frozen=True)
class Loosening:
    """One filter less: its name, its value, and the filters that stay.

    Names: `domain`, `tag`, `type`, `access`, `owner`, `goal`, `lifecycle`, `phrase` and `without`.
    """

    name: str
    value: str
    filters: Filters


@dataclass(frozen=True)
class Suggestions:
    """Where nothing matched: the nearest products whatever the filters, their domains, and filters to take away."""

    products: tuple[Product, ...] = ()
    domains: tuple[Domain, ...] = ()
    loosen: tuple[Loosening, ...] = ()


@dataclass(frozen=True)
class Results:
    """A page of hits. `mode` is `meaning+text`, or `text` where no vectors took part.

    `question` is what was used of what was typed; typed filters stand in `filters`.
    """

    question: str
    filters: Filters
    hits: tuple[Hit, ...]
    total: int
    took_ms: float
    mode: str
    notes: tuple[str, ...] = ()
    suggestions: Suggestions | None = None
    matched: tuple[int, ...] = field(default=(), repr=False)
    """The ids of all matched products, best first; `facets` counts over them."""
    corrections: tuple[Correction, ...] = ()
    """Misspelt words, and those that were looked for in their place."""


@dataclass(frozen=True)
class Count:
    """How many of the matched products have a value."""

    value: str
    label: str
    count: int


@dataclass(frozen=True)
class Facets:
    """Counts over the matched products, most first. `domains` counts a domain and all below it."""

    domains: tuple[Count, ...] = ()
    tags: tuple[Count, ...] = ()
    types: tuple[Count, ...] = ()
    access: tuple[Count, ...] = ()
    owners: tuple[Count, ...] = ()
    lifecycles: tuple[Count, ...] = ()
    goals: tuple[Count, ...] = ()
    """Goals and use cases alike, by slug; a goal counts the products of its use cases."""
