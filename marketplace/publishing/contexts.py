"""What the templates of the producer's journey get: small rows in their final shape."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page
from django.db.models import QuerySet
from django.urls import reverse

from marketplace.accounts.models import User
from marketplace.live.errors import Problem
from marketplace.live.inspection import Inspection, Suggestions
from marketplace.live.inspection import inspection as read_inspection
from marketplace.publishing import glossary
from marketplace.publishing.forms import PORT_KEYS, ProductForm
from marketplace.publishing.lifecycle_contexts import LifecycleStep, steps
from marketplace.publishing.previews import PagePreview, artifacts_of, page_preview
from registry import queries
from registry.access import may_edit
from registry.models import Domain, Lifecycle, Product, Rel
from registry.text import plain_text

POLL_MS = (120, 200, 300, 400)  # the preview is there soon after the last answer
POLL_TRIES = 60


def query(**parameters: str) -> str:
    """A query string."""
    return urlencode(parameters)


def whole_number(raw: str | None) -> int:
    """A small number out of an address; 0 for anything else."""
    return int(raw) if raw and raw.isdecimal() and len(raw) < 5 else 0


@dataclass(frozen=True)
class Said:
    """A fact that was recognised: what it is, and how much of it."""

    label: str
    value: str


@dataclass(frozen=True)
class Trouble:
    """What went wrong and what to do about it."""

    tone: str
    text: str
    advice: str
    action_label: str = ""
    action_url: str = ""


SIGNED_OUT = Trouble("info", "You had been signed out.", "What you typed is still here: look at it and send it again.")
NO_ADVICE = Trouble("info", "Too many suggestions in one minute.", "Nothing typed is lost. Ask again in a minute.")


@dataclass(frozen=True)
class InspectionContext:
    """How far the look at a pasted link has come: `asking`, `found` (go to `next_url`) or `problem`."""

    state: str
    url: str
    poll_url: str = ""
    poll_ms: int = 0
    next_url: str = ""
    by_hand_url: str = ""
    problems: Sequence[Trouble] = ()


def inspection(found: Inspection, token: str, tries: int) -> InspectionContext:
    """The context for the state of an inspection; `tries` is how often this page has asked."""
    form = reverse("publishing:describe")
    if found.catalogue is not None:
        return InspectionContext("found", found.url, next_url=reverse("publishing:catalogue", args=[token]))
    if found.state == "done":
        return InspectionContext("found", found.url, next_url=f"{form}?{query(link=token)}")
    by_hand = f"{form}?{query(url=found.url)}" if found.url else form
    if found.state == "waiting" and tries < POLL_TRIES:
        pause = POLL_MS[min(tries, len(POLL_MS) - 1)]
        poll_url = f"{reverse('publishing:inspect', args=[token])}?{query(n=str(tries + 1))}"
        return InspectionContext("asking", found.url, poll_url, pause, by_hand_url=by_hand)
    late = Trouble(
        "warn", "The answer takes longer than expected.", "Read the link once more, or describe the product by hand."
    )
    problems = _troubles(found.problems, "bad") or [late]
    return InspectionContext("problem", found.url, by_hand_url=by_hand, problems=problems)


def _troubles(problems: Sequence[Problem], tone: str) -> list[Trouble]:
    return [Trouble(tone, problem.message, problem.advice) for problem in problems]


@dataclass(frozen=True)
class Found:
    """What the form is filled with, and what the page says about where it comes from."""

    initial: dict[str, Any] = field(default_factory=dict)
    links: list[dict[str, str]] = field(default_factory=list)
    found: Sequence[Said] = ()
    problems: Sequence[Trouble] = ()
    notes: dict[str, str] = field(default_factory=dict)
    new_words: Sequence[str] = ()
    page: PagePreview | None = None
    latency_ms: int | None = None


def found(token: str, user: User) -> Found:
    """The suggestions of a finished inspection; empty without one. Two round trips to Redis and a few queries."""
    if not token:
        return Found()
    answer = read_inspection(token)
    if answer.state != "done" or answer.view is None:
        return Found(problems=_troubles(answer.problems, "warn"))
    wanted = answer.suggestions
    known = Domain.objects.filter(slug=wanted.domain).exists()
    notes = {} if known or not wanted.domain else {"domain": _no_domain(wanted.domain)}
    name = _free_for(wanted, user, notes)
    tags, new_words = glossary.known_of(plain_text(tag) for tag in wanted.tags)
    initial: dict[str, Any] = {
        "title": wanted.title,
        "summary": wanted.summary,
        "domain": wanted.domain if known else None,
        "name": name,
        "tags": ", ".join(tags),
        "type": wanted.type,
        "ports": json.dumps([{key: getattr(port, key) for key in PORT_KEYS} for port in wanted.ports]),
    }
    links = [{"rel": x.rel, "url": x.url, "media_type": x.media_type} for x in wanted.links]
    notices = [*_listed_already(wanted, user), *_troubles(answer.problems, "warn")]
    return Found(initial, links, _recognised(answer), notices, notes, new_words, page_preview(answer), _latency(answer))


def _latency(answer: Inspection) -> int | None:
    return answer.live.index.latency_ms if answer.live else None


def _no_domain(said: str) -> str:
    return f"The product says “{said}”, which is no domain here. Choose the one it belongs to."


def _free_for(wanted: Suggestions, user: User, notes: dict[str, str]) -> str:
    """The name the product says, or a free one where another team has that; then the note beside the field says so."""
    taken = queries.by_address(wanted.domain, wanted.name)
    if taken is None or may_edit(user, taken):
        return wanted.name
    free = free_name(wanted.domain, wanted.name)
    owner = taken.owner.name if taken.is_listed else "another team"
    notes["name"] = f"The product calls itself {taken.urn}, which belongs to {owner}. This name is free."
    return free


def free_name(domain: str, name: str) -> str:
    """The name with the first number that nobody has in the domain. One query."""
    base = name[:58].rstrip("-")
    taken = set(Product.objects.filter(domain__slug=domain, name__startswith=base).values_list("name", flat=True))
    return next(free for number in range(2, len(taken) + 3) if (free := f"{base}-{number}") not in taken)


def _listed_already(wanted: Suggestions, user: User) -> list[Trouble]:
    """Says so where the address of the gateway, or the name in the domain, is registered. Up to five queries."""
    urls = [link.url for link in wanted.links if link.rel == Rel.DISCOVERY]
    product = queries.visible_to(user).filter(links__rel=Rel.DISCOVERY, links__url__in=urls).first()
    product = product or queries.by_address(wanted.domain, wanted.name)
    if product is None or not (product.is_listed or may_edit(user, product)):
        return []
    if may_edit(user, product):
        edit_url = reverse("publishing:edit", args=[product.domain.slug, product.name])
        advice = "Edit that entry instead of making a second one."
        return [Trouble("info", f"Already registered: {product.title}.", advice, "Edit it", edit_url)]
    advice = f"{product.owner.name} registered it. Publish here only what is another product."
    return [Trouble("info", f"Already listed: {product.title}.", advice, "See it", product.get_absolute_url())]


def submitted_before(user: User, form: ProductForm) -> Product | None:
    """The product that the same form made already, when it was sent twice. Three queries."""
    cleaned = form.cleaned_data
    product = queries.by_address(cleaned["domain"].slug, cleaned["name"])
    if product is None or not may_edit(user, product):
        return None
    same = (product.title, product.summary) == (plain_text(cleaned["title"]), cleaned["summary"])
    return product if same else None


def _recognised(answer: Inspection) -> list[Said]:
    """What was understood: the standard first, then what there is to count."""
    assert answer.view is not None
    counts = {
        "Artifacts": len(artifacts_of(answer)),
        "Data contracts": len(answer.contracts),
        "Columns": sum(contract.column_count for contract in answer.contracts),
        "Quality rules": sum(contract.rule_count for contract in answer.contracts),
    }
    return [
        Said("Standard", answer.view.standard),
        *(Said(label, str(count)) for label, count in counts.items() if count),
    ]


def typed_link(url: str) -> list[dict[str, str]]:
    """The link a person pasted, as the first row of the links, where nothing could be read behind it."""
    return [{"rel": Rel.DISCOVERY, "url": url, "media_type": ""}] if url else []


@dataclass(frozen=True)
class Action:
    """A link that leads on."""

    label: str
    url: str


def done(product: Product) -> dict[str, Any]:
    """The last page: where the product is now and what happens next."""
    edit_url = reverse("publishing:edit", args=[product.domain.slug, product.name])
    find = Action("Find it in search", f"{reverse('catalogue:search')}?{query(q=product.title)}")
    return {
        "product": product,
        "draft": not product.is_listed,
        "next_actions": [
            find if product.is_listed else Action("Go on editing", edit_url),
            Action("Your products", reverse("publishing:mine")),
        ],
    }


@dataclass(frozen=True)
class OwnedRow:
    """A product in its owner's list."""

    title: str
    url: str
    urn: str
    lifecycle: str
    lifecycle_label: str
    updated_at: Any
    edit_url: str
    steps: Sequence[LifecycleStep]
    manage_url: str


