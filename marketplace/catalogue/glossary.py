"""The page of abbreviations that search knows; stewards keep them there."""

from typing import cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from marketplace.accounts.models import User
from registry.access import person
from search import glossary

NOT_YOURS = "Only stewards and administrators may change the glossary."


class AbbreviationForm(forms.Form):
    """An abbreviation and what it stands for; one that is there already gets the new meaning."""

    short = forms.CharField(label="Abbreviation", max_length=30, help_text="As people write it, like GHCN or PM2.5.")
    long = forms.CharField(label="Stands for", max_length=120, help_text="Written out.")


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """All abbreviations. One query beyond the session's."""
    return _page(request, AbbreviationForm())


@login_required
@require_POST
def put(request: HttpRequest) -> HttpResponse:
    """Adds an abbreviation, or changes what it stands for."""
    form = AbbreviationForm(request.POST)
    actor = _steward_or_403(request)
    if form.is_valid():
        try:
            entry = glossary.put(actor, form.cleaned_data["short"], form.cleaned_data["long"])
        except ValidationError as error:
            for field, told in error.message_dict.items():
                form.add_error(field if field in form.fields else None, told)
        else:
            messages.success(request, f"Search now knows that {entry.short} stands for {entry.long}.")
            return redirect("catalogue:glossary")
    return _page(request, form)


@login_required
@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    """Removes an abbreviation; one that is gone already is fine."""
    short = request.POST.get("short", "").replace("\x00", "")[:30]
    if glossary.remove(_steward_or_403(request), short):
        messages.success(request, f"Removed {short}.")
    return redirect("catalogue:glossary")


def _page(request: HttpRequest, form: AbbreviationForm) -> HttpResponse:
    context = {"form": form, "entries": glossary.everything(), "may_edit": glossary.may_edit(person(request.user))}
    return render(request, "catalogue/glossary.html", context, status=422 if form.is_bound else 200)


def _steward_or_403(request: HttpRequest) -> User:
    actor = cast(User, request.user)  # every caller stands behind login_required
    if not glossary.may_edit(actor):
        raise PermissionDenied(NOT_YOURS)
    return actor
