"""What a catalogue lists, each dataset in a few lines: enough to choose from, and to register it by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.utils.text import slugify

from registry.text import name_from, plain_text

from .errors import Problem
from .formats import entries_of, recognise
from .formats.catalogue import LONGEST_PLACE, Entry, written
from .view import CatalogueView, ListedDataset, ProductView

MOST = 2000  # datasets of one catalogue
DESCRIPTION = 3000  # characters; three sentences of it are proposed as the summary
TAGS = 8
DOCUMENTS = 5


def listed(document: Any, url: str) -> CatalogueView:
    """The datasets at `url`, in the catalogue's order, each with a name of its own. Raises FetchError. CPU only.

    A name is made from the title; where an earlier dataset has it, the identifier's letters follow, so that the same
    catalogue gives the same names each time, whatever is chosen of it.
    """
    base = url.partition("#")[0]
    entries = list(entries_of(document, base))
    found: list[tuple[str, ListedDataset]] = []
    places: dict[str, str] = {}
    for entry in entries[:MOST]:
        dataset = _dataset(entry, base)
        if entry.identifier and not dataset.problem:
            first = places.setdefault(entry.identifier, entry.place)
            if first != entry.place:
                problem = f"Its identifier is that of {first} too; each needs its own."
                dataset = replace(dataset, problem=problem, url="")
        found.append((entry.identifier or "", dataset))
    return CatalogueView(recognise(document).NAME, _named(found), max(0, len(entries) - MOST))


def gathered(standard: str, members: Sequence[tuple[str, ProductView | Problem]], left_out: int) -> CatalogueView:
    """The same of documents that were fetched one by one: their addresses, and what each of them says. Pure."""
    found = []
    for number, (url, said) in enumerate(members, 1):
        place = url if len(url) <= LONGEST_PLACE else f"member {number}"
        if isinstance(said, Problem):
            dataset = ListedDataset(place, title=url.rstrip("/").rpartition("/")[2][:140], problem=said.message)
        else:
            dataset = replace(_dataset(Entry(place, said.id or url, said), ""), url=url)
        found.append((url, dataset))
    return CatalogueView(standard, _named(found), left_out)


def _named(datasets: Sequence[tuple[str, ListedDataset]]) -> tuple[ListedDataset, ...]:
    """With names, of (identifier, dataset); what has a problem needs none."""
    names: set[str] = set()
    found = []
    for identifier, dataset in datasets:
        if not dataset.problem:
            dataset = replace(dataset, name=_own_name(dataset, identifier, names))
            names.add(dataset.name)
        found.append(dataset)
    return tuple(found)


def _dataset(entry: Entry, base: str) -> ListedDataset:
    view = entry.view
    if view is None:
        return ListedDataset(entry.place, problem="This entry is not an object, so it describes nothing.")
    title = " ".join(plain_text(view.title or "").split())
    dataset = ListedDataset(
        place=entry.place,
        title=title[:140],
        description=plain_text((view.summary or "")[: DESCRIPTION * 2])[:DESCRIPTION],
        url=f"{base}#dataset={written(entry.identifier)}" if entry.identifier else "",
        domain=slugify(view.domain or "")[:63].strip("-"),
        publisher=(view.publisher or view.owner or "")[:120],
        tags=tuple(tag[:63] for tag in view.tags[:TAGS]),
        documentation=view.documentation[:DOCUMENTS],
    )
    return replace(dataset, problem=_problem(dataset, entry.identifier))


def _problem(dataset: ListedDataset, identifier: str | None) -> str:
    if not dataset.title:
        return "It has no title."
    if not dataset.description:
        return "It has no description, and people find a product by the words of its summary."
    if not identifier:
        return "It has no identifier, so no address leads to it alone."
    if len(dataset.url) > 1900:
        return "Its identifier is too long to be part of an address."
    if not (name_from(dataset.title) or name_from(identifier)):
        return "No name can be made from its title or its identifier: neither has a letter of a to z, or a digit."
    return ""


def _own_name(dataset: ListedDataset, identifier: str, taken: set[str]) -> str:
    name = name_from(dataset.title) or name_from(identifier)
    if name not in taken:
        return name
    ending = name_from(identifier, 2000)[-24:].strip("-")
    wanted = "-".join(part for part in (name[: 62 - len(ending)].strip("-"), ending) if part)
    number = 2
    free = wanted
    while free in taken:
        free, number = f"{wanted[:57].strip('-')}-{number}", number + 1
    return free
