"""A bare contract seen as a product: all a contract says about the product it belongs to."""

from __future__ import annotations

from ..view import ArtifactView, ContractView, ProductView
from .bitol import owner_of


def product_from(seen: ContractView, artifacts: tuple[ArtifactView, ...] = ()) -> ProductView:
    """The product view of a contract; where no artifacts are given, the contract itself is the one artifact."""
    one = ArtifactView(
        id=seen.id or "contract",
        name=seen.name or seen.id or "contract",
        summary=seen.purpose,
        version=seen.version,
        contract_id=seen.id,
        contract_version=seen.version,
        tags=seen.tags,
    )
    return ProductView(
        standard=seen.standard,
        id=seen.id,
        title=seen.data_product or seen.name,
        summary=seen.purpose,
        purpose=seen.purpose,
        limitations=seen.limitations,
        usage=seen.usage,
        version=seen.version,
        status=seen.status,
        domain=seen.domain,
        tenant=seen.tenant,
        owner=owner_of(seen.team),
        created=seen.created,
        tags=seen.tags,
        artifacts=artifacts or (one,),
        team=seen.team,
        support=seen.support,
        price=seen.price,
        documentation=seen.documentation,
        custom=seen.custom,
        policies=seen.policies,
        problems=seen.problems,
    )
