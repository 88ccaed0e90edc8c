"""Reads of the pages that no room below offers."""

from collections.abc import Iterable

from marketplace.catalogue.filters import Filters
from registry import queries
from registry.models import LISTED, Domain, Event, PortEdge, Product
from search import queries as searching
from search.results import Results


def found(filters: Filters, *, limit: int, offset: int = 0) -> Results:
    """What the search finds for the question and all filters of a list, best first."""
    return searching.search(
        filters.question,
        domain=filters.domain or None,
        tags=filters.tags,
        type=filters.type or None,
        access=filters.access or None,
        owner=filters.owner or None,
        goal=filters.goal or None,
        lifecycle=filters.lifecycle or None,
        spelling=not filters.as_typed,
        limit=limit,
        offset=offset,
    )


def offering(contract_ids: Iterable[str]) -> dict[str, Product]:
    """Listed products with an output port of these contracts, by contract id; of several the first.

    One query, with their domains.
    """
    wanted = set(contract_ids)
    if not wanted:
        return {}
    ports = PortEdge.objects.filter(direction=PortEdge.Direction.OUT, contract_id__in=wanted)
    listed = ports.filter(product__lifecycle__in=LISTED).select_related("product__domain").order_by("-pk")
    return {port.contract_id: port.product for port in listed}


def domain_tree() -> list[Domain]:
    """All domains with `count`, each followed by those below it. One query."""
    # Compared by parts: as text, "climate-action" would come between "climate" and "climate/wind".
    return sorted(queries.domains_with_counts(), key=lambda domain: domain.path.split("/"))


def events_of(urn: str, types: Iterable[str], limit: int) -> list[Event]:
    """What happened to a product of these types since it was first published, newest first; all to a draft. One query.

    What was before is not for everybody (as in `registry.feed`); a draft's page is its owners' alone.
    """
    # Written out, since every view of a product's page asks it twice: making it through the ORM costs more than asking.
    return list(
        Event.objects.raw(
            "SELECT * FROM registry_event WHERE subject = %s AND type = ANY(%s) AND id >= coalesce("
            "(SELECT min(id) FROM registry_event WHERE subject = %s AND type = 'product.published'), 0"
            ") ORDER BY id DESC LIMIT %s",
            [urn, list(types), urn, limit],
        )
    )
