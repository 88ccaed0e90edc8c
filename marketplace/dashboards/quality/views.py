"""The page of search quality, for stewards and administrators."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from marketplace.accounts.models import Role, User
from marketplace.dashboards.quality import contexts
from marketplace.dashboards.sheets import as_csv
from marketplace.measure import periods

REFUSED = "Only stewards and administrators may see how the search does."


def for_stewards(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Raises PermissionDenied for other people; a visitor signs in first."""

    @wraps(view)
    def kept(request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        if not (isinstance(request.user, User) and request.user.has_role(Role.STEWARD)):
            raise PermissionDenied(REFUSED)
        return view(request, *args, **options)

    return login_required(kept)


@for_stewards
@require_safe
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """What people ask, whether they find it, and what nobody answers."""
    return render(request, "dashboards/quality.html", contexts.page(periods.read(request.GET.get("days"))))


@for_stewards
@require_safe
def csv(request: HttpRequest, table: str) -> HttpResponse:
    """A table to take away."""
    if table not in contexts.SHEETS:
        raise Http404(f"There is no table {table!r}.")
    return as_csv(contexts.SHEETS[table](periods.read(request.GET.get("days"))))
