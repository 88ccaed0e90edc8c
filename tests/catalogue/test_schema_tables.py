"""Schemas as searchable tables: one column or two thousand, nested or flat, of a contract or of an artifact itself."""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from marketplace.catalogue.bounds import Bounds
from marketplace.catalogue.schemas import PAGE, Wanted, matching, table
from marketplace.live.view import Column, SchemaView
from registry.models import Product
from tests.live.gateways import CONTRACT, gateway
from tests.live.hostile import Server, answer

SetupProduct = Callable[..., Product]
Ask = Callable[[Product], None]
Fragment = Callable[..., str]


def column(path: str, depth: int = 0, **said: object) -> Column:
    return Column(path.rpartition(".")[2], path, depth, **said)  # type: ignore[arg-type]


TREE = [
    column("id"),
    column("address"),
    column("address.city", 1, description="Where it rains"),
    column("address.geo", 1),
    column("address.geo.lat", 2),
    column("amount", 0, required=True),
]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], ["id", "address", "address.city", "address.geo", "address.geo.lat", "amount"]),
        (["lat"], ["address", "address.geo", "address.geo.lat"]),
        (["rains"], ["address", "address.city"]),
        (["address"], ["address", "address.city", "address.geo", "address.geo.lat"]),
        (["required"], ["amount"]),
        (["lat", "city"], []),
    ],
)
def test_a_hit_is_shown_below_what_it_is_part_of(words: list[str], found: list[str]) -> None:
    assert [column.path for column in matching(TREE, words)] == found


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from("abc")), max_size=30), st.sampled_from("abc"))
def test_a_search_keeps_the_order_and_every_hit_once(drawn: list[tuple[int, str]], word: str) -> None:
    columns = [Column(name, f"{place}/{name}", depth) for place, (depth, name) in enumerate(drawn)]
    found = matching(columns, [word])
    places = [columns.index(one) for one in found]
    assert places == sorted(set(places))
    assert [one for one in found if word in one.path] == [one for one in columns if word in one.path]


def test_every_column_can_be_reached_page_by_page() -> None:
    schema = SchemaView("wide", columns=tuple(Column(f"c{n}", f"c{n}") for n in range(2_000)))
    seen: list[str] = []
    page = 1
    while True:
        block = table(schema, 0, "/t/", "contract-x", Wanted(page=page), Bounds())
        seen += [row.name for row in block.columns]
        if not block.next_url:
            break
        page += 1
    assert seen == [f"c{n}" for n in range(2_000)]
    assert page == 2_000 // PAGE


def wide(columns: int) -> dict[str, object]:
    listed = [{"name": f"station_{n}", "logicalType": "string"} for n in range(columns)]
    return {**CONTRACT, "schema": [{"name": "wide", "properties": listed}]}


def test_the_server_searches_and_answers_with_the_table_alone(
    client: Client, linked_product: SetupProduct, server: Server, ask: Ask, fragment: Fragment
) -> None:
    product = linked_product(gateway(server, contract=answer(wide(2_000))))
    ask(product)
    shown = fragment(product, "contract")
    assert "Page 1 of 40" in shown
    assert len(shown) < 120_000
    url = re.search(r'href="([^"]+live-schema/[^"]+)"', shown)
    assert url is not None
    second = client.get(url[1].replace("&amp;", "&"), headers={"HX-Request": "true"})
    assert "station_50<" in second.content.decode()
    assert "<form" not in second.content.decode()
    asked = dict(part.split("=") for part in url[1].partition("?")[2].split("&amp;")) | {
        "q": "STATION_1999",
        "page": "1",
    }
    found = client.get(url[1].partition("?")[0], asked, headers={"HX-Request": "true"})
    assert "1 of 2,000 columns holds" in found.content.decode()
    assert "station_1999" in found.content.decode()
    whole = client.get(url[1].partition("?")[0], asked)  # without scripts: a page with the form and what was asked
    assert "<html" in whole.content.decode()
    assert 'value="STATION_1999"' in whole.content.decode()


@pytest.mark.parametrize("query", ["", "?of=contract-no", "?of=contract:x&n=99999999", "?of=artifact:none&n=-1&page=x"])
def test_a_schema_that_is_not_there_is_not_found(
    client: Client, linked_product: SetupProduct, server: Server, ask: Ask, query: str
) -> None:
    product = linked_product(gateway(server))
    ask(product)
    assert client.get(f"{product.get_absolute_url()}live-schema/{query}").status_code == 404


def test_hostile_names_stay_text(client: Client, linked_product: SetupProduct, server: Server, ask: Ask) -> None:
    script = "<script>alert(1)</script>"
    columns = [{"name": f"{script}{n}", "description": script, "examples": [script]} for n in range(12)]
    product = linked_product(
        gateway(server, contract=answer({**CONTRACT, "schema": [{"name": script, "properties": columns}]}))
    )
    ask(product)
    page = client.get(f"{product.get_absolute_url()}live/contract/").content.decode()
    found = client.get(
        f"{product.get_absolute_url()}live-schema/",
        {"of": re.findall(r'name="of" value="([^"]+)"', page)[0], "q": "<script>"},
    )
    for text in (page, found.content.decode()):
        assert script not in text
        assert "&lt;script&gt;" in text


FRICTIONLESS = {
    "name": "rain",
    "title": "Rain",
    "licenses": [{"name": "CC-BY-4.0", "path": "https://creativecommons.org/licenses/by/4.0/"}],
    "resources": [
        {
            "name": "daily",
            "path": "daily.csv",
            "format": "csv",
            "schema": {
                "fields": [
                    {
                        "name": "station",
                        "type": "string",
                        "description": "Which",
                        "constraints": {"required": True, "enum": ["a", "b"]},
                    },
                    {"name": "mm", "type": "number", "constraints": {"minimum": 0}},
                ],
                "primaryKey": "station",
            },
        }
    ],
}


def test_an_artifact_that_says_its_columns_itself_shows_them(
    client: Client, linked_product: SetupProduct, server: Server, ask: Ask, fragment: Fragment
) -> None:
    product = linked_product(server.route("/datapackage.json", answer(FRICTIONLESS)))
    ask(product)
    page = client.get(f"{product.get_absolute_url()}live/artifacts/", headers={"HX-Request": "true"})
    artifact = page.context["artifacts"][0]
    shown = client.get(
        artifact.url.replace("/artifacts/", "/live-artifact/"), headers={"HX-Request": "true"}
    ).content.decode()
    for words in (
        "station",
        "Which",
        "required",
        "one of a, b",
        "at least 0",
        "primary key",
        "licenses/by/4.0",
        "Download",
    ):
        assert words in shown
    assert f"pd.read_csv(&quot;{server.url('/daily.csv')}&quot;)" in shown
    again = client.get(
        f"{product.get_absolute_url()}live-schema/",
        {"of": f"artifact:{artifact.url.rstrip('/').rpartition('/')[2]}", "q": "mm"},
    )
    assert "at least 0" in again.content.decode()
    about = fragment(product, "about")
    assert "licenses/by/4.0" in about
    assert "has no place for: " in about
