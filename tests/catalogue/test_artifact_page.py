"""The artifact page: schema and sample rows, live."""

import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from django.test import Client

from marketplace.catalogue.artifact_ids import address
from marketplace.live import services as live
from registry.models import Product
from tests.live.gateways import ARTIFACTS, gateway
from tests.live.hostile import Server, answer

SetupProduct = Callable[..., Product]
Ask = Callable[[Product], None]


def fragment(client: Client, product: Product, artifact: str) -> str:
    path = f"{product.get_absolute_url()}live-artifact/{quote(artifact)}/"
    answered = client.get(path, headers={"HX-Request": "true"})
    assert answered.status_code == 200
    return answered.content.decode()


def test_schema_and_sample_rows_are_shown(
    client: Client, linked_product: SetupProduct, server: Server, ask: Ask
) -> None:
    product = linked_product(gateway(server))
    ask(product)
    live.refresh_sample(product.pk, "rain")
    page = client.get(f"{product.get_absolute_url()}artifacts/rain/")
    assert "<h1>Rain</h1>" in page.content.decode()
    assert page.context["fragment_url"] == f"{product.get_absolute_url()}live-artifact/rain/"
    shown = fragment(client, product, "rain")
    assert "station" in shown
    assert "required" in shown
    assert "Paris" in shown
    assert "3.5" in shown
    assert "hx-get" not in shown


def test_an_artifact_that_the_product_does_not_list_is_not_found(
    client: Client, linked_product: SetupProduct, server: Server, ask: Ask
) -> None:
    product = linked_product(gateway(server))
    ask(product)
    assert client.get(f"{product.get_absolute_url()}artifacts/no-such/").status_code == 404
    assert "no longer lists this artifact" in fragment(client, product, "no-such")


def test_before_the_product_has_answered_the_page_waits(client: Client, linked_product: SetupProduct) -> None:
    product = linked_product("http://127.0.0.1:9/discover")
    assert client.get(f"{product.get_absolute_url()}artifacts/rain/").status_code == 200
    assert "hx-get" in fragment(client, product, "rain")


def test_an_artifact_without_a_sample_says_so(
    client: Client, linked_product: SetupProduct, server: Server, ask: Ask
) -> None:
    product = linked_product(gateway(server))
    ask(product)
    assert "gives no sample" in fragment(client, product, "guide") or "no address" in fragment(client, product, "guide")


ODD_IDS = [
    "a/b c?d#e%f&<g>", "a\nb", "a\r\x0bb", "a\u2028b", "a\u0085b", ".", "..", "../../../accounts/logout",
    "//evil.example/x", "?q=1", "#h", "%2e%2e%2f", "é✓", "\u202eabc", "x" * 5_000, "~" + "0" * 32,
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD_IDS)
def test_ids_may_hold_anything(
    client: Client, linked_product: SetupProduct, server: Server, ask: Ask, odd: str
) -> None:
    artifacts = {"productId": "x", "artifacts": [{**ARTIFACTS["artifacts"][1], "id": odd}]}
    product = linked_product(gateway(server, artifacts=answer(artifacts)))
    ask(product)
    listed = client.get(f"{product.get_absolute_url()}live/artifacts/", headers={"HX-Request": "true"})
    url = listed.context["artifacts"][0].url
    base = f"{product.get_absolute_url()}artifacts/"
    assert url.startswith(base)
    assert re.fullmatch(r"[A-Za-z0-9._~-]{1,200}", url.removeprefix(base).rstrip("/"))
    page = client.get(url)
    assert "<h1>guide</h1>" in page.content.decode()
    shown = client.get(page.context["fragment_url"], headers={"HX-Request": "true"}).content.decode()
    assert "document" in shown
    assert "no longer lists" not in shown


def test_usual_ids_stand_in_the_address_as_they_are() -> None:
    for usual in ("rain", "daily_rain-v1.2~a", "0", "x" * 200):
        assert address(usual) == usual


def test_before_the_product_has_answered_the_page_of_an_odd_id_waits_too(
    client: Client, linked_product: SetupProduct
) -> None:
    product = linked_product("http://127.0.0.1:9/discover")
    page = client.get(f"{product.get_absolute_url()}artifacts/{address('a/b')}/")
    assert page.status_code == 200
    assert page.context["fragment_url"].endswith(f"/{address('a/b')}/")
