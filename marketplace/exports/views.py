"""Addresses of exports. Whoever asks gets the same: what everybody may see, and nothing of drafts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.db.models import prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.http import require_safe

from marketplace.api import problem_response
from marketplace.exports import data_json, dcat, own, queries
from marketplace.exports.facts import absolute, facts_of
from marketplace.exports.formats import BY_FILE, FORMATS, HTML, NEGOTIATED, ODPS_JSON, ODPS_YAML, Format, to_json
from marketplace.exports.negotiation import preferred
from marketplace.live import services as live
from registry import goals
from registry import queries as registry
from registry.models import Product

PAGE = 100  # products on a page of the catalogue
WHOLE_CACHE = "public, max-age=60"  # who retires a product waits no longer than this for shared caches
XML = "application/xml; charset=utf-8"


@require_safe
def product(request: HttpRequest, domain: str, name: str, file: str) -> HttpResponseBase:
    """One product in one format. Raises Http404 where it is not listed, also for its own team: drafts never leave."""
    found = registry.by_address(domain, name)
    if found is None or not found.is_listed:
        raise Http404(f"There is no listed data product {name!r} in the domain {domain!r}.")
    return _written(request, found, BY_FILE[file])


def negotiated(request: HttpRequest, product: Product) -> HttpResponseBase | None:
    """What the address of the product's page answers to a client that prefers another format; None for the page."""
    if not product.is_listed:
        return None
    wanted = preferred(request.headers.get("Accept", ""), (HTML, *NEGOTIATED))
    if wanted == HTML:
        return None
    response = _written(request, product, NEGOTIATED[wanted])
    response["Content-Location"] = address(product, NEGOTIATED[wanted].file)
    patch_vary_headers(response, ["Accept"])
    return response


def announced(response: HttpResponse, product: Product) -> HttpResponse:
    """The page with links to its other representations, for programs that read headers only."""
    patch_vary_headers(response, ["Accept"])
    if product.is_listed:
        page = product.get_absolute_url()
        response["Link"] = ", ".join(
            f'<{page}{format_.file}>; rel="alternate"; type="{format_.media_type}"' for format_ in FORMATS
        )
    return response


def address(product: Product, file: str) -> str:
    """The path of a product's export, below that of its page."""
    return f"{product.get_absolute_url()}{file}"


def _written(request: HttpRequest, product: Product, format_: Format) -> HttpResponseBase:
    seen = live.look(product.pk)
    body: bytes | None = None
    if format_ in (ODPS_JSON, ODPS_YAML):
        original = own.odps(product.pk, seen)
        if original.waiting:
            return _later(product)
        if original.is_yaml and format_ is ODPS_JSON:
            return redirect(address(product, ODPS_YAML.file))
        body = original.body
    if body is None:
        prefetch_related_objects([product], goals.with_purposes())
        body = format_.write(facts_of(product, seen))
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    response = HttpResponse(body, content_type=_content_type(format_.media_type))
    response["ETag"] = etag
    response["Cache-Control"] = "no-cache"  # to be asked for again each time, and not sent again where it is the same
    response["Link"] = f'<{product.get_absolute_url()}>; rel="describes"'
    return get_conditional_response(request, etag=etag, response=response) or response


def _later(product: Product) -> HttpResponse:
    """The product's own document is on its way; no request waits for a gateway."""
    response = problem_response(503, f"{product.title} is being asked for its own document. Ask again in a second.")
    response["Retry-After"] = "1"
    response["Cache-Control"] = "no-store"
    response._has_been_logged = True  # type: ignore[attr-defined] # Django would log it as an error of ours
    return response


def _content_type(media_type: str) -> str:
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type


# Everything that is listed


