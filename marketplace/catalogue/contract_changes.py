"""Two versions of a contract side by side: what changed, how grave it is, which version it deserves."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from marketplace.catalogue import details
from marketplace.catalogue.bounds import Bounds, Rows
from marketplace.catalogue.contexts import Notice
from marketplace.catalogue.drift_notice import days_ago
from marketplace.catalogue.fragments import polling_of
from marketplace.catalogue.live_parts import Polling, age, live
from marketplace.catalogue.text import cut
from marketplace.live import services
from marketplace.live.cache import CacheDownError
from marketplace.live.drift import kept
from marketplace.live.drift.changes import Change
from marketplace.live.drift.comparing import Comparison, compare
from marketplace.live.drift.noticing import contract_key
from marketplace.live.drift.telling import BUMPS, counted
from marketplace.live.drift.versions import Bump, Level, order
from marketplace.live.drift.watching import of_artifacts
from marketplace.live.state import LiveProduct, Part
from marketplace.live.view import ContractView
from registry.access import product_or_404
from registry.models import Product

LAST_SEEN = "last-seen"  # what stands for the contract as it was before the last change that was noticed
LABEL = 80  # characters of an id or a version in a list to choose from


@dataclass(frozen=True)
class Version:
    """One version to compare. `token` names it in an address: the version itself, or LAST_SEEN."""

    token: str
    label: str
    view: ContractView


@dataclass(frozen=True)
class Known:
    """The contracts of a product by id, as they can be compared now; `part` is the live part that stands for all."""

    contracts: dict[str, list[Version]]
    part: Part
    waiting: bool
    urls: dict[int, str] = field(default_factory=dict)
    """Where a view came from, by the view's id()."""

    def find(self, contract: str, token: str) -> Version | None:
        """The version that a token names."""
        return next((v for v in self.contracts.get(contract, ()) if v.token == token), None)

    def pair(self, contract: str, before: str, after: str) -> tuple[Version | None, Version | None]:
        """The two that are asked for; where one is not named, the newest and the one before it."""
        known = self.contracts.get(contract, [])
        offered = [version for version in known if version.token != LAST_SEEN]
        newer = self.find(contract, after) if after else next(iter(offered or known), None)
        if before:
            return self.find(contract, before), newer
        earlier = [version for version in known if version is not newer]
        # What consumers had until now says more than an older version that was always there.
        until_now = next((version for version in earlier if version.token == LAST_SEEN), None)
        return until_now or next(iter(earlier), None), newer


def known_contracts(product: Product, found: LiveProduct) -> Known:
    """What there is to compare: the versions offered, newest first, and what was there before the last change.

    One round trip to Redis, no query.
    """
    answered = [part for part in found.contracts if isinstance(part.view, ContractView)]
    offered = [part.view for part in answered]
    offered += of_artifacts(found.artifacts.view)
    by_id: dict[str, list[Version]] = {}
    for view in sorted(offered, key=lambda view: (order(view.version), view.version or ""), reverse=True):
        token = view.version or "unversioned"
        versions = by_id.setdefault(contract_key(view), [])
        if all(version.token != token for version in versions):
            versions.append(Version(token, cut(token, LABEL), view))
    listed = product.published_at.timestamp() if product.published_at else 0.0
    with contextlib.suppress(CacheDownError):
        for contract, entry in kept.read(product.pk, by_id).items():
            if entry.before is not None and (entry.before_at or 0.0) >= listed:  # what a draft said is its owner's
                label = f"{cut(entry.before.version or 'unversioned', LABEL)}, as it was until {_ago(entry.before_at)}"
                by_id[contract].append(Version(LAST_SEEN, label, entry.before))
    shown = max(answered, key=lambda part: order(part.view.version), default=found.contract_list)
    waiting = found.contract_list.waiting or any(part.waiting for part in found.contracts) or found.artifacts.waiting
    urls = {id(part.view): part.url for part in answered if part.url}
    return Known(by_id, shown if found.contracts else found.index, waiting and not by_id, urls)


def _ago(seconds: float | None) -> str:
    if seconds is None:
        return "lately"
    passed = int((datetime.now(UTC) - datetime.fromtimestamp(seconds, UTC)).total_seconds())
    return days_ago(passed) if passed >= 48 * 3600 else age(passed)


# The page


@dataclass(frozen=True)
class Choice:
    """One entry of a list to choose from."""

    value: str
    label: str
    selected: bool


@dataclass(frozen=True)
class Row:
    """A change as the page shows it. `sign` is +, − or ~ and `word` says the same; `tone` is its colour."""

    sign: str
    word: str
    tone: str
    place: str
    text: str
    attribute: str
    before: str
    after: str
    level: str
    level_tone: str
    guess: bool


@dataclass(frozen=True)
class Table:
    """The changes of one schema; those of the contract as a whole have no name."""

    name: str
    rows: Rows[Row]


@dataclass(frozen=True)
class Diff:
    """A comparison, as the page shows it."""

    before: str
    after: str
    sentence: str
    level: str
    level_tone: str
    suggested: str
    verdict: str
    tables: Sequence[Table] = field(default_factory=tuple)
    hidden: int = 0


@dataclass(frozen=True)
class Judged:
    """What all changes together amount to, as in Comparison; `counts` by level."""

    level: Level | None
    suggested: str | None
    bump: Bump
    counts: dict[str, int]


