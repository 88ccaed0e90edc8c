"""Following a product or a domain: from its page, with and without scripts, and what it costs."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from marketplace.accounts.models import User
from marketplace.notices import queries, services
from registry import services as registry
from registry.models import Domain, Event, Product

SetupProduct = Callable[..., Product]
SignIn = Callable[[User | None], Client]
FOLLOW, FOLLOWING = "Follow<span", "Following<span"  # what the button says


def followed(user: User) -> list[str]:
    return [follow.subject for follow in queries.follows(user)]


def subscriptions() -> list[tuple[str, str, str]]:
    return list(Event.objects.filter(type__startswith="subscription.").values_list("type", "subject", "actor"))


def test_following_and_stopping_each_say_so_once(
    setup_product: SetupProduct, consumer: User, precipitation: Domain
) -> None:
    product = setup_product()
    for target in (product, precipitation, product):
        services.follow(consumer, target)
    assert followed(consumer) == ["urn:domain:precipitation", "urn:dp:precipitation:daily-rain"]
    assert services.unfollow(consumer, product)
    assert not services.unfollow(consumer, product)
    assert followed(consumer) == ["urn:domain:precipitation"]
    assert subscriptions() == [
        ("subscription.created", "urn:dp:precipitation:daily-rain", "consumer"),
        ("subscription.created", "urn:domain:precipitation", "consumer"),
        ("subscription.ended", "urn:dp:precipitation:daily-rain", "consumer"),
    ]


@pytest.mark.parametrize("what", ["product", "domain"])
def test_the_button_works_without_scripts_and_leads_back(
    what: str, setup_product: SetupProduct, precipitation: Domain, consumer: User, sign_in: SignIn
) -> None:
    target = setup_product() if what == "product" else precipitation
    browser = sign_in(consumer)
    page = target.get_absolute_url()
    assert FOLLOW in browser.get(page).content.decode()
    answer = browser.post(f"{page}follow/", {"follow": "1"})
    assert (answer.status_code, answer.headers["Location"]) == (302, page)
    assert FOLLOWING in browser.get(page).content.decode()
    browser.post(f"{page}follow/", {"follow": "0"})
    assert followed(consumer) == []


def test_with_scripts_the_button_alone_is_answered(
    setup_product: SetupProduct, consumer: User, sign_in: SignIn
) -> None:
    page = setup_product().get_absolute_url()
    answer = sign_in(consumer).post(f"{page}follow/", {"follow": "1"}, headers={"HX-Request": "true"})
    body = answer.content.decode()
    assert FOLLOWING in body and "<html" not in body
    assert "You follow Daily rain now." in body


def test_a_visitor_is_asked_to_sign_in_and_comes_back_to_the_product(
    setup_product: SetupProduct, client: Client
) -> None:
    page = setup_product().get_absolute_url()
    sign_in = f"/accounts/login/?next={page.replace('/', '%2F')}"
    assert sign_in in client.get(page).content.decode()
    assert client.post(f"{page}follow/").headers["Location"] == f"/accounts/login/?next={page}"
    scripted = client.post(f"{page}follow/", headers={"HX-Request": "true"})
    assert scripted.headers["HX-Redirect"] == f"/accounts/login/?next={page}"
    assert scripted.content == b""


def test_drafts_are_not_followed_and_not_told_of(
    setup_product: SetupProduct, producer: User, outsider: User, sign_in: SignIn
) -> None:
    draft = setup_product(published=False)
    with pytest.raises(ValidationError):
        services.follow(producer, draft)
    assert sign_in(outsider).post(f"{draft.get_absolute_url()}follow/").status_code == 404


def test_who_follows_too_much_is_told_and_keeps_what_there_is(
    setup_product: SetupProduct,
    precipitation: Domain,
    consumer: User,
    sign_in: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(services, "FOLLOWS", 1)
    services.follow(consumer, precipitation)
    page = setup_product().get_absolute_url()
    answer = sign_in(consumer).post(f"{page}follow/", {"follow": "1"}, headers={"HX-Request": "true"})
    assert "which is the most" in answer.headers["HX-Trigger"]
    assert FOLLOW in answer.content.decode()
    plain = sign_in(consumer).post(f"{page}follow/", {"follow": "1"}, follow=True)
    assert "which is the most" in plain.content.decode()
    services.follow(consumer, precipitation)  # once more changes nothing, at the limit too
    assert followed(consumer) == ["urn:domain:precipitation"]


@pytest.mark.django_db(transaction=True)
def test_many_at_once_pass_no_limit_and_follow_nothing_twice(
    setup_product: SetupProduct, consumer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "FOLLOWS", 2)
    products = [setup_product(f"rain-{number}") for number in range(3)]

    def press(product: Product) -> bool:
        try:
            services.follow(consumer, product)
        except ValidationError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(press, products * 2))
    assert done.count(True) == 4, "each of the two that fit, twice"
    assert len(followed(consumer)) == 2
    assert len(subscriptions()) == 2


def test_the_button_costs_visitors_no_query_and_people_one(
    setup_product: SetupProduct, consumer: User, client: Client, sign_in: SignIn
) -> None:
    page = setup_product().get_absolute_url()
    browser = sign_in(consumer)

    def asked(visitor: Client) -> list[str]:
        with CaptureQueriesContext(connection) as made:
            assert visitor.get(page).status_code == 200
        return [query["sql"] for query in made if "notices_" in query["sql"]]

    assert asked(client) == []
    follow, unread = asked(browser)
    assert "notices_follow" in follow
    assert "notices_entry" in unread


def test_what_is_followed_is_listed_and_can_be_ended_there(
    setup_product: SetupProduct, precipitation: Domain, consumer: User, producer: User, sign_in: SignIn
) -> None:
    gone = setup_product("old-rain")
    browser = sign_in(consumer)
    assert "You follow nothing yet" in browser.get("/follows/").content.decode()
    for target in (gone, precipitation):
        services.follow(consumer, target)
    registry.retire(producer, registry.deprecate(producer, gone))
    page = browser.get("/follows/").content.decode()
    assert "not listed any more" in page and "Precipitation" in page
    answer = browser.post("/domains/precipitation/follow/", {"follow": "0", "back": "follows"})
    assert answer.headers["Location"] == "/follows/"
    hidden = f"{gone.get_absolute_url()}follow/"
    for _ in range(2):  # a second click does no harm
        assert browser.post(hidden, {"follow": "0", "back": "follows"}).headers["Location"] == "/follows/"
    assert followed(consumer) == []
    assert browser.post(hidden, {"follow": "1"}).status_code == 404
