"""What the marketplace answers. Fields that this version does not know are left out; `raw` has them all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Link:
    """Where a product answers: relation, address, media type."""

    rel: str
    url: str
    media_type: str = ""
    title: str = ""

    @classmethod
    def of(cls, data: Json) -> Self:
        """From an answer."""
        return cls(data["rel"], data["url"], data.get("media_type", ""), data.get("title", ""))


@dataclass(frozen=True, slots=True)
class Product:
    """All that is registered of a product. `owner` is the slug of a team, `revision` what a change has to name."""

    uuid: str
    urn: str
    domain: str
    name: str
    title: str
    summary: str
    type: str
    tags: tuple[str, ...]
    owner: str
    lifecycle: str
    access_mode: str
    links: tuple[Link, ...]
    revision: int
    url: str
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, data: Json) -> Self:
        """From an answer."""
        plain = ("uuid", "urn", "domain", "name", "title", "summary", "type", "lifecycle", "access_mode", "revision")
        return cls(
            **{key: data[key] for key in plain},
            tags=tuple(data["tags"]),
            owner=data["owner"]["slug"],
            links=tuple(Link.of(link) for link in data["links"]),
            url=data["url"],
            raw=data,
        )


@dataclass(frozen=True, slots=True)
class Hit:
    """A product that was found, and why. `owner` is the team's name as people read it."""

    urn: str
    title: str
    summary: str
    owner: str
    lifecycle: str
    score: float
    reasons: tuple[str, ...]
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, data: Json) -> Self:
        """From an answer."""
        product = data["product"]
        plain = ("urn", "title", "summary", "owner", "lifecycle")
        reasons = tuple(reason["text"] for reason in data["reasons"])
        return cls(**{key: product[key] for key in plain}, score=data["score"], reasons=reasons, raw=data)


@dataclass(frozen=True, slots=True)
class Found:
    """The best hits of a search. `count` is how many matched in all, `notes` what was not used of the question."""

    count: int
    notes: tuple[str, ...]
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Resolved:
    """What an address of the mesh leads to."""

    urn: str
    title: str
    lifecycle: str
    links: tuple[Link, ...]
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, data: Json) -> Self:
        """From an answer."""
        links = tuple(Link.of(link) for link in data["links"])
        return cls(data["urn"], data["title"], data["lifecycle"], links, raw=data)


@dataclass(frozen=True, slots=True)
class Dataset:
    """One of a catalogue. `result` is created, updated, unchanged, already (there by another address) or refused, and
    empty before it is published; `reason` says why it was, or would be, refused.
    """

    place: str
    title: str
    result: str = ""
    urn: str = ""
    reason: str = ""

    @classmethod
    def of(cls, data: Json) -> Self:
        """From what became of it."""
        return cls(data["place"], data["title"], data["result"], data["urn"], data["reason"])

    @classmethod
    def listed(cls, data: Json) -> Self:
        """From what a catalogue lists."""
        return cls(data["place"], data["title"], reason=data["problem"])


@dataclass(frozen=True, slots=True)
class Lack:
    """What a product lacks on the checklist, or cannot be judged of now: `state` is missing or unknown."""

    key: str
    title: str
    level: str
    state: str
    reason: str
    fix: str
    blocks: bool

    @classmethod
    def of(cls, data: Json) -> Self:
        """From an answer."""
        return cls(**{name: data[name] for name in cls.__dataclass_fields__})


@dataclass(frozen=True, slots=True)
class Checklist:
    """What a publishable product has, judged now. `publishable`: nothing that blocks is lacking."""

    urn: str
    met: int
    publishable: bool
    lacks: tuple[Lack, ...]
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, data: Json) -> Self:
        """From an answer that is settled."""
        lacks = tuple(Lack.of(row) for row in data["items"] if row["state"] != "met")
        return cls(data["urn"], data["met"], data["publishable"], lacks, raw=data)


@dataclass(frozen=True, slots=True)
class Offer:
    """A product offered by its `owner` to a `team` (slugs), which has to accept it."""

    uuid: str
    urn: str
    title: str
    owner: str
    team: str
    offered_at: str

    @classmethod
    def of(cls, data: Json) -> Self:
        """From an answer."""
        return cls(*(data[key] for key in ("uuid", "urn", "title", "owner", "team", "offered_at")))


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, a CloudEvent. `actor` is None where one may not know who it was."""

    id: int
    type: str
    subject: str
    time: str
    actor: str | None
    data: Json
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, data: Json) -> Self:
        """From an answer."""
        plain = (data["type"], data["subject"], data["time"], data.get("actor"), data["data"])
        return cls(int(data["id"]), *plain, raw=data)


@dataclass(frozen=True, slots=True)
class ContractChange:
    """A change of a contract: `kind` and `level` as docs/drift.md has them; empty texts where they say nothing."""

    kind: str
    text: str
    level: str
    schema: str
    column: str
    attribute: str
    name: str
    before: str
    after: str
    renamed_to: str

    @classmethod
    def of(cls, data: Json) -> Self:
        """From an answer."""
        return cls(**{name: data[name] for name in cls.__dataclass_fields__})


@dataclass(frozen=True, slots=True)
class ContractDiff:
    """What lies between two contracts. `level` is that of all changes together, None for none; `changes` has the first
    thousand, the gravest first. `bump` says how the producer's own step compares with the `suggested_version`.
    """

    version_before: str
    version_after: str
    level: str | None
    suggested_version: str | None
    bump: str
    counts: Mapping[str, int]
    changes: tuple[ContractChange, ...]
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, data: Json) -> Self:
        """From an answer that is settled."""
        versions = data["before"]["version"], data["after"]["version"]
        judged = (data["level"], data["suggested_version"], data["bump"], data["counts"])
        return cls(*versions, *judged, tuple(ContractChange.of(row) for row in data["changes"]), raw=data)


@dataclass(frozen=True, slots=True)
class Person:
    """Whose token it is; `teams` are slugs. `acts_for` is the team that the token is of, None for a person's."""

    username: str
    name: str
    roles: tuple[str, ...]
    teams: tuple[str, ...]
    acts_for: str | None = None

    @classmethod
    def of(cls, data: Json) -> Self:
        """From an answer."""
        teams = tuple(team["slug"] for team in data["teams"])
        return cls(data["username"], data["name"], tuple(data["roles"]), teams, data.get("acts_for"))


@dataclass(frozen=True, slots=True)
class Change:
    """A field of an entry that differs from what was there."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done with one product: `result` is created, updated, unchanged or refused, `errors` by field."""

    index: int
    urn: str | None
    result: str
    lifecycle: str | None = None
    url: str | None = None
    changes: tuple[Change, ...] = ()
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, data: Json, index: int) -> Self:
        """From an answer; `index` is its place in the caller's list."""
        changes = tuple(Change(row["field"], row["before"], row["after"]) for row in data["changes"])
        errors = data.get("errors", {})
        return cls(index, data["urn"], data["result"], data["lifecycle"], data["url"], changes, errors)
