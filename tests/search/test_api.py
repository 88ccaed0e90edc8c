"""GET /api/v1/search/."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from registry.models import Product

URL = "/api/v1/search/"


@pytest.fixture
def rain(findable: Callable[..., Product]) -> Product:
    findable("wind", title="Wind speed")
    return findable(
        "daily-rain", title="Daily rainfall", summary="Rain of each day.", tags=["daily"], access_mode="open"
    )


def get(client: Client, **query: Any) -> dict[str, Any]:
    answer = client.get(URL, query)
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def test_a_hit_carries_the_product_and_the_reasons(client: Client, rain: Product) -> None:
    body = get(client, q="rainfall")
    assert (body["count"], body["mode"], body["question"]) == (1, "text", "rainfall")
    hit = body["results"][0]
    assert hit["product"] == {
        "urn": "urn:dp:precipitation:daily-rain",
        "domain": "precipitation",
        "name": "daily-rain",
        "title": "Daily rainfall",
        "summary": "Rain of each day.",
        "type": "",
        "owner": "Climate Data Office",
        "tags": ["daily"],
        "lifecycle": "published",
        "access_mode": "open",
        "url": "/products/precipitation/daily-rain/",
    }
    assert hit["reasons"][0] == {"kind": "title", "text": "title matches rainfall", "words": ["rainfall"]}


def test_filters_pages_and_facets(client: Client, rain: Product) -> None:
    assert get(client, tag=["daily"], domain="climate", access="open")["count"] == 1
    body = get(client, page=2, page_size=1, facets="true")
    assert (body["count"], len(body["results"])) == (2, 1)
    assert body["facets"]["domains"][0] == {"value": "climate", "label": "Climate", "count": 2}
    assert get(client, page=10_000)["results"] == []


def test_nothing_found_names_ways_on(client: Client, rain: Product) -> None:
    body = get(client, q="rainfall", tag="hourly")
    assert body["results"] == []
    assert body["suggestions"]["products"][0]["name"] == "daily-rain"
    assert body["suggestions"]["loosen"] == [{"name": "tag", "value": "hourly"}]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"type": "odd"}, "type"),
        ({"access": "odd"}, "access"),
        ({"page": "0"}, "page"),
        ({"page_size": "x"}, "page_size"),
    ],
)
def test_what_does_not_fit_is_a_problem_document(client: Client, db: None, query: dict[str, str], field: str) -> None:
    answer = client.get(URL, query)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert field in answer.json()["errors"]


@pytest.mark.parametrize("typed", ["x" * 10_000, "\x00", "😀", "' OR 1=1 --", "& | !"])
def test_odd_questions_get_an_answer(client: Client, rain: Product, typed: str) -> None:
    body = get(client, q=typed)
    assert body["notes"]


def test_a_visitor_may_ask_and_nobody_may_write(client: Client, db: None) -> None:
    get(client, q="rain")
    assert client.post(URL).status_code in {403, 405}
