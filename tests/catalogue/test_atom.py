"""The Atom feed of a product: what everybody may know of it, for whoever reads feeds."""

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client

from marketplace.accounts.models import User
from marketplace.notices.words import WORDS
from registry import feed, services
from registry.models import Product

ATOM = "{http://www.w3.org/2005/Atom}"
SetupProduct = Callable[..., Product]


def read(client: Client, product: Product) -> Any:
    answer = client.get(f"{product.get_absolute_url()}events.atom")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    return ElementTree.fromstring(answer.content)  # noqa: S314 # our own


def titles(client: Client, product: Product) -> list[str]:
    return [entry.findtext(f"{ATOM}title") for entry in read(client, product).iter(f"{ATOM}entry")]


def test_what_happened_newest_first_and_to_the_end(setup_product: SetupProduct, producer: User, client: Client):
    product = setup_product()
    services.pause(producer, product)
    services.deprecate(producer, product, message="Take <b>the</b> other & go \x08.")
    services.retire(producer, product)
    told = titles(client, product)
    assert told[0] == "Retired"
    assert told[1].startswith("Deprecated: Take the other & go")
    assert told[2:] == ["Paused", "Published in the marketplace"]
    assert "producer" not in client.get(f"{product.get_absolute_url()}events.atom").content.decode()


def test_it_says_whose_it_is_and_where_to_go(setup_product: SetupProduct, client: Client, settings: Any):
    product = setup_product(title="Rain & more")
    found = read(client, product)
    assert found.findtext(f"{ATOM}title") == "Rain & more"
    assert found.findtext(f"{ATOM}id") == product.urn
    assert found.findtext(f"{ATOM}author/{ATOM}name") == "Climate Data Office"
    links = {link.get("rel"): link.get("href") for link in found.findall(f"{ATOM}link")}
    page = f"{settings.PUBLIC_URL}{product.get_absolute_url()}"
    assert links == {"alternate": page, "self": f"{page}events.atom"}
    assert f'href="{product.get_absolute_url()}events.atom"' in client.get(product.get_absolute_url()).content.decode()


def test_drafts_have_none(setup_product: SetupProduct, client: Client, producer: User):
    draft = setup_product(published=False)
    client.force_login(producer)
    assert client.get(f"{draft.get_absolute_url()}events.atom").status_code == 404
    assert client.get("/products/precipitation/nothing/events.atom").status_code == 404


def test_it_is_not_sent_again_where_nothing_happened(
    setup_product: SetupProduct, producer: User, client: Client, django_assert_max_num_queries: Any
):
    product = setup_product()
    path = f"{product.get_absolute_url()}events.atom"
    with django_assert_max_num_queries(5):
        etag = client.get(path).headers["ETag"]
    assert client.get(path, headers={"If-None-Match": etag}).status_code == 304
    services.pause(producer, product)
    assert client.get(path, headers={"If-None-Match": etag}).status_code == 200


def test_every_event_that_is_public_has_words():
    assert set(WORDS) == feed.PUBLIC


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_it_is_read_only(setup_product: SetupProduct, client: Client, method: str):
    assert getattr(client, method)(f"{setup_product().get_absolute_url()}events.atom").status_code == 405
