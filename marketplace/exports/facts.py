"""What is exported of a product: what is registered, and what it last said of itself. Nothing else, nothing guessed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from django.conf import settings

from marketplace.live.state import LiveProduct
from marketplace.live.view import ArtifactView, Coverage, ProductView
from registry.models import AccessMode, Product, Rel


@dataclass(frozen=True, slots=True)
class LinkFact:
    """A registered link."""

    rel: str
    url: str
    media_type: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class PortFact:
    """A registered port: `direction` is in or out."""

    direction: str
    port: str
    contract_id: str
    contract_version: str = ""


@dataclass(frozen=True, slots=True)
class UseCaseFact:
    """A use case or goal that the product serves; `goal` is the goal above a use case."""

    title: str
    goal: str = ""
    hypothesis: str = ""
    measure: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """One product. `page` and `domain_page` are absolute; `listed` and `changed` are dates of the listing, not of the
    data. `said` is what the product last said of itself, None where it has said nothing."""

    urn: str
    name: str
    title: str
    summary: str
    page: str
    domain: str
    domain_title: str
    domain_page: str
    owner: str
    changed: datetime
    listed: datetime | None = None
    owner_email: str = ""
    type: str = ""
    lifecycle: str = "published"
    access_mode: str = "on_request"
    tags: tuple[str, ...] = ()
    links: tuple[LinkFact, ...] = ()
    ports: tuple[PortFact, ...] = ()
    use_cases: tuple[UseCaseFact, ...] = ()
    said: ProductView | None = None
    artifacts: tuple[ArtifactView, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether anybody may consume it."""
        return self.access_mode == AccessMode.OPEN

    @property
    def coverage(self) -> Coverage:
        """Where and when, as the product says."""
        return self.said.coverage if self.said else Coverage()

    def urls(self, *rels: str) -> tuple[str, ...]:
        """The registered addresses of these relations, each once."""
        return tuple(dict.fromkeys(link.url for link in self.links if link.rel in rels))

    @property
    def related(self) -> tuple[LinkFact, ...]:
        """Registered links other than to the data itself and to what it was made from."""
        return tuple(link for link in self.links if link.rel not in (Rel.CONSUMPTION, Rel.SOURCE))


def facts_of(product: Product, live: LiveProduct | None = None) -> Facts:
    """Of a product with domain, owner, tags and links prefetched; with ports and use cases where they are too."""
    said = live.product if live else None
    fetched = getattr(product, "_prefetched_objects_cache", {})
    ports, purposes = fetched.get("port_edges", ()), fetched.get("purposes", ())
    return Facts(
        urn=product.urn,
        name=product.name,
        title=product.title,
        summary=product.summary,
        page=absolute(product.get_absolute_url()),
        domain=product.domain.slug,
        domain_title=product.domain.title,
        domain_page=absolute(product.domain.get_absolute_url()),
        owner=product.owner.name,
        owner_email=product.owner.email,
        type=str(product.type),
        lifecycle=str(product.lifecycle),
        access_mode=str(product.access_mode),
        tags=tuple(tag.label for tag in product.tags.all()),
        links=tuple(LinkFact(str(link.rel), link.url, link.media_type, link.title) for link in product.links.all()),
        ports=tuple(PortFact(str(p.direction), p.port, p.contract_id, p.contract_version) for p in ports),
        use_cases=tuple(
            UseCaseFact(p.goal.title, p.goal.parent.title if p.goal.parent else "", p.hypothesis, p.measure, p.target)
            for p in purposes
        ),
        listed=product.published_at,
        changed=product.updated_at,
        said=said,
        artifacts=_artifacts(live),
    )


def _artifacts(live: LiveProduct | None) -> tuple[ArtifactView, ...]:
    """The list where there is one, else what the product's document names."""
    parts = (live.artifacts, live.metadata) if live else ()
    return next((part.view.artifacts for part in parts if part.view and part.view.artifacts), ())


def absolute(path: str) -> str:
    """The address under which people reach a path of ours, whoever asks."""
    return f"{settings.PUBLIC_URL}{path}"


def iri(url: str) -> str:
    """The address with what may not stand in an IRI escaped; the same address to every client."""
    return quote(url, safe="!#$%&'()*+,/:;=?@[]~", errors="replace")
