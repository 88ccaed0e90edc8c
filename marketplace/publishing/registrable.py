"""What of a product's own documents the registry takes."""

from collections.abc import Iterable

from django.core.exceptions import ValidationError

from marketplace.live.inspection import SuggestedLink
from registry.models import Link, Rel
from registry.services import LINK_LIMIT, LinkData
from registry.text import plain_text


def registrable(links: Iterable[SuggestedLink]) -> list[LinkData]:
    """The links of a product's documents that the registry takes, with short titles: one that is none, a mail address
    among the documentation for example, keeps no product out. The discovery link is always there.
    """
    found = []
    for link in links:
        kept = LinkData(link.rel, link.url, link.media_type, plain_text(link.title)[:140])
        try:
            Link(rel=kept.rel, url=kept.url, media_type=kept.media_type).clean_fields(exclude=["product"])
        except ValidationError:
            if link.rel != Rel.DISCOVERY:
                continue
        if link.rel == Rel.DISCOVERY or link.url.lower().startswith(("http://", "https://")):
            found.append(kept)
    return found[:LINK_LIMIT]