def _cached(content_type: str) -> Any:
    """Around a view of everything that gives the pieces of its body: ETag, 304, and no body for HEAD."""

    def decorate(view: Any) -> Any:
        @require_safe
        @wraps(view)
        def answer(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            etag = f'W/"{queries.fingerprint()}"'
            response: HttpResponseBase | None = get_conditional_response(request, etag=etag)
            if response is None:
                pieces: Iterator[bytes] = view(request, **kwargs)
                if request.method == "HEAD":
                    response = HttpResponse(content_type=content_type)
                else:
                    response = StreamingHttpResponse(pieces, content_type=content_type)
            response["ETag"] = etag
            response["Cache-Control"] = WHOLE_CACHE
            return response

        return answer

    return decorate


@_cached("application/json")
def whole_data_json(request: HttpRequest) -> Iterator[bytes]:
    """Every listed product as DCAT-US 1.1, written while it is read: memory for one batch, whatever their number."""
    head = {**data_json.HEAD, "@id": absolute(request.path)}
    return _data_json(json.dumps(head))


def _data_json(head: str) -> Iterator[bytes]:
    yield f'{head[:-1]}, "dataset": ['.encode()
    between = "\n"
    for facts in queries.everything():
        yield (between + json.dumps(data_json.dataset(facts))).encode()
        between = ",\n"
    yield b"\n]}\n"


@_cached("application/ld+json")
def catalog_json_ld(request: HttpRequest) -> Iterator[bytes]:
    """A page of the catalogue in DCAT, as JSON-LD."""
    return iter([to_json(_catalog_page(request))])


@_cached("text/turtle; charset=utf-8")
def catalog_turtle(request: HttpRequest) -> Iterator[bytes]:
    """A page of the catalogue in DCAT, as Turtle."""
    return iter([dcat.turtle(_catalog_page(request))])


def _catalog_page(request: HttpRequest) -> dict[str, Any]:
    text = request.GET.get("after", "0")
    after = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
    rows = queries.page(after, PAGE + 1)
    first = absolute(request.path)
    return dcat.catalogue(
        [facts for _, facts in rows[:PAGE]],
        address=f"{first}?{urlencode({'after': after})}" if after else first,
        first=first,
        following=f"{first}?{urlencode({'after': rows[PAGE - 1][0]})}" if len(rows) > PAGE else None,
        total=queries.total(),
    )


@require_safe
def catalog(request: HttpRequest) -> HttpResponse:
    """The catalogue's own address: the list of products for people, its first page of DCAT for programs."""
    wanted = preferred(request.headers.get("Accept", ""), (HTML, "application/ld+json", "text/turtle"))
    names = {HTML: "catalogue:browse", "text/turtle": "exports:catalog-ttl"}
    response = redirect(names.get(wanted, "exports:catalog-jsonld"))
    response.status_code = 303
    patch_vary_headers(response, ["Accept"])
    return response


@_cached(XML)
def sitemap_index(request: HttpRequest) -> Iterator[bytes]:
    """Where the sitemaps are."""
    places: list[tuple[str, datetime | None]] = [(absolute(reverse("exports:sitemap-pages")), None)]
    places += [(absolute(reverse("exports:sitemap", args=[number])), changed) for number, changed in queries.sitemaps()]
    return iter([_sitemap("sitemapindex", "sitemap", places)])


@_cached(XML)
def sitemap_pages(request: HttpRequest) -> Iterator[bytes]:
    """The pages that are no products: home, the lists, the guides, the domains."""
    names = ("catalogue:home", "catalogue:browse", "catalogue:domains", "catalogue:goals", "guides:index")
    paths = [reverse(name) for name in names]
    paths += [domain.get_absolute_url() for domain in registry.domains_with_counts() if domain.count]
    return iter([_sitemap("urlset", "url", [(absolute(path), None) for path in paths])])


@_cached(XML)
def sitemap(request: HttpRequest, number: int) -> Iterator[bytes]:
    """The pages of up to 10,000 products."""
    rows = queries.sitemap(number) if number < 10**9 else []
    if not rows:
        raise Http404("There is no such sitemap.")
    places = [(absolute(reverse("catalogue:product", args=[domain, name])), at) for domain, name, at in rows]
    return iter([_sitemap("urlset", "url", places)])


def _sitemap(root: str, item: str, places: Sequence[tuple[str, datetime | None]]) -> bytes:
    """Addresses of ours hold slugs only, so nothing needs escaping."""
    rows = "".join(
        f"<{item}><loc>{url}</loc>{f'<lastmod>{at.isoformat()}</lastmod>' if at else ''}</{item}>\n"
        for url, at in places
    )
    namespace = "http://www.sitemaps.org/schemas/sitemap/0.9"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{namespace}">\n{rows}</{root}>\n'.encode()
