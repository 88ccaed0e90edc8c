"""What stewards type of a goal."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from marketplace.accounts.models import Team
from registry.models import SUMMARY_LIMIT, Goal


class GoalForm(forms.Form):
    """A goal, or with a parent a use case of it. Address and place are chosen once."""

    title = forms.CharField(
        max_length=140, help_text="What is to be reached, in business words, like “Insure fairly against floods”."
    )
    parent = forms.ModelChoiceField(
        Goal.objects.filter(parent=None),
        label="Stands below",
        to_field_name="slug",
        required=False,
        empty_label="Nothing: it is a goal itself",
        help_text="With a goal above, it is a use case of that goal.",
    )
    summary = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=SUMMARY_LIMIT,
        required=False,
        help_text="For whom, and what changes when it is reached.",
    )
    owner = forms.ModelChoiceField(
        Team.objects.all(),
        label="Team",
        to_field_name="slug",
        required=False,
        empty_label="No team",
        help_text="Who answers for it.",
    )
    slug = forms.CharField(
        label="Name in its address",
        max_length=63,
        required=False,
        help_text="Small letters, digits and hyphens; made from the title where left empty.",
    )

    def __init__(self, *args: Any, goal: Goal | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if goal is not None:
            del self.fields["parent"], self.fields["slug"]

    def add_registry_errors(self, error: ValidationError) -> None:
        """Shows what the registry refused beside the field it speaks of."""
        said: dict[str, Any] = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
        for field, texts in said.items():
            for text in texts:
                self.add_error(field if field in self.fields else None, text)
