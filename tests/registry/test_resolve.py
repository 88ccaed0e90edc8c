"""The resolver: the mesh's DNS."""

import pytest

from registry import services
from registry.services import LinkData

ADDRESS = "/api/v1/resolve/precipitation/daily-rain"
LINKS = [
    LinkData("discovery", "https://gateway.example/discover", "application/json"),
    LinkData("documentation", "https://docs.example/rain"),
]


@pytest.fixture
def product(setup_product):
    return setup_product(links=LINKS)


def test_an_address_resolves_to_links(client, product):
    answer = client.get(ADDRESS)
    assert answer.status_code == 200
    assert answer.json()["urn"] == "urn:dp:precipitation:daily-rain"
    assert [(link["rel"], link["url"]) for link in answer.json()["links"]] == [(x.rel, x.url) for x in LINKS]


def test_a_relation_redirects(client, product):
    answer = client.get(ADDRESS, {"rel": "discovery"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://gateway.example/discover")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{ADDRESS}?rel=control", 404),
        (f"{ADDRESS}?rel=nonsense", 400),
        ("/api/v1/resolve/precipitation/nothing", 404),
        ("/api/v1/resolve/nowhere/daily-rain", 404),
    ],
)
def test_what_does_not_resolve_is_a_problem_document(client, product, path, status):
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == status


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (None, 404),
        ("consumer", 404),
        ("outsider", 404),
        ("steward", 404),
        ("producer", 200),
        ("teammate", 200),
        ("admin", 200),
    ],
)
def test_a_draft_resolves_for_its_team_only(setup_product, sign_in, request, who, status):
    setup_product(published=False)
    person = request.getfixturevalue(who) if who else None
    assert sign_in(person).get(ADDRESS).status_code == status


def test_a_retired_address_is_gone(client, product, producer):
    services.deprecate(producer, product)
    assert client.get(ADDRESS).status_code == 200
    services.retire(producer, product)
    assert client.get(ADDRESS).status_code == 410


def test_the_number_of_queries_is_small_and_constant(client, setup_product, django_assert_num_queries):
    setup_product(links=[LinkData("source", f"https://example.org/{n}") for n in range(15)])
    with django_assert_num_queries(1):  # the product with its tags and links
        client.get(ADDRESS)
