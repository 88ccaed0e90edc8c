"""HTML that is kept: as it would be made, within its bounds, and never after what it is made of has changed."""

import threading
import time
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils.safestring import SafeString
from hypothesis import given
from hypothesis import strategies as st

from marketplace.accounts.models import User
from marketplace.catalogue.kept import SECONDS, Kept
from registry import services
from registry.models import Product
from tests.live.gateways import CONTRACT, ODPS, gateway
from tests.live.hostile import Server, answer

SetupProduct = Callable[..., Product]
Ask = Callable[[Product], None]
Fragment = Callable[..., str]


def html(text: str) -> Callable[[], SafeString]:
    """What makes this text."""
    return lambda: SafeString(text)


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 60)), max_size=60))
def test_it_stays_within_its_bounds_and_gives_what_would_be_made(wanted: list[tuple[int, int]]) -> None:
    held = Kept(100)
    for key, size in wanted:
        assert held.html((key, size), html(str(key) * size)) == str(key) * size
        assert held._held == sum(len(text) for _, text in held._found.values()) <= 100


def test_short_html_under_long_keys_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplace.catalogue.kept.ENTRIES", 5)
    held = Kept(1000)
    for number in range(20):
        held.html(f"a very long key {number}", html(""))
    assert list(held._found) == [f"a very long key {number}" for number in range(15, 20)]


def test_the_same_is_made_once_and_anew_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    held, made = Kept(1000), []
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)

    def make() -> SafeString:
        made.append(1)
        return SafeString("x")

    for _ in range(3):
        held.html("key", make)
    assert len(made) == 1
    now += SECONDS
    held.html("key", make)
    assert len(made) == 2


def test_what_was_wanted_least_lately_goes_first() -> None:
    held = Kept(40)
    for key in range(10):
        held.html(key, html("1234"))
    assert held.html(0, html("never made")) == "1234"
    held.html("new", html("1234"))
    assert list(held._found) == [*range(2, 10), 0, "new"]


def test_what_is_large_is_not_kept() -> None:
    held = Kept(40)
    assert held.html("large", html("12345")) == "12345"
    assert list(held._found) == []


def test_threads_share_it() -> None:
    held = Kept(50)

    def use() -> None:
        for number in range(2000):
            assert held.html(number % 20, html(str(number % 20))) == str(number % 20)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert held._held == sum(len(text) for _, text in held._found.values()) <= 50


def test_a_section_follows_what_the_product_says(
    linked_product: SetupProduct, server: Server, ask: Ask, fragment: Fragment
) -> None:
    product = linked_product(gateway(server))
    ask(product)
    assert "Rain contract" in fragment(product, "contract")
    assert "Rain of each day." in fragment(product, "about")
    server.route("/discover/contracts/c-rain", answer({**CONTRACT, "name": "Another contract"}))
    server.route("/discover/metadata", answer({**ODPS, "description": {"purpose": "Something else."}}))
    ask(product)
    assert "Another contract" in fragment(product, "contract")
    assert "Something else." in fragment(product, "about")


def test_a_section_follows_what_is_registered(
    linked_product: SetupProduct, server: Server, ask: Ask, fragment: Fragment, producer: User, client: Client
) -> None:
    product = linked_product(gateway(server))
    ask(product)
    assert "Paused" not in fragment(product, "history")
    services.pause(producer, product)
    assert "Paused" in fragment(product, "history")


def test_nobody_is_shown_the_section_of_another(
    linked_product: SetupProduct, server: Server, ask: Ask, fragment: Fragment
) -> None:
    first = linked_product(gateway(server))
    second = linked_product(server.url("/discover"), name="other-rain")
    for product in (first, second):
        ask(product)
    for product in (first, second):
        assert f"{product.get_absolute_url()}artifacts/rain/" in fragment(product, "artifacts")
        assert f"{product.get_absolute_url()}contracts/" in fragment(product, "contract")
