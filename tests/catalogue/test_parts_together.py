"""One question of the browser is for all live parts of a product's page: it gets those that changed, and no others."""

import html
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, cast

import pytest
from django.db import connection
from django.http import HttpResponse
from django.template import loader
from django.test import Client
from django.test.utils import CaptureQueriesContext
from playwright.sync_api import Page, Route, expect

from marketplace.accounts.models import User
from marketplace.catalogue.live_parts import Polling
from marketplace.catalogue.page_parts import PARTS
from marketplace.live import cache
from marketplace.live import services as live
from marketplace.live.errors import Problem
from marketplace.live.state import LiveProduct, Part
from registry.models import Product
from tests.live.gateways import gateway
from tests.live.hostile import Server, answer

SetupProduct = Callable[..., Product]
Ask = Callable[[Product], None]
Fragment = Callable[..., str]
SignIn = Callable[[User | None], Client]
Question = Callable[[str], str]

NOWHERE = "http://127.0.0.1:9/discover"
NEXT = re.compile(r'id="live-parts"[^>]* hx-get="([^"]+)" hx-trigger="load delay:(\d+)ms, retry"')


@pytest.fixture
def question(client: Client) -> Question:
    """Asks as htmx does."""

    def get(address: str) -> str:
        found = client.get(address, headers={"HX-Request": "true"})
        assert found.status_code == 200
        return found.content.decode()

    return get


def following(page: str) -> str:
    """The address that is asked next; empty where nothing is."""
    found = NEXT.search(page)
    return html.unescape(found[1]) if found else ""


def places(said: str) -> list[str]:
    """The names of the parts in an answer."""
    return re.findall(r'id="live-(\w+)" hx-swap-oob="true"', said)


def first_of(client: Client, product: Product) -> str:
    address = following(client.get(product.get_absolute_url()).content.decode())
    assert address.startswith(f"{product.get_absolute_url()}live/?n=1")
    return address


def waits_since(product: Product, seconds: float) -> None:
    then = str(time.time() - seconds)
    record = cache.key(live.subject_of(product.pk))
    cache.client().run(lambda conn: conn.hset(record, items=["asked_at", then, "waiting_since", then]))


def test_a_product_that_has_answered_needs_one_question(
    client: Client, linked_product: SetupProduct, server: Server, ask: Ask, question: Question
) -> None:
    product = linked_product(gateway(server))
    ask(product)
    said = question(first_of(client, product))
    assert places(said) == list(PARTS)
    assert following(said) == ""
    for words in (
        "Rain contract",
        "Rain of each day.",
        "Questions answered",
        "Ada",
        f"{product.get_absolute_url()}art",
    ):
        assert words in said
    assert "aria-busy" not in said
    assert 'id="first-action" hx-swap-oob="true"' in said


def test_each_part_is_as_it_is_alone(
    client: Client, linked_product: SetupProduct, server: Server, ask: Ask, question: Question, fragment: Fragment
) -> None:
    product = linked_product(gateway(server))
    ask(product)

    def bare(text: str) -> str:
        for pattern in (r' hx-swap-oob="true"', r' data-announce="[^"]*"', r">(now|\d+ s ago)<", r"\s+"):
            text = re.sub(pattern, "", text)
        return text

    said = bare(question(first_of(client, product)))
    for name in PARTS:
        assert bare(fragment(product, name)).rpartition("</div>")[0] in said


def test_what_the_browser_has_is_not_sent_again_and_costs_no_query(
    client: Client, linked_product: SetupProduct, server: Server, ask: Ask, question: Question
) -> None:
    product = linked_product(gateway(server))
    page = client.get(product.get_absolute_url()).content.decode()  # no worker runs: all is awaited
    with CaptureQueriesContext(connection) as queries:
        said = question(following(page))
    assert len(queries) == 0
    assert places(said) == []
    again = following(said)
    assert "n=2" in again
    ask(product)
    assert places(question(again)) == list(PARTS)


