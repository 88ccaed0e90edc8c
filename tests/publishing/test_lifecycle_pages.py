"""A product's life on its owners' pages: asked before others feel it, undone within a minute, given when accepted."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db.models import F
from django.utils import timezone

from marketplace.accounts.services import create_team
from registry import services, transfers
from registry.models import Event, Undo

PAGES = "/publish/precipitation/daily-rain/"


@pytest.fixture
def desk(sign_in, producer, team):
    return sign_in(producer)


@pytest.fixture
def receivers(outsider):
    """The outsider's team."""
    return create_team("Receivers", members=(outsider,))


def text(answer):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


@pytest.mark.parametrize("verb", ["deprecate", "retire"])
def test_a_step_others_feel_is_asked_about_first(desk, setup_product, producer, verb):
    product = setup_product()
    if verb == "retire":
        services.deprecate(producer, product)
    state = product.lifecycle
    assert f'href="{PAGES}{verb}/"' in desk.get("/publish/mine/").content.decode(), "a link, which changes nothing"
    asked = desk.get(f"{PAGES}{verb}/")
    assert f"{verb.capitalize()} Daily rain?" in text(asked)
    product.refresh_from_db()
    assert product.lifecycle == state
    desk.post(f"{PAGES}{verb}/", {"confirm": "1"})
    product.refresh_from_db()
    assert product.lifecycle == f"{verb.removesuffix('e')}ed"


def test_visitors_read_what_follows_when_and_why(desk, setup_product, client):
    product, next_one = setup_product(), setup_product("new-rain")
    day = timezone.localdate() + timedelta(days=400)
    typed = {"successor": next_one.urn, "retires_on": day.isoformat(), "message": "A finer <i>grid</i> & more."}
    assert desk.post(f"{PAGES}deprecate/", typed).status_code == 302
    page = client.get(product.get_absolute_url())
    assert f"will be retired on {day.day} {day:%B %Y}" in text(page)
    assert "Its owner says: A finer grid & more." in text(page)
    assert f'href="{next_one.get_absolute_url()}"' in page.content.decode()
    assert "Use New rain instead" in text(page)


def test_the_history_tells_the_message_and_what_was_taken_back(setup_product, producer, client):
    product = setup_product()
    services.undo(producer, services.pause(producer, product))
    services.deprecate(producer, product, message="A finer grid.")
    told = text(client.get(f"{product.get_absolute_url()}live/history/"))
    assert "a pause was taken back" in told
    assert "A finer grid." in told


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"successor": "urn:dp:precipitation:nothing"}, "No listed product has this address"),
        ({"successor": "rain\0"}, "Null characters are not allowed"),
        ({"successor": "urn:dp:precipitation:daily-rain"}, "cannot follow itself"),
        ({"retires_on": "2020-01-01"}, "This day is over"),
        ({"retires_on": "soon"}, "Give a day of the calendar"),
        ({"message": "x" * 501}, "at most 500"),
    ],
)
def test_what_makes_no_sense_is_said_beside_what_was_typed(desk, setup_product, typed, says):
    product = setup_product()
    answer = desk.post(f"{PAGES}deprecate/", {"message": "Stays typed.", **typed})
    assert answer.status_code == 422
    assert says in text(answer)
    assert "message" in typed or "Stays typed." in answer.content.decode()
    product.refresh_from_db()
    assert product.lifecycle == "published"


def test_a_step_the_lifecycle_does_not_allow_says_so_and_records_nothing(desk, setup_product):
    setup_product()
    events = Event.objects.count()
    assert "cannot become retired" in text(desk.post(f"{PAGES}retire/"))
    assert Event.objects.count() == events


def undo_address(answer):
    """Where the button of the toast leads."""
    found = re.search(
        r'<form method="post" action="([^"]+)"[^>]*>(?:(?!</form>).)*>Undo<', answer.content.decode(), re.S
    )
    return found[1] if found else None


@pytest.mark.parametrize("verb", ["pause", "deprecate", "retire", "edit"])
def test_the_toast_takes_the_step_back(desk, setup_product, producer, verb):
    product = setup_product()
    if verb == "retire":
        services.deprecate(producer, product)
    before = (product.lifecycle, product.title)
    typed = {"title": "Other", "summary": "Other words.", "access_mode": "open", "revision": product.revision}
    typed |= {"links-TOTAL_FORMS": "0", "links-INITIAL_FORMS": "0"}
    said = desk.post(f"{PAGES}{verb}/", typed if verb == "edit" else {}, follow=True)
    product.refresh_from_db()
    assert (product.lifecycle, product.title) != before
    address = undo_address(said)
    assert address == f"{PAGES}undo/"
    assert "Undone." in text(desk.post(address, follow=True))
    product.refresh_from_db()
    assert (product.lifecycle, product.title) == before
    assert "nothing left to undo" in text(desk.post(address, follow=True))