def owned(product: Product) -> OwnedRow:
    """The row of a product whose domain is loaded. No queries."""
    address = [product.domain.slug, product.name]
    return OwnedRow(
        title=product.title,
        url=product.get_absolute_url(),
        urn=product.urn,
        lifecycle=product.lifecycle,
        lifecycle_label=product.get_lifecycle_display(),
        updated_at=product.updated_at,
        edit_url=reverse("publishing:edit", args=address),
        steps=steps(product),
        manage_url=reverse("publishing:manage", args=address),
    )


def drafts(products: QuerySet[Product], limit: int = 5) -> list[OwnedRow]:
    """The drafts to go on with, from a person's products. One query for them, one for their tags."""
    return [owned(product) for product in products.filter(lifecycle=Lifecycle.DRAFT)[:limit]]


@dataclass(frozen=True)
class Empty:
    """What an empty place says: what would be here, and how to get it."""

    title: str
    text: str
    actions: Sequence[Action] = ()


def nothing_yet() -> Empty:
    """The list of products of somebody who has none."""
    return Empty(
        "Nothing here yet",
        "What you or your team publish appears here, drafts included.",
        [
            Action("Publish your first data product", reverse("publishing:start")),
            Action("How it is done", "/guides/publish/"),
        ],
    )


@dataclass(frozen=True)
class PageContext:
    """Where one is in a long list."""

    number: int
    previous_url: str | None
    next_url: str | None


def page_of(page: Page[Any]) -> PageContext:
    """The links to the pages beside this one."""
    return PageContext(
        page.number,
        f"?page={page.previous_page_number()}" if page.has_previous() else None,
        f"?page={page.next_page_number()}" if page.has_next() else None,
    )
