"""Searches that are kept: one spelling, limits, and telling of what is published and fits."""

import dataclasses
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.accounts.models import User
from marketplace.notices import asking, contexts, matching, queries, services
from marketplace.notices.models import Entry, NewProduct, SavedSearch
from registry import events
from registry import services as registry
from registry.models import Event, Product
from search import indexer, vocabulary
from search.embedder import load_embedder
from search.questions import QuestionService, circuit
from search.ranking import Filters

SetupProduct = Callable[..., Product]
SignIn = Callable[[User | None], Client]
Read = Callable[[User], list[str]]


def fresh(user: User) -> dict[str, int]:
    """How much is new, by the name of the search."""
    return {row.name: row.fresh for row in map(contexts.search_row, queries.saved_searches(user))}


@pytest.fixture(autouse=True)
def nobody_rests() -> Iterator[None]:
    circuit.close()
    yield
    circuit.close()


@pytest.fixture
def publish(setup_product: SetupProduct, deliver: Callable[[], None]) -> SetupProduct:
    """Publishes a product and lets every worker do what is theirs: index, vector, inboxes, saved searches."""

    def made(name: str, **overrides: object) -> Product:
        product = setup_product(name, **overrides)
        deliver()
        events.deliver("search")
        indexer.embed_stale(load_embedder(), 10)
        matching.match_new()
        return product

    return made


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("q=rain", "q=rain"),
        ("?q=++rain++in+Kenya&page=3&utm_source=mail", "q=rain+in+Kenya"),
        ("tag=b&tag=a&tag=b&q=rain&type=", "q=rain&tag=b&tag=a"),
        ("q=rain+domain%3Aflood+tag%3Adaily", "q=rain&domain=flood&tag=daily"),
        ('q="sea+ice"+-model', "q=%22sea+ice%22+-model"),
        ("access=open", "access=open"),
        ("q=rian&spelling=as-typed&facets=perhaps", "q=rian"),
        ("q=%F0%9F%8C%A7+d%C3%A9bit", "q=%F0%9F%8C%A7+d%C3%A9bit"),
        ("q=a%00b", "q=a+b"),
    ],
)
def test_a_search_has_one_spelling(given: str, kept: str) -> None:
    assert asking.normalised(given) == kept
    assert asking.normalised(kept) == kept


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "nothing to save"),
        ("q=&page=2&nonsense=1", "nothing to save"),
        ("type=nonsense", "type"),
        ("domain=a%00b", "domain"),
        ("q=rain&" + "&".join(f"tag=tag-{number}-{'x' * 50}" for number in range(100)), "too long"),
        ("&".join(f"a{number}=1" for number in range(1500)), "too many filters"),
    ],
)
def test_what_cannot_be_saved_is_said(given: str, said: str) -> None:
    with pytest.raises(ValidationError) as error:
        asking.normalised(given)
    assert said in " ".join(error.value.messages)


def test_every_filter_of_the_search_can_be_held_against_products() -> None:
    known = {field.name for field in dataclasses.fields(Filters)}
    assert {*asking.ASKED} - {"q", "tag"} <= known


@settings(max_examples=60)
@given(st.text(max_size=200))
def test_any_query_string_is_refused_or_kept_in_one_spelling(typed: str) -> None:
    try:
        kept = asking.normalised(typed)
    except ValidationError:
        return
    assert asking.normalised(kept) == kept
    assert 0 < len(asking.in_words(kept)) <= 120


def test_saving_renaming_and_deleting_from_the_pages(
    setup_product: SetupProduct, consumer: User, sign_in: SignIn, words: Callable[[bytes], str]
) -> None:
    browser = sign_in(consumer)
    assert "No saved searches yet" in browser.get("/saved-searches/").content.decode()
    offered = browser.get("/search/", {"q": "daily rain", "access": "open"}).context["save"]
    answer = browser.post("/saved-searches/", {"query": offered.query, "name": ""})
    assert answer.headers["Location"] == "/search/?q=daily+rain&access=open"
    assert "Saved as daily rain · access open" in words(browser.get(answer.headers["Location"]).content)
    browser.post("/saved-searches/", {"query": "?access=open&q=daily+rain&page=2", "name": "Another"})
    (search,) = queries.saved_searches(consumer)
    assert search.name == "daily rain · access open"
    here = f"/saved-searches/{search.uuid}/"
    assert browser.post(f"{here}rename/", {"name": "  Rain <b>here</b> "}).status_code == 302
    assert "Rain here" in browser.get("/saved-searches/").content.decode()
    assert browser.post(f"{here}rename/", {"name": "x" * 121}).status_code == 422
    assert browser.post(f"{here}rename/", {"name": " "}).status_code == 422
    for _ in range(2):  # a second click does no harm
        assert browser.post(f"{here}delete/").headers["Location"] == "/saved-searches/"
    types = Event.objects.filter(subject=search.urn).values_list("type", "data")
    assert list(types) == [("subscription.created", {}), ("subscription.ended", {})], "not what is searched for"