def test_a_part_that_arrives_later_is_sent_alone(
    client: Client, linked_product: SetupProduct, server: Server, ask: Ask, question: Question
) -> None:
    product = linked_product(gateway(server))
    ask(product)
    subject = live.subject_of(product.pk)
    metrics = cache.read(subject).seen["metrics"]
    cache.client().run(lambda conn: conn.hdel(cache.key(subject), "seen:metrics"))
    cache.begin(subject, metrics.at)  # a worker is at it
    cache.client().run(lambda conn: conn.hset(cache.key(subject), "asked_at", str(metrics.at - 0.001)))
    said = question(first_of(client, product))
    assert places(said) == list(PARTS)
    again = following(said)
    assert again
    cache.write_seen(subject, "metrics", metrics)
    assert places(question(again)) == ["card", "health"]


def test_one_who_waits_is_told_how_long(client: Client, linked_product: SetupProduct, question: Question) -> None:
    product = linked_product(NOWHERE)
    address = first_of(client, product)
    waits_since(product, 1.4)
    said = question(address)
    assert places(said) == list(PARTS)
    assert re.search(r"Asked 1\.[45678] s ago, waiting", said)
    assert 'aria-busy="true"' in said
    assert "data-announce" not in said  # nothing has arrived
    assert places(question(following(said))) == []


def test_one_who_reads_what_was_seen_before_is_not_disturbed(
    client: Client, linked_product: SetupProduct, server: Server, ask: Ask, question: Question
) -> None:
    product = linked_product(gateway(server))
    ask(product)
    cache.begin(live.subject_of(product.pk), time.time())  # a worker is at it again
    waits_since(product, 1.2)
    said = question(first_of(client, product))
    assert places(said) == list(PARTS)
    waits_since(product, 2.7)
    assert places(question(following(said))) == []


def test_the_questions_become_fewer_and_end(client: Client, linked_product: SetupProduct, question: Question) -> None:
    product = linked_product(NOWHERE)
    said = client.get(product.get_absolute_url()).content.decode()
    delays, number = [], 0
    while found := NEXT.search(said):
        number += 1
        delays.append(int(found[2]))
        said = question(html.unescape(found[1]))
    assert delays == sorted(delays, key=lambda delay: delay > 120)
    assert delays[-1] == 1000
    assert 20_000 <= sum(delays) <= 40_000
    assert number == 32
    assert places(said) == list(PARTS)
    assert "has not answered so far" in said
    assert f'hx-get="{product.get_absolute_url()}live/?again" hx-target="#live-parts"' in said
    assert "aria-busy" not in said
    again = question(f"{product.get_absolute_url()}live/?again")
    assert "Still no answer" in again
    assert "again" in following(again)


def test_what_arrives_is_said_once_for_all(
    client: Client, linked_product: SetupProduct, server: Server, ask: Ask, question: Question
) -> None:
    product = linked_product(gateway(server, health=answer("broken", status=503)))
    ask(product)
    said = re.findall(r'data-announce="([^"]*)"', question(first_of(client, product)))
    assert len(said) == 1
    assert said[0].startswith("Live: In short, About, Artifacts, Contract, Team and support, History. Does not answer ")
    assert said[0].endswith(": Health.")


@pytest.mark.parametrize(
    "have", ["", ".", "x", "." * 3000, "00000000.00000000", "%00", "%F0%9F%8C%A7", "../../etc", "<script>", "a&n=-1"]
)
def test_odd_words_of_the_browser_get_everything(
    client: Client, linked_product: SetupProduct, server: Server, ask: Ask, question: Question, have: str
) -> None:
    product = linked_product(gateway(server))
    ask(product)
    said = question(f"{product.get_absolute_url()}live/?n=99999999&have={have}")
    assert places(said) == list(PARTS)
    assert "<script>" not in said


def test_a_browser_without_scripts_is_led_to_the_page(client: Client, linked_product: SetupProduct) -> None:
    product = linked_product(NOWHERE)
    found = client.get(f"{product.get_absolute_url()}live/?again")
    assert isinstance(found, HttpResponse)
    assert found.status_code == 302
    assert found.headers["Location"] == product.get_absolute_url()


