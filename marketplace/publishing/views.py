"""The producer's journey: paste a link, check four things, publish."""

from dataclasses import replace
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from marketplace.accounts.models import User
from marketplace.accounts.origin import client_address
from marketplace.accounts.services import home_team
from marketplace.live import inspection, limits
from marketplace.publishing import (
    catalogue_contexts,
    catalogues,
    contexts,
    keeping,
    lifecycle_contexts,
    previews,
    suggesting,
)
from marketplace.publishing.forms import LinkForm, LinkFormSet, ProductForm, initial_links, initial_of, links_of
from marketplace.publishing.lifecycle import say_undoable
from registry import queries, services
from registry.access import editable_or_403
from registry.models import Product
from registry.text import plain_text

MINE_PER_PAGE = 25
RUNS_SHOWN = 3
SUGGESTIONS = 60  # of a person in a minute


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # every view here stands behind login_required
    return request.user


@login_required
@require_http_methods(["GET", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """One field. A link is handed to a worker, never fetched here."""
    form = LinkForm(request.POST or None, initial={"url": request.GET.get("url", "")})
    seconds = 0
    if request.method == "POST" and form.is_valid():
        seconds = limits.seconds_to_wait((f"user:{_person(request).pk}", f"address:{client_address(request)}"))
        if not seconds:
            return redirect("publishing:inspect", token=inspection.inspect_url(form.cleaned_data["url"]))
        form.add_error("url", f"Too many links in one minute. Try again in {seconds} seconds.")
    user = _person(request)
    runs = catalogue_contexts.recent(catalogues.runs_of(user)[:RUNS_SHOWN])
    page = _start_page(request, form, drafts=contexts.drafts(queries.owned_by(user)), runs=runs)
    if seconds:
        page.status_code = 429
        page["Retry-After"] = str(seconds)
    return page


def _start_page(request: HttpRequest, form: LinkForm, **context: Any) -> HttpResponse:
    return render(
        request, "publishing/start.html", {"form": form, "by_hand_url": reverse("publishing:describe"), **context}
    )


@login_required
@require_GET
def inspect(request: HttpRequest, token: str) -> HttpResponse:
    """What was found behind the link, asked for again until it is there; then the form."""
    tries = contexts.whole_number(request.GET.get("n"))
    context = contexts.inspection(inspection.inspection(token), token, tries)
    polled = request.htmx  # type: ignore[attr-defined] # set by django-htmx's middleware
    if context.next_url:
        return HttpResponse(headers={"HX-Redirect": context.next_url}) if polled else redirect(context.next_url)
    if polled:
        return render(request, "publishing/_inspection.html", {"inspection": context})
    return _start_page(request, LinkForm(initial={"url": context.url}), inspection=context)


@keeping.signed_in
@require_http_methods(["GET", "POST"])
def describe(request: HttpRequest) -> HttpResponse:
    """The form, prefilled from an inspection where there is one."""
    user = _person(request)
    found = contexts.found(request.GET.get("link", ""), user)
    typed = request.POST or keeping.take(request)
    form = ProductForm(typed, user=user, initial=found.initial)
    links = LinkFormSet(typed, prefix="links", initial=found.links or contexts.typed_link(request.GET.get("url", "")))
    if "suggest" in request.POST:  # without scripts the form asks for suggestions by a button
        form = ProductForm(user=user, initial=request.POST.dict())
        return _form_page(request, form, links, inspection=found, can_draft=True, **_advised(request))
    if request.method == "POST" and form.is_valid() and links.is_valid():
        try:
            product = _register(user, form, links, publish="draft" not in request.POST)
        except ValidationError as error:
            same = contexts.submitted_before(user, form)
            if same is None:
                form.add_registry_errors(error, free_name=contexts.free_name)
                return _form_page(request, form, links, inspection=found, notices=found.problems, can_draft=True)
            product = same
        return redirect("publishing:done", domain=product.domain.slug, name=product.name)
    return _form_page(request, form, links, inspection=found, notices=found.problems, can_draft=True)


@transaction.atomic  # a refused product leaves no team of one's own behind, and nothing is half-published
def _register(user: User, form: ProductForm, links: Any, *, publish: bool) -> Product:
    team = form.cleaned_data.get("owner") or home_team(user)
    product = services.register(user, team, form.data_with(links_of(links)))
    return services.publish(user, product) if publish else product


@keeping.signed_in
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, domain: str, name: str) -> HttpResponse:
    """Changes an entry. Of two people editing, the second is told and keeps what they typed."""
    user = _person(request)
    product = editable_or_403(user, domain, name)
    typed = request.POST or keeping.take(request)
    form = ProductForm(typed, user=user, product=product, initial=initial_of(product))
    links = LinkFormSet(typed, prefix="links", initial=initial_links(list(product.links.all())))
    context = {
        "editing": True,
        "heading": f"Edit {product.title}",
        "submit_label": "Save",
        "cancel_url": product.get_absolute_url(),
        "own": product.pk,
    }
    if "suggest" in request.POST:
        form = ProductForm(user=user, product=product, initial=request.POST.dict())
        return _form_page(request, form, links, **context, **_advised(request, product.pk))
    if request.method == "POST" and form.is_valid() and links.is_valid():
        try:
            services.update(user, product, form.data_with(links_of(links)), revision=form.cleaned_data["revision"])
        except ValidationError as error:
            form.add_registry_errors(error)
        else:
            say_undoable(request, "Saved. Search follows within seconds.", product)
            return redirect(product)
    return _form_page(request, form, links, **context)


def _form_page(request: HttpRequest, form: ProductForm, links: Any, **context: Any) -> HttpResponse:
    status = 422 if request.method == "POST" and form.is_bound else 200
    if form.is_bound and request.method == "GET":
        context["notices"] = [contexts.SIGNED_OUT, *context.get("notices", ())]
    found = context.get("inspection")
    tile = previews.tile_preview(form, found.latency_ms if found else None)
    return render(
        request, "publishing/form.html", {"form": form, "links": links, "tile": tile, **context}, status=status
    )


@require_POST
def suggest(request: HttpRequest) -> HttpResponse:
    """What the text of the form suggests: a part of its page, asked for beside it. 204 where nothing can be said."""
    if not request.user.is_authenticated:
        return HttpResponse(status=204)
    if _asks_too_often(_person(request)):
        return HttpResponse(status=204)
    own = request.GET.get("own", "")
    advice = _advice(request, int(own) if own.isascii() and own.isdigit() and len(own) < 10 else None)
    if "domain" in request.GET:  # of a catalogue, whose titles are no text of one product
        advice = replace(advice, tags=(), overlaps=())
    return render(request, "publishing/_suggestions.html", {"advice": advice})


def _asks_too_often(user: User) -> bool:
    return limits.seconds_to_wait((f"user:{user.pk}",), "suggestions", SUGGESTIONS) > 0


def _advised(request: HttpRequest, own: int | None = None) -> dict[str, Any]:
    """What the form's page gets where the button without scripts asked for suggestions."""
    if _asks_too_often(_person(request)):
        return {"notices": [contexts.NO_ADVICE]}
    return {"advice": _advice(request, own)}


def _advice(request: HttpRequest, own: int | None = None) -> suggesting.Advice:
    typed = {name: plain_text(request.POST.get(name, "")[:5000]) for name in ("title", "summary", "tags", "domain")}
    tags = [tag.strip() for tag in typed["tags"].split(",") if tag.strip()]
    return suggesting.advise(typed["title"], typed["summary"], tags, domain=typed["domain"], own=own)


@login_required
@require_GET
def done(request: HttpRequest, domain: str, name: str) -> HttpResponse:
    """What happens next."""
    product = editable_or_403(request.user, domain, name)
    return render(request, "publishing/done.html", contexts.done(product))


@login_required
@require_GET
def mine(request: HttpRequest) -> HttpResponse:
    """The products of one's teams, drafts included."""
    page = Paginator(queries.owned_by(_person(request)), MINE_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "rows": [contexts.owned(product) for product in page],
        "empty": contexts.nothing_yet(),
        "offers": lifecycle_contexts.offers_to(_person(request)),
    }
    return render(request, "publishing/mine.html", {**context, "page": contexts.page_of(page)})
