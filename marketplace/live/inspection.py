"""Looking at an address before it is published: what is there, and what the form could be filled with.

The result lives in Redis for an hour, under a token nobody can guess. It goes through the same door as everything else.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from dataclasses import dataclass
from typing import Literal

from django.utils.text import slugify

from registry.text import name_from

from . import cache, recent, services, state
from .addresses import checked_url
from .cache import CacheDownError
from .errors import FetchError, Problem
from .explore import Target
from .guesses import raw_address
from .record import Failed, Record
from .state import LiveProduct, Part
from .view import CatalogueView, ContractView, IndexView, ProductView

KEEP_SECONDS = 3600
SUMMARY_CHARACTERS = 600
MAX_TAGS = 8
MAX_PORTS = 100  # of either direction

InspectionState = Literal["waiting", "done", "failed", "unavailable", "expired"]

EXPIRED = Problem(
    "cache_down", "What was found at this address is no longer kept.", "Enter the address again to have it looked at."
)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was asked, in order: `text` names it, `state` as for any part, `latency_ms` where it answered."""

    name: str
    text: str
    state: str
    latency_ms: int | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class SuggestedLink:
    """A link to register; `rel` is one of the registry's relations."""

    rel: str
    url: str
    media_type: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class SuggestedPort:
    """A port's contract reference to register; `direction` is `in` or `out`."""

    direction: str
    port: str
    contract_id: str
    contract_version: str = ""


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What the form is filled with. Empty where the product does not say. `domain` and `name` are slugs; `type` is
    source-aligned, aggregate, consumer-aligned or empty."""

    title: str = ""
    summary: str = ""
    domain: str = ""
    name: str = ""
    type: str = ""
    owner: str = ""
    tags: tuple[str, ...] = ()
    links: tuple[SuggestedLink, ...] = ()
    ports: tuple[SuggestedPort, ...] = ()


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found at an address. `live` carries all parts that answered; `problems` what the person should know.

    waiting: ask again shortly · done: something was recognised · failed: nothing was, `problems[0]` says why, or many
    datasets were, which `catalogue` lists · unavailable: Redis or the workers are away · expired: unknown token, or
    older than an hour.
    """

    state: InspectionState
    url: str = ""
    steps: tuple[Step, ...] = ()
    view: ProductView | None = None
    live: LiveProduct | None = None
    suggestions: Suggestions = Suggestions()
    problems: tuple[Problem, ...] = ()
    catalogue: CatalogueView | None = None

    @property
    def contracts(self) -> tuple[ContractView, ...]:
        return tuple(part.view for part in self.live.contracts if part.view) if self.live else ()


def subject_of(token: str) -> str:
    return f"i:{token}"


def inspect_url(url: str) -> str:
    """Has a worker look at the address, and returns the token under which `inspection` tells what it found.

    Never raises and never waits: a bad address, a lost Redis show in the inspection. Three round trips to Redis.
    """
    token = secrets.token_urlsafe(18)
    subject = subject_of(token)
    url = raw_address(url.strip())
    try:
        shown = url[:2048]
        cache.client().run(lambda conn: conn.set(_url_key(token), shown, ex=KEEP_SECONDS))
        try:
            checked_url(url)
        except FetchError as exc:
            now = time.time()
            cache.write_failed(subject, "index", Failed(now, exc.problem, None, shown), KEEP_SECONDS)
            cache.mark_done(subject, now)
        else:
            services.ask_worker(subject, "live.inspect", (token, url), Record(), KEEP_SECONDS)
    except CacheDownError:
        pass  # the inspection will say so
    return token


def inspect(token: str, url: str) -> None:
    """Asks the address everything. Waits; for workers only."""
    target = Target(0, f"inspection of {url}", (("discovery", url),))
    services.refresh(target, subject=subject_of(token), keep_seconds=KEEP_SECONDS, inspecting=True)


