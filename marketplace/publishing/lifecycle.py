"""A product's life, for its owners: pause, deprecate, retire, take back, give to another team."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from marketplace.accounts.models import User
from marketplace.publishing import comparing
from marketplace.publishing import lifecycle_contexts as contexts
from marketplace.publishing.lifecycle_forms import ConfirmForm, DeprecationForm, TakeOverForm, TransferForm, add_errors
from registry import services, transfers, undoing
from registry.access import editable_or_403, may_edit, product_or_404
from registry.models import Product


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)  # every view here stands behind login_required


@login_required
@require_GET
def manage(request: HttpRequest, domain: str, name: str) -> HttpResponse:
    """Where the product is in its life, and what its owners can do about it."""
    product = editable_or_403(request.user, domain, name)
    return _manage_page(request, product, TransferForm())


def _manage_page(request: HttpRequest, product: Product, form: TransferForm) -> HttpResponse:
    status = 422 if form.is_bound else 200
    context = {**contexts.manage(product), "form": form}
    return render(request, "publishing/lifecycle/manage.html", context, status=status)


@login_required
@require_POST
def move(request: HttpRequest, domain: str, name: str, verb: str) -> HttpResponse:
    """A step of the lifecycle that nobody has to be asked about: publish, pause, resume."""
    if verb not in services.VERBS or verb in contexts.CONFIRMED:
        raise Http404(f"There is no step {verb!r} in the lifecycle.")
    product = editable_or_403(request.user, domain, name)
    try:
        services.VERBS[verb](_person(request), product)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        _say_moved(request, product, undoable=verb == "pause")
    return _back_to(product)


@login_required
@require_http_methods(["GET", "POST"])
def deprecate(request: HttpRequest, domain: str, name: str) -> HttpResponse:
    """Asks what to tell those who use the product, then deprecates it."""
    product = editable_or_403(request.user, domain, name)
    form = DeprecationForm(request.POST if request.method == "POST" else None)
    return _confirmed(request, product, "deprecate", form)


@login_required
@require_http_methods(["GET", "POST"])
def retire(request: HttpRequest, domain: str, name: str) -> HttpResponse:
    """Asks, then takes the product out of every list."""
    product = editable_or_403(request.user, domain, name)
    form = ConfirmForm(request.POST if request.method == "POST" else None)
    return _confirmed(request, product, "retire", form)


def _confirmed(request: HttpRequest, product: Product, verb: str, form: ConfirmForm | DeprecationForm) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        try:
            if verb == "deprecate":
                services.deprecate(_person(request), product, **form.cleaned_data)
            else:
                services.VERBS[verb](_person(request), product)
        except ValidationError as error:
            add_errors(form, error)
        else:
            _say_moved(request, product, undoable=True)
            return _back_to(product)
    context = {**contexts.confirm(product, verb), "form": form}
    return render(request, "publishing/lifecycle/confirm.html", context, status=422 if form.is_bound else 200)


@login_required
@require_POST
def undo(request: HttpRequest, domain: str, name: str) -> HttpResponse:
    """Takes the last step back."""
    product = editable_or_403(request.user, domain, name)
    try:
        services.undo(_person(request), product)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, f"Undone. {product.title} is as it was before.")
    return _back_to(product)


@login_required
@require_POST
def transfer(request: HttpRequest, domain: str, name: str) -> HttpResponse:
    """Gives the product to another team, or offers it to that team."""
    product = editable_or_403(request.user, domain, name)
    form = TransferForm(request.POST)
    if form.is_valid():
        team = form.cleaned_data["team"]
        try:
            given = transfers.transfer(_person(request), product, team)
        except ValidationError as error:
            add_errors(form, error)
        else:
            text = f"{product.title} belongs to {team.name} now." if given else f"Offered to {team.name}."
            messages.success(request, text)
            stays = may_edit(request.user, product)
            return redirect(contexts.address(product, "manage") if stays else "publishing:mine")
    return _manage_page(request, product, form)


@login_required
@require_POST
def accept(request: HttpRequest, domain: str, name: str) -> HttpResponse:
    """Takes a product that is offered to one's team."""
    product = _offered(request, domain, name)
    try:
        transfers.accept(_person(request), product)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, f"{product.title} belongs to {product.owner.name} now.")
    return redirect("publishing:mine")


@login_required
@require_POST
def end_offer(request: HttpRequest, domain: str, name: str) -> HttpResponse:
    """Takes an offer back, or declines it."""
    product = _offered(request, domain, name)
    try:
        transfers.end_offer(_person(request), product)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, "The offer is ended; the product stays where it is.")
    return redirect("publishing:mine")


def _offered(request: HttpRequest, domain: str, name: str) -> Product:
    """The product, which the team that it is offered to sees too, as a draft even. Raises Http404."""
    offers = transfers.offers_to(_person(request)).filter(product__domain__slug=domain, product__name=name)
    offer = offers.first()
    return offer.product if offer else product_or_404(request.user, domain, name)


@login_required
@require_http_methods(["GET", "POST"])
def compare(request: HttpRequest, domain: str, name: str) -> HttpResponse:
    """What changed since the product was registered; takes over what is chosen."""
    product = editable_or_403(request.user, domain, name)
    problems: list[str] = []
    if request.method == "POST":
        form = TakeOverForm(request.POST)
        try:
            if not form.is_valid():
                raise ValidationError("This form was changed. Choose again what to take over.")
            said = form.cleaned_data
            comparing.take_over(_person(request), product, said["take"], said["fingerprint"], revision=said["revision"])
        except ValidationError as error:
            problems = error.messages
            product.refresh_from_db()
        else:
            say_undoable(request, "Taken over. Search follows within seconds.", product)
            return redirect(product if product.is_listed else contexts.address(product, "manage"))
    raw = request.GET.get("n", "")
    tries = int(raw) if raw.isdecimal() and len(raw) < 5 else 0
    context = {**contexts.comparison(product, tries), "problems": problems}
    polled = request.htmx and request.method == "GET"  # type: ignore[attr-defined] # set by django-htmx's middleware
    template = "_comparison.html" if polled else "compare.html"
    return render(request, f"publishing/lifecycle/{template}", context, status=422 if problems else 200)


def _say_moved(request: HttpRequest, product: Product, *, undoable: bool) -> None:
    text = f"{product.title} is now {product.get_lifecycle_display().lower()}."
    if undoable:
        say_undoable(request, text, product)
    else:
        messages.success(request, text)


def say_undoable(request: HttpRequest, text: str, product: Product) -> None:
    """A message with a button that takes the step back; the toast reads its address from the tags."""
    until = f"{text} You can undo this for {undoing.SECONDS} seconds."
    messages.success(request, until, extra_tags=contexts.address(product, "undo"))


def _back_to(product: Product) -> HttpResponse:
    return redirect(product if product.is_listed else "publishing:mine")
