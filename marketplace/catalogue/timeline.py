"""A product's life in order: what happened to its listing, and what its own documents date."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from marketplace.catalogue.queries import events_of
from marketplace.catalogue.text import moment
from marketplace.live.state import LiveProduct
from marketplace.live.view import ContractView, IndexView, SlaRow
from marketplace.notices.words import TEXT, WORDS, detail
from registry.models import Product

EVENTS = 40
ENTRIES = 60

_DATES = {
    "generalavailability": ("In general use", "circle-check"),
    "endofsupport": ("End of support", "triangle-alert"),
    "endoflife": ("End of life", "circle-alert"),
}


_LABELS = {
    "generalavailability": "Generally available",
    "ga": "Generally available",
    "endofsupport": "End of support",
    "es": "End of support",
    "endoflife": "End of life",
    "el": "End of life",
}  # the names of ODCS and its short ones, in the order of a product's life


@dataclass(frozen=True)
class Planned:
    """A date that the product promises; `over`: the day has come."""

    label: str
    day: str
    iso: str
    over: bool


def planned(objectives: Iterable[SlaRow]) -> list[Planned]:
    """When it is in general use, and until when it is supported and there at all; of several dates the first."""
    found: dict[str, date] = {}
    for row in objectives:
        label = _LABELS.get("".join(char for char in row.property.lower() if char.isalnum()))
        when = _when(row.value)
        if label and when:
            found[label] = min(found.get(label, when.date()), when.date())
    today = datetime.now(UTC).date()
    labels = [label for label in dict.fromkeys(_LABELS.values()) if label in found]
    return [
        Planned(label, moment(found[label].isoformat()), found[label].isoformat(), found[label] <= today)
        for label in labels
    ]


@dataclass(frozen=True)
class Entry:
    """Something that happened, or is planned. `source` says who says so: the marketplace or the product."""

    when: datetime
    text: str
    icon: str
    source: str
    detail: str = ""

    @property
    def planned(self) -> bool:
        """Whether it lies ahead."""
        return self.when > datetime.now(UTC)

    @property
    def day(self) -> str:
        """For reading, such as "1 Mar 2024"."""
        return moment(self.when.date().isoformat())


def entries(product: Product, found: LiveProduct) -> list[Entry]:
    """Newest first, what is planned before all. One query."""
    told = [*_registered(product), *_said(found)]
    return sorted(dict.fromkeys(told), key=lambda entry: entry.when, reverse=True)[:ENTRIES]


def _registered(product: Product) -> Iterator[Entry]:
    for event in events_of(product.urn, WORDS, EVENTS):
        words, icon = WORDS[event.type]
        yield Entry(event.time, words, icon, "marketplace", detail(event))


def _said(found: LiveProduct) -> Iterator[Entry]:
    index = found.index.view if isinstance(found.index.view, IndexView) else None
    said = found.product
    version = (said.version if said else None) or (index.version if index else None)
    if said:
        yield from _entry(said.created, "Product description first written", "pencil", "")
        yield from _entry(said.modified, "Product changed", "refresh-cw", f"version {version}" if version else "")
    for part in found.contracts:
        contract = part.view
        if not isinstance(contract, ContractView):
            continue
        name = " ".join(filter(None, (contract.name or contract.id, contract.version)))[:TEXT]
        yield from _entry(contract.created, "Contract written", "scale", name)
        for row in contract.sla:
            if known := _DATES.get(row.property.lower()):
                yield from _entry(row.value, known[0], known[1], name)
    for artifact in getattr(found.artifacts.view, "artifacts", ())[:ENTRIES]:
        yield from _entry(artifact.updated, "Data changed", "database", (artifact.title or artifact.name)[:TEXT])


def _entry(text: str | None, words: str, icon: str, detail: str) -> Iterator[Entry]:
    when = _when(text)
    if when is not None:
        yield Entry(when, words, icon, "product", detail)


def _when(text: str | None) -> datetime | None:
    """The time a document writes; None where it is none, or has no day."""
    text = (text or "").strip()
    if len(text) < len("2024-03-01"):
        return None
    try:
        if len(text) == len("2024-03-01"):
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
