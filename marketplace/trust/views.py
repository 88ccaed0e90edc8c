"""The checklist and the FAIR score of a product, and the page on which stewards say what the checklist asks for."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from marketplace.accounts.models import Role, User
from marketplace.live import inspection
from marketplace.live import services as live
from marketplace.live.state import LiveProduct
from marketplace.trust import contexts, queries, services
from marketplace.trust.checklist import checklist as judge
from marketplace.trust.entry import entry_of
from marketplace.trust.fair import fair as measure
from marketplace.trust.forms import PolicyForm
from registry.access import may_edit, product_or_404
from registry.models import Product


@require_safe
@never_cache
def checklist(request: HttpRequest, domain: str, name: str) -> HttpResponse:
    """What a publishable product has, and what this one lacks; judged now."""
    product = product_or_404(request.user, domain, name)
    found = live.look(product.pk)
    judged = judge(found, entry_of(product), queries.levels())
    shown = contexts.checklist_of(product, found, judged, owner=may_edit(request.user, product))
    return _page(request, product, found, "checklist", shown)


@require_safe
@never_cache
def fair(request: HttpRequest, domain: str, name: str) -> HttpResponse:
    """The FAIR score with its checks, and what would raise it; judged now."""
    product = product_or_404(request.user, domain, name)
    found = live.look(product.pk)
    judged = measure(found, entry_of(product))
    shown = contexts.fair_of(product, found, judged, owner=may_edit(request.user, product))
    return _page(request, product, found, "fair", shown)


def _page(request: HttpRequest, product: Product, found: LiveProduct, what: str, shown: dict[str, Any]) -> HttpResponse:
    """The page, or the part of it that htmx asks for."""
    url = reverse(f"trust:{what}", args=[product.domain.slug, product.name])
    tries = contexts.tries_of(request.GET.get("n"))
    context = {**shown, "standing": contexts.standing(found, url, tries), "product": product, "nav": "browse"}
    template = f"trust/_{what}.html" if request.htmx else f"trust/{what}.html"  # type: ignore[attr-defined] # htmx's
    return render(request, template, context)


@login_required
@require_safe
@never_cache
def preview(request: HttpRequest, token: str) -> HttpResponse:
    """What the documents at an address that was looked at lack, before anything is registered. Asks nobody."""
    found = inspection.inspection(token)
    if found.live is None:
        raise Http404("What was found at this address is no longer kept. Enter the address again.")
    context = contexts.preview_of(found.live, found.suggestions, queries.levels())
    template = "trust/_preview.html" if request.htmx else "trust/preview.html"  # type: ignore[attr-defined] # htmx's
    return render(request, template, {**context, "nav": "publish"})


@login_required
@require_http_methods(["GET", "POST"])
def policy(request: HttpRequest) -> HttpResponse:
    """What the checklist asks for. Everybody who is signed in may read it, stewards change it."""
    user = cast(User, request.user)
    may = user.has_role(Role.STEWARD)
    if request.method == "POST" and not may:
        raise PermissionDenied("Only stewards and administrators may change what the checklist asks for.")
    known = queries.policy()
    form = PolicyForm(request.POST or None, policy=known)
    if request.method == "POST" and form.is_valid():
        try:
            services.set_levels(user, form.levels, revision=form.cleaned_data["revision"])
        except ValidationError as error:
            form.add_error(None, error.messages)
        else:
            messages.success(request, "Saved. It holds for what is published from now on.")
            return redirect("trust:policy")
    context = {"form": form, "may": may, "rows": contexts.policy_rows(known), "policy": known}
    return render(request, "trust/policy.html", context, status=422 if form.is_bound else 200)
