"""What people type about themselves."""

from django import forms

from marketplace.accounts.tokens import LIFETIMES


class TokenForm(forms.Form):
    """A token to make."""

    name = forms.CharField(
        max_length=80,
        help_text="Where it is used, like nightly import.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Give it a name that says where it is used."},
    )
    days = forms.TypedChoiceField(
        label="Works for",
        coerce=int,
        choices=[(days, f"{days} days") for days in LIFETIMES],
        initial=LIFETIMES[1],
        error_messages={"invalid_choice": "Choose one of the lifetimes of the list."},
    )