def test_after_a_minute_undo_is_no_longer_offered_and_refused(desk, setup_product, producer):
    product = setup_product()
    services.pause(producer, product)
    assert undo_address(desk.get(f"{PAGES}lifecycle/")) == f"{PAGES}undo/"
    Undo.objects.update(at=F("at") - timedelta(seconds=61))
    assert undo_address(desk.get(f"{PAGES}lifecycle/")) is None
    assert "nothing left to undo" in text(desk.post(f"{PAGES}undo/", follow=True))
    product.refresh_from_db()
    assert product.lifecycle == "paused"


def test_a_draft_is_offered_seen_by_who_gets_it_and_accepted(desk, sign_in, setup_product, outsider, receivers):
    product = setup_product(published=False)
    assert "Offered to Receivers" in text(desk.post(f"{PAGES}transfer/", {"team": "receivers"}, follow=True))
    theirs = sign_in(outsider)
    assert "Climate Data Office offers it to Receivers" in text(theirs.get("/publish/mine/"))
    assert "belongs to Receivers now" in text(theirs.post(f"{PAGES}transfer/accept/", follow=True))
    product.refresh_from_db()
    assert product.owner == receivers
    assert desk.get(f"{PAGES}lifecycle/").status_code == 404


@pytest.mark.parametrize("side", ["producer", "outsider"])
def test_both_sides_can_end_an_offer(sign_in, setup_product, request, producer, outsider, receivers, side):
    product = setup_product()
    transfers.transfer(producer, product, receivers)
    client = sign_in(request.getfixturevalue(side))
    assert "stays where it is" in text(client.post(f"{PAGES}transfer/end/", follow=True))
    assert "not offered" in text(client.post(f"{PAGES}transfer/end/", follow=True))
    assert not transfers.offers_to(outsider).exists()


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ("", "Name the team"),
        ("nobody", "There is no team"),
        ("a\0b", "Null characters"),
        ("Climate Data Office", "owns this product already"),
        ("Twins", "Several teams"),
    ],
)
def test_a_team_that_cannot_get_it_is_said(desk, setup_product, named, says):
    product = setup_product()
    for _ in range(2):
        create_team("Twins")
    answer = desk.post(f"{PAGES}transfer/", {"team": named})
    assert answer.status_code == 422
    assert says in text(answer)
    product.refresh_from_db()
    assert product.owner.slug == "climate-data-office"


MAY = {"producer", "teammate", "admin"}


@pytest.mark.parametrize("who", [None, "producer", "teammate", "admin", "outsider", "consumer", "steward"])
@pytest.mark.parametrize(
    ("method", "page"),
    [
        ("get", "lifecycle/"),
        ("get", "deprecate/"),
        ("get", "retire/"),
        ("post", "deprecate/"),
        ("post", "retire/"),
        ("post", "undo/"),
        ("post", "transfer/"),
    ],
)
def test_who_may(sign_in, setup_product, producer, request, who, method, page):
    product = setup_product()
    services.pause(producer, product)
    events = Event.objects.count()
    answer = getattr(sign_in(request.getfixturevalue(who) if who else None), method)(f"{PAGES}{page}")
    if who in MAY:
        assert answer.status_code in (200, 302, 422)
    else:
        assert answer.status_code == (302 if who is None else 403)
        assert who or answer.headers["Location"].startswith("/accounts/login/")
        assert Event.objects.count() == events


@pytest.mark.parametrize("who", [None, "producer", "consumer", "steward"])
def test_only_who_gets_it_accepts(sign_in, setup_product, producer, receivers, request, who):
    product = setup_product()
    transfers.transfer(producer, product, receivers)
    answer = sign_in(request.getfixturevalue(who) if who else None).post(f"{PAGES}transfer/accept/")
    assert answer.status_code == (302 if who is None else 403)
    product.refresh_from_db()
    assert product.owner.slug == "climate-data-office"


def test_the_owners_page_costs_the_same_with_an_offer_and_with_an_undo(
    desk, setup_product, producer, receivers, django_assert_max_num_queries
):
    product = setup_product()
    services.pause(producer, product)
    transfers.transfer(producer, product, receivers)
    with django_assert_max_num_queries(9):
        assert desk.get(f"{PAGES}lifecycle/").status_code == 200