@pytest.mark.parametrize(
    "asked",
    [
        {"q": "rain  in Kenya", "tag": ["b", "a", "b"], "access": "open", "domain": "precipitation"},
        {"q": 'tag:daily "sea ice" -model lifecycle:paused', "owner": "a-team", "type": "aggregate"},
        {"q": "a\x00b\tc 🌧 <b>", "type": "nonsense", "page": "2"},
        {"q": "word " * 200},
        {"domain": "nowhere", "access": "open"},
    ],
)
def test_pages_spell_a_search_as_it_is_kept(
    asked: dict[str, Any], setup_product: SetupProduct, consumer: User, sign_in: SignIn
) -> None:
    setup_product()
    browser = sign_in(consumer)
    offered = browser.get("/search/", asked, follow=True).context["save"].query
    assert asking.normalised(offered) == offered
    services.save_search(consumer, offered)
    assert browser.get("/search/", asked, follow=True).context["save"].saved is not None


def test_searches_of_others_are_not_there(consumer: User, outsider: User, sign_in: SignIn) -> None:
    search = services.save_search(consumer, "q=rain")
    here, other = f"/saved-searches/{search.uuid}/", sign_in(outsider)
    assert other.get(here).status_code == 404
    assert other.post(f"{here}rename/", {"name": "mine"}).status_code == 404
    other.post(f"{here}delete/")
    assert SavedSearch.objects.get().name == "rain"


def test_a_visitor_is_offered_to_sign_in_and_comes_back_to_the_search(client: Client, db: None) -> None:
    body = client.get("/search/?q=rain").content.decode()
    assert "/accounts/login/?next=%2Fsearch%2F%3Fq%3Drain" in body
    assert client.get("/browse/").context["save"] is None


def test_who_was_signed_out_meanwhile_is_back_at_the_search(client: Client, db: None) -> None:
    answer = client.post("/saved-searches/", {"query": "q=rain&tag=a", "name": "Rain"})
    assert answer.headers["Location"] == "/accounts/login/?next=/search/%3Fq%3Drain%26tag%3Da"
    hostile = client.post("/saved-searches/", {"query": "\r\nSet-Cookie: a=b#//evil.example"})
    assert hostile.headers["Location"].startswith("/accounts/login/?next=/search/%3F%0D%0A")


def test_at_the_limit_one_is_told_and_nothing_is_lost(
    consumer: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "SAVED_SEARCHES", 1)
    services.save_search(consumer, "q=rain")
    answer = sign_in(consumer).post("/saved-searches/", {"query": "q=wind"})
    assert answer.status_code == 422
    assert "which is the most" in answer.content.decode()
    assert services.save_search(consumer, "q=rain").name == "rain"


def test_what_is_published_and_fits_is_told_and_counted_until_it_is_opened(
    publish: SetupProduct, consumer: User, sign_in: SignIn, told: Read
) -> None:
    publish("old-rain", title="Old rain at stations")
    search = services.save_search(consumer, "q=rain+at+stations", "Rain")
    services.save_search(consumer, "q=rain&access=open", "Open rain")
    publish("new-rain", title="New rain at stations")
    publish("wind", title="Wind", summary="Metres a second, at masts.")
    assert told(consumer) == ["New rain at stations: New for your search “Rain”"]
    assert fresh(consumer) == {"Open rain": 0, "Rain": 1}
    answer = sign_in(consumer).get(search.get_absolute_url())
    assert answer.headers["Location"] == "/search/?q=rain+at+stations"
    assert fresh(consumer) == {"Open rain": 0, "Rain": 0}
    assert queries.unread_count(consumer) == 0
    assert not NewProduct.objects.exists()


def test_many_that_fit_are_one_entry_and_ones_own_are_none(
    setup_product: SetupProduct, deliver: Callable[[], None], consumer: User, producer: User, told: Read
) -> None:
    for person in (consumer, producer):
        services.save_search(person, "q=rain", "Rain")
    for name in ("a-rain", "b-rain", "c-rain"):
        setup_product(name)
    deliver()
    events.deliver("search")
    indexer.embed_stale(load_embedder(), 10)
    assert matching.match_new() == 3
    assert told(consumer) == ["3 data products, C rain among them: New for your search “Rain”"]
    assert told(producer) == []
    assert fresh(consumer) == {"Rain": 3}


