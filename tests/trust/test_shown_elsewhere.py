"""The checklist on the producer's own pages, and the two lines on the product's page, without a query more."""

import pytest

from registry.services import LinkData
from tests import gateways

HTMX = {"HX-Request": "true"}


@pytest.fixture
def rain(setup_product, ask):
    with gateways.running("precipitation/global-precipitation") as gateway:
        product = setup_product("global-precipitation", links=[LinkData("discovery", f"{gateway}/discover")])
        ask(product)
        yield product


@pytest.mark.parametrize("where", ["lifecycle", "done"])
def test_the_producer_s_pages_load_the_checklist(sign_in, producer, rain, where):
    desk = sign_in(producer)
    address = "/products/precipitation/global-precipitation/checklist/"
    text = desk.get(f"/publish/precipitation/global-precipitation/{where}/").content.decode()
    assert f'hx-get="{address}"' in text
    assert f'href="{address}"' in text, "without scripts it is a link"
    assert 'id="checklist"' in desk.get(address, headers=HTMX).content.decode()


def test_the_card_of_the_product_s_page_says_both_in_short(client, rain, django_assert_max_num_queries):
    card = f"{rain.get_absolute_url()}live/card/"
    client.get(card, headers=HTMX)
    with django_assert_max_num_queries(3):
        text = client.get(card, headers=HTMX).content.decode()
    assert "95 of 100" in text
    assert "9 of 13 met" in text


def test_the_card_of_a_silent_product_claims_nothing(client, setup_product, ask):
    product = setup_product("silent", links=[LinkData("discovery", "http://127.0.0.1:9/discover")])
    ask(product)
    text = client.get(f"{product.get_absolute_url()}live/card/", headers=HTMX).content.decode()
    assert "of 100" not in text
