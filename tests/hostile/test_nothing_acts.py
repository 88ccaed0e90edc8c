"""Script in every text of every format stays text: looked for in each page's markup, and in a real browser."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from playwright.sync_api import Dialog, Page, Request, expect

from marketplace.live import services as live
from marketplace.live.formats import recognise
from marketplace.live.parsing import parse
from registry import events
from registry.models import Product
from registry.services import LinkData
from tests.live.gateways import ARTIFACTS, CONTRACT, INDEX, ODPS, SAMPLE, gateway
from tests.live.hostile import Server, answer

from .conftest import Worker
from .modes import House
from .scripts import FORMATS, MARK, SCRIPT, everywhere, leading, notebook, scripted, turtle, web_page
from .window import Wait, look_at

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("hostile")]

Ready = Callable[..., Product]
Attack = Callable[[Server], str]


def _document(body: Any, media_type: str = "application/json") -> Attack:
    return lambda server: server.route("/discover", answer(body, content_type=media_type))


def _everything(server: Server) -> str:
    """A gateway each of whose answers is full of script, with guides and a notebook that are so, too."""
    kept = frozenset({"href", "id", "contractId", "contractVersion", "artifactId", "version", "kind", "apiVersion"})

    def say(document: Any) -> Any:
        return answer(everywhere(document, lambda: SCRIPT, kept))

    guides = [
        {"type": "guide", "url": server.route("/guide.md", answer(SCRIPT, content_type="text/markdown"))},
        {"type": "notebook", "url": server.route("/notebook.ipynb", answer(notebook()))},
        {"type": "guide", "url": server.route("/notes.txt", answer(SCRIPT, content_type="text/html"))},
        {
            "type": "guide",
            "url": server.route("/odd.rst", answer("a..b", content_type="text/plain; charset=undefined")),
        },
        {
            "type": "guide",
            "url": server.route("/slow.rst", answer("abc-9z9z9z", content_type="text/plain; charset=punycode")),
        },
    ]
    return gateway(
        server,
        index=say(INDEX),
        metadata=answer({**scripted(ODPS), "authoritativeDefinitions": guides}),
        artifacts=say(ARTIFACTS),
        contract=say(CONTRACT),
        sample=answer({**SAMPLE, "columns": [SCRIPT, "b"], "rows": [[SCRIPT, {SCRIPT: [SCRIPT]}]]}),
        health=answer(
            {"status": "warn", "output": SCRIPT, "notes": [SCRIPT], "checks": {SCRIPT: [{"output": SCRIPT}]}}
        ),
        metrics=answer({SCRIPT: {SCRIPT: SCRIPT}, "requests": {"total": SCRIPT}}),
    )


SCRIPTED: dict[str, Attack] = {
    "gateway protocol": _everything,
    **{name: _document(scripted(document)) for name, document in FORMATS.items()},
    "DCAT in Turtle": _document(turtle(SCRIPT), "text/turtle"),
    "a web page": _document(web_page(scripted(FORMATS["schema.org"])), "text/html"),
}
LEADING: dict[str, Attack] = {
    **{name: _document(leading(document)) for name, document in FORMATS.items()},
    "DCAT in Turtle": _document(turtle("javascript:window.pwned=1"), "text/turtle"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_the_documents_are_still_read_as_their_format(name: str) -> None:
    """Else the other tests here would only show reasons."""
    for document in (FORMATS[name], scripted(FORMATS[name]), leading(FORMATS[name])):
        parsed = parse(json.dumps(document).encode(), "application/json")
        assert recognise(parsed) is recognise(FORMATS[name])
    assert json.dumps(scripted(FORMATS[name])).count("window.pwned=1") >= 8


@pytest.fixture
def ready(setup_product: Callable[..., Product], worker: Worker, wait_for: Wait) -> Ready:
    """Publishes a product with this discovery link, and has the worker ask it everything."""

    def run(discovery: str, **registered: Any) -> Product:
        product = setup_product(links=[LinkData("discovery", discovery)], **registered)
        wait_for(lambda: not live.look(product.pk).waiting, 60)
        for artifact in getattr(live.look(product.pk, ask=False).artifacts.view, "artifacts", ())[:3]:
            wait_for(lambda artifact=artifact: not live.look_artifact(product.pk, artifact.id).waiting, 60)
        return product

    return run


class Markup(HTMLParser):
    """What in a page's markup could act, or lead to what acts."""

    def __init__(self) -> None:
        super().__init__()
        self.acts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in ("iframe", "object", "embed", "base", "style", "applet", "frame", "portal"):
            self.acts.append(tag)
        if tag == "script" and not (given.get("src", "").startswith("/") or given.get("type") == "application/ld+json"):
            self.acts.append(f"script {given}")
        if tag == "meta" and "http-equiv" in given:
            self.acts.append(f"meta {given}")
        for name, value in given.items():
            if name.startswith("on") or name in ("style", "srcdoc", "formaction", "xlink:href"):
                self.acts.append(f"{tag} {name}")
            leads = name in ("href", "src", "action") or (name.startswith("hx-") and name[3:] in ("get", "post"))
            if leads and not _may_lead(tag, value):
                self.acts.append(f"{tag} {name}={value[:80]}")


