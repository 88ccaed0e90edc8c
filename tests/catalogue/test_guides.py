"""Guides and notebooks in our pages: readable, bounded, and nothing in them runs."""

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from marketplace.catalogue import addresses
from marketplace.catalogue.bounds import Bounds
from marketplace.catalogue.guides import render
from marketplace.live import originals
from marketplace.live.originals import Original
from registry.models import Product
from tests.live.gateways import ARTIFACTS, ODPS, gateway
from tests.live.hostile import Server, answer

SetupProduct = Callable[..., Product]
Ask = Callable[[Product], None]
Fragment = Callable[..., str]

SCRIPT = "<script>window.ran = 1</script>"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


def original(body: bytes | str, url: str = "https://x.example/guide.md", media_type: str = "text/markdown") -> Original:
    return Original(url, media_type, None, body.encode() if isinstance(body, str) else body)


def notebook(*cells: Any) -> Original:
    return original(json.dumps({"nbformat": 4, "cells": cells}), "https://x.example/n.ipynb", "application/json")


def code(*outputs: Any) -> dict[str, Any]:
    return {"cell_type": "code", "source": ["print(1)\n", SCRIPT], "outputs": outputs}


def test_markdown_is_rendered_with_tables_and_without_scripts() -> None:
    html = render(
        original(f"# Rain\n\n| a | b |\n|--|--|\n| 1 | 2 |\n\n{SCRIPT}\n\n[x](javascript:alert(1))"), Bounds()
    ).html
    assert html is not None
    assert "<h2>Rain</h2>" in html
    assert "<td>2</td>" in html
    assert "<script" not in html
    assert "javascript:" not in html.replace("(javascript:alert(1))", "")


def test_a_notebook_is_cells_with_what_they_gave() -> None:
    found = render(
        notebook(
            {"cell_type": "markdown", "source": ["# Title\n", SCRIPT]},
            code(
                {"output_type": "stream", "text": ["one\n", "two"]},
                {"output_type": "execute_result", "data": {"text/html": SCRIPT, "text/plain": "a frame"}},
                {"output_type": "display_data", "data": {"text/html": SCRIPT}},
                {"output_type": "display_data", "data": {"image/png": base64.b64encode(PNG).decode()}},
                {"output_type": "error", "traceback": ["\x1b[31mValueError\x1b[0m: x"]},
            ),
        ),
        Bounds(),
    )
    assert found.cells is not None
    text, cell = found.cells
    assert "<h2>Title</h2>" in str(text.html)
    assert "<script" not in str(text.html)
    assert cell.code.startswith("print(1)\n")
    assert [output.text for output in cell.outputs] == [
        "one\ntwo", "a frame", "(an output that is not shown here: text/html)", "", "ValueError: x"
    ]  # fmt: skip
    assert cell.outputs[3].picture.startswith("data:image/png;base64,")
    assert cell.outputs[4].error


@pytest.mark.parametrize(
    "data",
    [
        {"image/svg+xml": "<svg onload=alert(1)>"},
        {"image/png": "not base64!"},
        {"image/png": base64.b64encode(b"<svg onload=alert(1)>").decode()},
        {"image/png": base64.b64encode(PNG + b"0" * 500_000).decode()},
        {"image/png": '"><script>'},
        {"image/png": 3},
        {"image/gif": base64.b64encode(b"GIF89a").decode()},
    ],
)
def test_a_picture_that_is_none_is_not_shown(data: dict[str, Any]) -> None:
    cells = render(notebook(code({"output_type": "display_data", "data": data})), Bounds()).cells
    assert cells is not None
    assert all(not output.picture for output in cells[0].outputs)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=20),
        lambda x: (
            st.lists(x, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    ["cells", "source", "outputs", "data", "text", "cell_type", "image/png", "traceback", "output_type"]
                ),
                x,
                max_size=6,
            )
        ),
        max_leaves=30,
    )
)
def test_a_notebook_may_hold_anything(cells: Any) -> None:
    render(notebook(*(cells if isinstance(cells, list) else [cells])), Bounds())


@given(st.binary(max_size=300), st.sampled_from(["", "text/markdown", "text/plain", "application/json", "image/png"]))
def test_a_guide_may_be_any_bytes(body: bytes, media_type: str) -> None:
    found = render(original(body, media_type=media_type), Bounds())
    assert (found.html is not None) + (found.cells is not None) + bool(found.refusal) <= 1


