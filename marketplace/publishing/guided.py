"""Publishing without a descriptor: six questions, from which the listing and the product's own files are made."""

from __future__ import annotations

import uuid as uuids
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from marketplace.accounts import queries as people
from marketplace.accounts.models import Team, User
from marketplace.accounts.services import home_team
from marketplace.publishing import guided_files
from marketplace.publishing.guided_answers import Answers
from marketplace.publishing.guided_forms import GuidedForm
from marketplace.publishing.guided_models import GuidedDraft
from marketplace.publishing.keeping import signed_in, take
from registry import services
from registry.models import Product
from registry.services import PortData, ProductData

MOST = 50  # drafts of one person
LONGEST = 20_000  # characters of one answer that are kept


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)  # every view here stands behind signed_in or login_required


def _own(request: HttpRequest, uuid: uuids.UUID, *, lock: bool = False) -> GuidedDraft:
    """The person's own draft. Raises Http404."""
    drafts = GuidedDraft.objects.select_related("product__domain")
    if lock:
        drafts = drafts.select_for_update(of=("self",))
    draft = drafts.filter(uuid=uuid, person=_person(request)).first()
    if draft is None:
        raise Http404("You have no such answers; they may have been deleted.")
    return draft


@signed_in
@require_http_methods(["GET", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """The questions. What is sent is kept, good or not, under a number that the form carries: sent twice, it is one."""
    user = _person(request)
    if request.method == "POST":
        return _answer(request, _number(request.POST.get("draft", "")))
    typed = take(request)
    form = GuidedForm(typed, user=user)
    number = _number(typed.get("draft", "")) if typed else uuids.uuid4()
    drafts = GuidedDraft.objects.filter(person=user)[:MOST]
    return _questions(request, form, number, drafts=drafts, full=len(drafts) == MOST)


def _number(raw: str) -> uuids.UUID:
    try:
        return uuids.UUID(raw)
    except ValueError:
        return uuids.uuid4()


@signed_in
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, uuid: uuids.UUID) -> HttpResponse:
    """The questions with what was answered."""
    draft = _own(request, uuid)
    if request.method == "POST":
        return _answer(request, draft.uuid)
    form = GuidedForm(take(request), user=_person(request), initial=draft.answers, product=draft.product)
    return _questions(request, form, draft.uuid, draft=draft)


def _answer(request: HttpRequest, number: uuids.UUID) -> HttpResponse:
    """Keeps what was sent, then takes it or says what to change."""
    user = _person(request)
    known = GuidedDraft.objects.filter(uuid=number).select_related("product__domain").first()
    if known is not None and known.person_id != user.pk:  # a number is no key to another's answers
        known, number = None, uuids.uuid4()
    form = GuidedForm(request.POST, user=user, product=known.product if known else None)
    valid = form.is_valid()
    if known is None and GuidedDraft.objects.filter(person=user).count() >= MOST:
        form.add_error(
            None, f"You have {MOST} sets of answers. Delete one that you need no more, then send this again."
        )
        return _questions(request, form, number)
    answers = {name: request.POST.get(name, "")[:LONGEST].replace("\x00", "") for name in form.fields}
    draft, _ = GuidedDraft.objects.update_or_create(
        uuid=number, person=user, defaults={"answers": answers, "complete": valid, "updated_at": Now()}
    )
    if not valid:
        return _questions(request, form, number, draft=draft)
    return redirect("publishing:guided-check", uuid=number)


def _questions(request: HttpRequest, form: GuidedForm, number: uuids.UUID, **context: Any) -> HttpResponse:
    status = 422 if request.method == "POST" else 200
    return render(
        request,
        "publishing/guided/questions.html",
        {"form": form, "number": number, "nav": "publish", **context},
        status=status,
    )


@login_required
@require_http_methods(["GET", "POST"])
def check(request: HttpRequest, uuid: uuids.UUID) -> HttpResponse:
    """The listing and the files that the answers give; publishes the listing."""
    draft = _own(request, uuid)
    problems: list[str] = []
    if request.method == "POST":
        try:
            product = _publish(request, uuid, publish="draft" not in request.POST)
        except ValidationError as error:
            problems = error.messages
        else:
            return redirect("publishing:done", domain=product.domain.slug, name=product.name)
    answers = _answers(draft)
    if answers is None:
        return redirect("publishing:guided-edit", uuid=uuid)
    shown = guided_files.files(answers, settings.PUBLIC_URL)
    context = {"draft": draft, "answers": answers, "files": shown.items(), "problems": problems, "nav": "publish"}
    return render(request, "publishing/guided/check.html", context, status=422 if problems else 200)


def _answers(draft: GuidedDraft) -> Answers | None:
    """The set of answers; None where the form would not take them now, since a domain went or a name was taken."""
    form = GuidedForm(draft.answers, user=draft.person, product=draft.product)
    if not form.is_valid():
        return None
    team = draft.product.owner if draft.product else _team(draft.person, form)
    return form.answers(str(draft.uuid), team.name if team else draft.person.display_name)


def _team(user: User, form: GuidedForm) -> Team | None:
    """The team that was chosen, else the person's first; None for who has none yet."""
    chosen: Team | None = form.cleaned_data.get("owner")
    return chosen or people.teams_of(user).first()


@transaction.atomic  # a refused product leaves no team of one's own behind, and nothing is half-published
def _publish(request: HttpRequest, uuid: uuids.UUID, *, publish: bool) -> Product:
    """Registers the listing once, however often it is sent; a draft of it is published. Raises ValidationError."""
    draft, user = _own(request, uuid, lock=True), _person(request)
    product = draft.product
    if product is None:
        form = GuidedForm(draft.answers, user=user)
        if not form.is_valid():
            raise ValidationError([text for texts in form.errors.values() for text in texts])
        team = _team(user, form) or home_team(user)
        product = services.register(user, team, _data(form.answers(str(draft.uuid), team.name)))
        draft.product = product
        draft.save(update_fields=["product"])
    if publish and product.lifecycle == "draft":
        product = services.publish(user, product)
    return product


def _data(answers: Answers) -> ProductData:
    """The short listing: the rest of the answers stands in the product's own files."""
    return ProductData(
        domain=answers.domain,
        name=answers.name,
        title=answers.title,
        summary=answers.summary,
        type=answers.type,
        tags=answers.tags,
        access_mode=answers.access_mode,
        ports=[
            *(
                PortData("in", one.contract_id, one.contract_id, one.version)
                for one in answers.inputs
                if one.contract_id
            ),
            PortData("out", "data", answers.contract_id, "1.0.0"),
        ],
    )


@login_required
@require_GET
def download(request: HttpRequest, uuid: uuids.UUID) -> HttpResponse:
    """The gateway's folder as a zip."""
    answers = _answers(_own(request, uuid))
    if answers is None:
        return redirect("publishing:guided-edit", uuid=uuid)
    packed = guided_files.archive(answers, settings.PUBLIC_URL)
    return HttpResponse(
        packed,
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{answers.name}.zip"', "Cache-Control": "no-store"},
    )


@login_required
@require_POST
def delete(request: HttpRequest, uuid: uuids.UUID) -> HttpResponse:
    """Forgets the answers. What was published of them stays."""
    GuidedDraft.objects.filter(uuid=uuid, person=_person(request)).delete()
    messages.success(request, "The answers are deleted.")
    return redirect("publishing:guided")
