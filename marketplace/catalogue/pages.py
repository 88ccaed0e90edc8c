"""Pages of one document of a product. Each shows what is known at once, and its live part asks again for itself."""

from typing import Any
from urllib.parse import urlsplit

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from marketplace.catalogue import details, page_contexts
from marketplace.catalogue.fragments import polling_of
from marketplace.live import originals
from marketplace.live import services as live
from marketplace.live.originals import Original
from marketplace.measure import recording
from registry.access import product_or_404
from registry.models import Product


@require_safe
@never_cache
def contract(request: HttpRequest, domain: str, name: str, contract: str) -> HttpResponse:
    """All of one contract, readable."""
    product = product_or_404(request.user, domain, name)
    context = page_contexts.contract(product, live.look(product.pk), contract, polling_of(request))
    block = context["contract"]
    recording.opened(request, product, "contract")
    return _page(request, "contract", product, {**context, "heading": block.name if block else "Contract"})


@require_safe
@never_cache
def guide(request: HttpRequest, domain: str, name: str, key: str) -> HttpResponse:
    """A guide or notebook that the product names, rendered."""
    product = product_or_404(request.user, domain, name)
    context = page_contexts.guide(product, live.look(product.pk), key, polling_of(request))
    known = context["guide"]
    return _page(request, "guide", product, {**context, "heading": known.title if known else "Guide"})


@require_safe
@never_cache
def original(request: HttpRequest, domain: str, name: str, part: str) -> HttpResponse:
    """A document as the product gave it: its text to read, and with `?download` its bytes to keep."""
    product = product_or_404(request.user, domain, name)
    source = page_contexts.source_of(live.look(product.pk), part)
    if source is None:
        raise Http404("It is not known where this comes from: the product gives no such document.")
    if "download" in request.GET:
        found = originals.look(product.pk, source.url).view
        if isinstance(found, Original):
            return _attachment(found)
    context = page_contexts.original(product, source, polling_of(request))
    return _page(request, "original", product, {**context, "heading": source.title})


def _page(request: HttpRequest, name: str, product: Product, context: dict[str, Any]) -> HttpResponse:
    """The live part alone for htmx; else the page around it."""
    if request.htmx:  # type: ignore[attr-defined] # set by django-htmx's middleware
        return render(request, f"catalogue/_{name}_page.html", context)
    return render(
        request,
        "catalogue/document.html",
        {**context, **details.head(request, product), "part_template": f"catalogue/_{name}_page.html"},
    )


def _attachment(found: Original) -> HttpResponse:
    """Its bytes, which no browser will take for a page or a script."""
    answer = HttpResponse(found.body, content_type="text/plain")
    answer["Content-Disposition"] = f'attachment; filename="{_file_name(found)}"'
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer


_ENDINGS = {"json": ".json", "yaml": ".yaml", "turtle": ".ttl", "xml": ".xml", "html": ".html", "markdown": ".md"}


def _file_name(found: Original) -> str:
    """The last word of its address in plain letters, with an ending by its media type where it has none."""
    last = urlsplit(found.url).path.rstrip("/").rpartition("/")[2]
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "-_.") else "-" for char in last)
    plain = plain.strip("-.")[:80] or "document"
    if "." in plain:
        return plain
    return plain + next((ending for word, ending in _ENDINGS.items() if word in found.media_type), ".txt")
