"""Pages of one document: a contract readable to its last word, the original byte for byte, a life in order."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from marketplace.accounts.models import User
from marketplace.catalogue import addresses, unsaid
from marketplace.catalogue.timeline import entries
from marketplace.live import originals
from marketplace.live import services as live
from marketplace.live.formats import recognise
from marketplace.live.parsing import parse
from marketplace.notices.words import WORDS
from registry import events, services
from registry.models import Product
from tests.live.gateways import CONTRACT, ODPS, gateway
from tests.live.hostile import Server, answer

SetupProduct = Callable[..., Product]
SignIn = Callable[[User | None], Client]
Ask = Callable[[Product], None]
Fragment = Callable[..., str]

WHOLE: dict[str, Any] = {
    **CONTRACT,
    "tenant": "Acme", "dataProduct": "daily-rain", "contractCreatedTs": "2024-02-12T08:00:00Z", "tags": ["wet"],
    "description": {"purpose": "To promise", "limitations": "Not for boats", "usage": "Sum it"},
    "schema": [{
        "name": "rain", "businessName": "Rain days", "dataGranularityDescription": "a day", "physicalName": "t_rain",
        "properties": [{
            "name": "mm", "businessName": "Millimetres", "logicalType": "number", "physicalType": "DOUBLE",
            "physicalName": "c_mm", "primaryKey": True, "primaryKeyPosition": 2, "required": True, "unique": True,
            "classification": "restricted", "criticalDataElement": True, "partitioned": True, "examples": [3.5],
            "transformLogic": "in * 25.4", "semanticType": "measure",
            "customProperties": [{"property": "owner-of", "value": "odd"}],
            "logicalTypeOptions": {"minimum": 0, "pattern": "[0-9]+"}, "tags": ["liquid"],
            "authoritativeDefinitions": [{"type": "businessDefinition", "url": "https://x.example/mm"}],
            "quality": [{"type": "sql", "description": "Never a flood", "query": "SELECT 1 FROM x", "mustBe": 0,
                         "businessImpact": "Wet feet", "severity": "error", "schedule": "0 5 * * *"}],
        }],
        "customProperties": [{"property": "schema-extra", "value": "kept"}],
    }],
    "slaProperties": [{"property": "availability", "value": 99.5, "unit": "percent", "driver": "regulatory"},
                      {"property": "endOfSupport", "value": "2031-05-01"}],
    "servers": [{"server": "warehouse", "type": "postgres", "environment": "prod", "host": "db.example", "port": 5432,
                 "database": "climate", "schema": "public", "oddKey": "odd-value"}],
    "price": {"priceAmount": 9.95, "priceCurrency": "EUR", "priceUnit": "megabyte"},
    "team": {"members": [{"username": "ada", "name": "Ada", "role": "Owner", "dateIn": "2020-01-01"},
                         {"username": "bob", "dateIn": "2019-01-01", "dateOut": "2020-01-01",
                          "replacedByUsername": "ada"}]},
    "roles": [{"role": "reader", "access": "read", "firstLevelApprovers": "Grace", "description": "May look"}],
    "support": [{"channel": "#rain", "tool": "slack", "url": "https://chat.example/rain", "scope": "issues",
                 "invitationUrl": "https://chat.example/join"}],
    "authoritativeDefinitions": [{"type": "policy", "url": "https://x.example/policy", "description": "The policy"}],
    "customProperties": [{"property": "own-property", "value": {"deep": ["down"]}}],
    "surprise": {"never": "heard of"},
}  # fmt: skip


@pytest.fixture
def rain(linked_product: SetupProduct, server: Server, ask: Ask) -> Product:
    """A product with one contract that uses all of ODCS."""
    measured = {"requests": {"byStatus": {"200": 10}}}
    product = linked_product(gateway(server, contract=answer(WHOLE), metrics=answer(measured)))
    ask(product)
    return product


def contract_url(product: Product) -> str:
    return addresses.contract(product, live.look(product.pk, ask=False).contracts[0].name)


def words(value: Any) -> set[str]:
    """All texts and numbers of a document."""
    if isinstance(value, dict):
        return set().union(*map(words, value.values()))
    if isinstance(value, list):
        return set().union(*map(words, value))
    return {str(value)} if value is not True else set()


def test_no_word_of_a_contract_is_lost(client: Client, rain: Product) -> None:
    shown = client.get(contract_url(rain)).content.decode()
    told = {
        "2024-02-12T08:00:00Z": "12 Feb 2024, 08:00 UTC", "2031-05-01": "1 May 2031", "2020-01-01": "1 Jan 2020",
        "2019-01-01": "1 Jan 2019", "0": "at least 0", "2": "part 2", "DataContract": "ODCS v3.2.0",
        "businessDefinition": "business definition",
    }  # fmt: skip
    assert len(words(WHOLE)) > 60
    for word in words(WHOLE):
        assert told.get(word, word) in shown, word
    assert "9.95 EUR per megabyte" in shown
    assert "100 % of 10 answers" in shown
    for heading in ("Schema", "Quality", "Service levels", "Servers", "Roles", "People", "Everything else it says"):
        assert f">{heading}<" in shown


def test_a_contract_that_is_not_there_is_not_found(client: Client, rain: Product) -> None:
    assert client.get(f"{rain.get_absolute_url()}contracts/contract-0000/").status_code == 404
    assert client.get(f"{rain.get_absolute_url()}contracts/index/").status_code == 404


def test_before_the_product_has_answered_the_contract_waits(client: Client, linked_product: SetupProduct) -> None:
    product = linked_product("http://127.0.0.1:9/discover")
    shown = client.get(f"{product.get_absolute_url()}contracts/contract-00/").content.decode()
    assert 'hx-trigger="load' in shown


ODD = b'\xef\xbb\xbf{\r\n  "kind" : "DataProduct", "x": "</pre><script>window.ran=1</script>"}\r\n\r\n'


def test_the_original_is_one_click_away_byte_for_byte(
    client: Client, linked_product: SetupProduct, server: Server, ask: Ask, fragment: Fragment
) -> None:
    product = linked_product(gateway(server, metadata=answer(ODD)))
    ask(product)
    url = addresses.original(product, "metadata")
    assert url in fragment(product, "about")
    assert "Asking the product" in client.get(url).content.decode()
    originals.refresh(product.pk, server.url("/discover/metadata"))
    page = client.get(url).content.decode()
    assert "&lt;/pre&gt;&lt;script&gt;" in page
    assert "<script>window" not in page
    kept = client.get(f"{url}?download")
    assert kept.content == ODD
    assert kept["Content-Type"] == "text/plain"
    assert kept["X-Content-Type-Options"] == "nosniff"
    assert kept["Content-Disposition"] == 'attachment; filename="metadata.json"'
    assert kept["Content-Security-Policy"] == "sandbox; default-src 'none'"


@pytest.mark.parametrize("part", ["index", "metadata", "artifacts", "health", "metrics"])
def test_every_interface_has_its_original(client: Client, rain: Product, part: str) -> None:
    assert client.get(addresses.original(rain, part)).status_code == 200


def test_pages_of_a_draft_are_its_teams(
    rain: Product, sign_in: SignIn, producer: User, outsider: User, teammate: User
) -> None:
    services.VERBS["retire"](producer, services.VERBS["deprecate"](producer, rain))
    paths = [contract_url(rain), addresses.original(rain, "metadata"), f"{rain.get_absolute_url()}live-schema/?of=x"]
    for person in (None, outsider):
        for path in paths:
            assert sign_in(person).get(path).status_code == 404
    assert sign_in(teammate).get(paths[0]).status_code == 200


def test_only_reading_is_allowed(client: Client, rain: Product) -> None:
    for path in (contract_url(rain), addresses.original(rain, "index"), f"{rain.get_absolute_url()}live-schema/"):
        assert client.post(path).status_code == 405


def test_the_history_tells_what_happened_and_what_is_dated(rain: Product, producer: User, fragment: Fragment) -> None:
    services.VERBS["pause"](producer, rain)
    events.record("access.requested", rain.urn, producer, purpose="between two parties")
    told = entries(rain, live.look(rain.pk, ask=False))
    times = [entry.when for entry in told]
    assert times == sorted(times, reverse=True)
    assert told[0].text == "End of support"
    assert told[0].planned
    shown = fragment(rain, "history")
    for said in ("Paused", "Published in the marketplace", "Contract written", "12 Feb 2024", "planned"):
        assert said in shown
    assert "between two parties" not in shown
    assert producer.username not in shown
    assert not any(type.startswith("access.") for type in WORDS)


def test_the_history_begins_where_everybody_may_know_of_it(
    setup_product: SetupProduct, producer: User, client: Client, sign_in: SignIn
) -> None:
    draft = setup_product("draft-rain", published=False)
    events.record("slo.breached", draft.urn, None)
    path = f"{draft.get_absolute_url()}live/history/"
    assert "Service level objective missed" in sign_in(producer).get(path).content.decode(), "the owner's alone"
    services.publish(producer, draft)
    events.record("health.degraded", draft.urn, None)
    shown = client.get(path).content.decode()
    assert "Published in the marketplace" in shown
    assert "Health got worse" in shown
    assert "Service level objective missed" not in shown


def test_the_card_says_until_when_it_is_supported(rain: Product, fragment: Fragment) -> None:
    card = " ".join(fragment(rain, "card").split())
    assert '<dt>End of support</dt><dd><time datetime="2031-05-01">1 May 2031</time></dd>' in card


def test_fragments_cost_the_same_queries_whatever_the_product_has(
    client: Client, linked_product: SetupProduct, server: Server, ask: Ask, producer: User
) -> None:
    product = linked_product(gateway(server))
    ask(product)
    paths = [f"{product.get_absolute_url()}live/{part}/" for part in ("about", "contract", "health", "history", "card")]
    paths += [contract_url(product), addresses.original(product, "index")]

    def costs() -> list[int]:
        found = []
        for path in paths:
            with CaptureQueriesContext(connection) as queries:
                assert client.get(path, headers={"HX-Request": "true"}).status_code == 200
            found.append(len(queries))
        return found

    small = costs()
    assert max(small) <= 4
    columns = [{"name": f"c{n}", "description": "x"} for n in range(300)]
    ports = [{"name": f"in{n}", "contractId": f"c{n}"} for n in range(50)]
    gateway(
        server,
        contract=answer({**CONTRACT, "schema": [{"name": "s", "properties": columns}]}),
        metadata=answer({**ODPS, "inputPorts": ports}),
    )
    ask(product)
    for _ in range(10):
        events.record("product.updated", product.urn, producer)
    assert costs() == small


def test_what_a_document_does_not_say_is_said(rain: Product, fragment: Fragment) -> None:
    shown = fragment(rain, "about")
    assert "It does not say: license, policies, where and when, how often it changes." in shown


def test_invalid_documents_are_shown_with_the_places(
    linked_product: SetupProduct, server: Server, ask: Ask, fragment: Fragment, client: Client
) -> None:
    product = linked_product(gateway(server, contract=answer({**CONTRACT, "status": 7, "servers": "<script>"})))
    ask(product)
    shown = fragment(product, "contract")
    assert "not as ODCS v3.2.0 wants" in shown
    assert "servers" in shown
    assert "<script>" not in shown


@pytest.mark.parametrize("standard", sorted(unsaid.CANNOT))
def test_no_real_document_says_what_its_format_is_said_to_have_no_place_for(shared_data: Any, standard: str) -> None:
    """Held against every descriptor of the shared collection that is of the format."""
    seen = 0
    for path in sorted((shared_data / "descriptors").rglob("*")):
        if not path.is_file() or path.stat().st_size > 400_000:
            continue
        try:
            document = parse(path.read_bytes(), "", None, "https://x.example/d")
            product = recognise(document).product(document, "https://x.example/d")
        except Exception:  # noqa: S112 - what cannot be read has no view; tests of the formats see to it
            continue
        if not product.standard.startswith(standard) or (standard == "DCAT" and product.standard.startswith("DCAT-US")):
            continue
        seen += 1
        told = unsaid.Told(product, product.artifacts, [])
        said = {name for name in unsaid.CANNOT[standard] if unsaid.WANTED[name](told)}
        assert not said, (path, said)
    if not seen:
        pytest.skip("the shared collection has no document of this format")
