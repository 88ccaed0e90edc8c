"""The words of the mesh's glossary, beside those that somebody writes."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.text import slugify

from registry.models import Tag

MOST = 5000  # words that are compared; a glossary of more is no glossary


@dataclass(frozen=True)
class UnknownWord:
    """A tag that the glossary has not, and its words that come nearest."""

    label: str
    near: Sequence[str]

    @property
    def sentence(self) -> str:
        """What is said beside the field."""
        nearest = f" Near it: {', '.join(self.near)}." if self.near else ""
        return f"“{self.label}” is not in the glossary.{nearest}"


def slug_of(label: str) -> str:
    """As the registry keeps a tag."""
    return slugify(label)[:63].strip("-")


def words() -> dict[str, str]:
    """The glossary: slug to label. One query."""
    return dict(Tag.objects.values_list("slug", "label")[:MOST])


def known_of(labels: Iterable[str]) -> tuple[list[str], list[str]]:
    """Those that the glossary has, as it writes them, and the others. One query."""
    wanted = {slug: label for label in labels if (slug := slug_of(label))}
    found = dict(Tag.objects.filter(slug__in=wanted).values_list("slug", "label"))
    return [found[slug] for slug in wanted if slug in found], [wanted[slug] for slug in wanted if slug not in found]


def unknown(labels: Iterable[str]) -> list[UnknownWord]:
    """The labels that are not in the glossary, each with up to three of its words that are. One or two queries."""
    _, strange = known_of(labels)
    if not strange:
        return []
    glossary = words()
    return [UnknownWord(label, near(label, glossary)) for label in strange]


def near(label: str, glossary: dict[str, str], most: int = 3) -> list[str]:
    """The words of the glossary that look like this one, or share a word with it; nearest first. CPU only."""
    slug = slug_of(label)
    parts = {_stem(part) for part in slug.split("-") if len(part) > 2}
    sharing = [other for other in glossary if parts & {_stem(part) for part in other.split("-")}]
    sharing.sort(key=lambda other: -difflib.SequenceMatcher(None, slug, other).ratio())
    looking = difflib.get_close_matches(slug, list(glossary), n=most, cutoff=0.75)
    return [glossary[other] for other in dict.fromkeys([*sharing[:most], *looking])][:most]


def within(text: str, glossary: dict[str, str]) -> list[str]:
    """The slugs of the glossary whose words stand in the text, one behind the other; the longest first. CPU only."""
    written = "-".join(_stem(part) for part in re.findall(r"[a-z0-9]+", slugify(text, allow_unicode=False)))
    line = f"-{written}-"
    found = [slug for slug in glossary if len(slug) > 2 and f"-{'-'.join(map(_stem, slug.split('-')))}-" in line]
    return sorted(found, key=lambda slug: (-len(slug), slug))


def _stem(part: str) -> str:
    """Without the ending of an English plural, so that "tides" is "tide"."""
    if len(part) > 4 and part.endswith("ies"):
        return f"{part[:-3]}y"
    return part[:-1] if len(part) > 3 and part.endswith("s") and not part.endswith("ss") else part
