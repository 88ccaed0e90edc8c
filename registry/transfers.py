"""Giving a product to another team. What a team answers for is not put on it from outside: it accepts, or an
administrator decides, or who gives is also of the team that gets.
"""

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from marketplace.accounts.models import Role, Team, User
from registry import events
from registry.access import may_edit
from registry.models import Product, TransferOffer

NOT_OFFERED = "This product is not offered to a team now; reload the page to see where it is."


def may_accept(actor: User, team: Team) -> bool:
    """Members of the team that gets, and administrators. One query."""
    return actor.has_role(Role.ADMIN) or team.members.filter(pk=actor.pk).exists()


def offers_to(user: User) -> QuerySet[TransferOffer]:
    """What is offered to a person's teams, oldest first. One query."""
    offers = TransferOffer.objects.select_related("team", "product__domain", "product__owner")
    return offers.filter(team__in=user.teams.all()).order_by("offered_at", "pk")


def offers_around(user: User) -> QuerySet[TransferOffer]:
    """What is offered to a person's teams and by them, oldest first; administrators see all. One query."""
    offers = TransferOffer.objects.select_related("team", "product__domain", "product__owner")
    offers = offers.order_by("offered_at", "pk")
    if user.has_role(Role.ADMIN):
        return offers
    teams = user.teams.all()
    return offers.filter(Q(team__in=teams) | Q(product__owner__in=teams))


def offer_of(product: Product) -> TransferOffer | None:
    """The offer that is open. One query."""
    return TransferOffer.objects.select_related("team").filter(product=product).first()


@transaction.atomic
def transfer(actor: User, product: Product, team: Team) -> bool:
    """Gives the product to the team (True), or offers it where the actor may not decide for that team (False).

    An offer replaces the one before. Raises ValidationError for the team that owns it, PermissionDenied for outsiders.
    """
    if not may_edit(actor, product):
        raise PermissionDenied(f"Only {product.owner.name} may give this product to another team.")
    if team.pk == product.owner_id:
        raise ValidationError({"team": f"{team.name} owns this product already; name another team."})
    if may_accept(actor, team):
        _give(actor, product, team)
        return True
    TransferOffer.objects.update_or_create(product=product, defaults={"team": team, "offered_at": Now()})
    events.record("product.transfer_offered", product.urn, actor, to=team.slug, **{"from": product.owner.slug})
    return False


@transaction.atomic
def accept(actor: User, product: Product) -> Product:
    """Takes what is offered. Raises ValidationError where nothing is, PermissionDenied for who is not of the team."""
    offer = _locked(product)
    if not may_accept(actor, offer.team):
        raise PermissionDenied(f"Only {offer.team.name} may accept this product.")
    _give(actor, product, offer.team)
    return product


@transaction.atomic
def end_offer(actor: User, product: Product) -> None:
    """The owner takes the offer back, or the team declines. Raises as accept does."""
    offer = _locked(product)
    if not (may_edit(actor, product) or may_accept(actor, offer.team)):
        raise PermissionDenied(f"Only {product.owner.name} and {offer.team.name} may end this offer.")
    team = offer.team.slug
    offer.delete()
    events.record("product.transfer_ended", product.urn, actor, to=team, **{"from": product.owner.slug})


def _locked(product: Product) -> TransferOffer:
    """The open offer, which nobody else can answer until commit."""
    offer = TransferOffer.objects.select_for_update(of=["self"]).select_related("team").filter(product=product).first()
    if offer is None:
        raise ValidationError(NOT_OFFERED)
    return offer


def _give(actor: User, product: Product, team: Team) -> None:
    before = product.owner
    # The row decides: of two who give at once only the first finds the owner it saw.
    if not Product.objects.filter(pk=product.pk, owner=before).update(
        owner=team, revision=F("revision") + 1, updated_at=Now()
    ):
        raise ValidationError("Somebody else gave this product away meanwhile; reload the page to see whose it is.")
    TransferOffer.objects.filter(product=product).delete()
    product.refresh_from_db()
    events.record("product.transferred", product.urn, actor, to=team.slug, **{"from": before.slug})
