"""Pages about oneself, and the keys of the marketplace."""

import uuid

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from marketplace.accounts import keys, queries, tokens
from marketplace.accounts.forms import TokenForm
from marketplace.accounts.models import User


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # every view here stands behind login_required
    return request.user


@login_required
@never_cache
@sensitive_variables("text")
@require_http_methods(["GET", "POST"])
def token_list(request: HttpRequest) -> HttpResponse:
    """One's tokens and those of one's teams, and the form for another.

    The new one is in the answer to the form and nowhere else.
    """
    user = _person(request)
    teams = list(queries.teams_of(user))
    form = TokenForm(request.POST or None, teams=teams)
    made, text = None, ""
    if request.method == "POST" and form.is_valid():
        try:
            name, days = form.cleaned_data["name"], form.cleaned_data["days"]
            made, text = tokens.create_token(user, name, days, form.team_chosen)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            form = TokenForm(teams=teams)
    context = {"form": form, "made": made, "text": text, "tokens": queries.tokens_in_hands_of(user)}
    return render(request, "accounts/tokens.html", context, status=422 if form.is_bound else 200)


@login_required
@require_POST
def token_revoke(request: HttpRequest, token: uuid.UUID) -> HttpResponse:
    """Ends one's token, or one of one's team. 404 for those of others."""
    user = _person(request)
    found = get_object_or_404(queries.tokens_in_hands_of(user), uuid=token)
    tokens.revoke_token(user, found)
    messages.success(request, f"The token {found.name} is revoked: it does not work any more.")
    return redirect("accounts:tokens")


@require_safe
@cache_control(public=True, max_age=keys.JWKS_SECONDS)
def jwks(request: HttpRequest) -> JsonResponse:
    """The public keys with which gateways check grants (RFC 7517). Empty where the operator gave none. No query."""
    return JsonResponse(keys.jwks(settings.SIGNING_KEYS), content_type="application/jwk-set+json")
