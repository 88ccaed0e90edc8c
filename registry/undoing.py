"""What a change leaves behind for a minute, so that it can be taken back. `services.undo` does it."""

from datetime import timedelta
from typing import Any

from django.db.models.functions import Now

from registry.models import Product, Undo

SECONDS = 60
MOVES = frozenset({"product.paused", "product.deprecated", "product.retired"})
_COLUMNS = ("title", "summary", "type", "access_mode")


def entry_of(product: Product) -> dict[str, Any]:
    """All that the registry holds of a product and an update can change, as JSON. Three queries."""
    return {
        **{name: getattr(product, name) for name in _COLUMNS},
        "tags": sorted(product.tags.values_list("slug", flat=True)),
        "links": [list(row) for row in product.links.values_list("rel", "url", "media_type", "title")],
        "ports": [
            list(row)
            for row in product.port_edges.order_by("pk").values_list(
                "direction", "port", "contract_id", "contract_version"
            )
        ],
    }


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What differs between two entries, by name. Ports follow the product's documents: no change of its listing."""
    return sorted(name for name in after if name != "ports" and _said(name, after) != _said(name, before))


def _said(name: str, entry: dict[str, Any]) -> Any:
    return sorted(link[:2] for link in entry["links"]) if name == "links" else entry[name]


def remember(product: Product, event_type: str, before: dict[str, Any]) -> None:
    """Keeps what was, in place of what was kept of an earlier change. Up to three queries."""
    Undo.objects.update_or_create(
        product=product,
        defaults={"event_type": event_type, "revision": product.revision, "before": before, "at": Now()},
    )


def open_for(product_id: int) -> Undo | None:
    """The change that can still be taken back: by the database's clock, and only as nothing else came after it."""
    return (
        Undo.objects.select_related("product")
        .filter(product_id=product_id, at__gt=Now() - timedelta(seconds=SECONDS))
        .first()
    )


def forget() -> None:
    """Removes what can no longer be taken back, so that no old text outlives its minute for long. One statement."""
    Undo.objects.filter(at__lte=Now() - timedelta(seconds=SECONDS)).delete()


def columns(record: Undo) -> dict[str, Any]:
    """The product's own columns as they were."""
    entry = record.before.get("entry")
    return {name: entry[name] for name in _COLUMNS} if entry else {"lifecycle": record.before["lifecycle"]}
