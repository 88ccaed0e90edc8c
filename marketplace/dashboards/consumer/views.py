"""The consumer's dashboard: one page, the fragment with live health, and forgetting what was looked at."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from marketplace.accounts.models import User
from marketplace.catalogue.fragments import polling_of
from marketplace.dashboards.consumer import contexts
from marketplace.notices import recent, services


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # every view here stands behind login_required
    return request.user


@login_required
@never_cache
@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    """What one follows, what changed since the last visit, what is new, and where one was."""
    user = _person(request)
    context = contexts.dashboard(user, services.visit(user), polling_of(request))
    return render(request, "dashboards/consumer.html", context)


@login_required
@never_cache
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """The same products, asked now: for htmx, which asks again while some have not answered."""
    return render(request, "dashboards/_consumer_health.html", contexts.health(_person(request), polling_of(request)))


@login_required
@require_POST
def forget(request: HttpRequest) -> HttpResponse:
    """Forgets what one opened and searched for lately."""
    if recent.forget(request.user):
        messages.success(request, "What you opened and searched for lately is forgotten.")
    else:
        messages.error(request, "This could not be forgotten just now. Try again in a minute.")
    return redirect("dashboards:consumer")
