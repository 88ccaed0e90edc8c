"""Pages of the catalogue. Each gathers one context and renders one template; nothing here waits for a gateway."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from marketplace.catalogue import details, home, lists
from marketplace.exports.views import announced, negotiated
from marketplace.measure import recording
from marketplace.notices import recent
from registry.access import product_or_404

HIDDEN = (
    "/accounts/",
    "/dashboard/",
    "/follows/",
    "/inbox/",
    "/publish/",
    "/saved-searches/",
    "/search/",
    "/products/*/live/",
    "/products/*/inside/",
    "/products/*/goals/",
)
ROBOTS = "User-agent: *\n" + "".join(f"Disallow: {path}\n" for path in HIDDEN)


@require_safe
def home_page(request: HttpRequest) -> HttpResponse:
    """What this is, the search box, the domains, and a few products that answer now."""
    return render(request, "catalogue/home.html", home.context())


@require_safe
def browse(request: HttpRequest) -> HttpResponse:
    """All listed products, narrowed by facets."""
    return render(request, "catalogue/browse.html", lists.browse(request))


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Answers to a question in plain words, best first; without a question, all products.

    Filters that were typed lead to the address that the same filters have when they are clicked.
    """
    if address := lists.clicked(request):
        return redirect(address)
    return render(request, "catalogue/browse.html", lists.search(request))


@require_safe
def domains(request: HttpRequest) -> HttpResponse:
    """The domain tree."""
    return render(request, "catalogue/domains.html", lists.domains())


@require_safe
def domain(request: HttpRequest, slug: str) -> HttpResponse:
    """A domain: what is below it, and its products."""
    return render(request, "catalogue/browse.html", lists.domain(request, slug))


@require_safe
def product(request: HttpRequest, domain: str, name: str) -> HttpResponseBase:
    """What is registered of a product, at once; the rest arrives part by part, asked of the product itself.

    A program that prefers another format of the product gets that.
    """
    found = product_or_404(request.user, domain, name)
    if (export := negotiated(request, found)) is not None:
        return export
    recording.viewed(request, found)
    recent.opened(request.user, found.pk)
    return announced(render(request, "catalogue/product.html", details.product(request, found)), found)


@require_safe
def artifact(request: HttpRequest, domain: str, name: str, artifact: str) -> HttpResponse:
    """One artifact of a product: its schema and sample rows, live."""
    found = product_or_404(request.user, domain, name)
    context = details.artifact(request, found, artifact)
    recording.opened(request, found, "artifact")
    return render(request, "catalogue/artifact.html", context)


@require_safe
@cache_control(max_age=86_400, public=True)
def robots(request: HttpRequest) -> HttpResponse:
    """What crawlers may read."""
    sitemap = f"Sitemap: {settings.PUBLIC_URL}/sitemap.xml\n"
    return HttpResponse(ROBOTS + sitemap, content_type="text/plain; charset=utf-8")


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Browsers ask for it whatever the page says."""
    return redirect(static("favicon.svg"))
