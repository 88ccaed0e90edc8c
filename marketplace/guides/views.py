"""Pages of the guides. No query but the session's."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from marketplace.guides import shelf


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """All guides."""
    return render(request, "guides/index.html", {"nav": "guides", "guides": shelf.all_guides()})


@require_safe
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """One guide, with what comes before and after it."""
    found = shelf.guide(slug)
    if found is None:
        raise Http404(f"There is no guide {slug!r}.")
    guides = shelf.all_guides()
    place = shelf.ORDER.index(slug)
    context = {
        "nav": "guides",
        "guide": found,
        "before": guides[place - 1] if place else None,
        "after": guides[place + 1] if place + 1 < len(guides) else None,
    }
    return render(request, "guides/guide.html", context)
