"""Asks a product everything it offers, all interfaces at once, and emits each answer the moment it is there.

Runs in the worker's event loop and does no I/O but through the caller; writing to the cache is the business of who
receives what is emitted (services.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import structlog

from .caller import Called, Caller, HostOutcome
from .errors import FetchError, Problem
from .formats import contract_of, gateway_index, odps, recognise, stac
from .guesses import guessed_addresses
from .http import DEFAULT_POLICY, HEALTH_POLICY, Fetched, Policy
from .listing import gathered, listed
from .parsing import Document
from .record import Seen
from .view import ArtifactsView, CatalogueView, ContractListView, ContractRef, ContractView, IndexView, ProductView

log = structlog.get_logger(__name__)

MAX_CONTRACTS = 50
MAX_MEMBERS = 40  # of a catalogue that only names the addresses of its datasets; caller.MAX_REQUESTS is for all
PARTS = ("index", "metadata", "artifacts", "contracts", "health", "metrics")


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked: the registered links of a product, in order, as (relation, URL)."""

    product_id: int
    urn: str
    links: tuple[tuple[str, str], ...]

    def url(self, rel: str) -> str | None:
        return next((url for found, url in self.links if found == rel), None)

    def urls(self, rel: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(url for found, url in self.links if found == rel))


@dataclass(frozen=True, slots=True)
class Answer:
    """A part's answer: `view`, or `problem`, or `same`, the answer of before that still holds.

    `declared`: the problem is what the product offers, not chance.
    """

    part: str
    view: Any = None
    problem: Problem | None = None
    url: str | None = None
    latency_ms: int = 0
    etag: str | None = None
    cache_seconds: int = 0
    declared: bool = False
    digest: str = ""
    same: Seen | None = None


Emit = Callable[[Answer | HostOutcome], None]


def answer_of(part: str, called: Called[Any], url: str) -> Answer:
    """What a call gave, as the answer of one part."""
    fetched = called.fetched
    return Answer(
        part,
        view=called.view,
        url=url,
        latency_ms=fetched.elapsed_ms,
        etag=fetched.etag,
        cache_seconds=fetched.cache_seconds,
        digest=called.digest,
        same=called.same,
    )


@dataclass(frozen=True, slots=True)
class _Discovered:
    """What the discovery link leads to: a gateway's index, a descriptor on its own, or a catalogue of many."""

    index: IndexView
    product: ProductView | None = None
    artifacts: ArtifactsView | None = None
    contract: ContractView | None = None
    catalogue: CatalogueView | None = None
    problem: Problem | None = None  # what is said of a catalogue, where one product was looked for
    elsewhere: str | None = None  # where the catalogue lists its datasets
    members: tuple[str, ...] = ()  # where its datasets are described, each by itself


def contract_part(url: str) -> str:
    """The part under which the contract at this URL is kept; free of whatever an id may contain."""
    return "contract:" + hashlib.sha256(url.encode()).hexdigest()[:16]


