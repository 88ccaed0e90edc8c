"""Contexts of the product page and the artifact page: what is registered, and where the live parts come from."""

from dataclasses import replace
from typing import Any

from django.http import Http404, HttpRequest
from django.urls import reverse

from marketplace.catalogue import artifact_ids, page_parts
from marketplace.catalogue.contexts import Section, product_context
from marketplace.catalogue.drift_notice import recent_drift
from marketplace.catalogue.live_contexts import SECTIONS
from marketplace.catalogue.use import action
from marketplace.exports.contexts import take_away
from marketplace.live import services as live
from marketplace.notices.contexts import follow_button
from registry import queries
from registry.access import may_edit
from registry.models import Product


def product(request: HttpRequest, found: Product) -> dict[str, Any]:
    """The product page. Asks the product first: a fast one has answered when the browser asks for the live parts."""
    seen = live.look(found.pk)
    address = [found.domain.slug, found.name]
    shared = head(request, found)
    notices = (*shared["product"].notices, *recent_drift(found))
    live_url, live_ms = page_parts.first(found, seen)
    parts_url = page_parts.address(found)
    return {
        **shared,
        "product": replace(shared["product"], notices=notices),
        "action": action(found, seen),
        "take_away": take_away(found, seen),
        "goals_url": reverse("catalogue:product-goals", args=address) if found.has_purposes else "",
        "similar_url": reverse("catalogue:product-similar", args=address),
        "product_inside_url": reverse("catalogue:product-inside", args=address),
        "sections": [Section(name, part.title, f"{parts_url}{name}/") for name, part in SECTIONS.items()],
        "follow": follow_button(request.user, found),
        "card_url": f"{parts_url}card/",
        "live_url": live_url,
        "live_ms": live_ms,
    }


def artifact(request: HttpRequest, found: Product, address: str) -> dict[str, Any]:
    """The artifact page of an address of `artifact_ids`.

    Raises Http404 where the product has answered and lists no such artifact.
    """
    seen = artifact_ids.look(found.pk, address)
    if seen.gone:
        raise Http404(f"{found.title} lists no artifact {address!r}.")
    return {
        **head(request, found),
        "artifact_name": (seen.artifact.title or seen.artifact.name) if seen.artifact else "Artifact",
        "fragment_url": reverse(
            "catalogue:live-artifact", args=[found.domain.slug, found.name, artifact_ids.canonical(address)]
        ),
    }


def head(request: HttpRequest, found: Product) -> dict[str, Any]:
    """What the pages of a product share. Two queries."""
    ancestors = queries.ancestors(found.domain)
    return {"nav": "browse", "product": product_context(found, ancestors, may_edit=may_edit(request.user, found))}
