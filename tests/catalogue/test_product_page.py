"""The product page: what is registered at once, whatever the product does; the rest in parts that say their state."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from marketplace.accounts.models import User
from marketplace.live import cache
from marketplace.live import services as live
from marketplace.live.record import Seen
from registry import services
from registry.models import Domain, Product
from registry.services import LinkData
from tests import gateways
from tests.live.gateways import ARTIFACTS, CONTRACT, INDEX, ODPS, gateway
from tests.live.hostile import Server, answer

SetupProduct = Callable[..., Product]
SignIn = Callable[[User | None], Client]
Ask = Callable[[Product], None]
Fragment = Callable[..., str]

SECTIONS = ("about", "artifacts", "contract", "health", "team", "history")


def later(product: Product, seconds: float) -> None:
    """Lets all that was seen of the product become older."""
    subject = live.subject_of(product.pk)
    for part, seen in cache.read(subject).seen.items():
        cache.write_seen(
            subject,
            part,
            Seen(seen.at - seconds, seen.latency_ms, seen.url, seen.etag, seen.fresh_until - seconds, seen.view),
        )


def test_what_is_registered_is_there_at_once_and_the_product_is_asked(
    client: Client, linked_product: SetupProduct, server: Server
) -> None:
    product = linked_product(server.route("/discover", answer("{}", delay=2.0)), tags=["Rain"])
    page = client.get(product.get_absolute_url())
    body = page.content.decode()
    assert "Daily rain" in body
    assert product.summary in body
    assert product.urn in body
    assert "Climate Data Office" in body
    assert f"{server.url('/discover')}" in body
    assert server.connections == 0  # a worker asks, never the page
    assert live.look(product.pk, ask=False).asked_at is not None


def test_every_part_of_the_page_is_there(client: Client, setup_product: SetupProduct) -> None:
    product = setup_product()
    context = client.get(product.get_absolute_url()).context
    assert [section.id for section in context["sections"]] == list(SECTIONS)
    for url in [section.url for section in context["sections"]] + [context["card_url"]]:
        assert client.get(url, headers={"HX-Request": "true"}).status_code == 200
        assert "<html" in client.get(url).content.decode()  # without scripts a link leads to a whole page
    assert client.get(f"{product.get_absolute_url()}live/no-such/").status_code == 404


def test_drafts_are_shown_to_their_team_only(
    setup_product: SetupProduct, sign_in: SignIn, outsider: User, teammate: User, consumer: User
) -> None:
    address = setup_product(published=False).get_absolute_url()
    parts = [address, f"{address}live/card/", f"{address}live/about/", f"{address}artifacts/x/"]
    for person in (None, outsider, consumer):
        for path in [*parts, f"{address}live-artifact/x/"]:
            assert sign_in(person).get(path).status_code == 404
    page = sign_in(teammate).get(address)
    assert page.status_code == 200
    assert "This is a draft." in page.content.decode()


def test_only_who_may_change_it_is_led_to_the_form(
    setup_product: SetupProduct, sign_in: SignIn, producer: User, outsider: User
) -> None:
    product = setup_product()
    edit = f"/publish/{product.domain.slug}/{product.name}/edit/"
    assert edit in sign_in(producer).get(product.get_absolute_url()).content.decode()
    for person in (None, outsider):
        assert edit not in sign_in(person).get(product.get_absolute_url()).content.decode()


@pytest.mark.parametrize(("verb", "said"), [("pause", "is paused"), ("deprecate", "is deprecated")])
def test_the_page_says_when_a_product_is_not_to_be_used(
    client: Client, setup_product: SetupProduct, producer: User, verb: str, said: str
) -> None:
    product = services.VERBS[verb](producer, setup_product())
    assert said in client.get(product.get_absolute_url()).content.decode()


def test_the_page_costs_the_same_whatever_the_product_has(client: Client, setup_product: SetupProduct) -> None:
    def cost(product: Product) -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(product.get_absolute_url())
        return len(queries)

    small = cost(setup_product("small"))
    links = [LinkData("documentation", f"https://docs.example.org/{n}") for n in range(15)]
    assert cost(setup_product("large", links=links, tags=[f"tag {n}" for n in range(12)])) <= small + 1


def test_a_product_that_answers_is_shown_with_age_and_latency(
    linked_product: SetupProduct, server: Server, ask: Ask, fragment: Fragment
) -> None:
    product = linked_product(gateway(server))
    ask(product)
    artifacts = fragment(product, "artifacts")
    assert "Live" in artifacts
    assert "answered in" in artifacts
    assert server.url("/discover/artifacts") in artifacts
    assert f"{product.get_absolute_url()}artifacts/rain/" in artifacts
    contract = fragment(product, "contract")
    assert "Rain contract" in contract
    assert "station" in contract
    assert "required" in contract
    assert "Ada" in fragment(product, "team")
    assert "Rain of each day." in fragment(product, "about")
    assert "Questions answered" in fragment(product, "health")
    card = fragment(product, "card")
    assert card.count("state--live") == 6  # discovery, metadata, artifacts, contract, health, metrics
    for part in (*SECTIONS, "card"):
        assert "hx-get" not in fragment(product, part)  # nothing is under way, so nothing asks again


def test_lineage_leads_to_the_product_that_offers_the_contract(
    linked_product: SetupProduct, setup_product: SetupProduct, server: Server, ask: Ask, fragment: Fragment
) -> None:
    source = setup_product("raw-rain", ports=[services.PortData("out", "raw", "raw-rain", "1.0.0")])
    product = linked_product(gateway(server))
    ask(product)
    assert source.get_absolute_url() in fragment(product, "about")


def test_a_part_that_is_awaited_asks_again_less_and_less_often_and_then_gives_up(
    linked_product: SetupProduct, fragment: Fragment
) -> None:
    product = linked_product("http://127.0.0.1:9/discover")  # no worker runs, so nobody ever answers
    first = fragment(product, "artifacts")
    assert 'hx-trigger="load delay:120ms' in first
    assert "?n=1" in first
    assert "skeleton" in first
    later_on = fragment(product, "artifacts", n=5)
    assert "delay:1000ms" in later_on
    assert "?n=6" in later_on
    last = fragment(product, "artifacts", n=32)
    assert "?n=" not in last
    assert "has not answered so far" in last
    assert "Ask again" in last


def test_the_reason_stays_when_one_asks_again(linked_product: SetupProduct, fragment: Fragment) -> None:
    product = linked_product("http://127.0.0.1:9/discover")
    given_up = fragment(product, "artifacts", n=32)
    assert f'href="{product.get_absolute_url()}live/artifacts/?again"' in given_up
    again = fragment(product, "artifacts", again="")
    assert "Still no answer" in again
    assert "?n=1&amp;again" in again
    assert "Still no answer" in fragment(product, "artifacts", n=1, again="")
    assert "Still no answer" not in fragment(product, "artifacts", n=1)


def test_every_part_says_that_nobody_asks_for_the_moment(linked_product: SetupProduct, fragment: Fragment) -> None:
    product = linked_product("http://127.0.0.1:9/discover")  # no worker runs
    subject = live.subject_of(product.pk)
    fragment(product, "card")
    long_ago = str(time.time() - 60)
    cache.client().run(lambda conn: conn.hset(cache.key(subject), "waiting_since", long_ago))
    for part in (*SECTIONS, "card"):
        assert "no worker has taken up the question" in fragment(product, part)


def test_an_open_product_is_to_be_used_and_one_that_is_silent_is_not(
    client: Client, linked_product: SetupProduct, server: Server, ask: Ask, fragment: Fragment
) -> None:
    use_it = "Open: use it now</a>"
    product = linked_product(gateway(server), access_mode="open")
    ask(product)
    assert use_it in client.get(product.get_absolute_url()).content.decode()
    assert use_it in fragment(product, "card")
    for path in list(server.routes):
        server.route(path, answer("broken", status=503))
    later(product, 3 * 3600)
    ask(product)
    for shown in (client.get(product.get_absolute_url()).content.decode(), fragment(product, "card")):
        assert use_it not in shown
        assert "cannot be used now" in shown
        assert 'button--secondary" href="#artifacts"' in shown
    assert 'hx-swap-oob="true"' in fragment(product, "card")
    assert "hx-swap-oob" not in client.get(f"{product.get_absolute_url()}live/card/").content.decode()


def test_a_product_that_is_down_says_so_once_and_what_to_do(
    linked_product: SetupProduct, ask: Ask, fragment: Fragment
) -> None:
    product = linked_product("http://127.0.0.1:9/discover")
    ask(product)
    about = fragment(product, "about")
    assert "Does not answer" in about
    assert "notice--bad" in about
    for part in ("artifacts", "contract", "health", "team"):
        said = fragment(product, part)
        assert "Does not answer" in said
        assert "notice--bad" not in said


def test_what_was_seen_is_kept_and_shown_as_older(
    linked_product: SetupProduct, server: Server, ask: Ask, fragment: Fragment
) -> None:
    product = linked_product(gateway(server))
    ask(product)
    later(product, 3 * 3600)
    for path in list(server.routes):
        server.route(path, answer("broken", status=503))
    ask(product)
    artifacts = fragment(product, "artifacts")
    assert "live-part--last_seen" in artifacts
    assert "3 h ago" in artifacts
    assert f"{product.get_absolute_url()}artifacts/rain/" in artifacts
    assert "503" in fragment(product, "about")


def test_contracts_that_were_seen_are_kept_too(
    linked_product: SetupProduct, server: Server, ask: Ask, fragment: Fragment
) -> None:
    product = linked_product(gateway(server))
    ask(product)
    for path in list(server.routes):
        server.route(path, answer("broken", status=503))
    later(product, 3 * 3600)
    ask(product)
    contract = fragment(product, "contract")
    assert "3 h ago" in contract
    assert "Rain contract" in contract


def test_a_product_without_links_is_a_whole_page(
    client: Client, setup_product: SetupProduct, ask: Ask, fragment: Fragment
) -> None:
    product = setup_product()
    ask(product)
    assert client.get(product.get_absolute_url()).status_code == 200
    said = fragment(product, "artifacts")
    assert "Not offered" in said
    assert "gives no address" in said
    assert "hx-get" not in said


def test_one_contract_of_two_that_fails_does_not_hide_the_other(
    linked_product: SetupProduct, server: Server, ask: Ask, fragment: Fragment
) -> None:
    links = [*INDEX["links"], {"rel": "contract", "href": "/discover/contracts/lost"}]
    product = linked_product(gateway(server, index=answer({**INDEX, "links": links})))
    ask(product)
    contract = fragment(product, "contract")
    assert "Rain contract" in contract
    assert "/discover/contracts/lost" in contract


HOSTILE = "<script>alert(1)</script> **bold** [x](javascript:alert(2)) ![y](https://evil.example/pixel.png)"


def test_hostile_documents_stay_text(
    linked_product: SetupProduct, server: Server, ask: Ask, fragment: Fragment
) -> None:
    odps = {
        **ODPS,
        "description": {"purpose": HOSTILE, "usage": HOSTILE, "limitations": HOSTILE},
        "support": [
            {"channel": HOSTILE, "url": "javascript:alert(3)"},
            {"channel": "ok", "url": "https://help.example"},
        ],
        "team": {"name": HOSTILE, "members": [{"username": HOSTILE, "role": HOSTILE}]},
        "authoritativeDefinitions": [{"type": HOSTILE, "url": "javascript:alert(4)"}],
    }
    column = {"name": HOSTILE, "logicalType": HOSTILE, "description": HOSTILE, "businessName": HOSTILE}
    contract = {
        **CONTRACT,
        "name": HOSTILE,
        "description": {"purpose": HOSTILE},
        "schema": [{"name": HOSTILE, "description": HOSTILE, "properties": [column]}],
        "slaProperties": [{"property": HOSTILE, "value": HOSTILE}],
        "support": [{"channel": HOSTILE, "url": "data:text/html,<script>"}],
    }
    artifact = {**ARTIFACTS["artifacts"][0], "title": HOSTILE, "summary": HOSTILE, "license": "javascript:alert(5)"}
    artifact["links"] = [{"rel": "sample", "href": "javascript:alert(6)"}]
    product = linked_product(
        gateway(
            server,
            metadata=answer(odps),
            contract=answer(contract),
            artifacts=answer({"productId": "x", "artifacts": [artifact]}),
            health=answer({"status": HOSTILE, "description": HOSTILE, "checks": {HOSTILE: [{"status": "fail"}]}}),
        )
    )
    ask(product)
    seen = "".join(fragment(product, part) for part in (*SECTIONS, "card"))
    assert "&lt;script&gt;" in seen
    assert "<script" not in seen
    assert "<img" not in seen
    assert 'href="javascript:' not in seen
    assert 'href="data:' not in seen
    assert "<strong>bold</strong>" in seen
    assert 'href="https://help.example"' in seen


@pytest.mark.django_db(transaction=True)
def test_with_a_worker_the_page_fills_itself(
    celery_worker: Any,
    client: Client,
    linked_product: SetupProduct,
    fragment: Fragment,
    wait_for: Callable[..., Any],
    precipitation: Domain,
) -> None:
    with gateways.running("precipitation/global-precipitation") as base:
        product = linked_product(f"{base}/discover")
        client.get(product.get_absolute_url())
        assert wait_for(lambda: "Monthly precipitation" in fragment(product, "artifacts"))
        assert wait_for(lambda: "delay:" not in fragment(product, "contract").split(">")[0])
        assert "station_id" in fragment(product, "contract")


def test_without_redis_pages_still_work(
    client: Client, linked_product: SetupProduct, fragment: Fragment, index: Callable[[], None], settings: Any
) -> None:
    product = linked_product("http://127.0.0.1:9/discover")
    index()
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    for path in ("/", "/browse/", "/search/?q=rain", product.get_absolute_url()):
        assert f'href="{product.get_absolute_url()}' in client.get(path).content.decode()
    said = fragment(product, "about")
    assert "not available right now" in said
    assert "hx-trigger" not in said


def test_a_product_that_falls_silent_says_since_when(
    linked_product: SetupProduct, server: Server, ask: Ask, fragment: Fragment
) -> None:
    product = linked_product(gateway(server))
    ask(product)
    server.route("/discover", answer("busy", status=503))
    ask(product)
    part = live.look(product.pk, ask=False).metadata
    assert part.failing_since is not None
    said = f"since {part.failing_since:%H:%M} UTC"
    assert f"Does not answer {said}; last seen" in fragment(product, "about")
    assert said in fragment(product, "card")
