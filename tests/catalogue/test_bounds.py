"""A fragment stays small and quick, whatever a document holds, and says what it leaves out."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from marketplace.catalogue import addresses
from marketplace.catalogue.bounds import MARKDOWN_IN_ALL, ROWS, ROWS_IN_ALL, Bounds
from marketplace.live import services as live
from registry.models import Product
from tests.live.gateways import ARTIFACTS, CONTRACT, ODPS, gateway
from tests.live.hostile import Server, answer

SetupProduct = Callable[..., Product]
Ask = Callable[[Product], None]
Fragment = Callable[..., str]


@pytest.mark.parametrize(
    "hostile",
    [
        "*a_ ",
        "[",
        "![",
        "|_![",
        "](",
        "- a\n",
        "> ",
        ">a\n",
        "    [a]: b\n[",
        "`",
        "a\n\n",
        "[a](",
        "&amp;",
        "<a",
        "word ",
    ],
)
def test_markdown_of_a_fragment_takes_a_bounded_time(hostile: str) -> None:
    text, bounds = hostile * (20_000 // len(hostile)), Bounds()
    started = time.process_time()
    for _ in range(40):
        bounds.markdown(text[:2_000])
        bounds.markdown(text)
    assert time.process_time() - started < 0.6  # about 0.15 s; a parser without bounds takes 5 s and more


def test_text_beyond_the_share_of_markdown_is_plain_and_escaped() -> None:
    bounds = Bounds()
    assert bounds.markdown("**bold**") == "<p><strong>bold</strong></p>\n"
    for length in (20_000, 20_000, 9_990):
        bounds.markdown("a" * length)
    assert bounds.markdown("**bold** <script>") == '<p class="plain">**bold** &lt;script&gt;</p>'
    assert MARKDOWN_IN_ALL == 50_000


def test_rows_are_counted_and_only_the_shown_are_made() -> None:
    made: list[int] = []
    bounds = Bounds()

    def make(number: int) -> int:
        made.append(number)
        return number

    rows = bounds.rows(range(1_000), make)
    assert (len(rows), rows.more, len(made)) == (ROWS, 700, ROWS)
    for _ in range(20):
        bounds.rows(range(1_000), lambda n: n)
    last = bounds.rows(range(5), lambda n: n)
    assert (len(last), last.more) == (0, 5)
    assert ROWS_IN_ALL == 3_000


def test_every_long_list_of_a_product_is_cut_and_leads_to_its_source(
    client: Client, linked_product: SetupProduct, server: Server, ask: Ask, fragment: Fragment
) -> None:
    many = range(400)
    contract = {
        **CONTRACT,
        "schema": [{"name": "s", "properties": [{"name": f"column{n}"} for n in many]}],
        "quality": [{"type": "text", "description": f"rule{n}"} for n in many],
        "slaProperties": [{"property": f"level{n}", "value": n} for n in many],
        "roles": [{"role": f"role{n}"} for n in many],
    }
    odps = {
        **ODPS,
        "team": {"members": [{"username": f"person{n}"} for n in many]},
        "customProperties": [{"property": f"custom{n}", "value": n} for n in many],
    }
    product = linked_product(
        gateway(
            server,
            contract=answer(contract),
            metadata=answer(odps),
            artifacts=answer({"artifacts": [{**ARTIFACTS["artifacts"][1], "id": f"id{n}"} for n in many]}),
            health=answer({"status": "pass", "checks": {f"check{n}": [{"status": "pass"}] for n in many}}),
            metrics=answer({f"metric{n}": n for n in many}),
        )
    )
    ask(product)
    for part, words in {
        "artifacts": ["artifacts"],
        "team": ["people"],
        "about": ["properties"],
        "health": ["checks", "measurements", "service levels"],
    }.items():
        shown = fragment(product, part)
        for word in words:
            assert f"100 more {word}: see " in shown, (part, word)
    assert server.url("/discover/contracts/c-rain") in fragment(product, "contract")
    whole = client.get(live_contract_url(product)).content.decode()
    for word in ("rules", "service levels", "roles"):
        assert f"100 more {word}: see <a href=" in whole, word
    assert "Page 1 of 8" in whole  # of columns: those can all be reached


def live_contract_url(product: Product) -> str:
    """The page of the product's first contract."""
    return addresses.contract(product, live.look(product.pk, ask=False).contracts[0].name)


def test_a_wide_sample_is_cut_to_what_a_page_can_hold(
    client: Client, linked_product: SetupProduct, server: Server, ask: Ask
) -> None:
    sample = {"columns": [f"c{n}" for n in range(15_000)], "rows": [["x" * 900, None, ""]] * 100}
    product = linked_product(gateway(server, sample=answer(sample)))
    ask(product)
    live.refresh_sample(product.pk, "rain")
    path = f"{product.get_absolute_url()}live-artifact/rain/"
    client.get(path, headers={"HX-Request": "true"})
    started = time.process_time()
    shown = client.get(path, headers={"HX-Request": "true"}).content.decode()
    assert time.process_time() - started < 3
    assert "14,800 more columns: see <a href=" in shown
    assert ">c199<" in shown
    assert ">c200<" not in shown
    assert f"{'x' * 200} …" in shown
    assert "x" * 201 not in shown
    assert "50 rows, more in the artifact itself" in shown
    assert len(shown) < 1_000_000


def test_short_documents_are_shown_whole(
    linked_product: SetupProduct, server: Server, ask: Ask, fragment: Fragment
) -> None:
    product = linked_product(gateway(server))
    ask(product)
    parts: list[Any] = [fragment(product, part) for part in ("about", "artifacts", "contract", "health", "team")]
    assert "the document at its source" not in "".join(parts)
