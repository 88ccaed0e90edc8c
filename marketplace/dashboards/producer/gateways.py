"""What products' own gateways counted, as they say it now. Nothing of it is stored."""

from collections.abc import Sequence
from dataclasses import dataclass

from marketplace.catalogue.live_parts import Live, Polling, live
from marketplace.live import services
from marketplace.live.state import LiveProduct
from marketplace.live.view import HealthView, MetricsView
from registry.models import Product

SAYS = {"pass": "All is well", "warn": "Needs attention", "fail": "Not well"}
LOOKS = {"pass": "live", "warn": "slow", "fail": "down"}


@dataclass(frozen=True)
class Counted:
    """Whole numbers, None where the gateway does not count that. `requests` since it was started, the others as long as
    it keeps its access log; `consumers` are different ones."""

    requests: int | None = None
    downloads: int | None = None
    queries: int | None = None
    orders: int | None = None
    bytes: int | None = None
    consumers: int | None = None


@dataclass(frozen=True)
class Gateway:
    """One product's gateway: how its metrics and its health stand, what it counted and what it says of itself."""

    product: Product
    live: Live
    counted: Counted | None
    health: Live
    health_state: str
    health_word: str


def gateway(product: Product, polling: Polling, *, ask: bool = True) -> Gateway:
    """At once; what is stale is asked by a worker. Two or three round trips to Redis, no query."""
    return _gateway(product, services.look(product.pk, ask=ask), polling)


def gateways(products: Sequence[Product], polling: Polling, *, ask: bool = True) -> list[Gateway]:
    """Of a page of products: two or five round trips to Redis however many."""
    found = services.look_many([product.pk for product in products], ask=ask)
    return [_gateway(product, found[product.pk], polling) for product in products]


def counted(found: MetricsView) -> Counted:
    """The few numbers that speak of use, where the gateway counts them."""
    kept = _number(found.value("accesses.total"))

    def action(name: str) -> int | None:
        said = _number(found.value(f"accesses.byAction.{name}"))
        return 0 if said is None and kept is not None else said

    return Counted(
        requests=_number(found.value("requests.total")),
        downloads=action("download"),
        queries=action("query"),
        orders=action("order"),
        bytes=_number(found.value("accesses.bytes")),
        consumers=_number(found.value("accesses.consumers")),
    )


def _gateway(product: Product, found: LiveProduct, polling: Polling) -> Gateway:
    said = found.metrics.view if isinstance(found.metrics.view, MetricsView) else None
    health = found.health.view if isinstance(found.health.view, HealthView) else None
    status = health.status if health and found.health.state in ("live", "slow", "last_seen") else None
    shown = live(found.health, polling)
    return Gateway(
        product=product,
        live=live(found.metrics, polling, waiting=found.waiting),
        counted=counted(said) if said else None,
        health=shown,
        health_state=LOOKS.get(status or "", shown.state),
        health_word=SAYS.get(status or "", "Does not say" if health and status is None else shown.word),
    )


def _number(text: str | None) -> int | None:
    """A whole number of things as a document writes it; None for anything else."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return int(value) if 0 <= value < 1e18 else None