def inspection(token: str) -> Inspection:
    """What is known by now. Never raises. Two round trips to Redis, up to four when it is done."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{24}", token):
        return Inspection("expired", problems=(EXPIRED,))
    try:
        raw = cache.client().run(lambda conn: conn.get(_url_key(token)))
        record = cache.read(subject_of(token))
    except CacheDownError:
        return Inspection("unavailable", problems=(state.CACHE_DOWN,))
    if raw is None:
        return Inspection("expired", problems=(EXPIRED,))
    url = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
    now = time.time()
    live = state.product_of(0, record, now)
    if record.done_at is None:
        if record.asked_at and not record.in_flight:  # no worker took it, or one was stopped: asked once more
            with contextlib.suppress(CacheDownError):
                services.ask_worker(subject_of(token), "live.inspect", (token, url), record, KEEP_SECONDS)
        if record.waiting_since and now - record.waiting_since > state.NO_WORKER_SECONDS:
            return Inspection("unavailable", url, problems=(state.NO_WORKERS,))
        if record.asked_at is None:  # the broker did not take it
            return Inspection("unavailable", url, problems=(state.CACHE_DOWN,))
        return Inspection("waiting", url, steps=_steps(live), live=live)
    if live.index.view is None:
        problem = record.failed["index"].problem if "index" in record.failed else state.NO_WORKERS
        listed = record.seen["catalogue"].view if "catalogue" in record.seen else None
        return Inspection("failed", url, _steps(live), problems=(problem,), catalogue=listed)
    view = live.metadata.view or _from_index(live.index.view)
    missing = [part.problem for part in live.parts if part.problem and part.problem.kind != "not_offered"]
    problems = tuple(dict.fromkeys(missing))
    recent.note(token, live)
    return Inspection("done", url, _steps(live), view, live, suggest(live, view, url), problems)


def suggest(live: LiveProduct, view: ProductView, url: str) -> Suggestions:
    """What to register of a product that answered. Pure."""
    index: IndexView = live.index.view
    title = index.title or view.title or ""
    artifacts = live.artifacts.view.artifacts if live.artifacts.view else view.artifacts
    return Suggestions(
        title=title[:140],
        summary=first_sentences(index.summary or view.summary or ""),
        domain=slugify(view.domain or index.domain or "")[:63].strip("-"),
        name=name_from(index.name or view.title or title),
        type=_TYPES.get(re.sub(r"[^a-z]", "", (view.type or "").lower()), ""),
        owner=view.owner or (view.team.name if view.team else None) or view.publisher or "",
        tags=_tags((*view.tags, *index.tags)),
        links=_links(live, view, url),
        ports=tuple(
            SuggestedPort("in", port.name, port.contract_id, port.version or "")
            for port in view.input_ports[:MAX_PORTS]
            if port.contract_id
        )
        + tuple(
            SuggestedPort("out", artifact.name, artifact.contract_id, artifact.contract_version or "")
            for artifact in artifacts[:MAX_PORTS]
            if artifact.contract_id
        ),
    )


def _tags(given: tuple[str, ...]) -> tuple[str, ...]:
    """As they are written, each once however it is spelled; a comma would make two of one."""
    found: dict[str, str] = {}
    for tag in given:
        if slug := slugify(tag)[:63]:
            found.setdefault(slug, " ".join(tag.replace(",", " ").split())[:63])
    return tuple(found.values())[:MAX_TAGS]


_TYPES = {
    "sourcealigned": "source-aligned",
    "aggregate": "aggregate",
    "consumeraligned": "consumer-aligned",
}


def first_sentences(text: str, sentences: int = 3) -> str:
    """The first sentences of a text as one line, cut at a word where they are too long."""
    flat = " ".join(text.split())
    found = re.split(r"(?<=[.!?])\s+(?=[A-Z0-9ÀÖØÞ\"“(])", flat, maxsplit=sentences)
    short = " ".join(found[:sentences])
    if len(short) <= SUMMARY_CHARACTERS:
        return short
    return short[:SUMMARY_CHARACTERS].rsplit(" ", 1)[0].rstrip(",;: ") + " …"


def _links(live: LiveProduct, view: ProductView, url: str) -> tuple[SuggestedLink, ...]:
    discovery = live.index.url or url
    links = [SuggestedLink("discovery", discovery, "", live.index.view.standard)]
    if live.health.view is not None and live.health.url:
        links.append(SuggestedLink("observability", live.health.url, "application/health+json"))
    # A gateway's index leads to its contracts by itself; a bare contract is its own and only address.
    links += [
        SuggestedLink("contract", discovery, "", part.view.name or "")
        for part in live.contracts
        if part.url == discovery and part.view is not None
    ]
    documented = [link for link in view.documentation if link.url != discovery]
    links += [
        SuggestedLink("documentation", link.url, "", link.description or link.type or "") for link in documented[:5]
    ]
    return tuple(links)


_STEP_TEXT = {
    "index": "Answers at this address",
    "metadata": "Title, summary and owner",
    "artifacts": "Artifacts",
    "contracts": "Data contracts",
    "health": "Health",
    "metrics": "Metrics",
}


def _steps(live: LiveProduct) -> tuple[Step, ...]:
    parts: list[Part] = [live.index, live.metadata, live.artifacts, live.contract_list, live.health, live.metrics]
    return tuple(Step(part.name, _STEP_TEXT[part.name], part.state, part.latency_ms, part.problem) for part in parts)


def _from_index(index: IndexView) -> ProductView:
    return ProductView(
        standard=index.standard,
        id=index.id,
        title=index.title,
        summary=index.summary,
        version=index.version,
        status=index.status,
        domain=index.domain,
        tags=index.tags,
    )


def _url_key(token: str) -> str:
    return f"{cache.PREFIX}inspection-url:{token}"