def _may_lead(tag: str, address: str) -> bool:
    if tag == "img":
        return address.startswith(("/", "data:image/png;base64,", "data:image/jpeg;base64,"))
    scheme = urlsplit(address).scheme.lower()
    return scheme in ("http", "https", "mailto") or (not scheme and not address.startswith("//"))


def _acts(markup: str) -> list[str]:
    reader = Markup()
    reader.feed(markup)
    return reader.acts


@pytest.mark.parametrize("attacks", [SCRIPTED, LEADING], ids=["script", "addresses"])
def test_no_page_carries_markup_that_acts(
    attacks: dict[str, Attack], client: Client, ready: Ready, new_house: Callable[[], House], wait_for: Wait
) -> None:
    for number, (name, attack) in enumerate(attacks.items()):
        house = new_house()
        window = look_at(ready(attack(house.server), name=f"rain-{number}"), client, wait_for)
        assert len(window.pages) > 8, name
        if name == "gateway protocol":
            assert sum("/guides/" in address for address in window.pages) >= 8, "pages and fragments of the guides"
        assert {address: found for address, said in window.pages.items() if (found := _acts(said))} == {}, name
        assert house.canary.connections == 0
        if attacks is SCRIPTED:
            assert MARK in window.text, name


@pytest.fixture
def watched(page: Page, live_server: Any) -> Iterator[tuple[Page, list[str]]]:
    """A browser page, and what it did that it should not: dialogs, refusals of the policy, calls to elsewhere."""
    troubles: list[str] = []

    def dismissed(dialog: Dialog) -> None:
        troubles.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def asked(request: Request) -> None:
        if not request.url.startswith((live_server.url, "data:image/png;base64,")):
            troubles.append(f"asked {request.url[:200]}")

    page.on("dialog", dismissed)
    page.on("pageerror", lambda error: troubles.append(f"error {error}"))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    page.on("request", asked)
    page.on("popup", lambda other: troubles.append(f"opened {other.url}"))
    yield page, troubles


def _visit(page: Page, address: str) -> str:
    """Opens a page, waits for its live parts, opens all that can be opened; the text people see."""
    page.goto(address)
    # What advises while somebody types goes on listening; everything else that loads is replaced by what has come.
    expect(page.locator("[hx-trigger^='load']:not(.advice)")).to_have_count(0, timeout=30_000)
    page.wait_for_load_state("networkidle")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    for box in page.locator("input[data-filter], input[type=search]").all()[:3]:
        box.dispatch_event("focus")
    assert page.evaluate(f"typeof {MARK}") == "undefined", address
    assert page.url.split("#")[0] == address, "it led away"
    return page.inner_text("body")


@pytest.mark.browser
@pytest.mark.parametrize("name", SCRIPTED)
def test_nothing_executes_in_a_browser(
    name: str,
    watched: tuple[Page, list[str]],
    live_server: Any,
    client: Client,
    ready: Ready,
    new_house: Callable[[], House],
    wait_for: Wait,
) -> None:
    browser, troubles = watched
    house = new_house()
    product = ready(SCRIPTED[name](house.server))
    seen = look_at(product, client, wait_for)
    pages = [address for address, said in seen.pages.items() if said.lstrip().startswith("<!DOCTYPE")]
    # The markup of all pages is looked through above; a browser is slow, and all formats share the templates.
    visited = pages[: 12 if name == "gateway protocol" else 4]
    shown = [_visit(browser, f"{live_server.url}{address}") for address in visited]
    assert any(f"<script>{MARK}=1</script>" in text for text in shown), "the text is not shown at all"
    assert troubles == []
    assert house.canary.connections == 0


@pytest.mark.browser
def test_what_a_producer_registers_and_publishes_executes_nowhere(
    watched: tuple[Page, list[str]],
    live_server: Any,
    sign_in: Callable[..., Client],
    producer: Any,
    ready: Ready,
    new_house: Callable[[], House],
    wait_for: Wait,
) -> None:
    browser, troubles = watched
    house = new_house()
    discovery = _everything(house.server)
    product = ready(discovery, title=SCRIPT[:140], summary=SCRIPT[:600], tags=[SCRIPT[:60]])
    events.deliver("search")
    client = sign_in(producer)
    begun = client.post("/publish/", {"url": discovery}).headers["Location"]
    form = wait_for(
        lambda: client.get(begun, headers={"HX-Request": "true"}).headers.get("HX-Redirect"), 30
    )  # once it is read, the page leads to the form
    browser.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    home = product.get_absolute_url()
    addresses = ("/", "/browse/", "/search/?q=window", f"/search/?q={MARK}", "/domains/", home, "/publish/", form,
                 "/publish/mine/", f"/publish{home.removeprefix('/products')}edit/")  # fmt: skip
    shown = [_visit(browser, f"{live_server.url}{address}") for address in addresses]
    # The registry takes tags out of what is registered; what is left of them is shown as it is.
    with_text = {address for address, text in zip(addresses, shown, strict=True) if MARK in text}
    assert {"/browse/", home, "/publish/mine/", form} <= with_text
    assert troubles == []
    assert house.canary.connections == 0
