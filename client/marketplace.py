"""A marketplace, as the person of a token: its REST API in methods."""

import datetime
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2
import stamina

from client.batches import batches, twice
from client.errors import MarketplaceError, NotFoundError, RefusedError, UnreachableError, refusal
from client.models import ContractDiff, Event, Found, Hit, Offer, Outcome, Person, Product, Resolved

Model = TypeVar("Model")

ATTEMPTS = 6
MOST_WAIT = 60.0  # seconds that a 429 or 503 may ask to wait before a call is given up
PASSING = {429, 502, 503, 504}
VERBS = ("publish", "pause", "resume", "deprecate", "retire")
_SLUG = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_ADDRESS = re.compile(rf"(?:urn:dp:)?({_SLUG})[:/]({_SLUG})/?")


class Marketplace:
    """`Marketplace("https://marketplace.example", token)`; without a token only what everybody sees.

    Calls that may be repeated are, up to six times, after lost connections and where the marketplace says that it is
    busy. Raises MarketplaceError and what is below it. The token goes to this address only: redirects are not followed.
    """

    def __init__(self, url: str, token: str = "", *, timeout: float = 60) -> None:
        self.url = url.rstrip("/").removesuffix("/api/v1")
        headers = {"Accept": "application/json", **({"Authorization": f"Token {token}"} if token else {})}
        self._client = httpx2.Client(timeout=timeout, headers=headers, follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    # Finding

    def search(self, question: str, *, limit: int = 25, **filters: Any) -> Found:
        """The best `limit` products for a question. Filters: domain, tag (or several), type, access, owner, lifecycle.

        One request for each hundred.
        """
        hits: list[Hit] = []
        size = max(1, min(limit, 100))
        page = 1
        while True:
            asked = {"q": question, "page": page, "page_size": size, **filters}
            found = self._get("search/", asked)
            hits += [self._read(Hit.of, row) for row in _rows(found)]
            if len(hits) >= limit or not found["results"] or len(hits) >= found.get("count", 0):
                return Found(found.get("count", 0), tuple(found.get("notes", ())), tuple(hits[:limit]))
            page += 1

    def products(self, **filters: Any) -> Iterator[Product]:
        """All products that one may see, page by page. Filters as for `GET /products/`: domain, name, tag, type, …"""
        page = 1
        while True:
            found = self._get("products/", {"page_size": 100, **filters, "page": page})
            yield from (self._read(Product.of, row) for row in _rows(found))
            if not found.get("next"):
                return
            page += 1

    def product(self, address: str) -> Product:
        """The product at `domain/name` or `urn:dp:domain:name`, one's own drafts included. Raises NotFoundError."""
        domain, name = parts_of(address)
        try:
            found = [product for product in self.products(domain=domain, name=name) if product.domain == domain]
        except RefusedError as error:
            if "domain" not in error.errors:
                raise
            found = []
        if not found:
            raise NotFoundError(404, f"There is no data product {name!r} in the domain {domain!r}.")
        return found[0]

    def resolve(self, address: str) -> Resolved:
        """Where the product at this address answers. Raises NotFoundError, also for a retired one."""
        domain, name = parts_of(address)
        return self._read(Resolved.of, self._get(f"resolve/{domain}/{name}"))

    def whoami(self) -> Person:
        """The person of the token. Raises NotSignedInError."""
        return self._read(Person.of, self._get("me/"))

    # Publishing

    def publish_many(
        self, products: Iterable[dict[str, Any]], *, publish: bool = True, dry_run: bool = False
    ) -> Iterator[Outcome]:
        """Registers, changes and publishes products, each with the fields of `POST /products/`; yields as it goes.

        Done again it changes nothing, so after an error the same list is sent again. One that names an address for the
        second time is refused here. Requests of 50 products at most.
        """
        given = list(products)
        refused = twice(given)
        todo = [(index, product) for index, product in enumerate(given) if index not in refused]
        yield from refused.values()
        for batch in batches(todo):
            body = {"products": [product for _, product in batch], "publish": publish, "dry_run": dry_run}
            try:
                rows = self._call("POST", "products/batch/", body, repeat=True).get("results")
            except RefusedError as error:
                if error.status != 413 or len(batch) > 1:
                    raise
                yield Outcome(batch[0][0], None, "refused", errors={"non_field_errors": [str(error)]})
                continue
            if not isinstance(rows, list) or len(rows) != len(batch):
                raise UnreachableError(f"{self.url} does not answer for all {len(batch)} products of a request.")
            for (index, _), row in zip(batch, rows, strict=True):
                yield self._read(partial(Outcome.of, index=index), row)

    def inspect_url(self, url: str, *, seconds: float = 60) -> dict[str, Any]:
        """What a worker of the marketplace finds at an address: `state`, `suggestions`, `problems`, `token`.

        Raises MarketplaceError where it is not there after `seconds`.
        """
        until = time.monotonic() + seconds
        found = self._call("POST", "inspections/", {"url": url})
        while found.get("poll_after_ms") is not None:
            self._pause(found, until)
            found = self._get(f"inspections/{found.get('token')}")
        return found

    def register(
        self, url: str, *, publish: bool = True, dry_run: bool = False, seconds: float = 60, **said: Any
    ) -> Outcome:
        """Registers the product at an address from its own documents, or brings it up to date.

        `said` stands instead of what the product says: domain, name, title, summary, type, tags, access_mode; `owner`
        is the team of a new product. Raises RefusedError with the reasons.
        """
        until = time.monotonic() + seconds
        found = self._call("POST", "register", {"url": url})
        while found.get("token"):
            self._pause(found, until)
            body = {**said, "inspection": found["token"], "publish": publish, "dry_run": dry_run}
            found = self._call("POST", "register", body, repeat=True)
        return self._read(partial(Outcome.of, index=0), found)

    publish_url = register

    def lifecycle(self, address: str, verb: str, **said: Any) -> Product:
        """A step of the lifecycle: publish, pause, resume, deprecate, retire. `said` is sent along with it.

        Raises RefusedError (409) where the product is in a state that does not allow it.
        """
        if verb not in VERBS:
            raise ValueError(f"{verb!r} is none of {', '.join(VERBS)}")
        uuid = self.product(address).uuid
        return self._read(Product.of, self._call("POST", f"products/{uuid}/{verb}/", said or None))

    def deprecate(
        self, address: str, *, successor: str = "", retires_on: str | datetime.date = "", message: str = ""
    ) -> Product:
        """Says that the product will go: `successor` is the URN of a listed product, `retires_on` a day, ISO 8601."""
        said = {"successor": successor, "retires_on": str(retires_on), "message": message}
        return self.lifecycle(address, "deprecate", **{key: value for key, value in said.items() if value})

    def undo(self, address: str) -> Product:
        """Takes the last pause, deprecation, retirement or change back, within its minute. Else RefusedError (409)."""
        return self._read(Product.of, self._call("POST", f"products/{self.product(address).uuid}/undo/"))

    # Giving to another team

    def transfer(self, address: str, team: str) -> Product | Offer:
        """Gives the product to the team of this slug: the Product where that is done, an Offer where it has to accept.

        It has to unless you are in both teams, or an administrator.
        """
        product = self.product(address)
        found = self._call("POST", f"products/{product.uuid}/transfer/", {"team": team})
        if "urn" in found:
            return self._read(Product.of, found)
        offer = {"uuid": product.uuid, "urn": product.urn, "title": product.title, "owner": product.owner}
        return self._read(lambda data: Offer.of({**offer, **data, "team": data["team"]["slug"]}), found)

    def offers(self) -> list[Offer]:
        """What is offered to your teams, and by them, oldest first."""
        return [self._read(Offer.of, row) for row in _rows(self._get("transfers/"))]

    def accept(self, address: str) -> Product:
        """Takes a product that is offered to a team of yours. Raises NotFoundError where none is."""
        uuid = self._offer(address).uuid
        return self._read(Product.of, self._call("POST", f"products/{uuid}/transfer/accept/"))

    def end_offer(self, address: str) -> None:
        """Takes an offer back, or declines it. Raises NotFoundError where there is none."""
        self._call("DELETE", f"products/{self._offer(address).uuid}/transfer/")

    def _offer(self, address: str) -> Offer:
        urn = urn_of(address)
        found = next((offer for offer in self.offers() if offer.urn == urn), None)
        if found is None:
            raise NotFoundError(404, f"{urn} is not offered to a team of yours, nor by one.")
        return found

    # Contracts

    def compare_contracts(self, before: str | Path, after: str | Path, *, seconds: float = 60) -> ContractDiff:
        """What changed from one contract to another. Each is a file (a Path), an address (http or https), or a text.

        Raises MarketplaceError where one of them cannot be read as a contract, or nothing came within `seconds`.
        """
        until = time.monotonic() + seconds
        found = self._call("POST", "contract-changes/", {"before": _contract(before), "after": _contract(after)})
        while found.get("poll_after_ms") is not None:
            self._pause(found, until)
            found = self._get(f"contract-changes/{found.get('token')}")
        problems = [
            (side, found[side]["problem"]) for side in ("before", "after") if (found.get(side) or {}).get("problem")
        ]
        if problems:
            raise MarketplaceError("\n".join(f"{side}: {p.get('message')} {p.get('advice')}" for side, p in problems))
        return self._read(ContractDiff.of, found)

    # Following

    def events(
        self,
        *,
        after: int = 0,
        types: Iterable[str] = (),
        subject: str = "",
        follow: bool = False,
        every: float = 5,
    ) -> Iterator[Event]:
        """What happened after the event of this id, oldest first, as far as you may know of it; each exactly once.

        `subject` is a URN, or domain/name. With `follow` it does not end: asks again `every` seconds, and goes on where
        it was after the marketplace was away. To go on another day, give the `id` of the last event as `after`.
        """
        asked = {"type": list(types), "subject": subject and _subject(subject), "limit": 500}
        asked = {key: value for key, value in asked.items() if value}
        reached = False
        while True:
            try:
                page = self._get("events", {**asked, "after": after})
            except (UnreachableError, RefusedError) as error:
                passing = isinstance(error, _LostError) or getattr(error, "status", 0) in PASSING
                if not (follow and reached and passing):
                    raise
            else:
                reached = True
                yield from [self._read(Event.of, row) for row in _rows(page)]
                after = self._read(lambda data: int(data["next"]), page)
                if page.get("more"):
                    continue
                if not follow:
                    return
            time.sleep(every)

    def position(self) -> int:
        """Where the log ends now: `events(after=position())` gives only what happens from now on."""
        return self._read(lambda data: int(data["next"]), self._get("events", {"after": "latest"}))

    # Calls

    def _read(self, kind: Callable[[Any], Model], data: Any) -> Model:
        try:
            return kind(data)
        except (KeyError, TypeError, AttributeError) as error:
            raise UnreachableError(f"{self.url} does not answer as a marketplace of this version does.") from error

    def _pause(self, found: dict[str, Any], until: float) -> None:
        wait = float(found.get("poll_after_ms") or 250) / 1000
        if time.monotonic() + wait > until:
            raise UnreachableError(f"{found.get('url') or 'This'} was not looked at in time. Try again.")
        time.sleep(wait)

    def _get(self, path: str, query: dict[str, Any] | None = None) -> dict[str, Any]:
        return self._call("GET", path, query=query, repeat=True)

    def _call(
        self, method: str, path: str, body: Any = None, *, query: dict[str, Any] | None = None, repeat: bool = False
    ) -> dict[str, Any]:
        def again(error: Exception) -> bool | datetime.timedelta:
            if isinstance(error, RefusedError) and error.status in PASSING:
                # A 429 was not begun with, whatever the call.
                if error.retry_after > MOST_WAIT or not (repeat or error.status == 429):
                    return False
                return datetime.timedelta(seconds=error.retry_after) if error.retry_after else True
            return repeat and isinstance(error, _LostError)

        for attempt in stamina.retry_context(on=again, attempts=ATTEMPTS, timeout=180, wait_max=10):
            with attempt:
                return self._once(method, path, body, query)
        raise AssertionError("stamina gives a result or raises")

    def _once(self, method: str, path: str, body: Any, query: dict[str, Any] | None) -> dict[str, Any]:
        url = f"{self.url}/api/v1/{path}"
        try:
            answer = self._client.request(method, url, json=body, params=query)
        except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
            raise UnreachableError(f"{self.url!r} is not the address of a marketplace: {error}") from error
        except httpx2.HTTPError as error:
            raise _LostError(f"{self.url} does not answer: {error or type(error).__name__}") from error
        if answer.status_code == 204:
            return {}
        try:
            content = json.loads(answer.content)
        except (ValueError, RecursionError):
            content = None
        if answer.status_code >= 400:
            after = answer.headers.get("Retry-After", "")
            raise refusal(answer.status_code, content, float(after) if after.isdigit() else 0)
        if answer.status_code >= 300:
            raise UnreachableError(f"{url} redirects to {answer.headers.get('Location')}; use that address.")
        if not isinstance(content, dict):
            raise UnreachableError(f"{url} answers {answer.status_code} without JSON: it is not a marketplace's API.")
        return content


class _LostError(UnreachableError):
    """A connection that was not made, or broke."""


def _rows(found: dict[str, Any]) -> list[Any]:
    rows = found.get("results")
    if not isinstance(rows, list):
        raise UnreachableError("This is no marketplace's list: it has no results.")
    return rows


def parts_of(address: str) -> tuple[str, str]:
    """Domain and name of `domain/name` or `urn:dp:domain:name`. Raises MarketplaceError for anything else."""
    found = _ADDRESS.fullmatch(address.strip())
    if not found:
        raise MarketplaceError(f"{address!r} is not the address of a product; write domain/name or urn:dp:domain:name.")
    return found[1], found[2]


def _contract(given: str | Path) -> dict[str, str]:
    if isinstance(given, Path):
        return {"text": given.read_text("utf-8-sig")}
    return {"url": given} if given.startswith(("http://", "https://")) else {"text": given}


def urn_of(address: str) -> str:
    """The URN of a product's address, of either form. Raises MarketplaceError as parts_of does."""
    return "urn:dp:{}:{}".format(*parts_of(address))


def _subject(text: str) -> str:
    """A URN as it is, of a goal or token for example; else that of a product."""
    return text if text.startswith("urn:") else urn_of(text)
