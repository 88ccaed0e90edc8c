"""What a steward chooses: a level for each item of the checklist."""

from __future__ import annotations

from typing import Any

from django import forms

from marketplace.trust.checklist import ITEMS, Level, level_of
from marketplace.trust.contexts import LEVEL_WORDS
from marketplace.trust.models import ChecklistPolicy


class PolicyForm(forms.Form):
    """One choice for each item that is not asked for by the registry itself."""

    revision = forms.IntegerField(min_value=0, widget=forms.HiddenInput())

    def __init__(self, *args: Any, policy: ChecklistPolicy, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["revision"].initial = policy.revision
        for item in ITEMS:
            if not item.always:
                self.fields[item.key] = forms.ChoiceField(
                    label=item.title,
                    choices=list(LEVEL_WORDS.items()),
                    initial=level_of(item, policy.levels),
                    help_text=item.why,
                    widget=forms.Select(attrs={"class": "input"}),
                )

    @property
    def levels(self) -> dict[str, Level]:
        """What was chosen, by key. Only after is_valid()."""
        return {key: value for key, value in self.cleaned_data.items() if key != "revision"}