def test_new_products_wait_for_their_vectors_and_not_for_ever(
    setup_product: SetupProduct, deliver: Callable[[], None], consumer: User, told: Read
) -> None:
    services.save_search(consumer, "q=rain", "Rain")
    setup_product("new-rain")
    deliver()
    events.deliver("search")
    assert matching.match_new() == 0, "no vector yet"
    NewProduct.objects.update(at=timezone.now() - matching.PATIENCE - timedelta(seconds=1))
    assert matching.match_new() == 1
    assert told(consumer) == ["New rain: New for your search “Rain”"], "by its words alone"


def test_while_the_embedder_is_busy_new_products_wait(
    setup_product: SetupProduct, deliver: Callable[[], None], consumer: User, told: Read
) -> None:
    services.save_search(consumer, "access=on_request", "No question")
    services.save_search(consumer, "q=rain", "Rain")
    setup_product("new-rain")
    deliver()
    events.deliver("search")
    indexer.embed_stale(load_embedder(), 10)
    circuit.open(600)
    assert matching.match_new() == 0
    assert told(consumer) == [], "all or nothing"
    circuit.close()
    assert matching.match_new() == 1
    assert "New rain: New for your search “Rain”" in told(consumer)


def test_a_question_close_in_meaning_fits_without_a_word_in_common_to_all(
    publish: SetupProduct, consumer: User, told: Read
) -> None:
    services.save_search(consumer, "q=daily+rain+measured+stations+unheard", "Close")
    service = QuestionService()
    service.start()
    assert service.ready.wait(10)
    try:
        publish("daily-rain", summary="Daily rain measured at stations.")
    finally:
        service.stop()
        service.join(5)
    assert told(consumer) == ["Daily rain: New for your search “Close”"]


def test_a_word_that_no_product_had_is_waited_for_as_it_is(publish: SetupProduct, consumer: User, told: Read) -> None:
    publish("saloon", title="Saloon doors", summary="Doors of saloons.")
    vocabulary.learn()
    services.save_search(consumer, "q=saloom", "Odd")
    publish("other-saloon", title="Other saloon doors", summary="Doors of saloons.")
    publish("saloom", title="Saloom delta", summary="Water of the Saloom.")
    assert told(consumer) == ["Saloom delta: New for your search “Odd”"]


def test_what_was_put_right_is_what_is_kept(publish: SetupProduct, consumer: User, sign_in: SignIn, told: Read) -> None:
    publish("precipitation", title="Precipitation of Kenya")
    vocabulary.learn()
    page = sign_in(consumer).get("/search/", {"q": "Precipitaton  of kenya", "access": "on_request"})
    assert page.context["save"].query == "q=precipitation+of+kenya&access=on_request"
    exactly = sign_in(consumer).get("/search/", {"q": "precipitaton", "spelling": "as-typed"})
    assert exactly.context["save"].query == "q=precipitaton"


def test_a_resumed_or_hidden_product_is_not_new(
    publish: SetupProduct, producer: User, consumer: User, deliver: Callable[[], None], setup_product: SetupProduct
) -> None:
    product = publish("daily-rain")
    services.save_search(consumer, "q=rain")
    registry.resume(producer, registry.pause(producer, product))
    registry.publish(producer, registry.pause(producer, product))
    gone = setup_product("short-rain")
    deliver()
    registry.retire(producer, registry.deprecate(producer, gone))
    NewProduct.objects.update(at=timezone.now() - matching.PATIENCE - timedelta(seconds=1))
    events.deliver("search")
    matching.match_new()
    assert not Entry.objects.exists()
    assert not NewProduct.objects.exists()


@pytest.mark.parametrize(
    "query",
    [
        "q=%27%3B+DROP+TABLE+registry_product%3B--",
        "q=!!!+%26+%7C+(+%3C-%3E+%3A*",
        "q=the+of+and",
        "q=-rain",
        "q=urn:dp:precipitation:daily-rain",
        "q=%E2%80%AE%F0%9F%8C%A7",
        "owner=nobody&domain=nowhere&tag=none&lifecycle=paused",
        "q=%22%22+-%22%22",
    ],
)
def test_odd_searches_are_held_against_products_all_the_same(query: str, publish: SetupProduct, consumer: User) -> None:
    services.save_search(consumer, query)
    publish("daily-rain")
    assert not NewProduct.objects.exists()
