"""What a list is narrowed to, read from a query string, and the addresses that narrow it further or less."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import urlencode

from django.http import QueryDict

from registry.models import LISTED, AccessMode, ProductType
from search.language import take_apart

TAG_LIMIT = 12  # as many as search uses
TEXT_LIMIT = 63  # characters of a slug
AS_TYPED = "as-typed"
"""`?spelling=as-typed`: nothing that looks misspelt is put right."""
NAMES = ("domain", "type", "access", "owner", "goal", "lifecycle")


@dataclass(frozen=True)
class Filters:
    """One list: where it is (`path`), what is asked, and each filter that is set. Unknown values are dropped."""

    path: str
    question: str = ""
    domain: str = ""
    tags: tuple[str, ...] = ()
    type: str = ""
    access: str = ""
    owner: str = ""
    goal: str = ""
    lifecycle: str = ""
    as_typed: bool = False
    domain_in_path: bool = False
    typed: bool = False

    @classmethod
    def read(cls, path: str, query: QueryDict) -> Self:
        """From `?q=&domain=&tag=&tag=&type=&access=&owner=&goal=&lifecycle=&spelling=`, and from what `q` says.

        Typed filters win. NUL is dropped, since PostgreSQL refuses it.
        """
        question = query.get("q", "").replace("\x00", "").strip()
        spoken = take_apart(question)
        typed = bool(spoken.filters or spoken.tags)
        if typed:  # else what was typed stays as it is, in the box too
            question = spoken.question
        given = {name: spoken.filters.get(name) or query.get(name, "") for name in NAMES}
        tags = dict.fromkeys(_slug(tag) for tag in (*spoken.tags, *query.getlist("tag")))
        return cls(
            path=path,
            question=question,
            domain=_slug(given["domain"]),
            tags=tuple(tag for tag in tags if tag)[:TAG_LIMIT],
            type=given["type"] if given["type"] in ProductType.values else "",
            access=given["access"] if given["access"] in AccessMode.values else "",
            owner=_slug(given["owner"]),
            goal=_slug(given["goal"]),
            lifecycle=given["lifecycle"] if given["lifecycle"] in LISTED else "",
            as_typed=query.get("spelling") == AS_TYPED,
            typed=typed,
        )

    @property
    def narrowed(self) -> bool:
        """Whether any filter is set that a person can take away."""
        chosen = self.tags or self.type or self.access or self.owner or self.goal or self.lifecycle
        return bool(chosen or (self.domain and not self.domain_in_path))

    def pairs(self) -> list[tuple[str, str]]:
        """The query string of this list, in pairs."""
        pairs = [("q", self.question), ("domain", "" if self.domain_in_path else self.domain)]
        pairs += [("tag", tag) for tag in self.tags]
        pairs += [(name, getattr(self, name)) for name in NAMES[1:]]
        pairs.append(("spelling", AS_TYPED if self.as_typed and self.question else ""))
        return [(name, value) for name, value in pairs if value]

    def url(self, page: int = 1) -> str:
        """The address of this list."""
        pairs = self.pairs() + ([("page", str(page))] if page > 1 else [])
        return f"{self.path}?{urlencode(pairs)}" if pairs else self.path

    def toggled(self, name: str, value: str) -> "Filters":
        """With the value set where it is not, and taken away where it is. Tags add up, the others replace."""
        if name == "tag":
            tags = tuple(t for t in self.tags if t != value) if value in self.tags else (*self.tags, value)
            return replace(self, tags=tags)
        changes: Mapping[str, str] = {name: "" if getattr(self, name) == value else value}
        return replace(self, **changes)  # type: ignore[arg-type] # the names are those of the text filters

    def within(self, slug: str) -> "Filters":
        """The list of a domain's own page: the domain is in the path and `?domain=` means nothing there."""
        return replace(self, domain=slug, domain_in_path=True)

    def bare(self) -> "Filters":
        """The same list without filters."""
        domain = self.domain if self.domain_in_path else ""
        return replace(self, domain=domain, tags=(), type="", access="", owner="", goal="", lifecycle="")

    def has(self, name: str, value: str) -> bool:
        """Whether the value is set."""
        return value in self.tags if name == "tag" else bool(value) and getattr(self, name) == value


def _slug(text: str) -> str:
    return text.replace("\x00", "").strip()[:TEXT_LIMIT]
