"""The verbs on people and teams."""

import uuid

from django.db import transaction
from django.utils.text import slugify

from marketplace.accounts import queries
from marketplace.accounts.models import Membership, Role, Team, User


@transaction.atomic
def create_team(name: str, *, slug: str = "", email: str = "", members: tuple[User, ...] = ()) -> Team:
    """A team and its first members. The slug is made unique by a number where it is taken. A few queries."""
    wanted = slugify(slug or name)[:55] or "team"
    free, number = wanted, 1
    while Team.objects.filter(slug=free).exists():
        number += 1
        free = f"{wanted}-{number}"
    team = Team.objects.create(slug=free, name=name[:120], email=email)
    Membership.objects.bulk_create(Membership(team=team, user=user) for user in members)
    return team


def service_account(team: Team) -> User:
    """The account by which a team's programs act, made where there is none. It is in no other team. Four queries."""
    found = User.objects.filter(service_of=team).first()
    if found is not None:
        return found
    # A colon is in no name that a person can sign up with, and the address is nobody's (RFC 6761).
    account = User(username=f"team:{team.slug}", email=f"{uuid.uuid4().hex}@service.invalid", service_of=team)
    account.first_name = f"{team.name} (service)"
    account.set_unusable_password()
    account.save()
    Membership.objects.create(team=team, user=account)
    return account


@transaction.atomic
def home_team(user: User) -> Team:
    """The team a person publishes for when they name none: their first, or a new one of their own.

    The team's address stays empty: a person's own is theirs to publish. Making one also gives the producer's role,
    since publishing is open to everybody who is signed in.
    """
    team = queries.teams_of(user).first() or create_team(user.display_name, members=(user,))
    if Role.PRODUCER not in user.roles:
        user.roles = [*user.roles, Role.PRODUCER]
        user.save(update_fields=["roles"])
    return team