_MISSING = ("The contract you asked for is not offered now.", "Another one of this product is shown.")
_TONES = {"major": "down", "minor": "slow", "patch": "unknown"}
_LEVELS = {"major": "breaking", "minor": "compatible", "patch": "words"}
_SIGNS = {"added": ("+", "added", "live"), "removed": ("−", "removed", "down")}


@require_safe
@never_cache
def page(request: HttpRequest, domain: str, name: str) -> HttpResponse:
    """Two versions of a contract: `?contract=` (its id), `from`, `to` (versions, or last-seen), `only=breaking`."""
    product = product_or_404(request.user, domain, name)
    asked = {key: request.GET.get(key, "") for key in ("contract", "from", "to", "only")}
    query = urlencode({key: value for key, value in asked.items() if value})
    known = known_contracts(product, services.look(product.pk))
    context = {
        "live": live(known.part, _polling(request, query), waiting=known.waiting),
        "heading": "What changed in the contract",
        **page_context(known, asked),
    }
    if request.htmx:  # type: ignore[attr-defined] # set by django-htmx's middleware
        return render(request, "catalogue/_contract_diff_page.html", context)
    head = details.head(request, product)
    template = {"part_template": "catalogue/_contract_diff_page.html"}
    return render(request, "catalogue/document.html", {**context, **head, **template})


def _polling(request: HttpRequest, query: str) -> Polling:
    """What is compared stays in the address of the next question."""
    asked = polling_of(request)
    return replace(asked, url=f"{asked.url}?{query}") if query else asked


def page_context(known: Known, asked: dict[str, str]) -> dict[str, Any]:
    """What the page shows. Raises Http404 for a version that is not there, once it is known what is."""
    if not known.contracts:
        return {"diff": None, "contracts": [], "empty": not known.waiting}
    missing = asked["contract"] and asked["contract"] not in known.contracts
    contract = _first(known) if missing or not asked["contract"] else asked["contract"]
    if missing:  # our own links are older than what the product offers
        asked = {**asked, "from": "", "to": ""}
    before, after = known.pair(contract, asked["from"], asked["to"])
    if (asked["from"] and before is None) or (asked["to"] and after is None):
        raise Http404("The product does not offer this version now, and it is not kept from before.")
    only_breaking = asked["only"] == "breaking"
    diff = diff_of(before, after, only_breaking=only_breaking) if before and after else None
    versions = known.contracts[contract]
    address = known.urls.get(id(after.view)) if after else None
    return {
        "notices": [Notice("info", *_MISSING)] if missing else [],
        "contracts": [Choice(key, cut(key, LABEL), key == contract) for key in known.contracts],
        "from_choices": _choices(versions, before),
        "to_choices": _choices(versions, after),
        "only_breaking": only_breaking,
        "single": diff is None,
        "contract": contract,
        "diff": diff,
        "other_url": f"{reverse('catalogue:given-contracts')}?{urlencode({'before': address})}" if address else "",
    }


def _choices(versions: Iterable[Version], chosen: Version | None) -> list[Choice]:
    return [Choice(version.token, version.label, version is chosen) for version in versions]


def _first(known: Known) -> str:
    """The contract that has most to say: one with two versions before one with one."""
    return max(known.contracts, key=lambda key: min(len(known.contracts[key]), 2), default="")


def diff_of(before: Version, after: Version, *, only_breaking: bool = False) -> Diff:
    """The comparison of two versions, at most as many rows as a page can hold."""
    found = compare(before.view, after.view)
    judged = Judged(found.level, found.suggested, found.bump, counts(found))
    return diff_from(found.changes, judged, before.label, after.label, only_breaking=only_breaking)


def diff_from(
    changes: Sequence[Change], found: Judged, before: str, after: str, *, only_breaking: bool = False
) -> Diff:
    """The same of changes that were found already; `before` and `after` are what the two are called."""
    shown = [change for change in changes if change.breaking or not only_breaking]
    bounds = Bounds()
    names = dict.fromkeys(change.schema for change in sorted(shown, key=lambda change: not change.schema))
    return Diff(
        before=before,
        after=after,
        sentence=counted(found.counts) or "Nothing changed but, at most, the version.",
        level=_LEVELS.get(found.level or "", "none"),
        level_tone=_TONES.get(found.level or "", "unknown"),
        suggested=found.suggested or "",
        verdict=BUMPS[found.bump],
        tables=[
            Table(cut(name, LABEL), bounds.rows((change for change in shown if change.schema == name), _row))
            for name in list(names)[:50]
        ],
        hidden=len(changes) - len(shown),
    )


def counts(found: Comparison) -> dict[str, int]:
    """Changes by level."""
    return {level: found.count(level) for level in ("major", "minor", "patch")}


def _row(change: Change) -> Row:
    verb = change.kind.rpartition(".")[2]
    sign, word, tone = _SIGNS.get(verb, ("~", "changed", "slow"))
    return Row(
        sign=sign,
        word=word,
        tone=tone,
        place=change.column or change.name or ("the whole table" if change.schema else "the contract"),
        text=change.text,
        attribute=change.attribute,
        before=change.before or (change.column or change.schema if change.renamed_to else ""),
        after=change.after or change.renamed_to,
        level=_LEVELS[change.level],
        level_tone=_TONES[change.level],
        guess=bool(change.renamed_to),
    )
