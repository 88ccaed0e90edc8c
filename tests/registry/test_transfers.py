"""A product goes to another team when both sides want it: nobody is given what they did not take."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from marketplace.accounts.models import Membership
from marketplace.accounts.services import create_team
from registry import services, transfers
from registry.models import Event, Product, TransferOffer


@pytest.fixture
def receivers(outsider):
    """The outsider's team."""
    return create_team("Receivers", members=(outsider,))


def last():
    event = Event.objects.last()
    return event.type, event.data


GIVEN = ("product.transferred", {"from": "climate-data-office", "to": "receivers"})


def test_an_offer_changes_nothing_until_it_is_accepted(setup_product, producer, outsider, receivers):
    product = setup_product()
    assert transfers.transfer(producer, product, receivers) is False
    assert last() == ("product.transfer_offered", GIVEN[1])
    assert Product.objects.get().owner.slug == "climate-data-office"
    assert [offer.product for offer in transfers.offers_to(outsider)] == [product]
    transfers.accept(outsider, product)
    assert last() == GIVEN
    assert Product.objects.get().owner == receivers
    assert not TransferOffer.objects.exists()


def test_who_is_in_both_teams_gives_at_once(setup_product, producer, receivers):
    Membership.objects.create(team=receivers, user=producer)
    assert transfers.transfer(producer, setup_product(), receivers) is True
    assert last() == GIVEN


def test_an_administrator_gives_at_once(setup_product, admin, receivers):
    assert transfers.transfer(admin, setup_product(), receivers) is True
    assert last() == GIVEN


CAST = ["producer", "teammate", "admin", "outsider", "consumer", "steward"]


@pytest.mark.parametrize("who", CAST)
@pytest.mark.parametrize(
    ("verb", "allowed"),
    [
        ("transfer", {"producer", "teammate", "admin"}),
        ("accept", {"outsider", "admin"}),
        ("end_offer", {"producer", "teammate", "outsider", "admin"}),
    ],
)
def test_who_may(setup_product, producer, receivers, request, who, verb, allowed):
    product, actor = setup_product(), request.getfixturevalue(who)
    transfers.transfer(producer, product, receivers)
    arguments = (actor, product, receivers) if verb == "transfer" else (actor, product)
    events = Event.objects.count()
    if who in allowed:
        getattr(transfers, verb)(*arguments)
        assert Event.objects.count() == events + 1
        assert Event.objects.last().actor == who
    else:
        with pytest.raises(PermissionDenied):
            getattr(transfers, verb)(*arguments)
        assert Event.objects.count() == events
        assert TransferOffer.objects.get().team == receivers


def test_a_later_offer_takes_the_place_of_the_first(setup_product, producer, outsider, consumer, receivers):
    product, others = setup_product(), create_team("Others", members=(consumer,))
    transfers.transfer(producer, product, receivers)
    transfers.transfer(producer, product, others)
    with pytest.raises(PermissionDenied):
        transfers.accept(outsider, product)
    transfers.accept(consumer, product)
    assert Product.objects.get().owner == others


@pytest.mark.parametrize("verb", [transfers.accept, transfers.end_offer])
def test_what_is_not_offered_cannot_be_answered(setup_product, outsider, producer, receivers, verb):
    product = setup_product()
    with pytest.raises(ValidationError, match="not offered"):
        verb(outsider, product)
    transfers.transfer(producer, product, receivers)
    transfers.end_offer(outsider, product)
    assert last()[0] == "product.transfer_ended"
    with pytest.raises(ValidationError, match="not offered"):
        verb(outsider, product)


def test_the_owner_is_no_other_team(setup_product, producer, team):
    with pytest.raises(ValidationError, match="owns this product already"):
        transfers.transfer(producer, setup_product(), team)


def test_the_old_owner_may_do_nothing_more_and_an_editor_is_told(setup_product, producer, admin, outsider, receivers):
    product = setup_product()
    seen = product.revision
    transfers.transfer(admin, Product.objects.get(), receivers)
    with pytest.raises(PermissionDenied):
        services.pause(producer, Product.objects.get())
    data = services.ProductData(domain="precipitation", name="daily-rain", title="Mine", summary="Words.")
    with pytest.raises(services.StaleRevisionError):
        services.update(outsider, Product.objects.get(), data, revision=seen)


def test_of_two_who_give_at_once_only_the_first_does(setup_product, admin, consumer, receivers):
    product = setup_product()
    seen_twice = Product.objects.get()
    transfers.transfer(admin, product, receivers)
    with pytest.raises(ValidationError, match="meanwhile"):
        transfers.transfer(admin, seen_twice, create_team("Others", members=(consumer,)))
    assert Product.objects.get().owner == receivers
