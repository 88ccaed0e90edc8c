"""What happens to a product, for readers of Atom feeds (RFC 4287): nothing but what everybody may know."""

import re

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.feedgenerator import Atom1Feed
from django.views.decorators.http import require_safe

from marketplace.notices.words import WORDS, detail
from registry import feed, queries
from registry.models import Lifecycle

ENTRIES = 50
SECONDS = 60  # for which others may keep it
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@require_safe
def product(request: HttpRequest, domain: str, name: str) -> HttpResponse:
    """The last events of a published product, newest first; of a retired one too, so that its followers learn of that.

    Raises Http404 for drafts. Four queries.
    """
    found = queries.by_address(domain, name)
    if found is None or found.lifecycle == Lifecycle.DRAFT:
        raise Http404(f"There is no data product {name!r} in the domain {domain!r}.")
    page = f"{settings.PUBLIC_URL}{found.get_absolute_url()}"
    events = feed.lately(found.urn, ENTRIES)
    etag = f'"{events[0].id if events else 0}-{found.revision}"'
    response = get_conditional_response(request, etag=etag)
    if response is None:
        written = Atom1Feed(
            title=_text(found.title), link=page, description="", subtitle=_text(f"What happens to {found.title}"),
            feed_url=f"{settings.PUBLIC_URL}{request.path}", feed_guid=found.urn, author_name=_text(found.owner.name),
        )  # fmt: skip
        for event in events:
            said = detail(event)
            title = f"{WORDS[event.type][0]}: {said}" if said else WORDS[event.type][0]
            written.add_item(
                title=_text(title), link=page, description=_text(said or title), unique_id=f"{found.urn}#{event.id}",
                pubdate=event.time, updateddate=event.time,
            )  # fmt: skip
        response = HttpResponse(written.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8")
    response["ETag"] = etag
    response["Cache-Control"] = f"public, max-age={SECONDS}"
    return response


def _text(text: str) -> str:
    """Without what XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)
