"""What the registry says of a product, as the judges of this room take it."""

from __future__ import annotations

from dataclasses import dataclass

from registry.models import Product


@dataclass(frozen=True, slots=True)
class Entry:
    """One product's entry. `links` are pairs of relation and address."""

    domain: str
    domain_title: str
    name: str
    title: str
    summary: str
    owner: str
    type: str = ""
    access_mode: str = "on_request"
    tags: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    listed: bool = True

    @property
    def urn(self) -> str:
        """The product's address in the mesh."""
        return f"urn:dp:{self.domain}:{self.name}"

    def urls(self, rel: str) -> tuple[str, ...]:
        """The addresses of a relation."""
        return tuple(url for known, url in self.links if known == rel)


def entry_of(product: Product) -> Entry:
    """Of a product with domain, owner, tags and links loaded; else one query for each that is not."""
    return Entry(
        domain=product.domain.slug,
        domain_title=product.domain.title,
        name=product.name,
        title=product.title,
        summary=product.summary,
        owner=product.owner.name,
        type=str(product.type),
        access_mode=str(product.access_mode),
        tags=tuple(tag.label for tag in product.tags.all()),
        links=tuple((str(link.rel), link.url) for link in product.links.all()),
        listed=product.is_listed,
    )
