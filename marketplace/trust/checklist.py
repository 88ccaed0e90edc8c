"""The checklist of a publishable product, judged live from its entry and from its own documents. Pure, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from marketplace.live.state import LiveProduct
from marketplace.trust import judging
from marketplace.trust.entry import Entry
from marketplace.trust.findings import Finding, Judge, Where
from marketplace.trust.told import Told, told_by

Level = Literal["advised", "mandatory", "blocking"]
LEVELS: tuple[Level, ...] = ("advised", "mandatory", "blocking")


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the checklist. `why`: what for. `fix`: what to do where it is missing; `example`: as it is written in
    the document of `where`. `level` is the one it has until a steward sets another; what `always` blocks, the registry
    itself insists on."""

    key: str
    title: str
    why: str
    judge: Judge
    where: Where
    fix: str
    level: Level = "advised"
    always: bool = False
    example: str = ""


ITEMS: tuple[Item, ...] = (
    Item(
        "owner",
        "Owner",
        "Somebody answers for it and decides about it.",
        judging.owner,
        "listing",
        "Give it to a team that takes care of it.",
        "blocking",
        always=True,
    ),
    Item(
        "steward",
        "Data steward",
        "Somebody looks after meaning, quality and rules.",
        judging.steward,
        "product",
        "Name a member of the team whose role is Data steward.",
        "mandatory",
        example="team:\n  members:\n    - username: jo@example.org\n      name: Jo Doe\n      role: Data steward",
    ),
    Item(
        "name",
        "Name unique in its domain",
        "One address leads to one product, for good.",
        judging.name,
        "listing",
        "Choose another name.",
        "blocking",
        always=True,
    ),
    Item(
        "description",
        "Description",
        "People find it by these words, and decide by them.",
        judging.description,
        "listing",
        "Write two or three sentences: what it holds, for where and when, what it is good for.",
        "blocking",
        always=True,
    ),
    Item(
        "agreement",
        "Data sharing agreement",
        "It says what both sides owe each other. For an open product its license does.",
        judging.agreement,
        "product",
        "Link the agreement that consumers enter into; for an open product, name its license.",
        example="authoritativeDefinitions:\n  - type: dataSharingAgreement\n    url: https://example.org/agreements/rain",
    ),
    Item(
        "access",
        "Open access, or approval required",
        "Everybody sees at once whether they have to ask.",
        judging.access,
        "listing",
        "Make the listing and the product's own accessRights say the same.",
        "mandatory",
        example="customProperties:\n  - {property: accessRights, value: on request}",
    ),
    Item(
        "access-policy",
        "Data access policy",
        "It says who may have it, and who decides.",
        judging.access_policy,
        "product",
        "Name the policy on access, or the roles and their approvers in a data contract.",
        example="authoritativeDefinitions:\n  - type: policy\n    url: https://example.org/policies/access\n"
        "    description: Data access policy",
    ),
    Item(
        "rights",
        "Distribution rights",
        "It says what one may do with the data, and pass on.",
        judging.rights,
        "product",
        "Name a license, as an SPDX identifier or an address.",
        "mandatory",
        example="customProperties:\n  - {property: license, value: CC-BY-4.0}",
    ),
    Item(
        "slo",
        "Service level objectives",
        "One can rely on what is promised, and see whether it is kept.",
        judging.objectives,
        "contract",
        "Promise something that you measure: how fresh, how available, how long kept.",
        "mandatory",
        example="slaProperties:\n  - {property: frequency, value: 1, unit: d}\n"
        "  - {property: availability, value: 99.5, unit: percent}",
    ),
    Item(
        "contract",
        "At least one port with a contract",
        "Consumers build on what is promised, and not on what happens to be there.",
        judging.contract,
        "product",
        "Let an output port name its data contract (ODCS), and serve that contract.",
        "mandatory",
        example="outputPorts:\n  - name: daily\n    version: 1.0.0\n    contractId: daily-rain",
    ),
    Item(
        "type",
        "Type",
        "Source-aligned, aggregate or consumer-aligned: how close it is to where the data come from.",
        judging.kind,
        "listing",
        "Choose one of the three types.",
        "mandatory",
        example="type: source-aligned",
    ),
    Item(
        "domain",
        "Business domain",
        "It is found where people of that business look.",
        judging.domain,
        "listing",
        "Choose a domain.",
        "blocking",
        always=True,
    ),
    Item(
        "privacy",
        "Privacy classification",
        "One knows whether there is anything personal or confidential in it.",
        judging.privacy,
        "contract",
        "Classify each column, or say one classification for the whole product.",
        "mandatory",
        example="schema:\n  - name: daily\n    properties:\n      - {name: station_id, classification: public}",
    ),
)
BY_KEY = {item.key: item for item in ITEMS}


@dataclass(frozen=True, slots=True)
class Judged:
    """A line of the checklist with what was found. `blocks`: it keeps the product from being published."""

    item: Item
    level: Level
    finding: Finding

    @property
    def key(self) -> str:
        return self.item.key

    @property
    def state(self) -> str:
        """met, missing or unknown."""
        return self.finding.state

    @property
    def reason(self) -> str:
        return self.finding.reason

    @property
    def blocks(self) -> bool:
        return self.level == "blocking" and self.state != "met"


@dataclass(frozen=True, slots=True)
class Checklist:
    """All lines in order, and what they were judged by."""

    items: tuple[Judged, ...]
    told: Told

    def count(self, state: str) -> int:
        """How many lines are met, missing or unknown."""
        return sum(judged.state == state for judged in self.items)

    @property
    def blocking(self) -> tuple[Judged, ...]:
        """What keeps it from being published."""
        return tuple(judged for judged in self.items if judged.blocks)


def checklist(view: LiveProduct | None, entry: Entry, levels: Mapping[str, Level] | None = None) -> Checklist:
    """Judges a product by its entry and by what it says of itself; `view` is None where it was never asked.

    `levels` are those that stewards set, by key; the others are at their default. What cannot be known while the
    product does not answer is `unknown`, never missing.
    """
    told = told_by(view)
    return Checklist(tuple(Judged(item, level_of(item, levels or {}), item.judge(entry, told)) for item in ITEMS), told)


def level_of(item: Item, levels: Mapping[str, Level]) -> Level:
    """The level that holds; what the registry insists on stays blocking."""
    return "blocking" if item.always else levels.get(item.key, item.level)
