"""Every read of the registry; what is prefetched is decided here."""

from collections.abc import Iterable

from django.db.models import Count, Q, QuerySet

from marketplace.accounts.models import Role, User
from registry import entry
from registry.models import LISTED, Domain, Lifecycle, Link, Product


def products() -> QuerySet[Product]:
    """Products with what a tile or an API row shows: domain, owner, tags. Two queries however many rows."""
    return Product.objects.select_related("domain", "owner").prefetch_related("tags")


def visible_to(user: User | None) -> QuerySet[Product]:
    """Listed products, and the drafts and retired ones of the person's own teams; administrators see all."""
    if user is None:
        return listed()
    if user.has_role(Role.ADMIN):
        return products()
    return products().filter(Q(lifecycle__in=LISTED) | Q(owner__in=user.teams.all()))


def listed() -> QuerySet[Product]:
    """What everybody may see."""
    return products().filter(lifecycle__in=LISTED)


def owned_by(user: User) -> QuerySet[Product]:
    """The products of a person's teams, drafts included, last changed first."""
    return products().filter(owner__in=user.teams.all()).order_by("-updated_at", "-id")


def newest(limit: int) -> QuerySet[Product]:
    """The last published products."""
    return products().filter(lifecycle=Lifecycle.PUBLISHED).order_by("-published_at", "-id")[:limit]


def by_address(domain: str, name: str) -> Product | None:
    """The product at urn:dp:<domain>:<name>, with domain, owner, tags, links and deprecation; in any lifecycle.

    One query; two for a product that is deprecated or retired. No more for `ancestors` of its domain.
    """
    return entry.at(domain, name)


def listed_by_urn(urn: str) -> Product | None:
    """What everybody may see at an address as somebody typed it; None for anything else. At most two queries."""
    match urn.strip().split(":"):
        case ["urn", "dp", domain, name] if domain.isprintable() and name.isprintable():
            return listed().filter(domain__slug=domain, name=name).first()
    return None


def by_urns(urns: Iterable[str]) -> dict[str, Product]:
    """The products at these addresses, in any lifecycle, with their domains; what is no product's is left out.

    One query.
    """
    wanted = {urn for urn in urns if urn.startswith("urn:dp:") and urn.count(":") == 3}
    if not wanted:
        return {}
    domains, names = zip(*(urn.split(":")[2:] for urn in wanted), strict=True)
    found = Product.objects.filter(domain__slug__in=set(domains), name__in=names).select_related("domain")
    return {product.urn: product for product in found if product.urn in wanted}


def whole(found: QuerySet[Product]) -> QuerySet[Product]:
    """With links, and what a deprecation says, so that neither is asked for product by product. One query more."""
    return found.select_related("deprecation__successor__domain").prefetch_related("links")


def in_order(ids: list[int]) -> list[Product]:
    """The products with these ids, in the order of the ids; missing ones are left out. Two queries."""
    found = {product.pk: product for product in products().filter(pk__in=ids)}
    return [found[pk] for pk in ids if pk in found]


def addresses_of(product_ids: Iterable[int]) -> dict[int, list[tuple[str, str]]]:
    """Relation and URL of each of the products' links, in the order they were given; nothing for one without. One
    query."""
    found: dict[int, list[tuple[str, str]]] = {}
    rows = Link.objects.filter(product_id__in=product_ids).values_list("product_id", "rel", "url")
    for product_id, rel, url in rows:
        found.setdefault(product_id, []).append((rel, url))
    return found


def in_domain(path: str) -> Q:
    """A condition on products: in the domain at this path or below it."""
    return Q(domain__path=path) | Q(domain__path__startswith=f"{path}/")


def domains_with_counts() -> list[Domain]:
    """All domains by path, each with `count`: its own listed products and those below it. Two queries."""
    rows = list(Domain.objects.select_related("parent"))
    listed = Product.objects.filter(lifecycle__in=LISTED).order_by().values_list("domain_id").annotate(Count("id"))
    own = dict(listed)
    totals: dict[str, int] = {}
    for row in rows:
        parts = row.path.split("/")
        for depth in range(1, len(parts) + 1):
            key = "/".join(parts[:depth])
            totals[key] = totals.get(key, 0) + own.get(row.pk, 0)
    for row in rows:
        row.count = totals[row.path]
    return rows


def ancestors(domain: Domain) -> list[Domain]:
    """The domains above, root first. One query, none for the domain of `by_address`."""
    if domain.known_ancestors is not None:
        return domain.known_ancestors
    found = {row.slug: row for row in Domain.objects.filter(slug__in=domain.ancestor_slugs)}
    return [found[slug] for slug in domain.ancestor_slugs if slug in found]
