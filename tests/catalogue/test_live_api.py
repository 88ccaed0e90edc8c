"""The live view of a product over REST: each part with its state, at once."""

from collections.abc import Callable

from django.test import Client

from marketplace.accounts.models import User
from registry.models import Product
from tests.live.gateways import gateway
from tests.live.hostile import Server, answer

SetupProduct = Callable[..., Product]


def test_what_is_awaited_says_when_to_ask_again(client: Client, linked_product: SetupProduct) -> None:
    product = linked_product("http://127.0.0.1:9/discover")
    answered = client.get(f"/api/v1/products/{product.uuid}/live/")
    body = answered.json()
    assert answered.status_code == 200
    assert answered.headers["Cache-Control"] == "no-store"
    assert body["waiting"] is True
    assert body["poll_after_ms"] > 0
    assert body["metadata"]["state"] == "loading"


def test_what_has_answered_is_there_with_age_and_latency(
    client: Client, linked_product: SetupProduct, server: Server, ask: Callable[[Product], None]
) -> None:
    product = linked_product(gateway(server, metrics=answer("no", status=500)))
    ask(product)
    body = client.get(f"/api/v1/products/{product.uuid}/live/").json()
    assert (body["waiting"], body["poll_after_ms"]) == (False, None)
    artifacts = body["artifacts"]
    assert artifacts["state"] == "live"
    assert artifacts["age_seconds"] is not None
    assert artifacts["latency_ms"] is not None
    assert [artifact["id"] for artifact in artifacts["view"]["artifacts"]] == ["rain", "guide"]
    assert body["contracts"][0]["view"]["name"] == "Rain contract"
    assert body["metrics"]["state"] == "down"
    assert body["metrics"]["problem"]["advice"]
    assert body["metrics"]["failing_since"] is not None
    assert artifacts["failing_since"] is None


def test_the_live_view_of_a_draft_is_not_there_for_others(
    setup_product: SetupProduct, sign_in: Callable[[User | None], Client], outsider: User, producer: User
) -> None:
    address = f"/api/v1/products/{setup_product(published=False).uuid}/live/"
    assert sign_in(None).get(address).status_code == 404
    assert sign_in(outsider).get(address).status_code == 404
    assert sign_in(producer).get(address).status_code == 200
    assert sign_in(producer).post(address).status_code == 405
