"""Pages of goals: the tree, one goal with the products that serve it, and for stewards the forms that keep them."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from marketplace.accounts.models import User
from marketplace.catalogue.contexts import Action, Empty
from marketplace.catalogue.goal_forms import GoalForm
from registry import goals
from registry.access import person, product_or_404
from registry.models import Goal

SHOWN = 12  # products of one use case; all of them are in the list that is filtered by it
NOT_YOURS = "Only stewards and administrators may change the goals."


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """All goals with their use cases. Three queries."""
    may_govern = goals.may_govern(person(request.user))
    return render(request, "catalogue/goals/list.html", {"nav": "goals", **_tree(may_govern=may_govern)})


def _tree(*, may_govern: bool) -> dict[str, Any]:
    nodes = goals.tree()
    text = (
        "Add what the business wants to reach; owners then say which products serve it."
        if may_govern
        else "Stewards name what the business wants to reach, and owners say which of their products serve it."
    )
    add = Action("Add a goal", reverse("catalogue:goal-new"))
    browse = Action("Browse all products", reverse("catalogue:browse"))
    empty = None if nodes else Empty("No goals yet", text, [add] if may_govern else [browse])
    return {"nodes": nodes, "empty": empty, "may_govern": may_govern}


@require_safe
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """A goal: its use cases, and the products that serve each with their measures of success. Five queries."""
    goal = _goal_or_404(slug)
    context = {
        "nav": "goals",
        "goal": goal,
        "paragraphs": [part.strip() for part in goal.summary.split("\n\n") if part.strip()],
        "branches": goals.branches(goal, SHOWN),
        "total": goals.total(goal),
        "browse": reverse("catalogue:browse"),
        "may_govern": goals.may_govern(person(request.user)),
    }
    return render(request, "catalogue/goals/goal.html", context)


@require_safe
@never_cache
def of_product(request: HttpRequest, domain: str, name: str) -> HttpResponse:
    """What a product is for: a part of its page that comes after it, empty where its owner says nothing."""
    product = product_or_404(request.user, domain, name)
    context = {"purposes": goals.purposes_of(product), "part_template": "catalogue/goals/_of_product.html"}
    if request.htmx:  # type: ignore[attr-defined] # set by django-htmx's middleware
        return render(request, "catalogue/goals/_of_product.html", context)
    context |= {"title": product.title, "product_url": product.get_absolute_url()}
    return render(request, "catalogue/part.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Adds a goal, or with `?parent=` a use case below that goal."""
    actor = _steward_or_403(request)
    initial = {"parent": request.GET.get("parent", "").replace("\x00", "")[:63]}
    form = GoalForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        try:
            goal = goals.create(actor, **form.cleaned_data)
        except ValidationError as error:
            form.add_registry_errors(error)
        else:
            messages.success(request, f"Added the {goal.kind} {goal.title}.")
            return redirect(goal)
    return _form_page(request, form, "Add a goal or use case", "Add it", reverse("catalogue:goals"))


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Changes what a goal is called and who answers for it."""
    actor = _steward_or_403(request)
    goal = _goal_or_404(slug)
    initial = {"title": goal.title, "summary": goal.summary, "owner": goal.owner and goal.owner.slug}
    form = GoalForm(request.POST if request.method == "POST" else None, goal=goal, initial=initial)
    if form.is_valid():
        try:
            goals.change(actor, goal, **form.cleaned_data)
        except ValidationError as error:
            form.add_registry_errors(error)
        else:
            messages.success(request, f"Changed the {goal.kind} {goal.title}.")
            return redirect(goal)
    return _form_page(request, form, f"Edit the {goal.kind}", "Save", goal.get_absolute_url())


@login_required
@require_http_methods(["GET", "POST"])
def remove(request: HttpRequest, slug: str) -> HttpResponse:
    """Asks, then removes what nothing hangs on; else says what does."""
    actor = _steward_or_403(request)
    goal = _goal_or_404(slug)
    problem = ""
    if request.method == "POST":
        try:
            goals.remove(actor, goal)
        except ValidationError as error:
            problem = " ".join(error.messages)
        else:
            messages.success(request, f"Removed {goal.title}.")
            return redirect(goal.parent or "catalogue:goals")
    context = {"nav": "goals", "goal": goal, "problem": problem}
    return render(request, "catalogue/goals/remove.html", context, status=422 if problem else 200)


def _form_page(request: HttpRequest, form: GoalForm, heading: str, submit: str, back: str) -> HttpResponse:
    context = {"nav": "goals", "form": form, "heading": heading, "submit_label": submit, "back_url": back}
    return render(request, "catalogue/goals/form.html", context, status=422 if form.is_bound else 200)


def _steward_or_403(request: HttpRequest) -> User:
    actor = cast(User, request.user)  # every caller stands behind login_required
    if not goals.may_govern(actor):
        raise PermissionDenied(NOT_YOURS)
    return actor


def _goal_or_404(slug: str) -> Goal:
    goal = goals.by_slug(slug)
    if goal is None:
        raise Http404(f"There is no goal or use case {slug!r}.")
    return goal
