"""What a visitor can do with a product first: the button at the top of its card."""

from dataclasses import dataclass
from urllib.parse import quote

from marketplace.live.state import NO_WORKERS, LiveProduct, Part
from registry.models import AccessMode, Product


@dataclass(frozen=True)
class FirstAction:
    """The button, and why it is not the usual one."""

    label: str
    url: str
    secondary: bool = False
    note: str = ""


def action(product: Product, found: LiveProduct) -> FirstAction | None:
    """Using it where it is open, asking its owner where it is not. None where the owner has no address to ask at."""
    if product.access_mode != AccessMode.OPEN:
        mail = f"mailto:{product.owner.email}?subject={quote(product.title)}"
        return FirstAction("Ask the owner for access", mail) if product.owner.email else None
    if found.index.state == "never":
        return FirstAction(
            "See its links", "#links", True, "It gives no address to ask: what it offers cannot be shown here."
        )
    if _silent(found.index):
        note = "It does not answer: it cannot be used now."
        if found.artifacts.view is None:
            return FirstAction("See why", "#about", True, note)
        return FirstAction("See what it last offered", "#artifacts", True, note)
    return FirstAction("Open: use it now", "#artifacts")


def _silent(index: Part) -> bool:
    """Whether the product itself is why there is no answer; not so while our own workers are late."""
    failed = index.state in ("down", "last_seen") or (index.waiting and index.problem is not None)
    return failed and index.problem != NO_WORKERS