@dataclass(slots=True)
class Explorer:
    """One exploration. `known` are the answers of before, for conditional requests.

    `inspecting`: somebody pasted the address, so it may be that of a page about the product, or of a catalogue, whose
    datasets are emitted as the part `catalogue`.
    """

    caller: Caller
    target: Target
    emit: Emit
    known: Mapping[str, Seen] = field(default_factory=dict)
    inspecting: bool = False
    _contracts: dict[str, str] = field(default_factory=dict)

    async def run(self) -> None:
        """Emits an answer for each of PARTS and each contract. Never raises for what a product does."""
        url = self.target.url("discovery")
        if url is None:
            await self._without_discovery()
            return
        try:
            called, url = await self._discover(url)
        except FetchError as exc:
            await self._discovery_failed(url, exc.problem)
            return
        if called.same is not None:
            self._emit_called("index", called, url)
            await self._from_index(called.same.view)
        elif (found := called.view) is not None and found.problem is not None:
            catalogue = await self._members(found) if found.members else found.catalogue
            if catalogue is not None and catalogue.datasets:
                self._emit_answer("catalogue", catalogue, url, called.fetched)
            await self._discovery_failed(url, found.problem)
        elif found is not None:
            self._emit_answer("index", found.index, url, called.fetched, "" if found.product else called.digest)
            if found.product is None:
                await self._from_index(found.index)
            else:
                await self._from_document(found, url, called.fetched)

    async def _discover(self, url: str) -> tuple[Called[_Discovered], str]:
        """What was found, and the address it was found at."""
        before = self.known.get("index")
        # Only an index that is nothing but an index can be taken from before: the others carry more parts.
        same = before if before and before.view.standard.startswith(gateway_index.NAME) else None
        if not self.inspecting:
            return await self._call(url, _discovered, before=same), url
        try:
            called = await self._call(url, _inspected, before=same)
        except FetchError as exc:
            if not (exc.kind in ("bad_content", "unknown_format") or exc.status in (404, 405, 406)):
                raise
            for guessed in guessed_addresses(url):
                with contextlib.suppress(FetchError):
                    return await self._call(guessed, _inspected), guessed
            raise  # what was pasted is what its owner can mend
        if called.view is not None and (there := called.view.elsewhere):
            with contextlib.suppress(FetchError):
                return await self._call(there, _inspected), there
        return called, url

    async def _members(self, found: _Discovered) -> CatalogueView:
        """What the members of a catalogue say of themselves, as many as are asked."""

        async def ask(url: str) -> tuple[str, ProductView | Problem]:
            try:
                view = (await self._call(url, _product)).view
            except FetchError as exc:
                return url, exc.problem
            return url, view or ProductView(found.index.standard)

        asked = found.members[:MAX_MEMBERS]
        answers = await asyncio.gather(*map(ask, asked))
        return gathered(found.index.standard, answers, len(found.members) - len(asked))

    async def _from_index(self, index: IndexView) -> None:
        contracts = index.urls("contract") or self.target.urls("contract")
        await asyncio.gather(
            self._linked("metadata", index.url("metadata"), _product),
            self._linked("artifacts", index.url("artifacts"), gateway_index.artifacts),
            self._observed(index.url("health"), index.url("metrics")),
            self._contract_documents(contracts),
        )

    async def _from_document(self, found: _Discovered, url: str, fetched: Fetched) -> None:
        self._emit_answer("metadata", found.product, url, fetched)
        self._emit_answer("artifacts", found.artifacts, url, fetched)
        if found.contract is not None:
            refs = (ContractRef(contract_part(url), url),)
            self._emit_answer("contracts", ContractListView(refs), url, fetched)
            self._emit_answer(contract_part(url), found.contract, url, fetched)
            await self._observed(None, None)
        else:
            await asyncio.gather(self._observed(None, None), self._contract_documents(self.target.urls("contract")))

    async def _without_discovery(self) -> None:
        for part in ("index", "metadata", "artifacts"):
            self._not_offered(part)
        await asyncio.gather(self._observed(None, None), self._contract_documents(self.target.urls("contract")))

    async def _discovery_failed(self, url: str, problem: Problem) -> None:
        for part in ("index", "metadata", "artifacts"):
            self.emit(Answer(part, problem=problem, url=url))
        observed = self.target.url("observability") is not None
        contracts = self.target.urls("contract")
        if not observed:
            for part in ("health", "metrics"):
                self.emit(Answer(part, problem=problem, url=url))
        if not contracts:
            self.emit(Answer("contracts", problem=problem, url=url))
        await asyncio.gather(
            self._observed(None, None) if observed else _nothing(),
            self._contract_documents(contracts) if contracts else _nothing(),
        )

    async def _observed(self, health_url: str | None, metrics_url: str | None) -> None:
        """Health and metrics by the index, else by the registered link: `…/observe`, or the health document itself."""
        registered = self.target.url("observability")
        if registered and urlsplit(registered).path.rstrip("/").endswith("/observe"):
            base = _bare(registered)
            health_url, metrics_url = health_url or f"{base}/health", metrics_url or f"{base}/metrics"
        health_url = health_url or registered
        accept = "application/health+json, application/json;q=0.9"
        await asyncio.gather(
            self._linked("health", health_url, _health, accept=accept, policy=HEALTH_POLICY),
            self._linked("metrics", metrics_url, _metrics, accept="application/json"),
        )

    async def _contract_documents(self, urls: Iterable[str]) -> None:
        wanted = list(dict.fromkeys(urls))
        if not wanted:
            self._not_offered("contracts")
            return
        refs = tuple(ContractRef(contract_part(url), url) for url in wanted[:MAX_CONTRACTS])
        listing = ContractListView(refs, left_out=len(wanted) - len(refs))
        self.emit(Answer("contracts", view=listing, url=None, cache_seconds=3600))
        await asyncio.gather(*(self._linked(ref.part, ref.url, _contract) for ref in refs))

    async def _linked(
        self,
        part: str,
        url: str | None,
        read: Callable[[Document, str], Any],
        *,
        accept: str | None = None,
        policy: Policy = DEFAULT_POLICY,
    ) -> None:
        if url is None:
            self._not_offered(part)
            return
        try:
            called = await self._call(url, read, before=self.known.get(part), accept=accept, policy=policy)
        except FetchError as exc:
            self.emit(Answer(part, problem=exc.problem, url=url))
            return
        self._emit_called(part, called, url)

    async def _call(
        self,
        url: str,
        read: Callable[[Document, str], Any],
        *,
        before: Seen | None = None,
        accept: str | None = None,
        policy: Policy = DEFAULT_POLICY,
    ) -> Called[Any]:
        try:
            return await self.caller.call(url, read, report=self.emit, accept=accept, before=before, policy=policy)
        except FetchError:
            raise
        except Exception as exc:  # our own fault, shown as such; the page stays up
            log.exception("live_call_failed", url=url, urn=self.target.urn)
            raise FetchError(
                "internal",
                "The marketplace could not make sense of the answer.",
                "This is a fault of the marketplace; it has been logged for the operator.",
            ) from exc

    def _emit_called(self, part: str, called: Called[Any], url: str) -> None:
        self.emit(answer_of(part, called, url))

    def _emit_answer(self, part: str, view: Any, url: str, fetched: Fetched, digest: str = "") -> None:
        self.emit(
            Answer(
                part,
                view=view,
                url=url,
                latency_ms=fetched.elapsed_ms,
                etag=fetched.etag,
                cache_seconds=fetched.cache_seconds,
                digest=digest,
            )
        )

    def _not_offered(self, part: str) -> None:
        self.emit(Answer(part, problem=_NOT_OFFERED[part.partition(":")[0]], declared=True))