def test_what_is_no_text_is_left_to_its_source() -> None:
    assert "web page" in render(original("<!DOCTYPE html><p>x"), Bounds()).refusal
    assert "not a text" in render(original(b"\x89PNG\x00\xff"), Bounds()).refusal
    assert "application/pdf" in render(original("%PDF", "https://x.example/x", "application/pdf"), Bounds()).refusal


def product_with_guides(linked_product: SetupProduct, server: Server) -> Product:
    linked = [{"type": "tutorial", "url": server.url("/guide.md"), "description": "How to begin"}]
    notebook_port = {"id": "nb", "name": "nb", "title": "Seasons", "kind": "notebook", "accessRights": "open",
                     "links": [{"rel": "download", "href": "/consume/nb"}]}  # fmt: skip
    listed = {"artifacts": [*ARTIFACTS["artifacts"], notebook_port]}
    server.route("/guide.md", answer(f"# Begin\n\n{SCRIPT}", content_type="text/markdown"))
    document = json.loads(notebook(code()).body)
    server.route("/consume/nb", answer(document))
    metadata = {**ODPS, "authoritativeDefinitions": linked}
    return linked_product(gateway(server, metadata=answer(metadata), artifacts=answer(listed)))


def test_guides_are_listed_by_kind_and_shown_here(
    client: Client, linked_product: SetupProduct, server: Server, ask: Ask, fragment: Fragment
) -> None:
    product = product_with_guides(linked_product, server)
    ask(product)
    page = client.get(f"{product.get_absolute_url()}live/about/", headers={"HX-Request": "true"})
    guides = {guide.label: guide for guide in page.context["about"].guides}
    assert guides["How to begin"].icon == "book-open"
    for label, url, words in (("How to begin", "/guide.md", "<h2>Begin</h2>"), ("Seasons", "/consume/nb", "print(1)")):
        waiting = client.get(guides[label].page_url).content.decode()
        assert label in waiting
        assert 'hx-trigger="load' in waiting
        originals.refresh(product.pk, server.url(url))
        shown = client.get(guides[label].page_url).content.decode()
        assert words in shown
        assert SCRIPT not in shown
    assert "Read it here" in client.get(
        f"{product.get_absolute_url()}live-artifact/nb/", headers={"HX-Request": "true"}
    ).content.decode()  # fmt: skip


def test_the_page_is_no_way_to_fetch_other_addresses(
    client: Client, linked_product: SetupProduct, server: Server, ask: Ask
) -> None:
    product = product_with_guides(linked_product, server)
    ask(product)
    assert client.get(f"{product.get_absolute_url()}guides/{'0' * 16}/").status_code == 404
    assert client.get(f"{product.get_absolute_url()}original/no-such/").status_code == 404
    assert client.get(f"{product.get_absolute_url()}guides/0/?url=http://127.0.0.2/").status_code == 404


@pytest.mark.parametrize(
    ("name", "media_type", "shown"), [("guide.md", "text/markdown", 20_000), ("notes.txt", "text/plain", 100_000)]
)
def test_a_long_guide_says_that_it_goes_on_at_its_source(
    client: Client,
    linked_product: SetupProduct,
    server: Server,
    ask: Ask,
    name: str,
    media_type: str,
    shown: int,
) -> None:
    url = server.route(f"/{name}", answer("long text " * (shown // 10 + 123), content_type=media_type))
    guides = [{"type": "guide", "url": url}]
    product = linked_product(gateway(server, metadata=answer({**ODPS, "authoritativeDefinitions": guides})))
    ask(product)
    originals.refresh(product.pk, url)
    page = client.get(addresses.guide(product, url)).content.decode()
    assert "1,230 more characters" in page
    assert "text long …" in re.sub(r"\s+", " ", page) or "long text  …" in page
    assert f'<a href="{url}" rel="nofollow noopener">the document at its source</a>' in page


def test_a_guide_that_fits_says_nothing_of_the_kind() -> None:
    assert render(original("short"), Bounds()).left_out == 0
    assert render(original("a" * 20_000), Bounds()).left_out == 0
    assert render(original("a" * 20_001), Bounds()).left_out == 1


def test_wide_tables_and_code_can_be_scrolled_with_the_keyboard() -> None:
    html = render(original("| a | b |\n|--|--|\n| 1 | 2 |\n\n```\ncode\n```\n\n`<table>` &lt;pre&gt;"), Bounds()).html
    assert html is not None
    assert html.count('<div class="prose__wide" tabindex="0" role="group" aria-label="Table"><table>') == 1
    assert html.count("</table></div>") == 1
    assert html.count('<pre tabindex="0" role="group" aria-label="Code"><code>') == 1
    assert html.count("<table") == html.count("<pre") == 1