def test_parts_of_a_draft_are_its_teams(
    setup_product: SetupProduct, sign_in: SignIn, teammate: User, outsider: User
) -> None:
    address = f"{setup_product(published=False).get_absolute_url()}live/"
    for person, status in ((None, 404), (outsider, 404), (teammate, 200)):
        assert sign_in(person).get(address, headers={"HX-Request": "true"}).status_code == status


def test_what_costs_no_query_tells_nobody_of_a_draft(
    linked_product: SetupProduct, sign_in: SignIn, teammate: User, question: Question
) -> None:
    draft = linked_product(NOWHERE, published=False)
    page = sign_in(teammate).get(draft.get_absolute_url()).content.decode()
    stranger = sign_in(None)
    for address in (following(page), f"{draft.get_absolute_url()}live/?n=1&p={draft.pk}&have=00000000"):
        answered = stranger.get(address, headers={"HX-Request": "true"})
        assert answered.status_code == 404 or places(answered.content.decode()) == []
        assert draft.title not in answered.content.decode()


@pytest.mark.parametrize("number", ["", "0", "-1", "1e3", "9" * 15, "9" * 400, "\u0663", "x", "%00"])
def test_an_odd_number_of_a_product_is_no_matter(
    client: Client, linked_product: SetupProduct, server: Server, ask: Ask, question: Question, number: str
) -> None:
    product = linked_product(gateway(server))
    ask(product)
    assert places(question(f"{product.get_absolute_url()}live/?n=1&p={number}&have=")) == list(PARTS)


def others(name: str, found: LiveProduct) -> Iterator[tuple[str, LiveProduct]]:
    """The product with one part changed that the section of this name does not read, for each such part."""
    read = PARTS[name].reads(found)
    for field in ("index", "metadata", "artifacts", "contract_list", "health", "metrics"):
        part = getattr(found, field)
        if part not in read:
            other = Part(part.name, "down", problem=Problem("slow", "Other.", "Else."))
            yield field, replace(found, **cast(Any, {field: other}))
    if not set(map(id, found.contracts)) & set(map(id, read)):
        yield "contracts", replace(found, contracts=())


@pytest.mark.parametrize("name", PARTS)
def test_a_section_shows_nothing_but_the_parts_that_it_names(
    name: str, linked_product: SetupProduct, server: Server, ask: Ask
) -> None:
    product = linked_product(gateway(server))
    ask(product)
    found = live.look(product.pk)
    section = PARTS[name]

    def shown(seen: LiveProduct) -> str:
        context = {"live": section.head(seen, Polling("/x/")), **section.body(product, seen)}
        return str(loader.get_template(section.template or section.frame).render(context))

    assert {field for field, changed in others(name, found) if shown(changed) != shown(found)} == set()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_page_whose_parts_fail_says_so_and_goes_on(
    page: Page, live_server: Any, linked_product: SetupProduct, server: Server, ask: Ask
) -> None:
    product = linked_product(gateway(server))
    ask(product)
    refused = 0

    def refuse(route: Route) -> None:
        nonlocal refused
        refused += 1
        route.abort() if refused == 1 else route.fulfill(status=500) if refused == 2 else route.continue_()

    page.route("**/live/?*", refuse)
    page.goto(f"{live_server.url}{product.get_absolute_url()}")
    boxes = page.get_by_text("This part could not be loaded.")
    expect(boxes).to_have_count(len(PARTS))
    page.get_by_role("button", name="Try again").first.click()  # one try is for all, since none was answered
    expect(boxes).to_have_count(len(PARTS))
    page.locator("#artifacts").get_by_role("button", name="Try again").click()  # an error: this one by itself
    expect(page.locator("#artifacts")).to_contain_text("answered in")
    expect(boxes).to_have_count(len(PARTS) - 1)
    page.reload()
    expect(page.locator("#contract")).to_contain_text("Rain contract")
    expect(page.locator("#announcer")).to_have_text(re.compile("^Live: In short, About"))
    expect(page.locator("[aria-busy]")).to_have_count(0)
    expect(page.locator("[hx-trigger^='load']")).to_have_count(0)
