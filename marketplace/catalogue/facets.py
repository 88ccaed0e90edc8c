"""Filters beside a list, and the chips of those that are set."""

from collections.abc import Sequence

from marketplace.catalogue.contexts import Chip, Facet, Option
from marketplace.catalogue.filters import Filters
from registry.models import AccessMode, Domain, Lifecycle, ProductType
from search.results import Count, Facets

SHOWN = 12  # values of one facet


def facets(filters: Filters, counts: Facets, domains: Sequence[Domain], total: int) -> list[Facet]:
    """The filters with their counts. Values that narrow nothing are left out, and so is a facet without any other."""
    offered = [
        ("domain", "Domain", _domains(filters, counts.domains, domains)),
        ("access", "Access", counts.access),
        ("type", "Type", counts.types),
        ("owner", "Owner", counts.owners),
        ("goal", "Goal", counts.goals),
        ("lifecycle", "Lifecycle", counts.lifecycles),
        ("tag", "Tag", counts.tags),
    ]
    made = [Facet(name, label, _options(filters, name, values, total)) for name, label, values in offered]
    return [facet for facet in made if facet.options]


def chips(filters: Filters, counts: Facets, domains: Sequence[Domain]) -> list[Chip]:
    """The filters that are set, each with the address of the list without it."""
    made = []
    if filters.domain and not filters.domain_in_path:
        title = next((row.title for row in domains if row.slug == filters.domain), filters.domain)
        made.append(Chip(title, filters.toggled("domain", filters.domain).url()))
    labels = {count.value: count.label for count in counts.tags}
    made += [Chip(labels.get(tag, tag), filters.toggled("tag", tag).url()) for tag in filters.tags]
    if filters.type:
        made.append(Chip(ProductType(filters.type).label, filters.toggled("type", filters.type).url()))
    if filters.access:
        made.append(Chip(AccessMode(filters.access).label, filters.toggled("access", filters.access).url()))
    if filters.owner:
        name = next((count.label for count in counts.owners), filters.owner)
        made.append(Chip(name, filters.toggled("owner", filters.owner).url()))
    if filters.goal:
        name = next((count.label for count in counts.goals if count.value == filters.goal), filters.goal)
        made.append(Chip(name, filters.toggled("goal", filters.goal).url()))
    if filters.lifecycle:
        made.append(Chip(Lifecycle(filters.lifecycle).label, filters.toggled("lifecycle", filters.lifecycle).url()))
    return made


def _options(filters: Filters, name: str, values: Sequence[Count], total: int) -> list[Option]:
    useful = [value for value in values if value.count < total or filters.has(name, value.value)]
    return [
        Option(value.label, value.count, filters.toggled(name, value.value).url(), filters.has(name, value.value))
        for value in useful[:SHOWN]
    ]


def _domains(filters: Filters, counts: Sequence[Count], domains: Sequence[Domain]) -> Sequence[Count]:
    """The chosen domain, to be taken away, and what is below it; without one, all.

    A domain's own page lists its children at the top instead.
    """
    if filters.domain_in_path:
        return []
    if not filters.domain:
        return counts
    paths = {row.slug: row.path for row in domains}
    above = paths.get(filters.domain, "")
    below = [count for count in counts if paths.get(count.value, "").startswith(f"{above}/")]
    return [count for count in counts if count.value == filters.domain] + below
