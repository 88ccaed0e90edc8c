"""What is asked once for many datasets."""

import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from marketplace.accounts import queries as people
from marketplace.accounts.models import Team, User
from marketplace.live.view import ListedDataset
from registry.models import AccessMode, Domain

_SPAN = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")


class CatalogueForm(forms.Form):
    """Which datasets, and how they are registered. `dataset` holds their numbers in the catalogue, from 0; a script
    writes them together in `chosen`, like "0-3,7", since a form of thousands of ticks is refused."""

    domain = forms.ModelChoiceField(
        Domain.objects.all(), label="Domain for all", to_field_name="slug", empty_label="Choose a domain"
    )
    owner = forms.ModelChoiceField(Team.objects.none(), label="Team", to_field_name="slug")
    access_mode = forms.ChoiceField(
        label="Access",
        choices=AccessMode.choices,
        initial=AccessMode.ON_REQUEST,
        help_text="Open: anybody may use them now. On request: you decide who.",
    )
    new_tags = forms.BooleanField(
        label="Add the catalogue's new words to the glossary",
        required=False,
        help_text="Without it, only tags that the glossary has are kept.",
    )
    chosen = forms.CharField(required=False, max_length=40_000, widget=forms.HiddenInput())

    def __init__(self, *args: Any, user: User, datasets: Sequence[ListedDataset], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._datasets = datasets
        teams = people.teams_of(user)
        owner = self.fields["owner"]
        assert isinstance(owner, forms.ModelChoiceField)
        owner.queryset, owner.initial = teams, teams.first()
        if len(teams) < 2:
            del self.fields["owner"]

    def numbers(self) -> set[int]:
        """The numbers that were ticked, whichever way they came; of anything else nothing."""
        if not self.is_bound:
            return set()
        last = len(self._datasets) - 1
        ticked = self.data.getlist("dataset") if isinstance(self.data, QueryDict) else []
        found = {int(raw) for raw in ticked if raw.isascii() and raw.isdigit() and len(raw) < 6}
        for span in self.data.get("chosen", "").split(","):
            if match := _SPAN.fullmatch(span.strip()):
                first, final = int(match[1]), min(int(match[2] or match[1]), last)
                found.update(range(first, final + 1))
        return {number for number in found if number <= last}

    def places(self) -> list[str] | None:
        """Where the chosen datasets stand; None for all. Only after is_valid()."""
        return None if "all" in self.data else [self._datasets[number].place for number in sorted(self.numbers())]

    def clean(self) -> dict[str, Any]:
        """At least one has to be ticked."""
        cleaned = super().clean() or {}
        if "all" not in self.data and not self.numbers():
            raise ValidationError("Tick at least one dataset, or publish all.")
        return cleaned
