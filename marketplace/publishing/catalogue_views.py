"""A catalogue that was pasted: choose from its datasets, publish them at once, read what became of each."""

import uuid
from typing import cast

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from marketplace.accounts.models import User
from marketplace.accounts.services import home_team
from marketplace.live import inspection
from marketplace.publishing import catalogue_contexts as contexts
from marketplace.publishing import catalogues
from marketplace.publishing.catalogue_forms import CatalogueForm
from marketplace.publishing.models import CatalogueRun
from marketplace.publishing.tasks import enqueue_catalogue


@login_required
@require_http_methods(["GET", "POST"])
def choose(request: HttpRequest, token: str) -> HttpResponse:
    """The checklist of a catalogue, and its submission."""
    found = inspection.inspection(token)
    if found.catalogue is None:
        return redirect("publishing:inspect", token=token)  # which says why there is nothing
    user = cast(User, request.user)
    initial = {"domain": contexts.likely_domain(found.catalogue)}
    form = CatalogueForm(request.POST or None, user=user, datasets=found.catalogue.datasets, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            run = _begin(user, token, form)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return redirect("publishing:run", run=run.uuid)
    context = {"form": form, **contexts.checklist(found.catalogue, found.url, form.numbers())}
    return render(request, "publishing/catalogue.html", context, status=422 if form.is_bound else 200)


@transaction.atomic  # a refused run leaves no team of one's own behind
def _begin(user: User, token: str, form: CatalogueForm) -> CatalogueRun:
    said = form.cleaned_data
    owner = said.get("owner") or home_team(user)
    wanted = catalogues.Wanted(said["domain"], owner, said["access_mode"], said["new_tags"])
    run, new = catalogues.begin(user, token, form.places(), wanted)
    if new:
        transaction.on_commit(lambda: enqueue_catalogue(run.pk), robust=True)
    return run


@login_required
@require_GET
def run(request: HttpRequest, run: uuid.UUID) -> HttpResponse:
    """How far a run has come, and what became of each dataset; to be read again at any time."""
    found = catalogues.runs_of(cast(User, request.user)).filter(uuid=run).first()
    if found is None:
        raise Http404("There is no such run.")
    if catalogues.is_idle(found):  # no worker took it, or one was stopped
        enqueue_catalogue(found.pk)
    polled = request.htmx  # type: ignore[attr-defined] # set by django-htmx's middleware
    template = "publishing/_run.html" if polled else "publishing/run.html"
    return render(request, template, contexts.progress(found))
