"""A marketplace, as the person of a token: its REST API in methods."""

import datetime
import re
import time
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from client.batches import batches, twice
from client.calls import PASSING, Calls, LostError, rows_of
from client.errors import MarketplaceError, NotFoundError, RefusedError, UnreachableError
from client.models import Checklist, ContractDiff, Dataset, Event, Found, Hit, Offer, Outcome, Person, Product, Resolved

VERBS = ("publish", "pause", "resume", "deprecate", "retire")
_SLUG = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_ADDRESS = re.compile(rf"(?:urn:dp:)?({_SLUG})[:/]({_SLUG})/?")


class Marketplace(Calls):
    """`Marketplace("https://marketplace.example", token)`; without a token only what everybody sees.

    Calls that may be repeated are, up to six times, after lost connections and where the marketplace says that it is
    busy. Raises MarketplaceError and what is below it. The token goes to this address only: redirects are not followed.
    """

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
            hits += [self._read(Hit.of, row) for row in rows_of(found)]
            if len(hits) >= limit or not found["results"] or len(hits) >= found.get("count", 0):
                return Found(found.get("count", 0), tuple(found.get("notes", ())), tuple(hits[:limit]))
            page += 1

    def products(self, **filters: Any) -> Iterator[Product]:
        """All products that one may see, page by page. Filters as for `GET /products/`: domain, name, tag, type, …"""
        page = 1
        while True:
            found = self._get("products/", {"page_size": 100, **filters, "page": page})
            yield from (self._read(Product.of, row) for row in rows_of(found))
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

    def catalogue(self, url: str, *, seconds: float = 60) -> list[Dataset]:
        """The datasets that a catalogue at an address lists, each with the `reason` where it cannot be published."""
        return self._catalogue(url, seconds)[1]

    def publish_catalogue(
        self, url: str, domain: str, *, datasets: Iterable[str] | None = None, seconds: float = 600, **said: Any
    ) -> Iterator[Dataset]:
        """Publishes the datasets of a catalogue in a domain, all or those at these `place`s; yields as it goes.

        `said`: owner (slug of a team), access_mode, new_tags. Done again it changes only what differs. Raises
        MarketplaceError where the address leads to no catalogue.
        """
        until = time.monotonic() + seconds
        token, _ = self._catalogue(url, seconds)
        wanted = None if datasets is None else list(datasets)
        body = {**said, "inspection": token, "domain": domain, **({"datasets": wanted} if wanted is not None else {})}
        found = self._call("POST", "catalogues/", body)
        run = str(found.get("address", "")).rstrip("/").rpartition("/")[2]
        done = 0
        while True:
            rows = rows_of(found)
            read = [self._read(Dataset.of, row) for row in rows[done:]]
            # The marketplace tells of all broken ones, chosen or not.
            yield from [each for each in read if wanted is None or each.place in wanted]
            done = len(rows)
            if found.get("poll_after_ms") is None:
                break
            self._pause(found, until)
            found = self._get(f"catalogues/{run}")
        if found.get("problem"):
            raise MarketplaceError(str(found["problem"]))

    def _catalogue(self, url: str, seconds: float) -> tuple[str, list[Dataset]]:
        found = self.inspect_url(url, seconds=seconds)
        listed = found.get("catalogue")
        if not listed:
            problems = [f"{problem.get('message')} {problem.get('advice')}" for problem in found.get("problems", ())]
            one = f"{url} is one product, and no catalogue: publish it by its link."
            raise MarketplaceError(one if found.get("state") == "done" else " ".join(problems))
        return str(found.get("token")), [self._read(Dataset.listed, row) for row in listed.get("datasets", ())]

    def checklist(self, address: str, *, seconds: float = 30) -> Checklist:
        """What a publishable product has and this one lacks, judged from its listing and its own documents now."""
        until = time.monotonic() + seconds
        path = f"products/{self.product(address).uuid}/checklist/"
        found = self._get(path)
        while found.get("poll_after_ms") is not None:
            self._pause(found, until)
            found = self._get(path)
        return self._read(Checklist.of, found)

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
        return [self._read(Offer.of, row) for row in rows_of(self._get("transfers/"))]

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
                passing = isinstance(error, LostError) or getattr(error, "status", 0) in PASSING
                if not (follow and reached and passing):
                    raise
            else:
                reached = True
                yield from [self._read(Event.of, row) for row in rows_of(page)]
                after = self._read(lambda data: int(data["next"]), page)
                if page.get("more"):
                    continue
                if not follow:
                    return
            time.sleep(every)

    def position(self) -> int:
        """Where the log ends now: `events(after=position())` gives only what happens from now on."""
        return self._read(lambda data: int(data["next"]), self._get("events", {"after": "latest"}))


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
