"""What the templates of a product's life get: steps, offers and the step that can still be taken back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from marketplace.accounts.models import User
from marketplace.publishing import comparing
from registry import transfers, undoing
from registry.models import TRANSITIONS, Lifecycle, Product, Undo

CONFIRMED = frozenset({"deprecate", "retire"})  # asked about first, since others rely on the product
VERB_OF = {
    Lifecycle.PUBLISHED: ("publish", "Publish"),
    Lifecycle.PAUSED: ("pause", "Pause"),
    Lifecycle.DEPRECATED: ("deprecate", "Deprecate"),
    Lifecycle.RETIRED: ("retire", "Retire"),
}
DONE = {
    "product.paused": "The product was paused.",
    "product.deprecated": "The product was deprecated.",
    "product.retired": "The product was retired.",
    "product.updated": "The listing was changed.",
}


def address(product: Product, page: str, *more: str) -> str:
    """One of the owner's pages of the product. Reads its domain."""
    return reverse(f"publishing:{page}", args=[product.domain.slug, product.name, *more])


@dataclass(frozen=True)
class LifecycleStep:
    """A step of the lifecycle that is open to a product; `confirm`: its page asks first."""

    label: str
    url: str
    confirm: bool


def steps(product: Product) -> list[LifecycleStep]:
    """The steps open to a product whose domain is loaded. No queries."""
    found = []
    for state in sorted(TRANSITIONS[product.lifecycle], key=list(VERB_OF).index):  # type: ignore[arg-type] # members are strings
        verb, label = VERB_OF[Lifecycle(state)]
        if product.lifecycle == Lifecycle.PAUSED and verb == "publish":
            verb, label = "resume", "Resume"
        confirm = verb in CONFIRMED
        url = address(product, verb) if confirm else address(product, "move", verb)
        found.append(LifecycleStep(label, url, confirm))
    return found


@dataclass(frozen=True)
class OfferRow:
    """A product that another team offers."""

    title: str
    urn: str
    owner: str
    team: str
    accept_url: str
    end_url: str


def offers_to(user: User) -> Sequence[OfferRow]:
    """What is offered to a person's teams. One query."""
    return [
        OfferRow(
            offer.product.title,
            offer.product.urn,
            offer.product.owner.name,
            offer.team.name,
            address(offer.product, "accept"),
            address(offer.product, "end-offer"),
        )
        for offer in transfers.offers_to(user)
    ]


def manage(product: Product) -> dict[str, Any]:
    """The page of a product's life. Two queries."""
    return {
        "nav": "publish",
        "product": product,
        "steps": steps(product),
        "undo": _undo(undoing.open_for(product.pk), product),
        "offer": transfers.offer_of(product),
        "end_url": address(product, "end-offer"),
        "transfer_url": address(product, "transfer"),
        "edit_url": address(product, "edit"),
        "compare_url": address(product, "compare"),
        "purposes_url": address(product, "purposes"),
    }


def _undo(record: Undo | None, product: Product) -> dict[str, str] | None:
    if record is None or record.revision != product.revision:
        return None
    return {"text": DONE[record.event_type], "url": address(product, "undo")}


def confirm(product: Product, verb: str) -> dict[str, Any]:
    """The page that asks before a step others feel."""
    words = {
        "deprecate": (
            f"Deprecate {product.title}?",
            (
                "It stays listed and works as before, but its page says that it will go, and that nobody should build "
                "anything new on it. It cannot be published again, except by undoing this within a minute."
            ),
            "Deprecate",
        ),
        "retire": (
            f"Retire {product.title}?",
            (
                "It leaves search, every list and the API; its page is there for your team only, and its address "
                "answers “gone”. The address stays taken. Only an undo within a minute takes it back."
            ),
            "Retire",
        ),
    }
    heading, text, label = words[verb]
    return {
        "nav": "publish",
        "product": product,
        "heading": heading,
        "text": text,
        "submit_label": label,
        "back_url": address(product, "manage"),
    }


POLL_MS = (120, 250, 500, 1000)
POLL_TRIES = 32  # about half a minute
LABELS = {"title": "Title", "summary": "Summary", "tags": "Tags", "links": "Links"}


def comparison(product: Product, tries: int) -> dict[str, Any]:
    """What is registered beside what the product says; `tries` is how often this page has asked."""
    found = comparing.compare(product, patient=tries < POLL_TRIES)
    here = address(product, "compare")
    return {
        "nav": "publish",
        "product": product,
        "comparison": found,
        "rows": [(LABELS[difference.field], difference) for difference in found.differences],
        "poll_url": f"{here}?n={tries + 1}" if found.state == "asking" else "",
        "poll_ms": POLL_MS[min(tries, len(POLL_MS) - 1)],
        "here": here,
        "back_url": address(product, "manage"),
    }
