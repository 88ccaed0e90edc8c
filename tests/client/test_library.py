"""The library against a marketplace that serves: pages, refusals in its words, and broken connections made good."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from client import Marketplace, MarketplaceError, NotFoundError, NotSignedInError, RefusedError, UnreachableError
from client.batches import MOST, MOST_BYTES, batches, twice
from client.marketplace import parts_of
from registry.models import Event, Product
from search.models import Document
from tests import gateways
from tests.client.conftest import rain

REAL = pytest.mark.django_db(transaction=True)


@contextmanager
def proxy(target: str, breaks: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Passes requests on; before each it takes one of `breaks`: cut (the answer is lost after it was done), busy (503),
    wait (429), and none once the list is empty. Yields its address and the requests it saw.
    """
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen.append(f"{self.command} {self.path}")
            how = breaks.pop(0) if breaks else ""
            if how in ("busy", "wait"):
                self.send_response(503 if how == "busy" else 429)
                self.send_header("Content-Length", "0")
                if how == "wait":
                    self.send_header("Retry-After", "1")
                self.end_headers()
                return
            headers = {key: value for key, value in self.headers.items() if key.lower() != "host"}
            answer = httpx2.request(self.command, target + self.path, content=body, headers=headers, timeout=60)
            if how == "cut":
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_POST = do_GET  # noqa: N815 # the standard library's naming

        def log_message(self, *arguments: Any) -> None:
            """Silent."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()


@REAL
def test_lists_are_read_to_their_last_page(there):
    list(there.publish_many([rain(number) for number in range(120)]))
    assert len({product.urn for product in there.products()}) == 120
    assert [product.name for product in there.products(name="rain-7")] == ["rain-7"]


@REAL
def test_a_product_is_found_by_either_address(there):
    list(there.publish_many([rain(1), rain(2, access_mode="open")], publish=False))
    product = there.product("urn:dp:precipitation:rain-2")
    assert product == there.product("precipitation/rain-2")
    assert (product.lifecycle, product.access_mode, product.tags) == ("draft", "open", ("daily", "rain"))
    for missing in ("precipitation/none", "nowhere/rain-1", "climate/rain-1"):
        with pytest.raises(NotFoundError):
            there.product(missing)


@REAL
def test_what_is_refused_is_said_in_the_words_of_the_marketplace(there, live_server):
    outcomes = list(there.publish_many([rain(1), rain(2, domain="nowhere"), rain(1), "words", rain(3)]))
    assert {outcome.index: outcome.result for outcome in outcomes} == {
        0: "created", 1: "refused", 2: "refused", 3: "refused", 4: "created",
    }  # fmt: skip
    said = {outcome.index: outcome.errors for outcome in outcomes}
    assert "nowhere" in said[1]["domain"][0]
    assert "product 1 of the list" in said[2]["name"][0]
    with pytest.raises(RefusedError) as refused:
        there.lifecycle("precipitation/rain-1", "retire")
    assert refused.value.status == 409
    assert "retired" in str(refused.value)
    with pytest.raises(NotSignedInError), Marketplace(live_server.url, "dmm_" + "0" * 60) as stranger:
        stranger.whoami()


@REAL
def test_a_broken_connection_is_made_good_and_nothing_is_done_twice(live_server, token):
    breaks = ["cut", "busy", "wait", "", "cut"]
    with proxy(live_server.url, breaks) as (address, seen), Marketplace(address, token) as there:
        outcomes = list(there.publish_many([rain(number) for number in range(MOST + 10)]))
    assert len(seen) == 6
    assert {outcome.result for outcome in outcomes} == {"unchanged"}  # what was done had its answer cut off
    assert [outcome.index for outcome in outcomes] == list(range(MOST + 10))
    assert Product.objects.count() == Event.objects.filter(type="product.published").count() == MOST + 10


@REAL
def test_what_must_not_be_done_twice_is_not_repeated(there, live_server, token):
    list(there.publish_many([rain(1)]))
    with proxy(live_server.url, ["", "cut"]) as (address, seen), pytest.raises(UnreachableError):
        Marketplace(address, token).lifecycle("precipitation/rain-1", "pause")
    assert sum(request.startswith("POST") for request in seen) == 1
    assert there.product("precipitation/rain-1").lifecycle == "paused"


@REAL
def test_products_are_registered_by_their_address(there, celery_worker):
    with gateways.running("precipitation/us-precipitation") as gateway:
        looked = there.inspect_url(gateway)
        assert looked["suggestions"]["title"] == "US precipitation normals"
        dry = there.publish_url(gateway, dry_run=True)
        assert not Product.objects.exists()
        first, again = there.publish_url(gateway, tags=["rain"]), there.publish_url(gateway, tags=["rain"])
    assert (dry.result, first.result, again.result) == ("created", "created", "unchanged")
    assert there.resolve(first.urn).links[0].url == f"{gateway}/discover"
    with pytest.raises(RefusedError) as refused:
        there.publish_url("http://127.0.0.2:8000/")
    assert len(refused.value.errors["url"][0]) > 20


@REAL
def test_searching_takes_as_many_pages_as_wanted(there, celery_worker, wait_for):
    list(there.publish_many([rain(number) for number in range(130)]))
    # While vectors are still made the order changes, and a product may be on two pages.
    wait_for(lambda: Document.objects.exclude(embedding=None).count() == 130, 60)
    found = there.search("rain", limit=120)
    assert found.count == 130
    assert len({hit.urn for hit in found.hits}) == 120
    assert found.hits[0].reasons


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b"{}", b'{"results": 5}', b'{"results": [5], "next": null}'])
def test_another_service_at_the_address_is_told_from_a_marketplace(answer):
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *arguments: Any) -> None:
            """Silent."""

    server = HTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with Marketplace(f"http://127.0.0.1:{server.server_port}") as there:
        for ask in (
            there.whoami,
            lambda: list(there.products()),
            lambda: there.search("x"),
            lambda: there.resolve("a/b"),
        ):
            with pytest.raises(UnreachableError):
                ask()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("url", ["", "nothing", "ftp://example.org", "http://[", "http://\x00"])
def test_an_address_that_is_none_is_refused_at_once(url):
    with Marketplace(url) as there, pytest.raises(MarketplaceError):
        there.whoami()


@pytest.mark.parametrize("address", ["", "rain", "a/b/c", "urn:dp:a", "a/../b", "A/b", "a/b?x=1", "a b/c"])
def test_what_is_no_address_of_a_product_is_refused_before_anything_is_asked(address):
    with pytest.raises(MarketplaceError, match="domain/name"):
        parts_of(address)


products = st.lists(st.fixed_dictionaries({"name": st.text(max_size=5), "summary": st.text(max_size=60)}), max_size=200)


@given(products, st.integers(1, 200_000))
def test_batches_hold_every_product_once_in_order_and_are_small_enough(rows, padding):
    for row in rows[::7]:
        row["summary"] += "x" * padding
    todo = list(enumerate(rows))
    found = list(batches(todo))
    assert [item for batch in found for item in batch] == todo
    assert all(len(batch) <= MOST for batch in found)
    sizes = [sum(len(json.dumps(row)) for _, row in batch) for batch in found]
    assert all(size <= MOST_BYTES or len(batch) == 1 for size, batch in zip(sizes, found, strict=True))


@given(st.lists(st.sampled_from([rain(1), rain(2), rain(3), {}, None, {"domain": 1, "name": []}])))
def test_of_products_with_one_address_the_first_is_kept(rows):
    refused = twice(rows)
    kept = [row["name"] for index, row in enumerate(rows) if index not in refused and row and row.get("title")]
    assert len(kept) == len(set(kept))
    assert all(rows[index] in rows[:index] for index in refused)
