"""What people type about themselves."""

from collections.abc import Iterable
from typing import Any

from django import forms

from marketplace.accounts.models import Team
from marketplace.accounts.tokens import LIFETIMES

YOURSELF = "You: it may do what you may"


class TokenForm(forms.Form):
    """A token to make."""

    name = forms.CharField(
        max_length=80,
        help_text="Where it is used, like nightly import.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Give it a name that says where it is used."},
    )
    team = forms.ChoiceField(
        label="Acts for",
        required=False,
        help_text="A team's token goes on working when you leave the team, and may only keep the team's products.",
        error_messages={"invalid_choice": "Choose yourself, or a team that you are in."},
    )
    days = forms.TypedChoiceField(
        label="Works for",
        coerce=int,
        choices=[(days, f"{days} days") for days in LIFETIMES],
        initial=LIFETIMES[1],
        error_messages={"invalid_choice": "Choose one of the lifetimes of the list."},
    )

    def __init__(self, data: Any = None, *, teams: Iterable[Team] = ()) -> None:
        super().__init__(data)
        self.teams = {team.slug: team for team in teams}
        if self.teams:
            choices = [("", YOURSELF), *((slug, team.name) for slug, team in self.teams.items())]
            self.fields["team"].choices = choices  # type: ignore[attr-defined] # a ChoiceField's
        else:
            del self.fields["team"]

    @property
    def team_chosen(self) -> Team | None:
        """The team that the token is to act for; None for the person. Of a valid form."""
        return self.teams.get(self.cleaned_data.get("team", ""))
