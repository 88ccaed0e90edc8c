"""Following, saved searches and the inbox: forms that work without scripts, and the pages of what they keep."""

import json
import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from marketplace.accounts.models import User
from marketplace.notices import contexts, queries, services
from marketplace.notices.models import NAME_LIMIT, SavedSearch
from registry.access import person, product_or_404
from registry.models import Domain, Product

PER_PAGE = 25


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # every view that asks stands behind login_required
    return request.user


@require_POST
def follow_product(request: HttpRequest, domain: str, name: str) -> HttpResponse:
    """Follows the product, or stops: `follow` is 1 or 0. What one follows can be left when it is hidden, too."""
    user = person(request.user)
    kept = queries.followed_product(user, domain, name) if user else None
    if user and kept is None and request.POST.get("back") == "follows":
        return redirect("notices:follows")  # stopped already, by a second click or in another window
    return _follow(request, kept or product_or_404(request.user, domain, name))


@require_POST
def follow_domain(request: HttpRequest, slug: str) -> HttpResponse:
    """Follows the domain, or stops."""
    found = Domain.objects.filter(slug=slug).first()
    if found is None:
        raise Http404(f"There is no domain {slug!r}.")
    return _follow(request, found)


def _follow(request: HttpRequest, target: Product | Domain) -> HttpResponse:
    """The button as it is now for htmx; else back to where it was pressed."""
    user, back = person(request.user), target.get_absolute_url()
    is_htmx = request.htmx  # type: ignore[attr-defined] # set by django-htmx's middleware
    if user is None:
        sign_in = redirect_to_login(back)
        return HttpResponse(headers={"HX-Redirect": sign_in.url}) if is_htmx else sign_in
    problem = ""
    try:
        if request.POST.get("follow") == "0":
            services.unfollow(user, target)
        else:
            services.follow(user, target)
    except ValidationError as error:
        problem = " ".join(error.messages)
    if is_htmx:
        context = {"follow": contexts.follow_button(user, target), "swapped": True}
        answer = render(request, "notices/_follow.html", context)
        if problem:
            answer["HX-Trigger"] = json.dumps({"toast": {"tone": "warn", "text": problem}})
        return answer
    if problem:
        messages.error(request, problem)
    return redirect("notices:follows" if request.POST.get("back") == "follows" else back)


@login_required
@never_cache
@require_safe
def follows(request: HttpRequest) -> HttpResponse:
    """All that one follows."""
    page = Paginator(queries.follows(_person(request)), PER_PAGE).get_page(request.GET.get("page"))
    rows = [contexts.follow_row(follow) for follow in page]
    return render(request, "notices/follows.html", {"rows": rows, "page": contexts.page_of(page)})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def searches(request: HttpRequest) -> HttpResponse:
    """One's saved searches; a POST saves another, with `query` and `name`.

    Who was signed out meanwhile signs in and is back at the search, not at an empty list.
    """
    user = person(request.user)
    if user is None:
        query = request.POST.get("query", "")
        return redirect_to_login(f"{reverse('catalogue:search')}?{query}" if query else request.path)
    if request.method == "POST":
        try:
            saved = services.save_search(user, request.POST.get("query", ""), request.POST.get("name", ""))
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, f"Saved as {saved.name}. What is published and fits it comes to your inbox.")
            return redirect(contexts.search_url(saved))
    return _searches_page(request, user, 422 if request.method == "POST" else 200)


def _searches_page(request: HttpRequest, user: User, status: int = 200) -> HttpResponse:
    rows = [contexts.search_row(search) for search in queries.saved_searches(user)]
    context = {"rows": rows, "name_limit": NAME_LIMIT}
    return render(request, "notices/searches.html", context, status=status)


def _search(request: HttpRequest, found: uuid.UUID) -> SavedSearch:
    """One's own. Raises Http404 for those of others."""
    return get_object_or_404(SavedSearch, uuid=found, user=_person(request))


@login_required
@never_cache
@require_safe
def search_open(request: HttpRequest, search: uuid.UUID) -> HttpResponse:
    """The answers of a saved search; nothing of it counts as new any more."""
    found = _search(request, search)
    services.open_search(_person(request), found)
    return redirect(contexts.search_url(found))


@login_required
@require_POST
def search_rename(request: HttpRequest, search: uuid.UUID) -> HttpResponse:
    """Gives a saved search another name."""
    try:
        services.rename_search(_person(request), _search(request, search), request.POST.get("name", ""))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return _searches_page(request, _person(request), 422)
    return redirect("notices:searches")


@login_required
@require_POST
def search_delete(request: HttpRequest, search: uuid.UUID) -> HttpResponse:
    """Forgets a saved search; a second click finds nothing more to do."""
    found = SavedSearch.objects.filter(uuid=search, user=_person(request)).first()
    if found is not None:
        services.delete_search(_person(request), found)
        messages.success(request, f"The saved search {found.name} is deleted.")
    return redirect("notices:searches")


@login_required
@never_cache
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """What one was told, newest first."""
    page = Paginator(queries.inbox(_person(request)), PER_PAGE).get_page(request.GET.get("page"))
    entries = list(page)
    context = {
        "rows": [contexts.told(entry) for entry in entries],
        "newest": entries[0].pk if entries and page.number == 1 else None,
        "page": contexts.page_of(page),
    }
    return render(request, "notices/inbox.html", context)


@login_required
@require_POST
def inbox_read(request: HttpRequest) -> HttpResponse:
    """Marks as read what was on the page, and all before it: `until` is the newest entry's id, all without it."""
    text = request.POST.get("until", "")
    services.mark_read(_person(request), int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None)
    return redirect("notices:inbox")
