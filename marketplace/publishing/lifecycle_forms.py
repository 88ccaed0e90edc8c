"""What an owner types about a product's life: why it goes, and whose it will be."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from marketplace.accounts.models import Team
from marketplace.publishing.comparing import FIELDS
from registry import queries
from registry.models import MESSAGE_LIMIT, Product


class DeprecationForm(forms.Form):
    """What those who use the product are told. All of it may be left out."""

    successor = forms.CharField(
        label="What follows it",
        max_length=200,
        required=False,
        help_text="The address in the mesh of the product to use instead, as its page shows it: urn:dp:domain:name.",
        widget=forms.TextInput(attrs={"placeholder": "urn:dp:…", "autocomplete": "off", "spellcheck": "false"}),
    )
    retires_on = forms.DateField(
        label="The day it will be retired",
        required=False,
        help_text="From this day on nobody should rely on it. It does not happen by itself: you retire it.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Give a day of the calendar, like 2027-06-30, or leave it empty."},
    )
    message = forms.CharField(
        label="Message",
        required=False,
        max_length=MESSAGE_LIMIT,
        help_text="Shown on the product's page: why it goes, and how to move on.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def clean_successor(self) -> Product | None:
        """The product that everybody sees at this address."""
        urn = self.cleaned_data["successor"]
        if not urn:
            return None
        product = queries.listed_by_urn(urn)
        if product is None:
            raise ValidationError(
                "No listed product has this address. Copy it from the product's page, where it stands under "
                "“Address in the mesh”, or leave it empty."
            )
        return product


class ConfirmForm(forms.Form):
    """Nothing to type: only the step to confirm."""


class TransferForm(forms.Form):
    """Whose the product will be."""

    team = forms.CharField(
        max_length=120,
        help_text="The team's name as its products show it, or its short name.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Name the team that the product is to go to."},
    )

    def clean_team(self) -> Team:
        """The one team of that short name or name."""
        named = self.cleaned_data["team"].strip()
        found = list(Team.objects.filter(slug=named)[:1]) or list(Team.objects.filter(name__iexact=named)[:2])
        if not found:
            raise ValidationError(f"There is no team {named!r}. Write its name as its products show it.")
        if len(found) > 1:
            raise ValidationError(f"Several teams are named {named!r}. Give the short name, which is unique.")
        return found[0]


class TakeOverForm(forms.Form):
    """What to take over of what the product says, and what the person saw of it."""

    take = forms.MultipleChoiceField(choices=[(name, name) for name in FIELDS], required=False)
    fingerprint = forms.CharField(max_length=64)
    revision = forms.IntegerField(min_value=1)


def add_errors(form: forms.Form, error: ValidationError) -> None:
    """Shows what the registry refused beside the field it speaks of."""
    said: dict[str, Any] = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
    for field, texts in said.items():
        for text in texts:
            form.add_error(field if field in form.fields else None, text)
