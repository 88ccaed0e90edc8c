"""What is registered of a product beside what it says of itself now, and taking that over."""

import difflib
import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from django.core.exceptions import ValidationError
from django.utils.text import slugify

from marketplace.accounts.models import User
from marketplace.live import inspection
from marketplace.live import services as live
from marketplace.live.errors import Problem
from marketplace.live.state import LiveProduct
from marketplace.live.view import IndexView, ProductView
from registry import services
from registry.models import Product, Rel
from registry.services import LinkData, PortData, ProductData
from registry.text import plain_text

FIELDS = ("title", "summary", "tags", "links")
SILENT = Problem("slow", "The product has not answered so far.", "Compare again in a minute.")

State = Literal["asking", "same", "different", "silent"]


@dataclass(frozen=True)
class Piece:
    """Some words of a text; `kind` is same, registered (now gone) or live (new)."""

    kind: Literal["same", "registered", "live"]
    text: str


@dataclass(frozen=True)
class Difference:
    """One field that differs. `registered` and `live` are its values; a text also as `pieces`, in order."""

    field: str
    registered: Sequence[str]
    live: Sequence[str]
    pieces: Sequence[Piece] = ()


@dataclass(frozen=True)
class Comparison:
    """`asking`: look again shortly; `silent`: the product does not answer, `problem` says why.

    `fingerprint` stands for what was compared: who takes over sends it back, so that nothing unseen is taken.
    """

    state: State
    differences: Sequence[Difference] = ()
    fingerprint: str = ""
    problem: Problem | None = None


def compare(product: Product, *, patient: bool = True) -> Comparison:
    """Looks at once, and has a worker ask what is not fresh; `patient`: an answer under way is waited for.

    Up to three round trips to Redis and three queries.
    """
    found = live.look(product.pk)
    return Comparison("asking") if found.waiting and patient else _compared(product, found)


def take_over(actor: User, product: Product, fields: Iterable[str], fingerprint: str, *, revision: int) -> Product:
    """Registers what the product says of these fields. `fingerprint` and `revision` are those that the person saw.

    The discovery link is never taken over: where the product is asked is for its owner to say, not for the answer.
    Raises ValidationError where the product says something else by now, or nothing; else as services.update does.
    """
    found = live.look(product.pk, ask=False)
    seen = _compared(product, found)
    if seen.fingerprint != fingerprint or seen.state == "silent":
        raise ValidationError("The product says something else by now. See what changed, and take it over then.")
    wanted = {difference.field for difference in seen.differences} & set(fields)
    if not wanted:
        raise ValidationError("Choose at least one part that differs.")
    registered, said = _registered(product), _said(product, found)
    data = ProductData(
        domain=product.domain.slug,
        name=product.name,
        type=product.type,
        access_mode=product.access_mode,
        ports=[PortData(x.direction, x.port, x.contract_id, x.contract_version) for x in product.port_edges.all()],
        title=(said if "title" in wanted else registered).title,
        summary=(said if "summary" in wanted else registered).summary,
        tags=(said if "tags" in wanted else registered).tags,
        links=(said if "links" in wanted else registered).links,
    )
    return services.update(actor, product, data, revision=revision)


@dataclass(frozen=True)
class _Entry:
    title: str
    summary: str
    tags: Sequence[str]
    links: Sequence[LinkData]


def _registered(product: Product) -> _Entry:
    links = [LinkData(x.rel, x.url, x.media_type, x.title) for x in product.links.all()]
    return _Entry(product.title, product.summary, [tag.label for tag in product.tags.all()], links)


def _said(product: Product, found: LiveProduct) -> _Entry:
    """The entry as the product would write it; what it does not say is as registered."""
    before = _registered(product)
    index = found.index.view
    assert isinstance(index, IndexView)  # only after _problem() found none
    said = inspection.suggest(found, found.product or ProductView(standard=index.standard), found.index.url or "")
    links = [LinkData(x.rel, x.url, x.media_type, plain_text(x.title)[:140]) for x in said.links]
    links = [link for link in links if link.rel != Rel.DISCOVERY and link.url.startswith(("https://", "http://"))]
    named = {link.rel for link in links}
    return _Entry(
        title=plain_text(said.title) or before.title,
        summary=plain_text(said.summary) or before.summary,
        tags=said.tags or before.tags,
        links=[link for link in before.links if link.rel not in named] + links,
    )


def _problem(found: LiveProduct) -> Problem | None:
    """Why nothing can be compared: what is only last seen is not what the product says now."""
    for part in (found.index, found.metadata):
        if part.state in ("last_seen", "down", "unavailable"):
            return part.problem or SILENT
    return None if found.index.view is not None else found.index.problem or SILENT


def _compared(product: Product, found: LiveProduct) -> Comparison:
    if problem := _problem(found):
        return Comparison("silent", problem=problem)
    before, said = _registered(product), _said(product, found)
    differences = [
        *_text("title", before.title, said.title),
        *_text("summary", before.summary, said.summary),
        *_list("tags", _slugs(before.tags), _slugs(said.tags)),
        *_list("links", _addresses(before.links), _addresses(said.links)),
    ]
    said_as_json = json.dumps([said.title, said.summary, list(said.tags), [vars(link) for link in said.links]])
    fingerprint = hashlib.sha256(said_as_json.encode()).hexdigest()[:32]
    return Comparison("different" if differences else "same", differences, fingerprint)


def _slugs(labels: Iterable[str]) -> list[str]:
    return sorted({slugify(label)[:63].strip("-") for label in labels} - {""})


def _addresses(links: Iterable[LinkData]) -> list[str]:
    return sorted({f"{link.rel} {link.url}" for link in links})


def _list(field: str, registered: list[str], live: list[str]) -> list[Difference]:
    gone = [value for value in registered if value not in live]
    new = [value for value in live if value not in registered]
    return [Difference(field, gone, new)] if gone or new else []


def _text(field: str, registered: str, live: str) -> list[Difference]:
    if registered.split() == live.split():
        return []
    return [Difference(field, [registered], [live], _pieces(registered, live))]


def _pieces(registered: str, live: str) -> list[Piece]:
    """Word by word; both texts are short."""
    old, new = re.findall(r"\s*\S+", registered), re.findall(r"\s*\S+", live)
    found = []
    for kind, i, j, k, n in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append(Piece("same", "".join(old[i:j])))
            continue
        if i < j:
            found.append(Piece("registered", "".join(old[i:j])))
        if k < n:
            found.append(Piece("live", "".join(new[k:n])))
    return found
