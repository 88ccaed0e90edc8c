"""The live parts of a page. Each answers at once with what is known, and asks again while more is to come."""

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template import loader
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from marketplace.catalogue import artifact_ids, home, live_contexts, page_contexts, page_parts
from marketplace.catalogue.live_parts import PATIENCE, Polling
from marketplace.catalogue.schemas import QUESTION, Wanted
from marketplace.live import services as live
from registry.access import product_or_404
from registry.models import Product


@require_safe
@never_cache
def home_tiles(request: HttpRequest) -> HttpResponse:
    """The home page's tiles, as their products have answered by now."""
    return render(request, "catalogue/_live_tiles.html", home.tiles_context(polling_of(request)))


@require_safe
@never_cache
def card(request: HttpRequest, domain: str, name: str) -> HttpResponse:
    """How the product is doing, in the card beside its summary."""
    product = product_or_404(request.user, domain, name)
    return _section(request, product, "card", live_contexts.CARD)


@require_safe
@never_cache
def together(request: HttpRequest, domain: str, name: str) -> HttpResponse:
    """Those of the product page's live parts that have changed since the browser was last told."""
    polling, have = replace(polling_of(request), together=request.path), request.GET.get("have", "")
    scripted = request.htmx  # type: ignore[attr-defined] # set by django-htmx's middleware
    answer = page_parts.nothing_new(request.GET.get("p", ""), polling, have) if scripted else None
    if answer is None:
        product = product_or_404(request.user, domain, name)
        if not scripted:
            return redirect(product)
        answer = page_parts.answer(product, live.look(product.pk), polling, have)
    return HttpResponse(loader.get_template("catalogue/_together.html").render({"answer": answer}))


@require_safe
@never_cache
def section(request: HttpRequest, domain: str, name: str, part: str) -> HttpResponse:
    """One section of the product page. Raises Http404 for a part there is none of."""
    if part not in live_contexts.SECTIONS:
        raise Http404(f"A product page has no part {part!r}.")
    product = product_or_404(request.user, domain, name)
    return _section(request, product, part, live_contexts.SECTIONS[part])


def _section(request: HttpRequest, product: Product, name: str, part: live_contexts.Section) -> HttpResponse:
    return _fragment(
        request, part.frame, product, part.context(name, product, live.look(product.pk), polling_of(request))
    )


@require_safe
@never_cache
def artifact(request: HttpRequest, domain: str, name: str, artifact: str) -> HttpResponse:
    """An artifact with its schema and sample rows."""
    product = product_or_404(request.user, domain, name)
    found = artifact_ids.look(product.pk, artifact)
    return _fragment(
        request, "catalogue/_artifact.html", product, page_contexts.artifact(product, found, polling_of(request))
    )


@require_safe
@never_cache
def schema(request: HttpRequest, domain: str, name: str) -> HttpResponse:
    """Some columns of one schema: those that hold the words of `q`, page `page`. Raises Http404 where there is none."""
    product = product_or_404(request.user, domain, name)
    asked = request.GET
    wanted = Wanted(asked.get("q", "")[:QUESTION], _number(asked.get("page", "1")))
    context = page_contexts.schema(
        product, live.look(product.pk), asked.get("of", ""), _number(asked.get("n", "0")), wanted
    )
    template = "catalogue/_columns.html" if request.htmx else "catalogue/_schema.html"  # type: ignore[attr-defined]
    return _fragment(request, template, product, context)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def polling_of(request: HttpRequest) -> Polling:
    """How often the browser has asked for this fragment."""
    text = request.GET.get("n", "0")
    # An artifact's id is the product's own text and may hold what means something in an address.
    path = quote(request.path)
    asked = min(int(text), PATIENCE) if text.isascii() and text.isdigit() and len(text) < 4 else 0
    return Polling(path, asked, again="again" in request.GET)


def _fragment(request: HttpRequest, template: str, product: Product, context: dict[str, Any]) -> HttpResponse:
    """The bare fragment for htmx; a page around it for a browser without scripts."""
    if request.htmx:  # type: ignore[attr-defined] # set by django-htmx's middleware
        return render(request, template, context)
    return render(
        request,
        "catalogue/part.html",
        {**context, "part_template": template, "title": product.title, "product_url": product.get_absolute_url()},
    )