def _bare(url: str) -> str:
    return url.split("#")[0].split("?")[0].rstrip("/")


async def _nothing() -> None:
    return None


def _offer(what: str, how: str) -> Problem:
    return Problem("not_offered", f"This product gives no address for its {what}.", f"Its owner can add one: {how}.")


_NOT_OFFERED = {
    "index": _offer("description", "a discovery link in the registry"),
    "metadata": _offer("metadata", "a metadata link in its index, or a discovery link in the registry"),
    "artifacts": _offer("artifacts", "an artifacts link in its index, or output ports in its ODPS document"),
    "contracts": _offer("contracts", "contract links in its index or in the registry"),
    "contract": _offer("contract", "contract links in its index or in the registry"),
    "health": _offer("health", "an observability link in the registry"),
    "metrics": _offer("metrics", "an observability link in the registry"),
    "sample": _offer("sample rows", "a sample link on the artifact"),
}


def not_offered(part: str) -> Problem:
    """What to say where a product declares no such interface."""
    return _NOT_OFFERED[part]


def _discovered(document: Document, url: str) -> _Discovered:
    module = recognise(document)
    if module is gateway_index:
        return _Discovered(gateway_index.index(document, url))
    product = module.product(document, url)
    index = IndexView(
        standard=product.standard,
        id=product.id,
        title=product.title,
        domain=product.domain,
        status=product.status,
        version=product.version,
        summary=product.summary,
        tags=product.tags,
    )
    return _Discovered(index, product, ArtifactsView(product.artifacts), contract_of(document))


def _inspected(document: Document, url: str) -> _Discovered:
    """The same, and of a catalogue what it lists."""
    try:
        return _discovered(document, url)
    except FetchError as exc:
        if exc.kind != "is_catalogue":
            raise
        module = recognise(document)
        index = IndexView(standard=module.NAME)
        elsewhere = stac.listed_at(document, url) if module is stac else None
        members = stac.members_of(document, url) if module is stac else ()
        return _Discovered(index, None, None, None, listed(document, url), exc.problem, elsewhere, members)


def _product(document: Document, url: str) -> ProductView:
    return recognise(document).product(document, url)


def _contract(document: Document, _url: str) -> ContractView:
    found = contract_of(document)
    if found is None:
        what = "an ODPS product, not a contract" if odps.matches(document) else "not a data contract"
        raise FetchError(
            "unknown_format",
            f"The document is {what}.",
            "An ODCS contract has kind: DataContract at its top; a Data Contract Specification names itself there.",
        )
    return found


def _health(document: Document, _url: str) -> Any:
    if not isinstance(document, dict) or not ("status" in document or "checks" in document):
        raise FetchError(
            "unknown_format",
            "The answer is not a health document.",
            "Health is expected as application/health+json, with a status of pass, warn or fail.",
        )
    return gateway_index.health(document)


def _metrics(document: Document, _url: str) -> Any:
    return gateway_index.metrics(document)
