"""Documents that describe many datasets: which one is meant, and what to say when that is not clear."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import parse_qsl, quote, urlsplit

from ..errors import FetchError
from ..view import ProductView
from .read import stable_id

T = TypeVar("T")

SHOWN = 3
LONGEST_PLACE = 300  # characters
_PLAIN_ID = re.compile(r"[\w.@-]{1,100}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a catalogue: where it stands, what it is known by, and its view; None where it is no object."""

    place: str
    identifier: str | None
    view: ProductView | None


def written(identifier: str) -> str:
    """An identifier as `#dataset=` takes it."""
    return quote(identifier, safe=":/@?,;~!$'()*-._")


def chosen(datasets: Sequence[tuple[str | None, T]], base_url: str | None) -> T | None:
    """The dataset meant, of (identifier, dataset): the one named by `#dataset=<identifier>` at the end of the
    address, else the only one; None where there is none at all. Raises FetchError("is_catalogue")."""
    wanted = _wanted(base_url)
    if wanted:
        for identifier, dataset in datasets:
            if identifier == wanted:
                return dataset
        if datasets:
            raise FetchError(
                "is_catalogue",
                f"The catalogue has no dataset with the identifier {wanted[:200]!r}; it describes {len(datasets):,}.",
                _advice(datasets),
            )
    if len(datasets) > 1:
        raise FetchError(
            "is_catalogue", f"This is a catalogue: it describes {len(datasets):,} datasets.", _advice(datasets)
        )
    return datasets[0][1] if datasets else None


def _wanted(base_url: str | None) -> str | None:
    try:
        fragment = urlsplit(base_url or "").fragment
    except ValueError:
        return None
    # A plus sign is one here, not a blank: identifiers have both.
    return dict(parse_qsl(fragment.replace("+", "%2B"))).get("dataset")


def _advice(datasets: Sequence[tuple[str | None, T]]) -> str:
    known = [identifier for identifier, _ in datasets if identifier]
    if not known:
        return "None of them has an identifier, so none can be chosen. Ask the catalogue's owner to add identifiers."
    shown = ", ".join(written(identifier)[:200] for identifier in known[:SHOWN])
    more = f", and {len(known) - SHOWN:,} more" if len(known) > SHOWN else ""
    return f"Add #dataset=<identifier> to the address to choose one. Its identifiers: {shown}{more}."


def artifact_id(product: str | None, given: str | None, index: int) -> str:
    """An artifact's id for addresses: the one given where it is plain, else one derived from what is known of it,
    the same each time. `index` is its place in the product, for what has no identifier."""
    if given and _PLAIN_ID.fullmatch(given) and given not in (".", ".."):
        return given
    return stable_id(product, given or index)
