"""What a product is for, said by its owners: goals and use cases with their measures of success."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from marketplace.accounts.models import User
from marketplace.publishing import lifecycle_contexts as contexts
from registry import goals
from registry.access import editable_or_403
from registry.goals import PurposeData
from registry.models import Purpose

SPARE = 2  # empty rows


class PurposeForm(forms.Form):
    """One row; without a goal it says nothing."""

    goal = forms.ChoiceField(label="Goal or use case", required=False)
    hypothesis = forms.CharField(
        max_length=400,
        required=False,
        help_text="What you believe changes, like “with depths by address, underwriters price floods per building”.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    measure = forms.CharField(
        max_length=200, required=False, help_text="What is counted, like “quotes priced per building”."
    )
    target = forms.CharField(
        max_length=200, required=False, help_text="The value that is a success, like “80 % by 2027”."
    )

    def __init__(self, *args: Any, choices: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["goal"].choices = [("", "None"), *choices]  # type: ignore[attr-defined] # a ChoiceField

    def clean(self) -> dict[str, Any]:
        """What is said is said of something."""
        cleaned = super().clean() or {}
        if "goal" in cleaned and not cleaned["goal"] and any(cleaned.get(name) for name in goals.TEXTS):
            self.add_error("goal", "Choose what this is said of, or empty the row.")
        return cleaned


class RevisionForm(forms.Form):
    """The product as the person saw it."""

    revision = forms.IntegerField(min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput())


PurposeFormSet = forms.formset_factory(
    PurposeForm, extra=SPARE, max_num=goals.PURPOSE_LIMIT, absolute_max=goals.PURPOSE_LIMIT + SPARE
)


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, domain: str, name: str) -> HttpResponse:
    """Says all that the product is for."""
    product = editable_or_403(request.user, domain, name)
    choices, posted = goals.choices(), request.POST if request.method == "POST" else None
    initial = [_row(purpose) for purpose in goals.purposes_of(product)] if posted is None else None
    rows = PurposeFormSet(posted, initial=initial, form_kwargs={"choices": choices})
    seen = RevisionForm(posted, initial={"revision": product.revision})
    problems: list[str] = []
    if posted is not None and rows.is_valid() and seen.is_valid():
        wanted = [PurposeData(**row.cleaned_data) for row in rows.forms if row.cleaned_data.get("goal")]
        actor = cast(User, request.user)  # stands behind login_required
        try:
            goals.set_purposes(actor, product, wanted, revision=seen.cleaned_data["revision"])
        except ValidationError as error:
            problems = error.messages
        else:
            messages.success(request, f"Saved what {product.title} is for.")
            return redirect(product if product.is_listed else contexts.address(product, "manage"))
    elif posted is not None and not (rows.management_form.is_valid() and seen.is_valid()):
        problems = ["This form was changed. Load the page again."]
    context = {
        "nav": "publish",
        "product": product,
        "rows": rows,
        "seen": seen,
        "problems": [*problems, *(rows.non_form_errors() if posted is not None else ())],
        "has_goals": bool(choices),
        "back_url": contexts.address(product, "manage"),
    }
    return render(request, "publishing/lifecycle/purposes.html", context, status=200 if posted is None else 422)


def _row(purpose: Purpose) -> dict[str, str]:
    texts = {name: getattr(purpose, name) for name in goals.TEXTS}
    return {"goal": purpose.goal.slug, **texts}
