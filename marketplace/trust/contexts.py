"""What the templates of this room get: rows as they are shown, with the addresses where things are put right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from marketplace.live.inspection import Suggestions
from marketplace.live.state import LiveProduct
from marketplace.trust.checklist import ITEMS, LEVELS, Checklist, Judged, Level, checklist, level_of
from marketplace.trust.entry import Entry, entry_of
from marketplace.trust.fair import Fair, fair
from marketplace.trust.findings import Where
from marketplace.trust.models import ChecklistPolicy
from registry.models import Product

POLL_MS = (120, 250, 500, 1000)
POLL_TRIES = 32  # about half a minute
LEVEL_WORDS: dict[Level, str] = {
    "advised": "Advised",
    "mandatory": "Mandatory",
    "blocking": "Needed to publish",
}
STATE_WORDS = {"met": "Met", "missing": "Missing", "unknown": "Not known"}
RAISING = 5  # of what would raise a score, shown first


@dataclass(frozen=True)
class Standing:
    """How the product answers at this moment, and when to ask again; `poll_url` is empty where all is known."""

    state: str
    word: str
    problem: str = ""
    seen_at: datetime | None = None
    poll_url: str = ""
    poll_ms: int = 0


def standing(found: LiveProduct, url: str, tries: int) -> Standing:
    """By the product's own document. `url` is the fragment's, `tries` how often the browser has asked."""
    part = found.metadata
    state, word = _word(found)
    asks = found.waiting and tries < POLL_TRIES
    return Standing(
        state,
        word,
        "" if part.view is not None and part.state != "last_seen" else part.message,
        part.seen_at,
        f"{url}?n={tries + 1}" if asks else "",
        POLL_MS[min(tries, len(POLL_MS) - 1)],
    )


def _word(found: LiveProduct) -> tuple[str, str]:
    part = found.metadata
    if part.view is not None:
        return ("last_seen", "Does not answer now; as last seen") if part.state == "last_seen" else ("live", "Live")
    if part.waiting or part.state == "loading":
        return "loading", "Asking the product"
    if part.state == "never":
        return "never", "Nothing to ask"
    return ("down", "Does not answer") if part.state == "down" else ("unknown", "Not available now")


def tries_of(raw: str | None) -> int:
    """How often the browser has asked, out of an address; 0 for anything else."""
    return int(raw) if raw and raw.isascii() and raw.isdigit() and len(raw) < 4 else 0


@dataclass(frozen=True)
class Fix:
    """Where and how something is put right. `url` leads to the form, or to the document as it is served now."""

    text: str
    label: str = ""
    url: str = ""
    example: str = ""


@dataclass(frozen=True)
class Row:
    """A line of the checklist, or a check of the score. `points` is empty for the former."""

    key: str
    title: str
    why: str
    state: str
    state_word: str
    reason: str
    level: str = ""
    level_word: str = ""
    points: str = ""
    fix: Fix | None = None


def checklist_of(product: Product, found: LiveProduct, judged: Checklist, *, owner: bool) -> dict[str, Any]:
    """The lines, with what to do about each for its owner."""
    fixes = _Fixes(product, found)
    rows = [_row(one, fixes, owner=owner) for one in judged.items]
    return {
        "rows": rows,
        "met": judged.count("met"),
        "missing": judged.count("missing"),
        "unknown": judged.count("unknown"),
        "all": len(rows),
        "blocking": [one.item.title for one in judged.blocking],
        "owner": owner,
        "draft": not product.is_listed,
    }


def _row(one: Judged, fixes: _Fixes, *, owner: bool) -> Row:
    fix = None
    if owner and one.state == "missing":
        fix = fixes.of(one.item.where, one.item.fix, one.item.example)
    return Row(
        one.key,
        one.item.title,
        one.item.why,
        one.state,
        STATE_WORDS[one.state],
        one.reason,
        one.level,
        LEVEL_WORDS[one.level],
        fix=fix,
    )


class _Fixes:
    """The addresses at which the things of one product are put right."""

    def __init__(self, product: Product, found: LiveProduct) -> None:
        self.address = [product.domain.slug, product.name]
        self.found = found

    def of(self, where: Where, text: str, example: str = "") -> Fix:
        """Of a product that names no address there is no document to lead to."""
        if where == "listing":
            return Fix(text, "Edit the listing", reverse("publishing:edit", args=self.address))
        if self.found.metadata.state == "never" and self.found.metadata.view is None:
            return Fix(text, example=example)
        part = "metadata"
        if where == "contract":
            part = next((one.name for one in self.found.contracts if one.view is not None), part)
        url = reverse("catalogue:original", args=[*self.address, part.replace(":", "-")])
        return Fix(text, "See the document as it is now", url, example)


@dataclass(frozen=True)
class PrincipleRows:
    """One of the four letters with its checks."""

    letter: str
    title: str
    score: int | None
    rows: Sequence[Row]


def fair_of(product: Product, found: LiveProduct, judged: Fair, *, owner: bool) -> dict[str, Any]:
    """The score, its four parts, and what would raise it."""
    fixes = _Fixes(product, found)

    def row(one: Any) -> Row:
        missing = one.state == "missing"
        fix = fixes.of(one.check.where, one.check.raises) if owner and missing else None
        fix = fix or (Fix(one.check.raises) if missing else None)
        words = STATE_WORDS[one.state]
        points = points_of(one.points) if missing else ""
        return Row(one.key, one.check.title, one.check.principle, one.state, words, one.reason, points=points, fix=fix)

    return {
        "score": judged.score,
        "unknown": judged.unknown,
        "principles": [
            PrincipleRows(one.letter, one.title, one.score, [row(checked) for checked in one.checks])
            for one in judged.principles
        ],
        "raising": [row(one) for one in judged.raising[:RAISING]],
        "owner": owner,
    }


def points_of(points: float) -> str:
    """Such as "+5", of a hundred."""
    return f"+{max(1, round(points))}"


@dataclass(frozen=True)
class InShort:
    """One line for the product page: the score, how much of the checklist is met, and where to read more."""

    score: int | None
    at_least: bool
    met: int
    of: int
    fair_url: str
    checklist_url: str


def in_short(product: Product, found: LiveProduct) -> InShort | None:
    """None while the product is being asked, or does not answer. No query where tags and links are loaded. 0.5 ms."""
    entry = entry_of(product)
    judged = fair(found, entry)
    if judged.told.asking or judged.score is None:
        return None
    met = sum(item.judge(entry, judged.told).state == "met" for item in ITEMS)
    address = [product.domain.slug, product.name]
    return InShort(
        judged.score,
        judged.unknown > 0,
        met,
        len(ITEMS),
        reverse("trust:fair", args=address),
        reverse("trust:checklist", args=address),
    )


def preview_of(found: LiveProduct, said: Suggestions, levels: Mapping[str, Level]) -> dict[str, Any]:
    """The lines that a product's own documents decide, before it is registered; the listing is still being written."""
    entry = Entry(said.domain, said.domain, said.name, said.title, said.summary, said.owner, said.type)
    judged = [one for one in checklist(found, entry, levels).items if one.item.where != "listing"]
    lacking = [one for one in judged if one.state != "met"]
    return {
        "met": len(judged) - len(lacking),
        "all": len(judged),
        "rows": [
            Row(one.key, one.item.title, one.item.why, one.state, STATE_WORDS[one.state], one.reason, one.level, word)
            for one in sorted(lacking, key=lambda one: -LEVELS.index(one.level))
            for word in [LEVEL_WORDS[one.level]]
        ],
        "blocks": any(one.blocks for one in lacking),
    }


def policy_rows(policy: ChecklistPolicy) -> list[dict[str, Any]]:
    """The items with the level each has, for stewards."""
    return [
        {"item": item, "level": level_of(item, policy.levels), "word": LEVEL_WORDS[level_of(item, policy.levels)]}
        for item in ITEMS
    ]
