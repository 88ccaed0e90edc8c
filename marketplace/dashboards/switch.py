"""From one dashboard to the other, for who is on both sides of the market."""

from dataclasses import dataclass

from django.urls import reverse

from marketplace.accounts.models import Role, User


@dataclass(frozen=True)
class Side:
    """A dashboard of one's own; `current`: the one that is shown."""

    label: str
    url: str
    current: bool


def sides(user: User, current: str) -> list[Side]:
    """The dashboards a person may switch between (`current` is consumer or producer); empty where there is one only.

    No query for who has the producer's role, one for others.
    """
    if not (user.has_role(Role.PRODUCER) or user.teams.exists()):
        return []
    return [
        Side("What you use", reverse("dashboards:consumer"), current == "consumer"),
        Side("What you publish", reverse("dashboards:producer"), current == "producer"),
    ]
